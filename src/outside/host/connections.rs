//! Which connections wait for an answer, and how many requests came, judged from what TCP counts.
//!
//! A connection whose last data came later than its last data went waits for an answer. The
//! kernel's clock is coarse (4 ms at 250 Hz): where both fell into one tick, the segments decide.
//! How many segments an answer takes is learned where the clock was clear. It is taken for granted
//! that requests do not overlap on a connection (HTTP/1).

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use super::Accepted;
use super::rows::{Counts, Row, State};

/// A connection: the service's end, and the client's.
pub(super) type Ends = (SocketAddr, SocketAddr);

/// No tick of a kernel's clock is longer (100 Hz), with the rounding.
const TICK_MS: u32 = 12;

/// What is known of the connections of a port.
#[derive(Debug, Default)]
pub(super) struct Connections {
    known: HashMap<Ends, Known>,
    /// How many segments answers take, over all connections.
    answers: Answers,
    has_looked: bool,
}

/// What is known of a connection.
#[derive(Debug, Default, Clone)]
struct Known {
    /// Segments in and out at a moment at which all that had come was answered.
    answered: Option<(u32, u32)>,
    answers: Answers,
    /// Segments in and out at the look before.
    before: (u32, u32),
    /// Segments out when a request was counted last.
    counted_at: Option<u32>,
    was_active: Option<bool>,
}

/// How many segments out belong to one in, from step to step between moments of rest.
#[derive(Debug, Default, Clone, Copy)]
struct Answers {
    /// The least and the most.
    range: Option<(f64, f64)>,
    /// The smallest step: more than one request may be in it, never less.
    step: Option<(u32, u32)>,
}

impl Answers {
    fn learn(&mut self, segments_in: u32, segments_out: u32) {
        let ratio = f64::from(segments_out) / f64::from(segments_in);
        let (least, most) = self.range.unwrap_or((ratio, ratio));
        self.range = Some((least.min(ratio), most.max(ratio)));
        let (step_in, step_out) = self.step.unwrap_or((segments_in, segments_out));
        self.step = Some((step_in.min(segments_in), step_out.min(segments_out)));
    }
}

impl Connections {
    /// Judges the rows of a look, and forgets the connections that are gone; which those are.
    pub(super) fn look(
        &mut self,
        rows: &[Row],
        ours: &HashSet<SocketAddr>,
    ) -> (Vec<Accepted>, Vec<Ends>) {
        let is_first = !std::mem::replace(&mut self.has_looked, true);
        let mut before = std::mem::take(&mut self.known);
        let mut accepted = Vec::with_capacity(rows.len());
        for row in rows.iter().filter(|row| is_connection(row)) {
            let ends = (row.local, row.remote);
            let known = before.remove(&ends);
            let is_new = known.is_none();
            let mut known = known.unwrap_or_default();
            let is_active = known.is_active(row, &mut self.answers);
            // What a connection brought before the first look is not known to be of this time.
            let requests = match (is_first, row.counts) {
                (true, _) => 0,
                (false, Some(counts)) => known.requests(counts),
                (false, None) => u64::from(is_new && row.state == State::Closing),
            };
            known.remember(row, is_active);
            self.known.insert(ends, known);
            accepted.push(Accepted {
                remote: row.remote,
                is_ours: ours.contains(&row.remote),
                is_accepted: row.inode != 0 || row.state == State::Closing,
                unread: row.unread_bytes(),
                is_active,
                requests,
            });
        }
        (accepted, before.into_keys().collect())
    }

    pub(super) fn knows(&self, ends: &Ends) -> bool {
        self.known.contains_key(ends)
    }
}

fn is_connection(row: &Row) -> bool {
    matches!(row.state, State::Open | State::HalfClosed | State::Closing)
}

