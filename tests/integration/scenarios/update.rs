//! Rewrites in the text of a scenario what it expects, and leaves the rest of it as it is.

use serde_yaml::Value;

/// The text with another exit code.
pub(super) fn code(text: &str, was: i32, code: i32) -> String {
    let (before, entry, after) = around(text, "code");
    [before, &entry.replacen(&was.to_string(), &code.to_string(), 1), after].concat()
}

/// The text with `key` being `value`: as a block where one can hold it. What has no such key is
/// given it below the exit code.
pub(super) fn output(text: &str, key: &str, value: &str) -> String {
    let (before, entry, after) = around(text, key);
    let (before, after) = if entry.is_empty() {
        let (before, code, after) = around(text, "code");
        ([before, code].concat(), after)
    } else {
        (before.to_owned(), after)
    };
    let new = [&before, &*block(key, value), after].concat();
    let read: Result<Value, _> = serde_yaml::from_str(&new);
    if read.is_ok_and(|read| read.get(key).and_then(Value::as_str) == Some(value)) {
        return new;
    }
    // Nothing at all, control characters, several line ends at the end: in quotes, as in JSON.
    let quoted = serde_json::Value::from(value);
    format!("{before}{key}: {quoted}\n{after}")
}

/// The text before the entry of that key, the entry, and what comes after it: blank lines
/// between it and the next entry, too. Without such a key all of it is before.
fn around<'a>(text: &'a str, key: &str) -> (&'a str, &'a str, &'a str) {
    let head = format!("{key}:");
    let (mut start, mut end, mut place) = (None, text.len(), 0);
    for line in text.split_inclusive('\n') {
        let is_within = line.starts_with(' ') && !line.trim().is_empty();
        if start.is_none() && line.starts_with(&head) {
            (start, end) = (Some(place), place + line.len());
        } else if start.is_some() && is_within {
            end = place + line.len();
        } else if start.is_some() && !line.trim().is_empty() {
            break;
        }
        place += line.len();
    }
    let start = start.unwrap_or(end);
    (&text[..start], &text[start..end], &text[end..])
}

fn block(key: &str, value: &str) -> String {
    // Without it, blanks at the beginning would count as those by which the block is indented.
    let indent = if value.starts_with([' ', '\n']) { "2" } else { "" };
    let end = if value.ends_with('\n') { "" } else { "-" };
    let mut block = format!("{key}: |{indent}{end}\n");
    for line in value.split_terminator('\n') {
        if !line.is_empty() {
            block.push_str("  ");
        }
        block.push_str(line);
        block.push('\n');
    }
    block
}

#[test]
fn an_update_changes_nothing_else() {
    let text = "\
about: Text. # A comment.
code: 0  # Another one.
stdout: |
  old

  lines

# And one more.
json: {a: [1,
  2]}
";
    let new = code(text, 0, 13);
    let new = output(&new, "stdout", "a new line\n");
    let new = output(&new, "stderr", "{target}: # no\n  comment\n");
    let expected = "\
about: Text. # A comment.
code: 13  # Another one.
stderr: |
  {target}: # no
    comment
stdout: |
  a new line

# And one more.
json: {a: [1,
  2]}
";
    assert_eq!(new, expected);
}

#[test]
fn whatever_is_printed_is_read_back() {
    let texts = ["code: 1\nstdout: |\n  x\n\njson: {}\n", "code: 1\nstdout: x\n", "code: 1\n"];
    let odd =
        ["", "a", "a\n\n", "\n", "\n\n a\n", "  a\nb\n", "a: 'b\n", "---\n", "\tx \n", "\x1b\r\n"];
    for (text, value) in texts.iter().flat_map(|text| odd.map(|value| (text, value))) {
        let new = output(text, "stdout", value);
        let read: Value = serde_yaml::from_str(&new).unwrap();
        assert_eq!(read["stdout"], value, "{new}");
        let again = output(&new, "stdout", "x\n");
        let end = if text.contains("json") { "\njson: {}\n" } else { "" };
        assert_eq!(again, format!("code: 1\nstdout: |\n  x\n{end}"), "{value:?} in {text:?}");
    }
}
