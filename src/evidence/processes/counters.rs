//! What tells one process from another: when it was started, and its counters.

use std::collections::{HashMap, HashSet};
use std::iter::Peekable;

use super::super::used::Used;
use crate::model::quantity::series;
use crate::storage::{Labels, Point, PointsIter, Series, is_stale};

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
/// So many counters tell processes apart; more of a page are not looked at unless they are used.
const MOST: usize = 200;

/// What a series says of its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// When it was started.
    Start,
    /// It rises in each process, certainly.
    OfProcess,
    /// A part of a histogram or of a summary, or what a query reads as a counter.
    Counter,
    /// Named as counters are; a gauge may be, too.
    Named,
}

/// A series, page by page.
pub(super) struct Column<'a> {
    pub(super) series: &'a Series,
    pub(super) role: Role,
    /// The number of its metric; the parts of a histogram have the same.
    pub(super) family: usize,
    /// Whether a query uses it.
    pub(super) is_used: bool,
    /// Whether a query reads it as a counter.
    pub(super) is_counter: bool,
    rest: Peekable<PointsIter<'a>>,
    /// What the page shows of it; `NaN` for nothing.
    pub(super) value: f64,
}

/// The columns of a target, those first that queries use.
pub(super) fn columns<'a>(of_target: &[&'a Series], used: &[Used<'a>]) -> Vec<Column<'a>> {
    let names: HashSet<&str> = of_target.iter().map(|it| it.labels.metric_name()).collect();
    let uses: HashMap<*const Series, bool> =
        used.iter().map(|it| (std::ptr::from_ref(it.series), it.is_counter)).collect();
    let mut families = HashMap::new();
    let columns = of_target.iter().filter_map(|series| {
        let is_counter = uses.get(&std::ptr::from_ref(*series)).copied();
        let role = role(&series.labels, &names, is_counter == Some(true))?;
        let next = families.len();
        let family = *families.entry(family(series.labels.metric_name())).or_insert(next);
        let rest = series.points.iter().peekable();
        let (is_used, is_counter) = (is_counter.is_some(), is_counter == Some(true));
        Some(Column { series, role, family, is_used, is_counter, rest, value: f64::NAN })
    });
    let mut columns: Vec<_> = columns.collect();
    let is_first = |it: &Column<'_>| it.is_used || matches!(it.role, Role::Start | Role::OfProcess);
    columns.sort_by_key(|column| !is_first(column));
    let firsts = columns.iter().filter(|column| is_first(column)).count();
    columns.truncate(MOST.max(firsts.min(MOST * 10)));
    columns
}

fn role(labels: &Labels, names: &HashSet<&str>, is_counter: bool) -> Option<Role> {
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
    if is_counter || is_bucket || has("_count", "_sum") {
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
    pub(super) fn go_to(&mut self, at: i64) {
        while self.rest.next_if(|point| point.at < at).is_some() {}
        let found = self.rest.next_if(|point| point.at == at);
        let is_number = |point: &Point| !is_stale(point.value) && point.value.is_finite();
        self.value = found.filter(is_number).map_or(f64::NAN, |point| point.value);
    }

    /// The series, without what its target says.
    pub(super) fn name(&self, target: &Labels) -> String {
        let mut labels = self.series.labels.clone();
        labels.retain(|name| target.get(name).is_empty());
        format!("{}{}", labels.metric_name(), series(&labels).trim_start())
    }

    /// The queries that use it.
    pub(super) fn queries(&self, used: &[Used<'_>]) -> Vec<usize> {
        let of_it = used.iter().find(|it| std::ptr::eq(it.series, self.series));
        of_it.map(|it| it.by.iter().map(|by| by.query).collect()).unwrap_or_default()
    }
}
