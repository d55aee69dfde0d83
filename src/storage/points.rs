//! The samples of one series, compressed: what repeats costs a byte.
//!
//! A sample is a control byte, then what it announces. The upper bit says that the interval to
//! the sample before is another one than before: its change follows as a zigzag varint. The
//! other bits are 0 where the value is the same as before; else 1 + 8 × the leading zero bytes
//! of both values' XOR + its significant bytes − 1, and those bytes follow, the last ones first.

use super::Contradiction;

/// What Prometheus writes where a series ends: a `NaN` with these bits.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

const INTERVAL_CHANGES: u8 = 0x80;

/// After how many samples there is another place to begin at.
const STRIDE: usize = 128;

/// Whether a value says that its series has ended.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE.to_bits()
}

/// A sample of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The value; `NaN` and infinities included.
    pub value: f64,
}

/// Samples in the order of time, no two at the same instant.
#[derive(Debug, Clone, Default)]
pub struct Points {
    bytes: Vec<u8>,
    len: usize,
    first: i64,
    last: State,
    /// Places to begin at, so that not everything before an instant has to be read.
    places: Vec<Place>,
    /// Samples that came after later ones; not to be seen before `merge_out_of_order`.
    late: Vec<Point>,
}

/// What the next sample is written as a difference to.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    at: i64,
    interval: i64,
    bits: u64,
}

/// A place in the bytes that is not their beginning.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: usize,
    /// What was there before it.
    before: State,
}

impl State {
    fn point(self) -> Point {
        Point { at: self.at, value: f64::from_bits(self.bits) }
    }
}

impl Points {
    /// Adds a sample. One that is earlier than the last is not seen before [`Self::merge_out_of_order`].
    ///
    /// # Errors
    /// The last sample is of the same instant and has another value.
    pub fn push(&mut self, point: Point) -> Result<(), Contradiction> {
        if self.len == 0 || point.at > self.last.at {
            self.append(point);
        } else if point.at < self.last.at {
            self.late.push(point);
        } else if point.value.to_bits() != self.last.bits {
            return Err(Contradiction);
        }
        Ok(())
    }

    /// Puts the samples that came late into their places, and gives back spare memory.
    ///
    /// # Errors
    /// The instant of which there are two values.
    pub fn merge_out_of_order(&mut self) -> Result<(), i64> {
        if !self.late.is_empty() {
            let mut points: Vec<_> = self.iter().chain(self.late.iter().copied()).collect();
            points.sort_by_key(|point| point.at);
            points.dedup_by_key(|point| (point.at, point.value.to_bits()));
            if let Some(pair) = points.windows(2).find(|pair| pair[0].at == pair[1].at) {
                return Err(pair[0].at);
            }
            *self = points.into_iter().collect();
        }
        self.bytes.shrink_to_fit();
        self.places.shrink_to_fit();
        Ok(())
    }

