//! Lines of source files, as they may be shown.

use crate::config::printable_word;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The most characters of a line that are shown.
const MOST: usize = 120;
/// A larger file is not read, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;
/// So many files are kept; the rest is read again each time.
const MOST_FILES: usize = 256;
/// Only these are read: a process can claim any path for its code.
const ENDS: &[&str] = &["py", "pyw", "js", "cjs", "mjs", "ts"];

/// Files that were read, by their path.
#[derive(Debug, Default)]
pub(in crate::outside) struct Sources(HashMap<String, Option<String>>);

impl Sources {
    /// A line as it may be shown; empty where it cannot be read.
    pub(super) fn line(&mut self, path: &Path, line: u32) -> String {
        self.raw_line(path, line).map(|text| shown(&text)).unwrap_or_default()
    }

    /// A line as it is in the file; `None` where it cannot be read.
    pub(super) fn raw_line(&mut self, path: &Path, line: u32) -> Option<String> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let key = path.to_string_lossy().into_owned();
        if self.0.len() >= MOST_FILES && !self.0.contains_key(&key) {
            self.0.clear();
        }
        let text = self.0.entry(key).or_insert_with(|| read(path)).as_deref()?;
        text.lines().nth(index).map(str::to_owned)
    }

    /// So many lines from one on, as they are in the file; none where it cannot be read.
    #[cfg(target_os = "linux")]
    pub(in crate::outside) fn lines_from(
        &mut self,
        path: &Path,
        line: u32,
        count: usize,
    ) -> Vec<String> {
        if self.raw_line(path, line).is_none() {
            return Vec::new();
        }
        let text = self.0.get(path.to_string_lossy().as_ref()).and_then(|text| text.as_deref());
        let before = usize::try_from(line).unwrap_or(1).saturating_sub(1);
        text.map(|text| text.lines().skip(before).take(count).map(str::to_owned).collect())
            .unwrap_or_default()
    }
}

/// The text of a source file that is not too large.
fn read(path: &Path) -> Option<String> {
    let is_source =
        path.extension().and_then(|end| end.to_str()).is_some_and(|end| ENDS.contains(&end));
    let about = fs::metadata(path).ok()?;
    if !is_source || !about.is_file() || about.len() > LARGEST {
        return None;
    }
    Some(String::from_utf8_lossy(&fs::read(path).ok()?).into_owned())
}

/// A line without its indentation, its control characters, and the secrets of its URLs.
fn shown(line: &str) -> String {
    let mut words = String::new();
    // What ends a URL in source code, kept with what stands before it.
    let ends_a_word = |c: char| c.is_whitespace() || "'\"`<>{}".contains(c);
    for word in line.trim().split_inclusive(ends_a_word) {
        let (word, end) = word.split_at(word.trim_end_matches(ends_a_word).len());
        words.push_str(&without_password(&printable_word(word)));
        words.push_str(end);
    }
    let mut shown = String::new();
    for (count, c) in words.chars().enumerate() {
        if count == MOST {
            shown.pop();
            shown.push('…');
            break;
        }
        shown.push(c);
    }
    plain(&shown)
}

/// Foreign characters that would change the line that they are shown on, escaped.
pub(super) fn plain(text: &str) -> String {
    let changes = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().fold(String::new(), |mut plain, c| {
        match c {
            '\t' => plain.push(' '),
            c if changes(c) => plain.extend(c.escape_default()),
            c => plain.push(c),
        }
        plain
    })
}

/// `redis://:***@db` for a URL of any scheme that has a password.
fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let host_end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..host_end).and_then(|authority| authority.rfind('@')) {
        Some(at) => {
            let (user, host) = rest.split_at(at);
            let user = user.split_once(':').map_or("", |(user, _)| user);
            let colon = if user.is_empty() && !rest.starts_with(':') { "" } else { ":" };
            format!("{scheme}://{user}{colon}***{host}")
        }
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_without_secrets_and_control_characters() {
        for (line, expected) in [
            ("    time.sleep(ms / 1000)", "time.sleep(ms / 1000)"),
            ("\tx = 1\u{1b}[31m\u{202e}", "x = 1\\u{1b}[31m\\u{202e}"),
            (
                "r = requests.get(\"http://me:s3cret@h/?token=s3cret\", timeout=3)",
                "r = requests.get(\"http://me:***@h/?token=***\", timeout=3)",
            ),
            (
                "db = connect('postgres://me:s3cret@db/users')",
                "db = connect('postgres://me:***@db/users')",
            ),
            ("db = connect('redis://:s3cret@db')", "db = connect('redis://:***@db')"),
            ("db = connect('redis://:a;b(c@db')", "db = connect('redis://:***@db')"),
            ("# (see http://h/?token=a;b)", "# (see http://h/?token=***"),
            ("get(f'http://h/{path}?token={token}')", "get(f'http://h/{path}?token={token}')"),
            ("s3 = open('x://s3cret@db')", "s3 = open('x://***@db')"),
            ("a@b.matrix @ c", "a@b.matrix @ c"),
            ("x = 'é' # '", "x = 'é' # '"),
        ] {
            assert_eq!(shown(line), expected);
        }
        let long = shown(&"é".repeat(500));
        assert_eq!((long.chars().count(), long.ends_with('…')), (MOST, true));
    }

    #[test]
    fn only_lines_of_source_files_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("a.py");
        fs::write(&source, b"one\n  two\xff\n").unwrap();
        let other = directory.path().join("shadow");
        fs::write(&other, "secret\n").unwrap();
        let mut sources = Sources::default();
        assert_eq!(sources.line(&source, 2), "two\u{fffd}");
        for (path, line) in
            [(&source, 0), (&source, 3), (&other, 1), (&directory.path().join("b.py"), 1)]
        {
            assert_eq!(sources.line(path, line), "");
        }
    }
}
