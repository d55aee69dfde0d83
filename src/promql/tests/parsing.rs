//! What the parser makes of a text: trees, places, and reasons why not.

mod properties;

use crate::promql::parser::parse;
use crate::promql::syntax::{Expr, Kind};
use crate::promql::{self, Error};

/// A tree with parentheses around every operation.
fn shape(expr: &Expr) -> String {
    match &expr.kind {
        Kind::Number(number) => number.to_string(),
        Kind::Text(text) => format!("{text:?}"),
        Kind::Paren(inner) => shape(inner),
        Kind::Plus(of) => format!("(+{})", shape(of)),
        Kind::Minus(of) => format!("(-{})", shape(of)),
        Kind::Selector(selector) => {
            let mut text = selector.metric.clone().unwrap_or_default();
            if !selector.matchers.is_empty() {
                let labels = selector.matchers.iter().map(|matcher| matcher.label.as_str());
                text = format!("{text}{{{}}}", labels.collect::<Vec<_>>().join(","));
            }
            if let Some(range) = selector.range {
                text = format!("{text}[{range}]");
            }
            let offset = selector.modifiers.offset;
            text + &offset.map(|offset| format!(" offset {offset}")).unwrap_or_default()
        }
        Kind::Subquery(subquery) => {
            format!("{}[{}:{:?}]", shape(&subquery.of), subquery.range, subquery.step)
        }
        Kind::Binary(binary) => {
            let name = binary.operator.text();
            format!("({} {name} {})", shape(&binary.left), shape(&binary.right))
        }
        Kind::Aggregate(aggregate) => {
            let arguments = aggregate.parameter.iter().chain([&aggregate.of]).map(shape);
            let arguments = arguments.collect::<Vec<_>>().join(", ");
            format!("{}:{}", aggregate.operator, arguments)
        }
        Kind::Call(call) => {
            let arguments = call.arguments.iter().map(shape).collect::<Vec<_>>().join(", ");
            format!("{}({arguments})", call.function)
        }
    }
}

#[track_caller]
fn check_shapes(texts: &[(&str, &str)]) {
    for (text, expected) in texts {
        let tree = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(shape(&tree), *expected, "{text}");
    }
}

#[test]
fn operators_bind_as_tightly_as_in_prometheus() {
    check_shapes(&[
        ("a + b * c", "(a + (b * c))"),
        ("a * b + c", "((a * b) + c)"),
        ("a - b - c", "((a - b) - c)"),
        ("a ^ b ^ c", "(a ^ (b ^ c))"),
        ("a / b atan2 c % d", "(((a / b) atan2 c) % d)"),
        ("a or b and c unless d", "(a or ((b and c) unless d))"),
        ("a and b > c + d", "(a and (b > (c + d)))"),
        ("a == b == c", "((a == b) == c)"),
        ("-a ^ b", "(-(a ^ b))"),
        ("-a * b", "((-a) * b)"),
        ("a ^ -b * c", "((a ^ (-b)) * c)"),
        ("- + -a", "(-(+(-a)))"),
        ("-a offset 1s", "(-a offset 1000)"),
        ("a * b[5s:]", "(a * b[5000:None])"),
        ("(a + b)[5s:1s] > c", "((a + b)[5000:Some(1000)] > c)"),
    ]);
}

#[test]
fn words_are_keywords_where_keywords_can_stand() {
    check_shapes(&[
        ("and and and", "(and and and)"),
        ("OR Or or", "(OR or or)"),
        ("sum", "sum"),
        ("Sum(sum)", "sum:sum"),
        ("sum by (by) (by)", "sum:by"),
        ("offset offset 1s", "offset offset 1000"),
        ("start + end", "(start + end)"),
        ("a + fill", "(a + fill)"),
        ("{inf=\"1\", or!=\"2\", by=~\"3\"}", "{inf,or,by}"),
        ("inf + NaN", "(inf + NaN)"),
        ("a:b:c + :d", "(a:b:c + :d)"),
        ("topk(1, topk)", "topk:1, topk"),
    ]);
}

