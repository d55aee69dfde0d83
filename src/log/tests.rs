//! Lines, pairs and values, on texts that are small enough to be read here.

use std::io::Read;

use super::scan::{LastLine, MAX_LINE, last_lines};
use super::{LogError, Value, integer, pairs, pairs_of_last_line, whole_pairs};

fn line(text: &str) -> LastLine {
    LastLine::Line(text.to_owned())
}

#[test]
fn the_last_line_with_a_token_is_found_whatever_ends_lines() {
    for end in ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\u{85}", "\u{2028}"] {
        let text = ["M a=1", "", "M a=2", "N a=3", "M", "N", "else"].join(end);
        let found = last_lines(text.as_bytes(), &["M a", "N", "O"]).unwrap();
        assert_eq!(found, [line("M a=2"), line("N"), LastLine::Absent], "{end:?}");
    }
}

#[test]
fn a_line_across_blocks_is_whole() {
    // Every distance of the line from the ends of the blocks, and of the token and the breaks in it.
    for filler in (1 << 18) - 12..(1 << 18) + 3 {
        let text = format!("{}\u{2028}TOKEN a=1\u{2028}b\n", "x".repeat(filler));
        let found = last_lines(text.as_bytes(), &["TOKEN"]).unwrap();
        assert_eq!(found, [line("TOKEN a=1")], "{filler}");
    }
}

#[test]
fn a_line_that_is_too_long_is_said_to_be() {
    let long = "x".repeat(MAX_LINE - 3);
    let longer = "x".repeat(3 * MAX_LINE);
    let cases = [
        (format!("M a=1\nM {long}y"), LastLine::Open(format!("M {long}y"))),
        (format!("M a=1\nM {long}yz\n"), LastLine::TooLong),
        (format!("M a=1\n{long}yz M\n"), LastLine::TooLong),
        (format!("M a=1\nM {longer}\n"), LastLine::TooLong),
        (format!("M a=1\n{longer} M {longer}\nelse\n"), LastLine::TooLong),
        (format!("M a=1\n{longer} M a=3"), LastLine::TooLong),
        (format!("M a=1\n{longer}\n"), line("M a=1")),
        (format!("M {longer}\nM a=2\n"), line("M a=2")),
    ];
    for (text, expected) in cases {
        let found = last_lines(text.as_bytes(), &["M"]).unwrap();
        let head: String = text.chars().take(20).collect();
        assert!(found == [expected], "{head} of {} bytes", text.len());
    }
}

#[test]
fn what_is_no_utf_8_hides_neither_breaks_nor_tokens() {
    let text = b"\xe2\x80M a=1\xff\xf0\nN\xc2";
    let found = last_lines(text.as_slice(), &["M", "N"]).unwrap();
    assert_eq!(
        found,
        [line("\u{fffd}M a=1\u{fffd}\u{fffd}"), LastLine::Open("N\u{fffd}".to_owned())]
    );
}

#[test]
fn a_log_that_fails_midway_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    assert!(last_lines(b"M a=1\n".chain(Broken), &["M"]).is_err());
}

#[test]
fn keys_keep_the_order_of_their_first_place_and_have_the_last_value() {
    let found = pairs("b=1 a=2.50 b=x");
    let found: Vec<_> = found.iter().collect();
    let text = Value::Text("x".to_owned());
    assert_eq!(found, [("b", &text), ("a", &Value::Decimal(2.5))]);
}

#[test]
fn a_number_too_large_to_be_held_is_text() {
    let (large, larger) = (i128::MAX.to_string(), "9".repeat(40));
    assert_eq!(pairs(&format!("a={large}")).get("a"), Some(&Value::Integer(i128::MAX)));
    for text in [larger, format!("{}.5", "9".repeat(400))] {
        assert_eq!(pairs(&format!("a={text}")).get("a"), Some(&Value::Text(text)));
    }
}

#[test]
fn what_is_no_file_has_no_pairs_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("log");
    let missing = pairs_of_last_line(&file, "M");
    assert!(matches!(missing, Err(LogError::Missing)), "{missing:?}");
    let of_directory = pairs_of_last_line(directory.path(), "M");
    assert!(matches!(of_directory, Err(LogError::Directory)), "{of_directory:?}");
    std::fs::write(&file, "M a=1\nN a=2\n").unwrap();
    let found = pairs_of_last_line(&file, "M").unwrap();
    assert_eq!(found.get("a"), Some(&Value::Integer(1)));
    assert_eq!(pairs_of_last_line(&file, "O").unwrap().iter().count(), 0);
}

#[test]
fn integers_of_text_are_read_as_python_reads_them() {
    for (text, number) in [
        ("0", Some(0)),
        (" 3\t", Some(3)),
        ("+5", Some(5)),
        ("-12", Some(-12)),
        ("1_000", Some(1000)),
        ("007", Some(7)),
        ("", None),
        ("_1", None),
        ("1__0", None),
        ("1.0", None),
        ("0x1", None),
        ("--1", None),
        ("1 2", None),
        ("\x1c0", None),
        ("٣", Some(3)),
        ("\u{2003}-１_２\u{2003}", Some(-12)),
    ] {
        assert_eq!(integer(text), number, "{text:?}");
    }
}

#[test]
fn what_may_be_cut_off_is_not_whole() {
    for (line, key, is_whole) in [
        ("M a=1 b=2", "a", true),
        ("M a=1 b=2", "b", false),
        ("M a=1 b=2 ", "b", true),
        ("M b=1 b=2", "b", false),
        ("M", "b", false),
    ] {
        let (whole, all) = (whole_pairs(line), pairs(line));
        let is_same = whole.get(key).is_some() && whole.get(key) == all.get(key);
        assert_eq!(is_same, is_whole, "{line} {key}");
    }
}
