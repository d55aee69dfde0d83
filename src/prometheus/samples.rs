//! What a server is asked about the samples of a selector: when they came, and how often. `latest`
//! is the selector with its `offset` and `@`.

/// When the newest sample of all series came.
pub(crate) fn newest(latest: &str) -> String {
    format!("max(timestamp({latest}))")
}

/// Up to when there are samples of every target that is up; of what belongs to no target, the
/// newest.
pub(crate) fn newest_of_each(latest: &str) -> String {
    let newest = newest(latest);
    format!(
        "min(max by (job, instance) (timestamp({latest})) and on (job, instance) (up == 1)) or \
         {newest}"
    )
}

/// The usual interval, in seconds: the longest of all series, as it was on average over the time of
/// `samples`, a range of the same selector. `times` is `timestamp(latest)` over that time.
pub(crate) fn usual_interval(times: &str, samples: &str) -> String {
    format!(
        "max((max_over_time({times}) - min_over_time({times})) / (count_over_time({samples}) - 1))"
    )
}
