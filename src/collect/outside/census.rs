//! Which workers have ended, and which were started, since what is seen counts.

use std::collections::BTreeMap;

use crate::outside::host;

/// How many workers ended, and how many were started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Turnover {
    pub(super) ended: u64,
    pub(super) started: u64,
}

/// What became of the workers. It tells them apart by when they were started, in ticks: a number may
/// be another process' meanwhile.
#[derive(Debug, Default)]
pub(super) struct Census {
    known: BTreeMap<u32, u64>,
    /// What was started after that is new; `None` as long as nothing counts.
    newest: Option<u64>,
    turnover: Turnover,
}

impl Census {
    /// From now on it counts what becomes of these, and who comes.
    pub(super) fn begin(&mut self, workers: impl Iterator<Item = u32>) {
        let since = |pid| Some((pid, host::running_since(pid).ok()??));
        *self = Self {
            known: workers.filter_map(since).collect(),
            newest: Some(host::newest_start()),
            turnover: Turnover::default(),
        };
    }

    /// That this process serves.
    pub(super) fn serves(&mut self, pid: u32) {
        if let Ok(since) = host::running_since(pid) {
            self.met(pid, since);
        }
    }

    fn met(&mut self, pid: u32, since: Option<u64>) {
        let Some(newest) = self.newest else { return };
        let before = self.known.get(&pid).copied();
        match since {
            Some(since) if before == Some(since) => {}
            Some(since) => {
                self.turnover.ended += u64::from(before.is_some());
                self.turnover.started += u64::from(since > newest);
                self.known.insert(pid, since);
            }
            // It has ended since it served.
            None => {
                self.turnover.ended += 1;
                self.known.remove(&pid);
            }
        }
    }

    /// Those that have ended since it was looked at them before.
    pub(super) fn ended(&mut self) -> Vec<u32> {
        self.gone(|pid| host::running_since(pid).map_err(drop))
    }

    fn gone(&mut self, since: impl Fn(u32) -> Result<Option<u64>, ()>) -> Vec<u32> {
        // What cannot be looked at now may run on.
        let is_gone = |(pid, began): (&u32, &u64)| {
            since(*pid).is_ok_and(|now| now != Some(*began)).then_some(*pid)
        };
        let gone: Vec<_> = self.known.iter().filter_map(is_gone).collect();
        self.turnover.ended += gone.len() as u64;
        self.known.retain(|pid, _| !gone.contains(pid));
        gone
    }

    /// How many it were up to now; `None` where no worker is known.
    pub(super) fn turnover(&self) -> Option<Turnover> {
        let is_known = !self.known.is_empty() || self.turnover != Turnover::default();
        self.newest.filter(|_| is_known).map(|_| self.turnover)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(known: &[(u32, u64)]) -> Census {
        let known = known.iter().copied().collect();
        Census { known, newest: Some(100), turnover: Turnover::default() }
    }

    fn turnover(ended: u64, started: u64) -> Option<Turnover> {
        Some(Turnover { ended, started })
    }

    #[test]
    fn nothing_is_known_of_workers_that_nobody_has_found() {
        let mut before = Census::default();
        before.met(7, Some(200));
        assert_eq!(before.turnover(), None);
        assert_eq!(census(&[]).turnover(), None);
        assert_eq!(census(&[(7, 50)]).turnover(), turnover(0, 0));
    }

    #[test]
    fn workers_that_end_and_that_come_are_counted() {
        let mut census = census(&[(7, 50), (8, 50)]);
        let gone = census.gone(|pid| if pid == 7 { Ok(None) } else { Err(()) });
        assert_eq!((gone, census.turnover()), (vec![7], turnover(1, 0)));
        census.met(9, Some(120));
        census.met(9, Some(120));
        assert_eq!(census.turnover(), turnover(1, 1));
        assert_eq!(census.gone(|pid| Ok(Some(if pid == 9 { 120 } else { 50 }))), [0; 0]);
        // The last one ends, and nobody is left.
        assert_eq!(census.gone(|_| Ok(None)), [8, 9]);
        assert_eq!(census.turnover(), turnover(3, 1));
    }

    #[test]
    fn another_process_of_the_same_number_is_another_worker() {
        let mut census = census(&[(7, 50)]);
        assert_eq!(census.gone(|_| Ok(Some(130))), [7]);
        census.met(7, Some(130));
        assert_eq!(census.turnover(), turnover(1, 1));
        census.met(7, Some(140));
        assert_eq!(census.turnover(), turnover(2, 2));
        census.met(7, None);
        assert_eq!(census.turnover(), turnover(3, 2));
    }

    #[test]
    fn one_that_was_there_before_is_not_new() {
        let mut census = census(&[(7, 50)]);
        census.met(8, Some(100));
        assert_eq!(census.turnover(), turnover(0, 0));
        assert_eq!(census.gone(|pid| Ok((pid == 7).then_some(50))), [8]);
        assert_eq!(census.turnover(), turnover(1, 0));
    }
}
