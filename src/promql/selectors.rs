//! Which series an expression selects, and over which time: what has to be there for its value to
//! mean something.

use super::lexer::{Lexer, TokenKind};
use super::plan::{At, Selector, Test, TimeModifiers};
use super::syntax::{Expr, Kind};
use super::{Error, parse};
use crate::storage::{Labels, METRIC_NAME};

/// Functions that read their range as a counter.
const OF_COUNTERS: [&str; 5] = ["rate", "irate", "increase", "resets", QUANTILE];
/// Functions that read no more than one or two samples of their range.
const OF_FEW: [&str; 4] = ["first_over_time", "idelta", "irate", "last_over_time"];
/// The function of the buckets of a histogram.
const QUANTILE: &str = "histogram_quantile";

/// A selector of an expression.
#[derive(Debug, Clone)]
pub struct SelectorUse {
    /// The selector as it is written, without range, `offset` and `@`.
    pub text: String,
    /// How far back it reaches from the instant of evaluation, in milliseconds, subqueries around
    /// it included; 0 for the latest samples alone.
    pub range: i64,
    /// How far its instant is moved back by `offset`, milliseconds.
    pub offset: i64,
    /// Whether `@` fixes its instant.
    pub is_fixed: bool,
    /// The instant that `@` names, milliseconds since the Unix epoch; `None` for that of the query.
    pub at: Option<i64>,
    /// Whether its samples are read as a counter's, by `rate` and the like.
    pub is_counter: bool,
    /// Whether its samples are the buckets of a quantile.
    pub is_of_quantile: bool,
    /// Whether no more than one or two samples of its range are read, as by `irate`.
    pub is_of_few: bool,
    selector: Selector,
}

impl SelectorUse {
    /// Whether it selects the series with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        let is_named =
            self.selector.metric.as_ref().is_none_or(|name| labels.metric_name() == name);
        is_named && self.selector.matchers.iter().all(|it| it.test.holds(labels.get(&it.label)))
    }

    /// Whether it selects the latest sample of each series, and not those of a range.
    pub const fn is_of_latest(&self) -> bool {
        self.selector.range.is_none()
    }

    /// The name of its metric, if there can be only one.
    pub fn metric(&self) -> Option<&str> {
        self.selector.metric.as_deref()
    }

    /// The labels that it asks for, besides the name of the metric.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.selector.matchers.iter().map(|it| it.label.as_str())
    }

    /// Whether it takes series that have this value of a label, as far as that one says.
    pub fn takes(&self, label: &str, value: &str) -> bool {
        self.selector.matchers.iter().filter(|it| it.label == label).all(|it| it.test.holds(value))
    }

    /// Whether it asks for metrics of that name, whatever their other labels.
    pub fn accepts_name(&self, name: &str) -> bool {
        let mut of_name = self.selector.matchers.iter().filter(|it| it.label == METRIC_NAME);
        match self.metric() {
            Some(metric) => metric == name,
            None => of_name.clone().count() > 0 && of_name.all(|it| it.test.holds(name)),
        }
    }

    /// The value that it asks of a label, if there can be only one.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.selector.matchers.iter().find_map(|it| match &it.test {
            Test::Equal(value) if it.label == name => Some(value.as_str()),
            _ => None,
        })
    }
}

