//! Which connections wait for an answer, and how many requests came, judged from what TCP counts.
//!
//! A connection whose last data came later than its last data went waits for an answer. The
//! kernel's clock is coarse (4 ms at 250 Hz), and a client that asks again at once does so within
//! one tick: then the bytes tell how many answers went since it was last known. How large an answer
//! is, is learned where it is clear. It is taken for granted that requests do not overlap on a
//! connection (HTTP/1).

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use super::Accepted;
use super::rows::{Counts, Row, State};

/// A connection: the service's end, and the client's.
pub(super) type Ends = (SocketAddr, SocketAddr);

/// What went so long ago was all of an answer: a busy loop may send its head and its body apart.
const WHOLE_MS: u32 = 150;

/// Answers of one size differ by that at most: a number in them may have a digit more.
const TOLERANCE: f64 = 0.02;

/// What is known of the connections of a port.
#[derive(Debug, Default)]
pub(super) struct Connections {
    known: HashMap<Ends, Known>,
    /// How large answers are, over all connections.
    answers: Option<Answers>,
    has_looked: bool,
}

/// What is known of a connection.
#[derive(Debug, Default, Clone)]
struct Known {
    /// When it was last known whether a request waits.
    sure: Sure,
    answers: Option<Answers>,
    /// The smallest step from one rest to another, in segments in and out: more than one request
    /// may be in it, never less.
    step: Option<(u32, u32)>,
    /// Segments in and out at the look before.
    before: (u32, u32),
    /// Segments out when a request was counted last.
    counted_at: Option<u32>,
    was_active: Option<bool>,
    channel: Channel,
}

/// Whether a connection carries messages both ways (a websocket), in place of requests and answers.
#[derive(Debug, Default, Clone, Copy)]
struct Channel {
    is_one: bool,
    before: (u32, u32),
    /// Nothing had come for a while at the look before.
    was_quiet: bool,
    /// Everything was answered, and nothing had come or gone for a long while.
    was_at_rest: bool,
}

impl Channel {
    /// For so long a client that waits for an answer sends nothing, where it is no channel.
    const QUIET_MS: u32 = 500;
    /// An answer has no longer pauses than that.
    const REST_MS: u32 = 5000;
    /// A message has few segments, a body that is sent slowly many.
    const FEW: u32 = 2;

    /// Takes in what came and went since the look before.
    fn look(&mut self, counts: Counts) {
        let came = counts.segments_in.wrapping_sub(self.before.0);
        let went = counts.segments_out.wrapping_sub(self.before.1);
        // The client sends again though it has no answer, or the service speaks first.
        let speaks_again = went == 0 && (1..=Self::FEW).contains(&came) && self.was_quiet;
        let speaks_first = went > 0 && came == 0 && self.was_at_rest;
        self.is_one |= self.before.0 > 0 && (speaks_again || speaks_first);
        self.before = (counts.segments_in, counts.segments_out);
        let waits = counts.received_ago_ms < counts.sent_ago_ms;
        self.was_quiet = waits && counts.received_ago_ms >= Self::QUIET_MS;
        self.was_at_rest = !waits && counts.sent_ago_ms >= Self::REST_MS;
    }
}

/// A look at which it was known whether a request waits. A new connection is at rest.
#[derive(Debug, Default, Clone, Copy)]
struct Sure {
    counts: Counts,
    is_active: bool,
}

/// How large answers are, in bytes.
#[derive(Debug, Clone, Copy)]
struct Answers {
    least: f64,
    most: f64,
    /// They were only guessed.
    is_guess: bool,
}

impl Answers {
    fn guess(bytes: f64) -> Self {
        Self { least: bytes, most: bytes, is_guess: true }
    }

    fn learn(known: &mut Option<Self>, bytes: f64) {
        let before = known.filter(|before| !before.is_guess);
        let (least, most) = before.map_or((bytes, bytes), |before| (before.least, before.most));
        let (least, most) = (least.min(bytes), most.max(bytes));
        *known = Some(Self { least, most, is_guess: false });
    }

    /// Whether a request waits, when so many others have their answer and so much went; `None`
    /// where both may be.
    fn judge(self, others: f64, bytes: f64) -> Option<bool> {
        let (least, most) = (self.least * (1.0 - TOLERANCE), self.most * (1.0 + TOLERANCE));
        if bytes > others * most {
            return Some(false);
        }
        let may_be_more = bytes >= (others + 1.0) * least;
        (bytes >= others * least && !may_be_more).then_some(true)
    }
}

