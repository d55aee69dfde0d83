//! Whether two queries ask for the same thing: they do if they select the same metrics, over
//! whichever window.

use std::collections::BTreeSet;

use crate::promql::{Query, SelectorUse, parse};

/// # Errors
/// That the query of `name` selects other metrics now than it did then.
pub(super) fn selects_the_same(name: &str, now: &str, then: &str) -> Result<(), String> {
    let (metrics_now, metrics_then) = match (parse(now), parse(then)) {
        (Ok(now), Ok(then)) => (metrics(&now), metrics(&then)),
        // A server may speak more than is understood here. The window is in brackets.
        _ => {
            let is_same = without_ranges(now) == without_ranges(then);
            let other = || format!("the query of {name} is another one than in the baseline");
            return if is_same { Ok(()) } else { Err(other()) };
        }
    };
    if metrics_now == metrics_then {
        return Ok(());
    }
    let [now, then] = [metrics_now, metrics_then].map(in_words);
    Err(format!("the query of {name} selects {now}, and {then} in the baseline"))
}

fn metrics(query: &Query) -> BTreeSet<String> {
    let name = |it: &SelectorUse| it.metric().map_or_else(|| it.text.clone(), str::to_owned);
    query.selectors().iter().map(name).collect()
}

fn in_words(metrics: BTreeSet<String>) -> String {
    let metrics: Vec<_> = metrics.into_iter().collect();
    if metrics.is_empty() { "no metric".to_owned() } else { metrics.join(", ") }
}

/// A query without what stands between brackets, and without white space.
fn without_ranges(query: &str) -> String {
    let mut depth = 0_usize;
    let mut rest = String::new();
    for character in query.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            other if depth == 0 && !other.is_whitespace() => rest.push(other),
            _ => {}
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_the_same_metrics_are_the_same_over_any_window() {
        for (now, then, is_same) in [
            ("max_over_time(lag[5m])", "max_over_time(lag[15m])", true),
            ("rate(a[5m]) / rate(b[5m])", "rate(b[1h]) / rate(a[1h])", true),
            ("lag{job=\"a\"}", "lag", true),
            ("lag", "lag_seconds", false),
            ("rate(a[5m])", "rate(a[5m]) / rate(b[5m])", false),
            ("{__name__=~\"a|b\"}", "{__name__=~\"a|b\"}", true),
            ("{__name__=~\"a|b\"}", "{__name__=~\"a|c\"}", false),
            ("vector(1)", "vector(2)", true),
            ("vector(1)", "lag", false),
            // MetricsQL, which is not understood here.
            ("rate(a[5m]) default 0", "rate(a[10m]) default 0", true),
            ("rate(a[5m]) default 0", "rate(b[5m]) default 0", false),
            ("rate(a[5m]) default 0", "rate(a[5m])", false),
        ] {
            let found = selects_the_same("x", now, then);
            assert_eq!(found.is_ok(), is_same, "{now} and {then}: {found:?}");
        }
    }
}