/// The selectors that stand in an expression of some other language than this PromQL, as far as
/// braces show them: `name{…}`; and why some are not understood, if so.
pub fn selectors_by_braces(text: &str) -> (Vec<SelectorUse>, Option<Error>) {
    let mut lexer = Lexer::new(text);
    let (mut open, mut last, mut found, mut unread) = (None, None, Vec::new(), None);
    loop {
        let token = match lexer.token() {
            Ok(token) => token,
            Err(_) if lexer.skip() => continue,
            Err(error) => return (found, Some(error)),
        };
        match &token.kind {
            TokenKind::End => break,
            TokenKind::Symbol("{") => {
                let name = last.filter(|(_, end)| *end == token.span.start);
                let start = name.map_or(token.span.start, |(start, _)| start);
                open = Some((start..token.span.end, token.span.end, Vec::new()));
            }
            TokenKind::Symbol("}") => {
                let Some((head, from, mut parts)) = open.take() else { continue };
                parts.push(from..token.span.start);
                let head = text.get(head).unwrap_or_default();
                for part in parts {
                    let tests = text.get(part).unwrap_or_default();
                    match parse(&format!("{head}{tests}}}")) {
                        Ok(query) => found.extend(query.selectors().iter().cloned()),
                        Err(error) => unread = unread.or(Some(error)),
                    }
                }
            }
            // MetricsQL has alternatives within braces.
            TokenKind::Word(word) if word.eq_ignore_ascii_case("or") => {
                if let Some((_, from, parts)) = &mut open {
                    parts.push(*from..token.span.start);
                    *from = token.span.end;
                }
            }
            _ => {}
        }
        let is_word = matches!(token.kind, TokenKind::Word(_));
        last = is_word.then_some((token.span.start, token.span.end));
    }
    let is_open = open.is_some();
    let unread = unread.or(is_open.then(|| Error::parse(text, text.len(), "a brace is open")));
    (found, unread)
}

/// Every selector of the tree, in the order of the text.
pub(super) fn selectors(text: &str, tree: &Expr) -> Vec<SelectorUse> {
    let mut found = Vec::new();
    walk(text, tree, Reach::default(), &mut found);
    found
}

/// What surrounds an expression.
#[derive(Clone, Copy, Default)]
struct Reach {
    range: i64,
    offset: i64,
    is_fixed: bool,
    at: Option<i64>,
    is_counter: bool,
    is_of_quantile: bool,
    is_of_few: bool,
}

impl Reach {
    fn within(self, range: i64, modifiers: TimeModifiers) -> Self {
        // What is fixed is not moved by what stands around it.
        let (offset, at) = match modifiers.at {
            Some(At::Instant(at)) => (0, Some(at)),
            Some(At::Start | At::End) => (0, None),
            None => (self.offset, self.at),
        };
        Self {
            range: self.range.saturating_add(range),
            offset: offset.saturating_add(modifiers.offset.unwrap_or_default()),
            is_fixed: self.is_fixed || modifiers.at.is_some(),
            at,
            ..self
        }
    }
}

