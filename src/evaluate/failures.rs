//! What went wrong with the queries of an audit, in one sentence.

use crate::config::Query;

/// Names one failed query and counts the others.
pub(crate) fn failed_queries(failures: &[(&Query, String)], total: usize) -> Option<String> {
    let (query, error) = failures.first()?;
    let signal = query.name();
    Some(match failures.len() {
        1 => format!("the query `{signal}` failed: {error}"),
        count => format!("{count} of {total} queries failed, `{signal}` first: {error}"),
    })
}