    /// The samples, first to last.
    pub fn iter(&self) -> Iter<'_> {
        Iter { bytes: &self.bytes, state: State::default() }
    }

    /// The samples after one instant and up to another.
    pub fn between(&self, after: i64, until: i64) -> impl Iterator<Item = Point> {
        let all = match self.place(after) {
            _ if self.last().is_none_or(|last| last <= after) => Iter::default(),
            Some(place) => self.iter_from(place),
            None => self.iter(),
        };
        let recent = all.skip_while(move |point| point.at <= after);
        recent.take_while(move |point| point.at <= until)
    }

    /// The last sample up to an instant.
    pub fn latest(&self, until: i64) -> Option<Point> {
        if self.last()? <= until {
            return Some(self.last.point());
        }
        let (all, before) = match self.place(until) {
            Some(place) => (self.iter_from(place), Some(place.before.point())),
            None => (self.iter(), None),
        };
        all.take_while(|point| point.at <= until).last().or(before)
    }

    /// The last place that has nothing before it that is later than the instant.
    fn place(&self, until: i64) -> Option<Place> {
        let index = self.places.partition_point(|place| place.before.at <= until);
        self.places.get(index.checked_sub(1)?).copied()
    }

    fn iter_from(&self, place: Place) -> Iter<'_> {
        Iter { bytes: self.bytes.get(place.offset..).unwrap_or_default(), state: place.before }
    }

    /// The instant of the first sample.
    pub fn first(&self) -> Option<i64> {
        (self.len > 0).then_some(self.first)
    }

    /// The instant of the last sample.
    pub fn last(&self) -> Option<i64> {
        (self.len > 0).then_some(self.last.at)
    }

    /// Whether there is a sample of an instant.
    pub fn has(&self, at: i64) -> bool {
        self.latest(at).is_some_and(|point| point.at == at)
    }

    /// How many there are, with those that are not to be seen yet.
    pub fn pushed(&self) -> usize {
        self.len + self.late.len()
    }

    /// How many bytes the samples take.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.places) + size_of_val(&*self.late)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn append(&mut self, point: Point) {
        if self.len == 0 {
            self.first = point.at;
        } else if self.len.is_multiple_of(STRIDE) {
            self.places.push(Place { offset: self.bytes.len(), before: self.last });
        }
        let interval = point.at.wrapping_sub(self.last.at);
        let change = interval.wrapping_sub(self.last.interval);
        let bits = point.value.to_bits();
        let xor = bits ^ self.last.bits;
        let zeros = (xor.leading_zeros() / 8).min(7) as u8;
        let skipped = (xor.trailing_zeros() / 8).min(7) as u8;
        // At least one where they differ, or there would be no bit that does.
        let significant = if xor == 0 { 0 } else { 8 - zeros - skipped };
        let mut control = if xor == 0 { 0 } else { 1 + 8 * zeros + (significant - 1) };
        if change != 0 {
            control |= INTERVAL_CHANGES;
        }
        self.bytes.push(control);
        if change != 0 {
            write_varint(&mut self.bytes, change);
        }
        let significant = usize::from(significant);
        self.bytes.extend_from_slice(&(xor >> (8 * skipped)).to_le_bytes()[..significant]);
        self.last = State { at: point.at, interval, bits };
        self.len += 1;
    }
}

impl FromIterator<Point> for Points {
    /// Of points in the order of time, no two at the same instant.
    fn from_iter<T: IntoIterator<Item = Point>>(points: T) -> Self {
        let mut all = Self::default();
        for point in points {
            all.append(point);
        }
        all
    }
}

impl<'a> IntoIterator for &'a Points {
    type Item = Point;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The samples of a series, first to last.
#[derive(Debug, Clone, Default)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    state: State,
}

impl Iterator for Iter<'_> {
    type Item = Point;

    fn next(&mut self) -> Option<Point> {
        let (control, mut rest) = self.bytes.split_first()?;
        if control & INTERVAL_CHANGES != 0 {
            let change = read_varint(&mut rest)?;
            self.state.interval = self.state.interval.wrapping_add(change);
        }
        let shape = control & !INTERVAL_CHANGES;
        if shape != 0 {
            let (zeros, significant) = ((shape - 1) / 8, (shape - 1) % 8 + 1);
            let xor = read_bytes(&mut rest, significant)?;
            self.state.bits ^= xor << (8 * (8 - zeros - significant));
        }
        self.bytes = rest;
        self.state.at = self.state.at.wrapping_add(self.state.interval);
        Some(self.state.point())
    }
}

/// Reads a number of 1 to 8 bytes, the last ones first. Queries spend most of their time here,
/// so eight are read at once where there are as many, and those beyond the number cut off.
fn read_bytes(bytes: &mut &[u8], length: u8) -> Option<u64> {
    let (number, rest) = bytes.split_at_checked(usize::from(length))?;
    let number = match bytes.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight) & (u64::MAX >> (64 - 8 * length)),
        None => number.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    };
    *bytes = rest;
    Some(number)
}

