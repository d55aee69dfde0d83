//! Whatever the text is, it is read or refused.

use proptest::prelude::*;
use proptest::sample::select;

use crate::promql;

/// Everything that a text of PromQL can be made of, and some of what it cannot.
#[rustfmt::skip] // A table.
const TOKENS: [&str; 74] = [
    "a", "up", "sum", "topk", "count_values", "rate", "abs", "label_join", "start", "end", "inf",
    "NaN", "1", "0x1f", "1e5", ".5", "5m", "1h30m", "9y", "\"a\"", "'b'", "`c`", "\"\\x41\"", "(",
    "(", ")", ")", "{", "}", "[", "[", "]", "]", ",", ":", "@", "=", "==", "!=", "=~", "!~", "<",
    ">=", "+", "-", "*", "/", "%", "^", "atan2", "and", "or", "unless", "bool", "on", "ignoring",
    "group_left", "group_right", "by", "without", "offset", "fill", "anchored", "#", "\n", " ",
    "é", "\"", "\\", "!", "$", "[5m]", "{a=\"b\"}", "(a)",
];

/// Checks what holds for every text.
fn check(text: &str) -> Result<(), TestCaseError> {
    if let Err(error) = promql::parse(text) {
        let error = error.to_string();
        prop_assert!(error.len() < 300 && !error.contains('\n'), "{}", error);
        let line = error.split(':').next().and_then(|line| line.parse().ok());
        if error.contains("parse error") {
            prop_assert!((1..=text.split('\n').count()).contains(&line.unwrap_or(0)), "{}", error);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn tokens_in_any_order_are_read_or_refused(
        tokens in prop::collection::vec(select(&TOKENS[..]), 0..40),
        separator in select(&["", " "][..]),
    ) {
        check(&tokens.join(separator))?;
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn a_part_of_an_expression_is_read_or_refused(from in 0_usize..200, to in 0_usize..200) {
        let whole = "sum by (a, \"é\") (rate(x{b=~\"c|d\", 'e'!=`f`}[5m] offset -1h30m @ end())) \
                     >= bool on(a) group_left(g) -(2 ^ 0x1F - topk(1, y)[1h:5m]) # end";
        let part: String = whole.chars().skip(from).take(to).collect();
        check(&part)?;
    }
}
