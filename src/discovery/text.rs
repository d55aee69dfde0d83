//! The text of a configuration, changed line by line, so that its comments stay.

use std::ops::Range;

/// A configuration as `examples/presets` has them: sections at the margin, their keys two blanks
/// in.
pub(super) struct Text {
    lines: Vec<String>,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        Self { lines: text.lines().map(str::to_owned).collect() }
    }

    pub(super) fn finish(self) -> String {
        self.lines.join("\n") + "\n"
    }

    /// Adds lines below the comment that the file begins with.
    pub(super) fn below_header(&mut self, lines: &[String]) {
        let end = self.lines.iter().position(|line| !line.starts_with('#'));
        self.insert(end.unwrap_or(self.lines.len()), lines);
    }

    /// Adds lines before the first section.
    pub(super) fn before_sections(&mut self, lines: &[String]) {
        let is_other = |line: &String| !line.starts_with('#') && !line.trim().is_empty();
        let at = self.lines.iter().position(is_other);
        self.insert(at.unwrap_or(self.lines.len()), lines);
    }

    /// Sets the value of a key, and keeps the comment behind it. A key or a section that is not
    /// there is added.
    pub(super) fn set(&mut self, section: &str, key: &str, value: &str) {
        let line = format!("  {key}: {value}");
        match self.entry(section, key) {
            Some(range) => {
                let behind = comment_behind(&self.lines[range.start]).map(str::to_owned);
                self.lines[range.start] =
                    behind.map_or(line.clone(), |it| format!("{line}   {it}"));
            }
            None => self.append(section, &[line]),
        }
    }

    /// Adds lines at the end of a section.
    pub(super) fn append(&mut self, section: &str, lines: &[String]) {
        match self.section(section) {
            Some(range) => self.insert(range.end, lines),
            None => {
                self.lines.push(format!("{section}:"));
                self.lines.extend_from_slice(lines);
            }
        }
    }

    /// Adds comments above a key.
    pub(super) fn note(&mut self, section: &str, key: &str, notes: &[String]) {
        if let Some(range) = self.entry(section, key) {
            let notes: Vec<_> = notes.iter().map(|note| format!("  # {note}")).collect();
            self.insert(range.start, &notes);
        }
    }

    /// Makes a comment of a key and all that it holds.
    pub(super) fn comment_out(&mut self, section: &str, key: &str) {
        let Some(range) = self.entry(section, key) else { return };
        for line in &mut self.lines[range] {
            *line = format!("  # {}", line.strip_prefix("  ").unwrap_or(line));
        }
    }

    /// Changes a query; whether it is written as this can change it: on one line, in single quotes.
    pub(super) fn change_query(
        &mut self,
        section: &str,
        key: &str,
        mut change: impl FnMut(&str) -> Option<String>,
    ) -> bool {
        let Some(range) = self.entry(section, key) else { return false };
        for line in &mut self.lines[range] {
            let Some(start) = line.find(": '").map(|at| at + 3) else { continue };
            let is_query = line.trim_start().starts_with("query:")
                || line.trim_start().starts_with(&format!("{key}:"));
            let Some(end) = line.rfind('\'').filter(|end| is_query && *end > start) else {
                continue;
            };
            // An escaped quote would have to be read first.
            let Some(query) = line.get(start..end).filter(|query| !query.contains('\'')) else {
                return false;
            };
            let Some(changed) = change(query) else { return false };
            line.replace_range(start..end, &changed);
            return true;
        }
        false
    }

    /// The lines of a key, those of a mapping below it included.
    pub(super) fn lines_of(&self, section: &str, key: &str) -> Vec<String> {
        self.entry(section, key).map_or(Vec::new(), |range| self.lines[range].to_vec())
    }

    /// What a section holds, without the blank lines at its end.
    fn section(&self, name: &str) -> Option<Range<usize>> {
        let start = self
            .lines
            .iter()
            .position(|line| line.strip_prefix(name).is_some_and(|rest| rest.trim_end() == ":"))?;
        let body = &self.lines[start + 1..];
        let is_within = |line: &String| line.starts_with(' ') || line.trim().is_empty();
        let end = body.iter().position(|line| !is_within(line)).unwrap_or(body.len());
        let filled = body[..end].iter().rposition(|line| !line.trim().is_empty());
        Some(start + 1..start + 1 + filled.map_or(0, |last| last + 1))
    }

    fn entry(&self, section: &str, key: &str) -> Option<Range<usize>> {
        let section = self.section(section)?;
        let is_key = |line: &String| {
            line.strip_prefix("  ")
                .and_then(|it| it.strip_prefix(key))
                .is_some_and(|it| it.starts_with(':'))
        };
        let start = section.start + self.lines[section.clone()].iter().position(is_key)?;
        let rest = &self.lines[start + 1..section.end];
        let length = rest.iter().take_while(|line| line.starts_with("   ")).count();
        Some(start..start + 1 + length)
    }

    fn insert(&mut self, at: usize, lines: &[String]) {
        self.lines.splice(at..at, lines.iter().cloned());
    }
}