/// As deep as the tree, which is bounded.
fn walk(text: &str, expr: &Expr, reach: Reach, found: &mut Vec<SelectorUse>) {
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) => {}
        Kind::Selector(selector) => {
            let all = reach.within(selector.range.unwrap_or_default(), selector.modifiers);
            let Reach { range, offset, is_fixed, at, is_counter, is_of_quantile, is_of_few } = all;
            let end = expr.span.start + selector.length;
            let text = text.get(expr.span.start..end).unwrap_or_default().to_owned();
            let selector = (**selector).clone();
            found.push(SelectorUse {
                text,
                range,
                offset,
                is_fixed,
                at,
                is_counter,
                is_of_quantile,
                is_of_few,
                selector,
            });
        }
        Kind::Subquery(subquery) => {
            walk(text, &subquery.of, reach.within(subquery.range, subquery.modifiers), found);
        }
        Kind::Paren(inner) | Kind::Plus(inner) | Kind::Minus(inner) => {
            walk(text, inner, reach, found);
        }
        Kind::Binary(binary) => {
            walk(text, &binary.left, reach, found);
            walk(text, &binary.right, reach, found);
        }
        Kind::Aggregate(aggregate) => {
            aggregate.parameter.iter().for_each(|it| walk(text, it, reach, found));
            walk(text, &aggregate.of, reach, found);
        }
        Kind::Call(call) => {
            let is_counter = reach.is_counter || OF_COUNTERS.contains(&call.function.as_str());
            let is_of_quantile = reach.is_of_quantile || call.function == QUANTILE;
            let is_of_few = reach.is_of_few || OF_FEW.contains(&call.function.as_str());
            let reach = Reach { is_counter, is_of_quantile, is_of_few, ..reach };
            call.arguments.iter().for_each(|it| walk(text, it, reach, found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::selectors_by_braces;
    use crate::promql::parse;

    #[test]
    fn every_selector_is_found_with_its_reach() {
        for (expr, expected) in [
            ("x", &[("x", 0, 0, false)][..]),
            ("1 + time()", &[]),
            ("(x{a=\"b\"}[5m] offset 1m)", &[("x{a=\"b\"}", 300_000, 60_000, false)]),
            (
                "rate(s_sum[1m]) / rate(s_count { } [2m])",
                &[("s_sum", 60_000, 0, true), ("s_count { }", 120_000, 0, true)],
            ),
            ("max_over_time(x[1m:5s] offset 3s)", &[("x", 60_000, 3000, false)]),
            ("max_over_time(rate(x_total[10s])[1m:5s])", &[("x_total", 70_000, 0, true)]),
            (
                "histogram_quantile(0.99, sum by (le) (rate(h_bucket[5m])))",
                &[("h_bucket", 300_000, 0, true)],
            ),
            (
                "quantile(scalar(q), {__name__=~\"a.*\"} or y)",
                &[("q", 0, 0, false), ("{__name__=~\"a.*\"}", 0, 0, false), ("y", 0, 0, false)],
            ),
        ] {
            let query = parse(expr).unwrap();
            let found: Vec<_> = query
                .selectors()
                .iter()
                .map(|it| (it.text.as_str(), it.range, it.offset, it.is_counter))
                .collect();
            assert_eq!(found, expected, "{expr}");
        }
        for (expr, at, offset) in [
            ("x @ 5", Some(5000), 0),
            ("x @ 5 offset 1s", Some(5000), 1000),
            ("x @ end() offset 1s", None, 1000),
            ("max_over_time((x @ 5)[1m:] offset 3s)", Some(5000), 0),
            ("max_over_time(x[1m:] @ 5 offset 3s)", Some(5000), 3000),
            ("max_over_time((x offset 1s)[1m:] @ 5)", Some(5000), 1000),
        ] {
            let query = parse(expr).unwrap();
            let found = &query.selectors()[0];
            assert_eq!((found.is_fixed, found.at, found.offset), (true, at, offset), "{expr}");
        }
        let of_quantile = |expr| parse(expr).unwrap().selectors()[0].is_of_quantile;
        assert!(of_quantile("max(histogram_quantile(0.99, rate(h_bucket[5m])))"));
        assert!(!of_quantile("rate(h_bucket[5m])"));
    }

    #[test]
    fn a_selector_knows_its_series() {
        let query = parse("x{job=~\"a.*\",env!=\"dev\"}").unwrap();
        let selector = &query.selectors()[0];
        for (labels, expected) in [
            (&[("__name__", "x"), ("job", "api")][..], true),
            (&[("__name__", "y"), ("job", "api")], false),
            (&[("__name__", "x"), ("job", "web")], false),
            (&[("__name__", "x"), ("job", "api"), ("env", "dev")], false),
        ] {
            assert_eq!(selector.matches(&labels.iter().copied().collect()), expected);
        }
        assert_eq!(selector.metric(), Some("x"));
        assert_eq!((selector.label("job"), selector.label("env")), (None, None));
        let query = parse("x{job=\"api\"}").unwrap();
        assert_eq!(query.selectors()[0].label("job"), Some("api"));
    }

    #[test]
    fn braces_show_selectors_in_another_language() {
        for (expr, expected, unread) in [
            (
                "rate(x_total{a=\"{\"}) keep_metric_names default y{}",
                &["x_total{a=\"{\"}", "y{}"][..],
                false,
            ),
            (
                "histogram_share(1, {__name__=\"h_bucket\"}[5m])",
                &["{__name__=\"h_bucket\"}"],
                false,
            ),
            ("lag(x)", &[], false),
            ("rate(x{}[1i]) + 5Ki ? y{} & z{}", &["x{}", "y{}", "z{}"], false),
            (
                "x{a=\"b\" or c=\"d\",e!=\"f\"} + y{}",
                &["x{a=\"b\" }", "x{ c=\"d\",e!=\"f\"}", "y{}"],
                false,
            ),
            ("x{a=b} + y{}", &["y{}"], true),
            ("x{} + y{", &["x{}"], true),
            ("x{} + \"y{}", &["x{}"], true),
        ] {
            let (found, why) = selectors_by_braces(expr);
            let found: Vec<_> = found.iter().map(|it| it.text.as_str()).collect();
            assert_eq!((found.as_slice(), why.is_some()), (expected, unread), "{expr} {why:?}");
        }
    }
}
