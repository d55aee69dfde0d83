//! Metrics in milliseconds or microseconds where a preset asks for seconds.

use super::inventory::Inventory;
use crate::promql::{self, SelectorUse};

/// Endings in the place of `_seconds`, and how many of the unit make a second.
const UNITS: [(&str, &str, u32); 4] = [
    ("_milliseconds", "milliseconds", 1000),
    ("_ms", "milliseconds", 1000),
    ("_microseconds", "microseconds", 1_000_000),
    ("_us", "microseconds", 1_000_000),
];
const SECONDS: &str = "_seconds";

/// A metric that is there under the name of another unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Renamed {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) unit: &'static str,
    pub(super) per_second: u32,
}

/// What the names that are missing are called in another unit; `None` unless each is there.
pub(super) fn renamed(missing: &[String], inventory: &Inventory) -> Option<Vec<Renamed>> {
    let one = |name: &String| {
        UNITS.iter().find_map(|(ending, unit, per_second)| {
            let to = name.contains(SECONDS).then(|| name.replacen(SECONDS, ending, 1))?;
            let found = Renamed { from: name.clone(), to, unit, per_second: *per_second };
            inventory.has(&found.to).then_some(found)
        })
    };
    missing.iter().map(one).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())
}

/// The query on the metrics in the other unit, in seconds where it is a time; `None` where it is
/// not certain that a division makes it that.
pub(super) fn converted(
    template: &str,
    selectors: &[SelectorUse],
    renamed: &[Renamed],
    is_time: bool,
) -> Option<String> {
    let mut query = template.to_owned();
    for it in renamed {
        query = replace_word(&query, &it.from, &it.to);
    }
    // Counts have no unit, whatever the name of their histogram says.
    let has_unit = |name: &str| !name.ends_with("_count");
    if renamed.iter().all(|it| !has_unit(&it.from)) {
        return Some(query);
    }
    let per_second = renamed.first()?.per_second;
    let is_same = renamed.iter().all(|it| it.per_second == per_second);
    let is_left = selectors.iter().filter_map(SelectorUse::metric).any(|name| {
        name.contains(SECONDS) && has_unit(name) && !renamed.iter().any(|it| it.from == name)
    });
    if !is_time || !is_same || is_left || has_numbers(template) {
        return None;
    }
    Some(format!("({query}) / {per_second}"))
}

/// Whether a number stands in the query but for a quantile: it may be one of seconds. Products of
/// two times have no such number, and no preset has them.
fn has_numbers(template: &str) -> bool {
    let bare = without_brackets(template);
    let mut rest = bare.as_str();
    let mut plain = String::new();
    while let Some(at) = rest.find("histogram_quantile(") {
        let after = at + "histogram_quantile(".len();
        plain += &rest[..at];
        rest = rest[after..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    }
    plain += rest;
    let mut before = ' ';
    plain.chars().any(|c| {
        let begins = c.is_ascii_digit() && !(before.is_alphanumeric() || before == '_');
        before = c;
        begins || matches!(c, '<' | '>')
    })
}

/// The query without labels and ranges.
fn without_brackets(template: &str) -> String {
    let (mut plain, mut depth, mut quote) = (String::new(), 0_u32, None);
    for c in template.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth = depth.saturating_sub(1),
            (None, c) if depth == 0 => plain.push(c),
            (None, _) => {}
        }
    }
    plain
}

fn replace_word(text: &str, from: &str, to: &str) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(from) {
        let end = at + from.len();
        let is_word = !rest[..at].ends_with(is_of_name) && !rest[end..].starts_with(is_of_name);
        out += &rest[..at];
        out += if is_word { to } else { from };
        rest = &rest[end..];
    }
    out + rest
}

/// The largest value that a quantile of such buckets can have, in seconds.
pub(super) fn in_seconds(bound: f64, selector: &SelectorUse) -> f64 {
    let name = selector.metric().unwrap_or_default();
    let found = UNITS.iter().find(|(ending, ..)| name.contains(&format!("{ending}_bucket")));
    found.map_or(bound, |(_, _, per_second)| bound / f64::from(*per_second))
}

/// The selectors of a query, if it can be read.
pub(super) fn selectors(expr: &str) -> Vec<SelectorUse> {
    promql::parse(expr).map(|query| query.selectors().to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_division_is_made_only_where_it_is_certain() {
        let renamed = |from: &str, to: &str| Renamed {
            from: from.to_owned(),
            to: to.to_owned(),
            unit: "milliseconds",
            per_second: 1000,
        };
        let lag = [renamed("lag_seconds", "lag_ms")];
        let histogram = [renamed("h_seconds_bucket", "h_milliseconds_bucket")];
        let count = [renamed("h_seconds_count", "h_ms_count")];
        for (query, renamed, is_time, expected) in [
            ("max(lag_seconds[5m])", &lag[..], true, Some("(max(lag_ms[5m])) / 1000")),
            ("max_over_time(lag_seconds{a=\"1\"}[5m])", &lag, false, None),
            ("clamp_min(lag_seconds - 0.01, 0)", &lag, true, None),
            ("lag_seconds > other", &lag, true, None),
            ("lag_seconds + lag_seconds_sum", &lag, true, None),
            (
                "histogram_quantile(0.99, rate(h_seconds_bucket[1m]))",
                &histogram,
                true,
                Some("(histogram_quantile(0.99, rate(h_milliseconds_bucket[1m]))) / 1000"),
            ),
            ("rate(h_seconds_count[1m]) * 2", &count, false, Some("rate(h_ms_count[1m]) * 2")),
        ] {
            let plain = query.replace("max(lag_seconds[5m])", "max_over_time(lag_seconds[5m])");
            let found = converted(query, &selectors(&plain), renamed, is_time);
            assert_eq!(found.as_deref(), expected, "{query}");
        }
    }
}