/// The comment behind a value that is plain, or in quotes without a quote in them.
fn comment_behind(line: &str) -> Option<&str> {
    let at = line.find(" #")?;
    let is_within_quotes =
        ['\'', '"'].iter().any(|quote| line[..at].matches(*quote).count() % 2 == 1);
    (!is_within_quotes).then(|| line[at..].trim_start())
}

/// A text as YAML has it in single quotes.
pub(super) fn yaml_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text as PromQL has it in double quotes, on one line and in letters that show.
pub(super) fn promql_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted += "\\n",
            c if c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric() => quoted.push(c),
            c => {
                let code = u32::from(c);
                quoted += &if code > 0xffff {
                    format!("\\U{code:08x}")
                } else {
                    format!("\\u{code:04x}")
                };
            }
        }
    }
    quoted + "\""
}

/// A word as a shell takes it.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | '@' | '%' | '+' | ',')
    };
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Preset x: y\n# Needs: z\n\nvars:\n  selector: \"\"   # labels, such as job=\"a\"\nqueries:\n  # one\n  a: 'x'\n  b:\n    query: 'y'   # two\n    on_nan: zero\n\nthresholds:\n  m: 1\n";

    fn changed(change: impl FnOnce(&mut Text)) -> String {
        let mut text = Text::new(TEXT);
        change(&mut text);
        text.finish()
    }

    #[test]
    fn nothing_else_changes() {
        assert_eq!(changed(|_| {}), TEXT);
        let out = changed(|text| text.comment_out("queries", "b"));
        assert!(
            out.contains("  a: 'x'\n  # b:\n  #   query: 'y'   # two\n  #   on_nan: zero\n\n"),
            "{out}"
        );
        let out = changed(|text| text.set("vars", "selector", "'job=\"b\"'"));
        assert!(out.contains("  selector: 'job=\"b\"'   # labels, such as job=\"a\"\n"), "{out}");
        let out = changed(|text| text.append("queries", &["  c: 'z'".to_owned()]));
        assert!(out.contains("    on_nan: zero\n  c: 'z'\n\nthresholds:"), "{out}");
        let out = changed(|text| text.set("weights", "w", "1"));
        assert!(out.ends_with("  m: 1\nweights:\n  w: 1\n"), "{out}");
        let out = changed(|text| text.below_header(&["# here".to_owned()]));
        assert!(out.starts_with("# Preset x: y\n# Needs: z\n# here\n\nvars:"), "{out}");
        let twice = |query: &str| Some(format!("({query}) / 2"));
        let out = changed(|text| assert!(text.change_query("queries", "b", twice)));
        assert!(out.contains("    query: '(y) / 2'   # two\n"), "{out}");
    }

    #[test]
    fn hostile_words_stay_within_their_quotes() {
        assert_eq!(promql_quoted("a\"b\\c\nd\u{202e}é"), r#""a\"b\\c\nd\u202eé""#);
        assert_eq!(yaml_quoted("job=\"it's\""), "'job=\"it''s\"'");
        assert_eq!(shell_word("http://h:1/a?b=$(x)"), "'http://h:1/a?b=$(x)'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word("http://h:1/a"), "http://h:1/a");
    }
}
