//! What tells one process from another: when it was started, and its counters.

use std::collections::{HashMap, HashSet};
use std::iter::Peekable;

use crate::model::quantity::series;
use crate::storage::{Labels, Point, PointsIter, Series, Storage, is_stale};

/// When a process was started, Unix seconds.
const START_TIME: &str = "process_start_time_seconds";
/// What only ever rises in one process, by the names that the client libraries give it.
const OF_PROCESS: [&str; 6] = [
    "process_cpu_seconds_total",
    "process_cpu_user_seconds_total",
    "process_cpu_system_seconds_total",
    "process_uptime_seconds",
    "python_gc_collections_total",
    "python_gc_objects_collected_total",
];
/// What differs between processes, and hardly changes from one page to the next.
const MEMORY: &str = "process_resident_memory_bytes";
/// So many counters tell processes apart; more of a page are not looked at unless they are used.
const MOST: usize = 200;

/// What a series says of its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// When it was started.
    Start,
    /// How much memory it has; told of pages in a row alone.
    Memory,
    /// It rises in each process, certainly.
    OfProcess,
    /// A part of a histogram or of a summary, or what a query reads as a counter.
    Counter,
    /// Named as counters are; a gauge may be, too.
    Named,
}

/// A series, page by page.
pub(crate) struct Column<'a> {
    pub(crate) series: &'a Series,
    pub(crate) role: Role,
    /// The number of its metric; the parts of a histogram have the same.
    pub(crate) family: usize,
    /// Whether a query uses it.
    pub(crate) is_used: bool,
    /// Whether a query reads it as a counter.
    pub(crate) is_counter: bool,
    rest: Peekable<PointsIter<'a>>,
    /// What the page shows of it; `NaN` for nothing.
    pub(crate) value: f64,
}

/// How a series is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    Unused,
    /// By a query.
    Used,
    /// By a query that reads it as a counter.
    AsCounter,
}

/// The columns of a target of which these are all series of the storage, those first that queries
/// use.
pub(crate) fn columns<'a>(
    storage: &Storage,
    of_target: impl IntoIterator<Item = &'a Series> + Clone,
    usage: impl Fn(&Series) -> Usage,
    is_in_a_row: bool,
) -> Vec<Column<'a>> {
    let names: HashSet<&str> =
        of_target.clone().into_iter().map(|it| it.labels.metric_name()).collect();
    let mut families = HashMap::new();
    let columns = of_target.into_iter().filter_map(|series| {
        let usage = usage(series);
        let name = series.labels.metric_name();
        let is_memory = is_in_a_row && name == MEMORY;
        let declared = storage.declared(name);
        let role = match is_memory {
            true => Some(Role::Memory),
            false => role(&series.labels, &names, declared, usage),
        };
        let next = families.len();
        let (role, family) = (role?, *families.entry(family(name)).or_insert(next));
        let rest = series.points.iter().peekable();
        let (is_used, is_counter) = (usage != Usage::Unused, usage == Usage::AsCounter);
        Some(Column { series, role, family, is_used, is_counter, rest, value: f64::NAN })
    });
    let mut columns: Vec<_> = columns.collect();
    let is_first = |it: &Column<'_>| it.is_used || !matches!(it.role, Role::Counter | Role::Named);
    columns.sort_by_key(|column| !is_first(column));
    let firsts = columns.iter().filter(|column| is_first(column)).count();
    columns.truncate(MOST.max(firsts.min(MOST * 10)));
    columns
}

/// `declared` says whether it accumulates, where its page does so against its name.
fn role(
    labels: &Labels,
    names: &HashSet<&str>,
    declared: Option<bool>,
    usage: Usage,
) -> Option<Role> {
    let name = labels.metric_name();
    let has = |part: &str, other: &str| {
        name.strip_suffix(part)
            .is_some_and(|base| names.contains(format!("{base}{other}").as_str()))
    };
    if name == START_TIME {
        return Some(Role::Start);
    }
    if OF_PROCESS.contains(&name) {
        return Some(Role::OfProcess);
    }
    let is_bucket = name.ends_with("_bucket") && !labels.get("le").is_empty();
    // Sums may fall, where something negative is observed.
    if usage == Usage::AsCounter || declared == Some(true) {
        return Some(Role::Counter);
    }
    if declared == Some(false) {
        return None;
    }
    if is_bucket || has("_count", "_sum") {
        return Some(Role::Counter);
    }
    name.ends_with("_total").then_some(Role::Named)
}

/// The name of a metric without the part of it.
fn family(name: &str) -> &str {
    let parts = ["_bucket", "_sum", "_count"];
    parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
}

impl Column<'_> {
    /// Goes on to the page of this instant.
    pub(crate) fn go_to(&mut self, at: i64) {
        while self.rest.next_if(|point| point.at < at).is_some() {}
        let found = self.rest.next_if(|point| point.at == at);
        let is_number = |point: &Point| !is_stale(point.value) && point.value.is_finite();
        self.value = found.filter(is_number).map_or(f64::NAN, |point| point.value);
    }

    /// The series, without what its target says.
    pub(crate) fn name(&self, target: &Labels) -> String {
        let mut labels = self.series.labels.clone();
        labels.retain(|name| target.get(name).is_empty());
        format!("{}{}", labels.metric_name(), series(&labels).trim_start())
    }
}