impl Known {
    /// Whether a request waits for its answer; `None` where nothing tells.
    fn is_active(&mut self, row: &Row, all: &mut Answers) -> Option<bool> {
        if row.state == State::Closing {
            return Some(false);
        }
        if row.unread_bytes() > 0 {
            return Some(true);
        }
        let counts = row.counts?;
        if counts.segments_in == 0 {
            return Some(false);
        }
        if counts.segments_out == 0 || counts.received_ago_ms < counts.sent_ago_ms {
            return Some(true);
        }
        if counts.received_ago_ms > counts.sent_ago_ms {
            self.rest(counts, all);
            return Some(false);
        }
        self.is_active_in_a_tick(counts, all)
    }

    /// Takes in that all that came has been answered.
    fn rest(&mut self, counts: Counts, all: &mut Answers) {
        let (before_in, before_out) = self.answered.unwrap_or_default();
        let segments_in = counts.segments_in.wrapping_sub(before_in);
        let segments_out = counts.segments_out.wrapping_sub(before_out);
        self.answered = Some((counts.segments_in, counts.segments_out));
        if segments_in > 0 && segments_out > 0 {
            self.answers.learn(segments_in, segments_out);
            all.learn(segments_in, segments_out);
        }
    }

    /// The same where data came and went within one tick of the clock.
    fn is_active_in_a_tick(&mut self, counts: Counts, all: &mut Answers) -> Option<bool> {
        let (before_in, before_out) = self.answered.unwrap_or_default();
        let segments_in = f64::from(counts.segments_in.wrapping_sub(before_in));
        let segments_out = f64::from(counts.segments_out.wrapping_sub(before_out));
        if segments_in == 0.0 || segments_out == 0.0 {
            return Some(segments_in > 0.0);
        }
        let Some((least, most)) = self.answers.range.or(all.range) else {
            // Nothing was learned; a single request was answered, and it is a while ago.
            let is_over = segments_in == 1.0 && counts.sent_ago_ms > TICK_MS;
            is_over.then(|| self.rest(counts, all))?;
            return Some(false);
        };
        if segments_out + 0.5 < segments_in * least {
            return Some(true);
        }
        // All but the last may have taken as much as the largest.
        (segments_out + 0.5 > (segments_in - 1.0) * most + least).then_some(false)
    }

    /// How many requests came since the look before, at least.
    fn requests(&mut self, counts: Counts) -> u64 {
        let (before_in, before_out) = self.before;
        let segments_in = counts.segments_in.wrapping_sub(before_in);
        if segments_in == 0 {
            return 0;
        }
        // What comes while nothing has gone out may be the rest of a request that was counted.
        let was_at_rest = self.was_active == Some(false);
        if !was_at_rest && self.counted_at == Some(counts.segments_out) {
            return 0;
        }
        self.counted_at = Some(counts.segments_out);
        let segments_out = counts.segments_out.wrapping_sub(before_out);
        let several = self
            .answers
            .step
            .map_or(0, |(step_in, step_out)| (segments_in / step_in).min(segments_out / step_out));
        u64::from(several.max(1))
    }