#[test]
fn literals_are_read_as_prometheus_3_reads_them() {
    check_shapes(&[
        ("1_000.5", "1000.5"),
        ("0x1F", "31"),
        ("017 + 019", "(15 + 19)"),
        (".5e1 + 5.", "(5 + 5)"),
        ("1h30m + 1ms", "(5400 + 0.001)"),
        ("a[1m30s]", "a[90000]"),
        ("a[90]", "a[90000]"),
        ("a[1.001]", "a[1001]"),
        ("a[1h4294967296ms]", "a[4298567296]"),
        ("a[292y]", "a[9208512000000]"),
        ("a offset -5", "a offset -5000"),
        ("a offset +5s", "a offset 5000"),
        ("'\\'' + \"\\x41\\u00e9\\101\" + `\\n`", "((\"'\" + \"AéA\") + \"\\\\n\")"),
        ("a # comment\n + # another\r b", "(a + b)"),
    ]);
}

/// All nodes of a tree, from the outside to the inside, as the text has them.
fn places<'a>(text: &'a str, expr: &Expr) -> Vec<&'a str> {
    let within = match &expr.kind {
        Kind::Number(_) | Kind::Text(_) | Kind::Selector(_) => Vec::new(),
        Kind::Paren(of) | Kind::Plus(of) | Kind::Minus(of) => vec![&**of],
        Kind::Subquery(subquery) => vec![&subquery.of],
        Kind::Binary(binary) => vec![&binary.left, &binary.right],
        Kind::Aggregate(aggregate) => aggregate.parameter.iter().chain([&aggregate.of]).collect(),
        Kind::Call(call) => call.arguments.iter().collect(),
    };
    let own = &text[expr.span.start..expr.span.end];
    [own].into_iter().chain(within.into_iter().flat_map(|inner| places(text, inner))).collect()
}

