//! What a service calls its files, functions and labels has no meaning in any format.

use super::case;

/// What of the names in `tests/reports/hostile` may not stand in a report as it is.
const MEANINGS: [(&str, &[&str]); 4] = [
    ("junit", &["<script", "]]>", "</testcase><img"]),
    ("github", &["\n::error::", "%0A<script"]),
    ("sarif", &["\u{202e}"]),
    ("gitlab", &["\u{202e}"]),
];

#[test]
fn names_have_no_meaning() {
    let hostile = case("hostile");
    for (format, meanings) in MEANINGS {
        let report = hostile.report(format);
        for meaning in meanings {
            assert!(!report.contains(meaning), "{meaning} in {format}:\n{report}");
        }
    }
    for (format, _) in super::FILES {
        let report = hostile.report(format);
        let reverses = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!report.contains(reverses), "{format} changes the direction");
        let controls = |c: char| c.is_control() && c != '\n';
        assert!(!report.contains(controls), "{format} has control characters");
    }
}
