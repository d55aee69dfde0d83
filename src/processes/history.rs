//! Which process shows each page of a target, as far as start times and counters tell.

use super::columns::{Column, Role};

/// Start times that differ by less are of one process: some exporters compute them anew each time.
const JITTER_S: f64 = 2.0;
/// So many processes are told apart.
const MOST: usize = 64;
/// A page that catches up with a counter within so many pages has not caught up by work.
const SOON: usize = 3;

/// That a page is another process' than the page before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// The instant of the page before, milliseconds.
    pub(crate) before: i64,
    pub(crate) at: i64,
    /// What tells.
    pub(crate) by: String,
}

/// What changes come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One process after the other.
    Restarts,
    /// Several at the same time.
    Workers,
}

/// A counter that fell while its process stayed.
pub(crate) struct Reset<'c, 'a> {
    pub(crate) column: &'c Column<'a>,
    pub(crate) times: usize,
    /// When it first did, milliseconds.
    pub(crate) first: i64,
    /// Whether it came back to where it was, again and again.
    pub(crate) is_shared: bool,
}

/// A process as its last page shows it.
struct Process {
    values: Vec<f64>,
    at: i64,
    /// The number of its last page.
    last: usize,
    /// How many pages it showed.
    pages: usize,
}

/// How often one counter fell.
#[derive(Debug, Clone, Copy)]
struct Falls {
    value: f64,
    count: usize,
    first: i64,
    /// What it fell from, and at which page.
    from: Option<(f64, usize)>,
    returns: usize,
}

pub(crate) struct History {
    processes: Vec<Process>,
    current: usize,
    changes: Vec<Change>,
    /// How often a process came back.
    returns: usize,
    /// Whether a process was there already while another showed its page.
    is_at_once: bool,
    pages: usize,
    /// Each start time once.
    starts: Vec<f64>,
    falls: Vec<Falls>,
    families: usize,
}

/// What differs between two pages.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// By how much the start times differ, seconds, where both are known.
    start: Option<f64>,
    /// Whether what certainly rises in one process fell; `None` if none is on both pages.
    of_process_fell: Option<bool>,
    /// Metrics that fell, and that changed; those that are certainly counters, and all.
    fell: [usize; 2],
    changed: [usize; 2],
    /// Metrics on both pages.
    both: usize,
    /// What fell first.
    first: Option<usize>,
}