#[test]
fn every_node_knows_its_place() {
    for (text, expected) in [
        (" rate(x[5m] offset 1m ) ", vec!["rate(x[5m] offset 1m )", "x[5m] offset 1m"]),
        ("(a) / b{c=\"é\"} ", vec!["(a) / b{c=\"é\"}", "(a)", "a", "b{c=\"é\"}"]),
        ("sum(a) by (b) > 1", vec!["sum(a) by (b) > 1", "sum(a) by (b)", "a", "1"]),
        ("- x [5m:] @ 1 ", vec!["- x [5m:] @ 1", "x [5m:] @ 1", "x"]),
        ("topk(2, a @ end())", vec!["topk(2, a @ end())", "2", "a @ end()"]),
    ] {
        assert_eq!(places(text, &parse(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn errors_say_where_and_what() {
    for (text, expected) in [
        ("", "1:1: parse error: expected an expression, found the end"),
        ("up +", "1:5: parse error: expected an expression, found the end"),
        ("a\n + é", "2:4: parse error: unexpected character 'é'"),
        ("\"é\" )", "1:5: parse error: expected an operator or the end, found \")\""),
        ("up up", "1:4: parse error: expected an operator or the end, found \"up\""),
        ("sum(a", "1:6: parse error: expected an operator, \",\" or \")\", found the end"),
        ("(a", "1:3: parse error: expected an operator or \")\", found the end"),
        ("sum by a", "1:8: parse error: expected \"(\" and labels, found \"a\""),
        ("sum by (1) (a)", "1:9: parse error: expected a label or \")\", found \"1\""),
        ("a{b}", "1:4: parse error: expected \"=\", \"!=\", \"=~\" or \"!~\" behind a label"),
        ("a{b=1}", "1:5: parse error: expected a string, found \"1\""),
        ("a{b=\"1\" c", "1:9: parse error: expected \",\" or \"}\" behind a matcher, found \"c\""),
        ("a{b=~\"(\"}", "1:6: parse error: invalid regular expression \"(\""),
        ("a{__name__=\"b\"}", "1:1: parse error: the name of the metric is set twice"),
        ("1 + {a!=\"b\"}", "1:5: parse error: at least one matcher must not match an empty value"),
        ("a[]", "1:3: parse error: expected a duration, found \"]\""),
        ("a[5m", "1:5: parse error: expected \":\" or \"]\" behind a duration, found the end"),
        ("(a)[5m]", "1:4: parse error: ranges only allowed for vector selectors"),
        ("a offset 1m[5m]", "1:12: parse error: a range must stand before offset and @"),
        ("a @ 1 @ 2", "1:7: parse error: @ is set twice"),
        ("sum(a) offset 5m", "1:8: parse error: offset must follow a selector or a subquery"),
        ("a @ inf", "1:5: parse error: the timestamp is out of range"),
        ("a[0s]", "1:3: parse error: a duration must be greater than 0"),
        ("a[300y]", "1:3: parse error: the duration is too long"),
        ("a + 5parsecs", "1:5: parse error: this is neither a number nor a duration"),
        ("a == \"b", "1:6: parse error: the string has no end"),
        ("topk(a)", "1:1: parse error: topk() takes 2 argument(s), not 1"),
    ] {
        let error = promql::parse(text).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn errors_about_types_say_where_and_what() {
    for (text, expected) in [
        (
            "1 + rate(x)",
            "1:10: parse error: expected a range vector in rate(), got an instant vector",
        ),
        ("abs(1)", "1:5: parse error: expected an instant vector in abs(), got a scalar"),
        ("round(x, \"a\")", "1:10: parse error: expected a scalar in round(), got a string"),
        ("clamp(x, 1)", "1:1: parse error: clamp() takes 3 argument(s), not 2"),
        ("round()", "1:1: parse error: round() takes 1 or 2 argument(s), not 0"),
        ("label_join(x)", "1:1: parse error: label_join() takes at least 3 argument(s), not 1"),
        ("foo(x)", "1:1: parse error: unknown function \"foo\""),
        ("Rate(x[5m])", "1:1: parse error: unknown function \"Rate\""),
        ("sum(1)", "1:5: parse error: expected an instant vector in sum(), got a scalar"),
        ("quantile(\"a\", x)", "1:10: parse error: expected a scalar in quantile(), got a string"),
        (
            "x + x[5m]",
            "1:5: parse error: expected a scalar or an instant vector as an operand of +",
        ),
        ("-x[5m]", "1:2: parse error: expected a scalar or an instant vector behind a sign"),
        ("1[5m:]", "1:1: parse error: expected an instant vector in a subquery, got a scalar"),
        (
            "x and 1",
            "1:7: parse error: expected an instant vector on the right of and, got a scalar",
        ),
        ("1 > 2", "1:3: parse error: comparisons between scalars must use the bool modifier"),
        ("x + bool y", "1:3: parse error: the bool modifier can only be used on comparisons"),
        (
            "x + on(a) 1",
            "1:3: parse error: on and ignoring are only allowed between instant vectors",
        ),
        (
            "x or on() group_left y",
            "1:3: parse error: or allows neither group_left nor group_right",
        ),
        ("x + on(a) group_left(a) y", "1:3: parse error: label \"a\" stands both behind on and"),
        (
            "label_replace(x, \"\", \"\", \"\", \"\")",
            "1:18: parse error: a label has an empty name",
        ),
        ("label_replace(x, \"a\", \"\", \"\", \"(\")", "1:31: parse error: invalid regular"),
    ] {
        let error = promql::parse(text).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn a_long_text_is_not_repeated_in_an_error() {
    let long = "a".repeat(5000);
    for text in [format!("x {long}"), format!("{long}()"), format!("x{{a=~\"({long}\"}}")] {
        let error = promql::parse(&text).expect_err("no expression").to_string();
        assert!(error.len() < 200, "{error}");
    }
}

#[test]
fn syntax_of_experiments_is_unsupported() {
    for text in ["x[5m] anchored", "rate(x[5m] SMOOTHED)", "x + Fill_Left (1) y"] {
        assert!(matches!(promql::parse(text), Err(Error::Unsupported(_))), "{text}");
    }
}
