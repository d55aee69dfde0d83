//! How the answer over a range of time becomes a reading.

use std::collections::{HashMap, HashSet};

use super::{Incomplete, Labels, Note, RangeReading, ReadAs, Series, State};
use crate::model::signal::OnMissing;

impl RangeReading {
    /// A reading without a series.
    pub const fn unknown(state: State) -> Self {
        Self { state, series: Vec::new(), instants: Vec::new(), notes: Vec::new() }
    }

    /// Reads the answer over a range, evaluated at `instants`. At the points in `zero_by_zero` a
    /// `NaN` is known to be 0/0.
    pub fn new(
        mut series: Vec<Series>,
        zero_by_zero: &[Series],
        instants: Vec<i64>,
        incomplete: Option<Incomplete>,
        how: ReadAs,
    ) -> Self {
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        let mut notes = Vec::new();
        let state = match incomplete {
            Some(Incomplete::BackendSays(words)) if how.accept_partial && !series.is_empty() => {
                notes.push(Note::PartialAccepted(words));
                State::Ok
            }
            Some(incomplete) => incomplete.into_state(),
            None if series.is_empty() && how.on_no_data == OnMissing::Inconclusive => State::NoData,
            None if series.is_empty() => {
                notes.push(Note::NoDataAsZero);
                let points = instants.iter().map(|at| (*at, 0.0)).collect();
                series.push(Series { labels: Labels::new(), points });
                State::Ok
            }
            None => State::Ok,
        };
        if how.on_no_data == OnMissing::Zero {
            for series in &mut series {
                let known = std::mem::take(&mut series.points);
                let at = |at: &i64| known.iter().find(|(it, _)| it == at).copied();
                series.points = instants.iter().map(|it| at(it).unwrap_or((*it, 0.0))).collect();
                if series.points.len() > known.len() {
                    notes.push(Note::NoDataAsZero);
                }
            }
        }
        if how.on_nan == OnMissing::Zero {
            let zeros = points_of_0(zero_by_zero);
            for Series { labels, points } in &mut series {
                let zeros = zeros.get(&labels.without_name());
                for (at, value) in points.iter_mut().filter(|(_, value)| value.is_nan()) {
                    let is_zero = zeros.is_some_and(|zeros| zeros.contains(at));
                    *value = if is_zero { 0.0 } else { *value };
                    notes.push(if is_zero { Note::NanAsZero } else { Note::OtherNan });
                }
            }
        }
        notes.sort_unstable();
        notes.dedup();
        Self { state, series, instants, notes }
    }
}

/// When which series is 0.
fn points_of_0(series: &[Series]) -> HashMap<Labels, HashSet<i64>> {
    let zeros = |series: &Series| {
        let zeros = series.points.iter().filter(|(_, value)| *value == 0.0);
        (series.labels.without_name(), zeros.map(|(at, _)| *at).collect())
    };
    series.iter().map(zeros).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::signal::Reduce;

    fn how() -> ReadAs {
        ReadAs {
            reduce: Reduce::Max,
            on_no_data: OnMissing::Inconclusive,
            on_nan: OnMissing::Inconclusive,
            accept_partial: false,
            is_signed: false,
            is_rate: false,
        }
    }

    #[test]
    fn over_a_range_every_nan_has_to_be_0_by_0_itself() {
        let zero = ReadAs { on_nan: OnMissing::Zero, ..how() };
        let series = |i: &str, points: &[(i64, f64)]| Series {
            labels: Labels::from([("instance", i)]),
            points: points.to_vec(),
        };
        let nan = f64::NAN;
        let all = vec![series("a", &[(1, nan), (2, nan), (3, 7.0)]), series("b", &[(1, nan)])];
        let zeros = [series("a", &[(1, 0.0), (3, 0.0)])];
        let reading = RangeReading::new(all, &zeros, vec![1, 2, 3], None, zero);
        let [a, b] = [0, 1].map(|index: usize| &reading.series[index].points);
        assert_eq!((a[0], a[2]), ((1, 0.0), (3, 7.0)));
        assert!(a[1].1.is_nan() && b[0].1.is_nan());
        assert_eq!(reading.notes, [Note::NanAsZero, Note::OtherNan]);
    }

    #[test]
    fn a_range_without_series_is_a_line_at_0_only_where_configured() {
        let zero = ReadAs { on_no_data: OnMissing::Zero, ..how() };
        let read = |how| RangeReading::new(Vec::new(), &[], vec![1, 2], None, how);
        assert_eq!(read(how()).state, State::NoData);
        assert_eq!(read(zero).series[0].points, [(1, 0.0), (2, 0.0)]);
        let young = || vec![Series { labels: Labels::new(), points: vec![(2, 5.0)] }];
        let read = |how| RangeReading::new(young(), &[], vec![1, 2], None, how);
        assert_eq!(read(how()).series[0].points, [(2, 5.0)]);
        assert_eq!(read(zero).series[0].points, [(1, 0.0), (2, 5.0)]);
        assert_eq!(read(zero).notes, [Note::NoDataAsZero]);
        let partial = Some(Incomplete::BackendSays("a store is down".into()));
        let partial = RangeReading::new(Vec::new(), &[], vec![1, 2], partial, zero);
        assert_eq!(partial.state, State::Partial("a store is down".into()));
    }
}