fn write_varint(bytes: &mut Vec<u8>, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        bytes.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    bytes.push(zigzag as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut zigzag = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        zigzag |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(points: &Points) -> Vec<(i64, u64)> {
        points.iter().map(|point| (point.at, point.value.to_bits())).collect()
    }

    #[test]
    fn samples_come_back_bit_by_bit_in_the_order_of_time() {
        let mut samples = vec![(i64::MIN, 0.0), (-1, -0.0), (0, f64::NAN), (1, STALE)];
        let mut random = 1_u64;
        for step in 0..10_000_i64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step as u64);
            let value = match random >> 62 {
                0 => f64::from_bits(random),
                1 => (random >> 40) as f64,
                2 => 0.5,
                _ => f64::INFINITY,
            };
            samples.push((2 + step * 1000 + (random >> 55) as i64, value));
        }
        samples.push((i64::MAX, f64::MIN_POSITIVE));
        let expected: Vec<_> = samples.iter().map(|(at, value)| (*at, value.to_bits())).collect();
        let mut points = Points::default();
        let (late, early): (Vec<_>, Vec<_>) =
            samples.iter().enumerate().partition(|(index, _)| index % 1000 == 3);
        for (_, (at, value)) in early.into_iter().chain(late) {
            points.push(Point { at: *at, value: *value }).unwrap();
        }
        points.merge_out_of_order().unwrap();
        assert_eq!(bits(&points), expected);
        assert_eq!((points.first(), points.last()), (Some(i64::MIN), Some(i64::MAX)));
        assert_eq!(points.len(), samples.len());
    }

    #[test]
    fn an_instant_has_one_value() {
        let push = |instants: &[(i64, f64)]| {
            let mut points = Points::default();
            for (at, value) in instants {
                points.push(Point { at: *at, value: *value })?;
            }
            Ok::<_, Contradiction>(points.merge_out_of_order().map(|()| points.len()))
        };
        assert_eq!(push(&[(1, 1.0), (2, 1.0), (2, 1.0), (1, 1.0)]), Ok(Ok(2)));
        assert_eq!(push(&[(1, 1.0), (2, 1.0), (2, 2.0)]), Err(Contradiction));
        assert_eq!(push(&[(1, 1.0), (2, 1.0), (1, 2.0)]), Ok(Err(1)));
        assert_eq!(push(&[(3, 1.0), (2, 1.0), (2, 2.0)]), Ok(Err(2)));
        // NaN agrees with itself, and 0 is not -0.
        assert_eq!(push(&[(1, f64::NAN), (1, f64::NAN)]), Ok(Ok(1)));
        assert_eq!(push(&[(1, 0.0), (1, -0.0)]), Err(Contradiction));
    }

    #[test]
    fn samples_are_found_wherever_they_are() {
        for len in [0, 1, 2, STRIDE - 1, STRIDE, STRIDE + 1, 2 * STRIDE, 3 * STRIDE + 7] {
            // Every third instant, an interval of 1 and one of 5 in turn.
            let instants = (0..len as i64).map(|n| n * 3 + n % 2 * 2);
            let points: Points = instants.map(|at| Point { at, value: at as f64 }).collect();
            let all: Vec<_> = points.iter().collect();
            let edges = [i64::MIN, -1].into_iter().chain(0..len as i64 * 3 + 4).chain([i64::MAX]);
            for until in edges {
                let latest = all.iter().rfind(|point| point.at <= until);
                assert_eq!(points.latest(until).as_ref(), latest, "{len}: {until}");
                for back in [0, 1, 4, 400, i64::MAX] {
                    let after = until.saturating_sub(back);
                    let found: Vec<_> = points.between(after, until).collect();
                    let is_meant = |point: &&Point| point.at > after && point.at <= until;
                    let meant: Vec<_> = all.iter().filter(is_meant).copied().collect();
                    assert_eq!(found, meant, "{len}: {after} to {until}");
                }
            }
        }
    }

    #[test]
    fn what_repeats_costs_a_byte() {
        let points: Points = (0..1000).map(|n| Point { at: n * 1000, value: 7.0 }).collect();
        assert!(points.bytes.len() < 1020, "{}", points.bytes.len());
    }
}