    fn remember(&mut self, row: &Row, is_active: Option<bool>) {
        if let Some(counts) = row.counts {
            self.before = (counts.segments_in, counts.segments_out);
        }
        self.was_active = is_active;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look at one connection: ages of the last data in and out, segments in and out.
    fn row(received: u32, sent: u32, segments_in: u32, segments_out: u32) -> Row {
        Row {
            local: "127.0.0.1:80".parse().unwrap(),
            remote: "127.0.0.1:40000".parse().unwrap(),
            state: State::Open,
            inode: 7,
            uid: 0,
            unread: 0,
            counts: Some(Counts {
                received_ago_ms: received,
                sent_ago_ms: sent,
                segments_in,
                segments_out,
            }),
        }
    }

    fn judge(rows: &[Row]) -> Vec<(Option<bool>, u64)> {
        let mut connections = Connections::default();
        connections.look(&[], &HashSet::new());
        let mut look = |row: &Row| {
            let (seen, _) = connections.look(std::slice::from_ref(row), &HashSet::new());
            (seen[0].is_active, seen[0].requests)
        };
        rows.iter().map(|row| look(row)).collect()
    }

    #[test]
    fn the_later_of_the_last_data_tells() {
        let unread = Row { unread: 9, ..row(4, 4, 1, 0) };
        let looks = [row(8, 8, 0, 0), unread, row(4, 12, 1, 0), row(60, 8, 1, 2), row(0, 52, 2, 2)];
        let expected =
            [(Some(false), 0), (Some(true), 1), (Some(true), 0), (Some(false), 0), (Some(true), 1)];
        assert_eq!(judge(&looks), expected);
    }

    #[test]
    fn within_a_tick_the_segments_tell() {
        let learned = row(8, 4, 1, 2);
        assert_eq!(judge(&[learned.clone(), row(0, 0, 3, 4)])[1], (Some(true), 1));
        assert_eq!(judge(&[learned.clone(), row(0, 0, 3, 6)])[1], (Some(false), 2));
        assert_eq!(judge(&[learned.clone(), row(0, 0, 2, 2)])[1], (Some(true), 1));
        // Answers of very different sizes: nothing tells.
        let mixed = [learned, row(8, 4, 2, 12), row(0, 0, 5, 24)];
        assert_eq!(judge(&mixed)[2].0, None);
        assert_eq!(judge(&[row(0, 0, 2, 2)])[0].0, None, "nothing was learned");
        let one = [row(0, 0, 1, 2), row(40, 40, 1, 2), row(0, 0, 5, 10), row(0, 0, 5, 8)];
        let judged = judge(&one).iter().map(|(active, _)| *active).collect::<Vec<_>>();
        assert_eq!(judged, [None, Some(false), Some(false), Some(true)]);
    }

    #[test]
    fn the_rest_of_a_request_is_not_another() {
        let upload = [row(0, 90, 4, 0), row(0, 90, 9, 0), row(0, 90, 12, 0), row(9, 4, 12, 1)];
        let requests: Vec<u64> = judge(&upload).iter().map(|(_, requests)| *requests).collect();
        assert_eq!(requests, [1, 0, 0, 0]);
        let next = [row(9, 4, 1, 1), row(9, 4, 2, 2), row(9, 4, 3, 3)];
        assert!(judge(&next).iter().all(|(_, requests)| *requests == 1));
    }

    #[test]
    fn several_requests_count_only_where_the_smallest_is_known() {
        let fast = [row(8, 4, 10, 20), row(8, 4, 20, 40), row(8, 4, 21, 42), row(8, 4, 26, 52)];
        let requests: Vec<u64> = judge(&fast).iter().map(|(_, requests)| *requests).collect();
        assert_eq!(requests, [1, 1, 1, 5]);
    }

    #[test]
    fn what_came_before_the_first_look_does_not_count_and_text_tells_little() {
        let mut connections = Connections::default();
        let ours = HashSet::from(["127.0.0.1:40000".parse().unwrap()]);
        let (seen, _) = connections.look(&[row(8, 4, 5, 5)], &ours);
        assert_eq!((seen[0].requests, seen[0].is_ours), (0, true));
        let text = Row { counts: None, inode: 0, ..row(0, 0, 0, 0) };
        let (seen, _) = connections.look(std::slice::from_ref(&text), &HashSet::new());
        assert_eq!((seen[0].is_active, seen[0].is_accepted), (None, false));
        let closing = Row { state: State::Closing, ..text.clone() };
        let (seen, _) = connections.look(&[closing], &HashSet::new());
        assert_eq!((seen[0].is_active, seen[0].requests), (Some(false), 0));
        let (_, gone) = connections.look(&[], &HashSet::new());
        assert_eq!(gone, [(text.local, text.remote)]);
    }
}
