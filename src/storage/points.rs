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

/// Whether a value says that its series has ended.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE.to_bits()
}

/// A sample of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// What; `NaN` and infinities included.
    pub value: f64,
}

/// Samples in the order of time, no two at the same instant.
#[derive(Debug, Clone, Default)]
pub struct Points {
    bytes: Vec<u8>,
    len: usize,
    first: i64,
    last: State,
    /// Samples that came after later ones; not to be seen before `settle`.
    late: Vec<Point>,
}

/// What the next sample is written as a difference to.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    at: i64,
    interval: i64,
    bits: u64,
}

impl Points {
    /// Adds a sample. One that is earlier than the last is not seen before [`Self::settle`].
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
    pub fn settle(&mut self) -> Result<(), i64> {
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
        Ok(())
    }

    /// The samples, first to last.
    pub fn iter(&self) -> Iter<'_> {
        Iter { bytes: &self.bytes, state: State::default() }
    }

    /// The instant of the first sample.
    pub fn first(&self) -> Option<i64> {
        (self.len > 0).then_some(self.first)
    }

    /// The instant of the last sample.
    pub fn last(&self) -> Option<i64> {
        (self.len > 0).then_some(self.last.at)
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
#[derive(Debug, Clone)]
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
            let (bytes, after) = rest.split_at_checked(usize::from(significant))?;
            rest = after;
            let mut xor = [0; 8];
            xor[..bytes.len()].copy_from_slice(bytes);
            self.state.bits ^= u64::from_le_bytes(xor) << (8 * (8 - zeros - significant));
        }
        self.bytes = rest;
        self.state.at = self.state.at.wrapping_add(self.state.interval);
        Some(Point { at: self.state.at, value: f64::from_bits(self.state.bits) })
    }
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
        points.settle().unwrap();
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
            Ok::<_, Contradiction>(points.settle().map(|()| points.len()))
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
    fn what_repeats_costs_a_byte() {
        let points: Points = (0..1000).map(|n| Point { at: n * 1000, value: 7.0 }).collect();
        assert!(points.bytes.len() < 1020, "{}", points.bytes.len());
    }
}