impl Connections {
    /// Judges the rows of a look, and forgets the connections that are gone; which those are.
    pub(super) fn look(&mut self, rows: &[Row], ours: &HashSet<u16>) -> (Vec<Accepted>, Vec<Ends>) {
        let is_first = !std::mem::replace(&mut self.has_looked, true);
        let mut before = std::mem::take(&mut self.known);
        let mut accepted = Vec::with_capacity(rows.len());
        for row in rows.iter().filter(|row| is_connection(row)) {
            let ends = (row.local, row.remote);
            let known = before.remove(&ends);
            let is_new = known.is_none();
            let mut known = known.unwrap_or_default();
            if let Some(counts) = row.counts {
                known.channel.look(counts);
            }
            let is_channel = known.channel.is_one && row.unread_bytes() == 0;
            let is_active =
                if is_channel { Some(false) } else { known.is_active(row, &mut self.answers) };
            // What a connection brought before the first look is not known to be of this time.
            let requests = match (is_first, row.counts) {
                (true, _) => 0,
                (false, Some(_)) if is_channel => 0,
                (false, Some(counts)) => known.requests(counts),
                (false, None) => u64::from(is_new && row.state == State::Closing),
            };
            known.remember(row, is_active);
            self.known.insert(ends, known);
            accepted.push(Accepted {
                remote: row.remote,
                is_ours: ours.contains(&row.remote.port()),
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
    fn is_active(&mut self, row: &Row, all: &mut Option<Answers>) -> Option<bool> {
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
            self.sure = Sure { counts, is_active: true };
            return Some(true);
        }
        if counts.received_ago_ms > counts.sent_ago_ms {
            self.rest(counts, all);
            return Some(false);
        }
        let is_active = self.is_active_in_a_tick(counts, all)?;
        match is_active {
            true => self.sure = Sure { counts, is_active },
            false => self.rest(counts, all),
        }
        Some(is_active)
    }

    /// Takes in that the last answer has begun. Only after a while it is surely whole; before the
    /// next request of the client it is.
    fn rest(&mut self, counts: Counts, all: &mut Option<Answers>) {
        if counts.sent_ago_ms < WHOLE_MS {
            return;
        }
        let before = self.sure;
        let since = Since::between(before.counts, counts);
        if since.bytes_out > 0.0 {
            let answers = match (before.is_active, since.segments_in) {
                (false, 1..) => {
                    let (step_in, step_out) = self.step.unwrap_or((u32::MAX, u32::MAX));
                    let step_in = step_in.min(since.segments_in);
                    self.step = Some((step_in, step_out.min(since.segments_out)));
                    Some(self.requests_in(since.segments_in))
                }
                (true, 0) => Some(1.0),
                _ => None,
            };
            // Of more than a few it is not clear how many there were.
            if let Some(answers) = answers.filter(|answers| *answers < 3.5) {
                self.learn(since.bytes_out / answers, all);
            }
        }
        self.sure = Sure { counts, is_active: false };
    }

    fn learn(&mut self, bytes: f64, all: &mut Option<Answers>) {
        Answers::learn(&mut self.answers, bytes);
        Answers::learn(all, bytes);
    }

    /// So many requests are in so many segments.
    fn requests_in(&self, segments: u32) -> f64 {
        f64::from(segments) / f64::from(self.step.map_or(1, |(step_in, _)| step_in.min(segments)))
    }

    /// Whether a request waits where data came and went within one tick of the clock.
    fn is_active_in_a_tick(&mut self, counts: Counts, all: &mut Option<Answers>) -> Option<bool> {
        let since = Since::between(self.sure.counts, counts);
        let was_active = self.sure.is_active;
        if since.segments_in == 0 {
            return Some(was_active && since.bytes_out == 0.0);
        }
        if since.bytes_out == 0.0 {
            return Some(true);
        }
        let one_request = since.segments_in == 1;
        if one_request && !was_active {
            return Some(false);
        }
        if was_active && since.segments_out == 1 {
            self.learn(since.bytes_out, all);
            return Some(true);
        }
        // Before the last request came, all the others had their whole answer.
        let others = self.requests_in(since.segments_in) - f64::from(u8::from(!was_active));
        let judged =
            self.answers.or(*all).and_then(|answers| answers.judge(others, since.bytes_out));
        if judged.is_none() && self.answers.is_none_or(|answers| answers.is_guess) {
            // The answer that was waited for went, and the client asked again at once: a second
            // answer within the same tick is less likely.
            let is_clear = was_active && one_request;
            self.answers = is_clear.then(|| Answers::guess(since.bytes_out));
            return is_clear.then_some(true);
        }
        judged
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

/// What came and went between two looks.
struct Since {
    segments_in: u32,
    segments_out: u32,
    bytes_out: f64,
}

impl Since {
    fn between(before: Counts, now: Counts) -> Self {
        Self {
            segments_in: now.segments_in.wrapping_sub(before.segments_in),
            segments_out: now.segments_out.wrapping_sub(before.segments_out),
            bytes_out: now.bytes_out.saturating_sub(before.bytes_out) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look at one connection: ages of the last data in and out, segments in and out of 100 bytes.
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
                bytes_out: u64::from(segments_out) * 100,
            }),
        }
    }

    fn judge(rows: &[Row]) -> Vec<(Option<bool>, u64)> {
        let mut connections = Connections::default();
        connections.look(&[], &HashSet::new());
        let look = |row: &Row| {
            let (seen, _) = connections.look(std::slice::from_ref(row), &HashSet::new());
            (seen[0].is_active, seen[0].requests)
        };
        rows.iter().map(look).collect()
    }

    #[test]
    fn the_later_of_the_last_data_tells() {
        let unread = Row { unread: 9, ..row(4, 4, 1, 0) };
        let looks = [row(8, 8, 0, 0), unread, row(4, 12, 1, 0), row(60, 8, 1, 2), row(0, 52, 2, 2)];
        let expected =
            [(Some(false), 0), (Some(true), 1), (Some(true), 0), (Some(false), 0), (Some(true), 1)];
        assert_eq!(judge(&looks), expected);
    }

    fn active(rows: &[Row]) -> Vec<Option<bool>> {
        judge(rows).iter().map(|(active, _)| *active).collect()
    }

    /// The same look, with so many bytes out.
    fn bytes(row: Row, bytes_out: u64) -> Row {
        Row { counts: row.counts.map(|counts| Counts { bytes_out, ..counts }), ..row }
    }

    #[test]
    fn within_a_tick_the_size_of_answers_tells() {
        let (yes, no) = (Some(true), Some(false));
        let learned = row(304, 300, 1, 2);
        assert_eq!(judge(&[learned.clone(), row(0, 0, 3, 4)])[1], (yes, 1));
        assert_eq!(judge(&[learned.clone(), row(0, 0, 3, 6)])[1], (no, 2));
        assert_eq!(judge(&[learned.clone(), row(0, 0, 2, 2)])[1], (yes, 1));
        // In fewer segments, or in more.
        let halves = [learned.clone(), bytes(row(0, 0, 3, 3), 400), bytes(row(0, 0, 4, 9), 800)];
        assert_eq!(active(&halves), [no, yes, no]);
        // Answers of very different sizes: nothing tells.
        assert_eq!(active(&[learned, row(304, 300, 2, 12), row(0, 0, 5, 24)])[2], None);
        assert_eq!(active(&[row(0, 0, 2, 2)]), [None], "nothing was learned");
        let one = [row(0, 0, 1, 2), row(300, 300, 1, 2), row(0, 0, 5, 10), row(0, 0, 6, 10)];
        assert_eq!(active(&one), [no, no, no, yes]);
    }

    #[test]
    fn the_body_of_an_answer_after_its_head_is_no_answer_of_its_own() {
        let learned = bytes(row(304, 300, 1, 2), 160);
        let waits = bytes(row(4, 90, 2, 2), 160);
        let head = bytes(row(50, 4, 2, 3), 280);
        let body_and_next = bytes(row(4, 4, 3, 4), 320);
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(active(&[learned, waits, head, body_and_next]), [no, yes, no, yes]);
    }

    #[test]
    fn a_client_that_asks_again_at_once_waits_all_the_time() {
        // Answers of two segments, once of one, and the next request within the same tick.
        let looks = [(1, 0, 0), (2, 2, 160), (2, 2, 160), (3, 3, 320), (4, 5, 480), (6, 9, 800)];
        let look = |(segments_in, segments_out, sent): (u32, u32, u64)| {
            bytes(row(20, 20, segments_in, segments_out), sent)
        };
        let mut rows: Vec<Row> = looks.into_iter().map(look).collect();
        assert_eq!(active(&rows), [Some(true); 6]);
        rows.push(look((6, 11, 960)));
        assert_eq!(active(&rows).pop(), Some(Some(false)));
    }

    #[test]
    fn messages_are_no_requests() {
        let (yes, no) = (Some(true), Some(false));
        // A client that sends a message every second and wants no answer.
        let client = [row(9, 5, 1, 1), row(4, 700, 2, 1), row(900, 1600, 2, 1), row(4, 1800, 3, 1)];
        assert_eq!(active(&client), [no, yes, yes, no]);
        // A service that asks after a client that says nothing, and the client's answer.
        let service =
            [row(9, 5, 1, 1), row(20_000, 19_990, 1, 1), row(20_100, 4, 1, 2), row(3, 90, 2, 2)];
        assert_eq!(active(&service), [no, no, no, no]);
        // A request that comes in pieces, and an answer that takes a while.
        let upload = [row(4, 90, 1, 0), row(600, 900, 1, 0), row(2, 950, 9, 0), row(90, 4, 9, 2)];
        assert_eq!(active(&upload), [yes, yes, yes, no]);
        let slow = [row(9, 5, 1, 1), row(7000, 7900, 2, 1), row(7100, 4, 2, 2)];
        assert_eq!(active(&slow), [no, yes, no]);
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
        let rest = |segments_in, segments_out| row(204, 200, segments_in, segments_out);
        let fast = [rest(10, 20), rest(20, 40), rest(21, 42), rest(26, 52)];
        let requests: Vec<u64> = judge(&fast).iter().map(|(_, requests)| *requests).collect();
        assert_eq!(requests, [1, 1, 1, 5]);
    }

    #[test]
    fn what_came_before_the_first_look_does_not_count_and_text_tells_little() {
        let mut connections = Connections::default();
        let ours = HashSet::from([40000]);
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