impl Difference {
    pub(super) fn of(before: &[f64], columns: &[Column<'_>], families: usize) -> Self {
        const FELL: u8 = 1;
        const CHANGED: u8 = 2;
        const CERTAIN: u8 = 4;
        const THERE: u8 = 8;
        let mut found = Self::default();
        let mut of_family = vec![0_u8; families];
        for (index, (column, before)) in columns.iter().zip(before).enumerate() {
            let now = column.value;
            if before.is_nan() || now.is_nan() {
                continue;
            }
            if column.role == Role::Start {
                found.start = Some(found.start.unwrap_or_default().max((now - before).abs()));
            }
            if matches!(column.role, Role::Start | Role::Memory) {
                continue;
            }
            let fell = is_below(now, *before);
            if column.role == Role::OfProcess {
                *found.of_process_fell.get_or_insert(false) |= fell;
            }
            if fell {
                found.first.get_or_insert(index);
            }
            let family = &mut of_family[column.family];
            *family |= THERE;
            *family |= if fell { FELL | CHANGED } else { 0 };
            *family |= if now > *before { CHANGED } else { 0 };
            *family |= if column.role == Role::Named { 0 } else { CERTAIN };
        }
        for family in of_family {
            let has = |what: u8| usize::from(family & what == what);
            found.both += has(THERE);
            found.fell[0] += has(FELL | CERTAIN);
            found.fell[1] += has(FELL);
            found.changed[0] += has(CHANGED | CERTAIN);
            found.changed[1] += has(CHANGED);
        }
        found
    }

    /// Whether the pages are of two processes.
    pub(super) fn is_other(&self) -> bool {
        let is_started_anew = self.start.is_some_and(|differs| differs >= JITTER_S);
        if is_started_anew || self.of_process_fell == Some(true) {
            return true;
        }
        // A gauge may be named as a counter, so that one alone tells nothing; and where the
        // process itself looks the same, only what is certainly a counter does.
        let is_same = self.start.is_some() && self.of_process_fell.is_some();
        let which = usize::from(!is_same);
        let is_most = self.fell[which] * 2 >= self.changed[which];
        let is_alone = !is_same && self.both == 1 && self.fell[0] == 1;
        is_alone || (is_most && self.fell[which] >= 2)
    }

    /// Whether the later page's process may have been started since the earlier page, which was there
    /// when it was so old, seconds. One that was started together with the other was there all the
    /// time.
    pub(super) fn may_be_anew(&self, age: Option<f64>) -> bool {
        let is_older = age.is_some_and(|age| age > JITTER_S);
        self.start.is_none_or(|differs| differs >= JITTER_S && !is_older)
    }

    /// Whether the later page may be of the same process.
    fn may_follow(&self) -> bool {
        self.fell[1] == 0 && self.start.is_none_or(|differs| differs < JITTER_S)
    }

    /// Whether as much rose as no new process would show.
    fn has_risen(&self) -> bool {
        (self.changed[1] - self.fell[1]) * 4 >= self.changed[1]
    }
}

/// Whether a counter is lower, other than by the last digits of a sum.
fn is_below(now: f64, before: f64) -> bool {
    now < before - before.abs() * 1e-9
}

impl History {
    /// What the pages at these instants show, in order.
    pub(crate) fn of(columns: &mut [Column<'_>], pages: &[i64]) -> Self {
        let mut history = Self::new(columns);
        for at in pages {
            columns.iter_mut().for_each(|column| column.go_to(*at));
            history.show(*at, columns);
        }
        history
    }

    fn new(columns: &[Column<'_>]) -> Self {
        let falls = Falls { value: f64::NAN, count: 0, first: 0, from: None, returns: 0 };
        Self {
            processes: Vec::new(),
            current: 0,
            changes: Vec::new(),
            returns: 0,
            is_at_once: false,
            pages: 0,
            starts: Vec::new(),
            falls: vec![falls; columns.len()],
            families: columns.iter().map(|column| column.family + 1).max().unwrap_or_default(),
        }
    }

    /// Takes the next page, of which the columns have the values.
    fn show(&mut self, at: i64, columns: &[Column<'_>]) {
        if columns.iter().all(|column| column.value.is_nan()) {
            return;
        }
        self.pages += 1;
        self.follow(at, columns);
        let start = columns.iter().find(|it| it.role == Role::Start).map(|it| it.value);
        let is_new = |start: &f64| !start.is_nan() && !self.starts.contains(start);
        self.starts.extend(start.filter(|start| self.starts.len() < MOST && is_new(start)));
        let Some(now) = self.processes.get(self.current) else {
            self.begin(at, columns);
            return;
        };
        let difference = Difference::of(&now.values, columns, self.families);
        let shown_by = if difference.is_other() {
            self.earlier(columns, &difference)
        } else {
            Some(self.overtaken(columns).unwrap_or(self.current))
        };
        match shown_by {
            Some(same) if same == self.current => {}
            Some(earlier) => {
                self.returns += 1;
                self.change(at, columns, &difference);
                self.current = earlier;
            }
            None => {
                self.change(at, columns, &difference);
                self.begin(at, columns);
            }
        }
        self.keep(at, columns);
    }

    /// A process that was not seen before.
    fn begin(&mut self, at: i64, columns: &[Column<'_>]) {
        if self.processes.len() >= MOST {
            self.processes.remove(0);
        }
        let values = columns.iter().map(|column| column.value).collect();
        self.processes.push(Process { values, at, last: self.pages, pages: 0 });
        self.current = self.processes.len() - 1;
        self.keep(at, columns);
    }

    /// Keeps what the page shows of the process.
    fn keep(&mut self, at: i64, columns: &[Column<'_>]) {
        let Some(process) = self.processes.get_mut(self.current) else { return };
        for (value, column) in process.values.iter_mut().zip(columns) {
            if !column.value.is_nan() {
                *value = column.value;
            }
        }
        (process.at, process.last) = (at, self.pages);
        process.pages += 1;
    }

    fn change(&mut self, at: i64, columns: &[Column<'_>], difference: &Difference) {
        let before = self.processes.get(self.current).map_or(at, |process| process.at);
        let is_started_anew = difference.start.is_some_and(|differs| differs >= JITTER_S);
        let start = columns.iter().find(|it| it.role == Role::Start && !it.value.is_nan());
        let age = start.map(|start| before as f64 / 1000.0 - start.value);
        self.is_at_once |= !difference.may_be_anew(age);
        let fallen = difference.first.and_then(|index| columns.get(index));
        let by = match fallen.filter(|_| !is_started_anew) {
            Some(column) => format!("{} fell", column.series.labels.metric_name()),
            None => "process_start_time_seconds changed".to_owned(),
        };
        self.changes.push(Change { before, at, by });
    }

    /// The process before the current one that shows this page, if one may.
    fn earlier(&self, columns: &[Column<'_>], change: &Difference) -> Option<usize> {
        let others = self.processes.iter().enumerate().rev().filter(|(it, _)| *it != self.current);
        others
            .filter(|(_, process)| {
                let since = Difference::of(&process.values, columns, self.families);
                // Only a time of start can be the same by itself.
                let is_it = since.start == Some(0.0) && change.start != Some(0.0);
                let is_near = is_it || change.has_risen() || self.is_recent(process);
                since.may_follow() && is_near
            })
            .map(|(number, _)| number)
            .next()
    }

    /// The process before the current one whose counters this page goes on with, where those of
    /// the current one would have had to jump.
    fn overtaken(&self, columns: &[Column<'_>]) -> Option<usize> {
        let now = self.processes.get(self.current)?;
        let others = self.processes.iter().enumerate().rev().filter(|(it, _)| *it != self.current);
        let mut recent = others.filter(|(_, process)| self.is_recent(process));
        recent
            .find(|(_, process)| {
                let (mut above, mut changed) = (0, 0);
                for ((now, other), column) in now.values.iter().zip(&process.values).zip(columns) {
                    if !matches!(column.role, Role::Start | Role::Memory) && column.value > *now {
                        changed += 1;
                        above += usize::from(is_below(*now, *other));
                    }
                }
                let may_follow =
                    || Difference::of(&process.values, columns, self.families).may_follow();
                changed > 0 && above * 2 >= changed && may_follow()
            })
            .map(|(number, _)| number)
    }

    /// Whether it went for less time than it was there: a new process does not catch up that soon.
    fn is_recent(&self, process: &Process) -> bool {
        (self.pages - process.last - 1) * 3 <= process.pages * 2
    }

    /// Counts how often each counter fell.
    fn follow(&mut self, at: i64, columns: &[Column<'_>]) {
        let page = self.pages;
        for (falls, column) in self.falls.iter_mut().zip(columns) {
            if column.value.is_nan() {
                continue;
            }
            if is_below(column.value, falls.value) {
                if falls.count == 0 {
                    falls.first = at;
                }
                falls.count += 1;
                falls.from = Some((falls.value, page));
            } else if let Some((from, since)) = falls.from.filter(|(from, _)| column.value >= *from)
            {
                falls.returns += usize::from(from > 0.0 && page - since <= SOON);
                falls.from = None;
            }
            falls.value = column.value;
        }
    }

    /// When it changed.
    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How many processes were seen, at least.
    pub(crate) fn processes(&self) -> usize {
        match self.kind() {
            None => 1,
            Some(Kind::Restarts) => self.changes.len() + 1,
            Some(Kind::Workers) => self.starts.len().max(2),
        }
    }

    /// What the changes come to, if there are any.
    pub(crate) fn kind(&self) -> Option<Kind> {
        let count = self.changes.len();
        let is_often = count >= 3 && count * 4 >= self.pages;
        let is_several = self.returns > 0 || self.is_at_once || is_often;
        (count > 0).then_some(if is_several { Kind::Workers } else { Kind::Restarts })
    }

    /// The used counters that fell, one of each metric.
    pub(crate) fn resets<'c, 'a>(&self, columns: &'c [Column<'a>]) -> Vec<Reset<'c, 'a>> {
        let mut found: Vec<Reset<'c, 'a>> = Vec::new();
        for (column, falls) in columns.iter().zip(&self.falls) {
            let is_certain = column.is_counter || column.role != Role::Named;
            // What falls again and again, and is not read as a counter, is a gauge.
            let counts = falls.count > 0 && (is_certain || falls.count <= 2);
            let is_counted = column.is_used && column.role != Role::Start && counts;
            if !is_counted || found.iter().any(|it| it.column.family == column.family) {
                continue;
            }
            let is_shared = is_certain && falls.returns >= 2;
            found.push(Reset { column, times: falls.count, first: falls.first, is_shared });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Usage, columns};
    use super::*;
    use crate::storage::{METRIC_NAME, Point, Storage};

    /// What pages with these values come to, one a second; a series each.
    fn seen(series: &[(&str, &[f64])]) -> (usize, Option<Kind>, usize) {
        let mut storage = Storage::default();
        for (name, values) in series {
            let id = storage.series([(METRIC_NAME, *name)].into_iter().collect());
            for (n, value) in values.iter().enumerate() {
                let at = 1_700_000_000_000 + n as i64 * 1000;
                storage.push(id, Point { at, value: *value }).unwrap();
            }
        }
        let all: Vec<_> = storage.iter().map(|(_, series)| series).collect();
        let mut columns = columns(&storage, all, |_| Usage::Used, false);
        let pages: Vec<_> = (0..12).map(|n| 1_700_000_000_000 + n * 1000).collect();
        let history = History::of(&mut columns, &pages);
        (history.processes(), history.kind(), history.changes().len())
    }

    #[test]
    fn what_falls_and_stays_is_a_restart_and_what_comes_back_are_workers() {
        let start = "process_start_time_seconds";
        let cpu = "process_cpu_seconds_total";
        let (old, new) = (1_699_999_000.0, 1_700_000_003.5);
        for (what, series, expected) in [
            (
                "one",
                &[("a_total", &[1.0, 2.0, 3.0][..]), ("b_total", &[5.0, 5.0, 6.0])][..],
                (1, None, 0),
            ),
            (
                "a start time that changes once",
                &[(start, &[old, old, old, old, new, new])],
                (2, Some(Kind::Restarts), 1),
            ),
            (
                "a start time of before",
                &[(start, &[old, old, old + 9.0, old + 9.0])],
                (2, Some(Kind::Workers), 1),
            ),
            ("in turn", &[(start, &[old, new, old, new])], (2, Some(Kind::Workers), 3)),
            ("jitter", &[(start, &[old, old + 1.9, old, old + 0.5])], (1, None, 0)),
            (
                "counters that fall once",
                &[
                    ("a_total", &[90.0, 95.0, 2.0, 4.0, 6.0]),
                    ("b_total", &[50.0, 51.0, 0.0, 1.0, 1.0]),
                ],
                (2, Some(Kind::Restarts), 1),
            ),
            (
                "counters that grow beyond where they were",
                &[
                    ("a_total", &[3.0, 4.0, 5.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
                    ("b_total", &[6.0, 8.0, 10.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]),
                ],
                (2, Some(Kind::Restarts), 1),
            ),
            (
                "counters in turn",
                &[
                    ("a_total", &[90.0, 10.0, 92.0, 11.0, 93.0, 12.0]),
                    ("b_total", &[50.0, 20.0, 51.0, 22.0, 52.0, 23.0]),
                ],
                (2, Some(Kind::Workers), 4),
            ),
            (
                "counters in turn, one higher and one lower",
                &[
                    ("a_total", &[90.0, 10.0, 92.0, 11.0, 93.0]),
                    ("b_total", &[20.0, 50.0, 22.0, 51.0, 23.0]),
                    ("c_total", &[70.0, 10.0, 72.0, 11.0, 73.0]),
                ],
                (2, Some(Kind::Workers), 3),
            ),
            (
                "processor time that falls, of processes started at once",
                &[(start, &[old, old, old]), (cpu, &[0.4, 0.3, 0.3])],
                (2, Some(Kind::Workers), 1),
            ),
            (
                "gauges that are named as counters, beside a process that stays",
                &[
                    (start, &[old, old, old]),
                    (cpu, &[0.4, 0.5, 0.6]),
                    ("a_total", &[9.0, 1.0, 9.0]),
                    ("b_total", &[9.0, 1.0, 9.0]),
                    ("c_total", &[9.0, 1.0, 9.0]),
                ],
                (1, None, 0),
            ),
        ] {
            assert_eq!(seen(series), expected, "{what}");
        }
    }
}
