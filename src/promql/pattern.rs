//! Regular expressions as Prometheus means them: anchored, where `.` is any character, in the
//! syntax of Go. They are turned into the syntax of Rust, so that what both accept means the same.

use regex::{Captures, Regex};

/// A regular expression that a whole text matches, or not.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Nothing if it is no regular expression, or one that cannot be turned.
    pub(super) fn new(regex: &str) -> Option<Self> {
        // Without the group, the anchors would be parts of the first and last alternatives.
        Regex::new(&format!("^(?s:{})$", turn(regex)?)).ok().map(Self)
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// What is matched in the text, if it matches.
    pub(super) fn matched<'t>(&self, text: &'t str) -> Option<Matched<'t>> {
        self.0.captures(text).map(Matched)
    }
}

/// What was matched in a text.
pub(super) struct Matched<'t>(Captures<'t>);

impl Matched<'_> {
    /// The replacement, with `$1`, `${name}` and `$$` filled in from what was matched.
    pub(super) fn expand(&self, replacement: &str) -> String {
        let mut text = String::new();
        expand(replacement, |group| self.group(group), |part| text.push_str(part));
        text
    }

    /// How many bytes that takes.
    pub(super) fn expanded_len(&self, replacement: &str) -> usize {
        let mut length = 0;
        expand(replacement, |group| self.group(group), |part| length += part.len());
        length
    }

    fn group(&self, group: &str) -> &str {
        // In Go, `$01` refers to a group of this name.
        let is_number = group == "0" || !group.starts_with('0');
        let captured = match group.parse() {
            Ok(number) if is_number => self.0.get(number),
            _ => self.0.name(group),
        };
        captured.map_or("", |captured| captured.as_str())
    }
}

/// Fills a template in, and hands out part after part; a `$` without a group behind it stands for
/// itself.
fn expand<'a>(template: &str, group: impl Fn(&str) -> &'a str, mut out: impl FnMut(&str)) {
    let mut parts = template.split('$');
    out(parts.next().unwrap_or_default());
    while let Some(part) = parts.next() {
        let braced = part.strip_prefix('{');
        let name = braced.unwrap_or(part);
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        let (name, rest) = name.split_at(end);
        let rest = if braced.is_some() { rest.strip_prefix('}') } else { Some(rest) };
        match rest {
            Some(rest) if !name.is_empty() => {
                out(group(name));
                out(rest);
            }
            // An empty part comes from `$$`, which stands for one `$`.
            _ => {
                out("$");
                out(part);
                if part.is_empty() {
                    out(parts.next().unwrap_or_default());
                }
            }
        }
    }
}

/// A regular expression of Go in the syntax of Rust; nothing where that is not possible.
///
/// Classes like `\d` are about ASCII in Go, and about all of Unicode in Rust. Within brackets,
/// `&&`, `~~`, `--` and `[` mean themselves in Go, and operations on sets in Rust.
fn turn(regex: &str) -> Option<String> {
    let mut turned = String::new();
    let mut rest = regex.chars();
    let mut in_class = false;
    let mut open = 0_usize;
    while let Some(c) = rest.next() {
        match c {
            '\\' => turned.push_str(&turn_escape(&mut rest, in_class)?),
            '[' if !in_class => {
                in_class = true;
                turned.push('[');
                if rest.as_str().starts_with('^') {
                    turned.push('^');
                    rest.next();
                }
                // A bracket in first place does not end the class.
                if rest.as_str().starts_with(']') {
                    turned.push_str("\\]");
                    rest.next();
                }
            }
            '[' if rest.as_str().starts_with(':') => {
                let name = rest.as_str().split_inclusive(":]").next()?;
                turned.push('[');
                turned.push_str(name);
                rest = rest.as_str().get(name.len()..)?.chars();
            }
            '-' if in_class && rest.as_str().starts_with('-') => return None,
            '[' | '&' | '~' if in_class => turned.extend(['\\', c]),
            ']' if in_class => {
                in_class = false;
                turned.push(']');
            }
            '{' if !in_class && !is_repetition(rest.as_str()) => turned.push_str("\\{"),
            // Rust knows flags that are errors in Go.
            '(' if !in_class && has_unknown_flags(rest.as_str()) => return None,
            '(' | ')' if !in_class => {
                // A parenthesis too many would close the group that the anchors are around.
                open = if c == '(' { open + 1 } else { open.checked_sub(1)? };
                turned.push(c);
            }
            _ => turned.push(c),
        }
    }
    Some(turned)
}

fn turn_escape(rest: &mut std::str::Chars<'_>, in_class: bool) -> Option<String> {
    let escaped = rest.next()?;
    let class = match escaped.to_ascii_lowercase() {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\x0C\\r ",
        'b' if !in_class && !rest.as_str().starts_with('{') => {
            return Some(format!("(?-u:\\{escaped})"));
        }
        'p' | 'x' => {
            let braced = rest.as_str().strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let Some((inner, behind)) = braced else { return Some(format!("\\{escaped}")) };
            *rest = behind.chars();
            return Some(format!("\\{escaped}{{{inner}}}"));
        }
        _ => return if is_same_escape(escaped) { Some(format!("\\{escaped}")) } else { None },
    };
    let negated = if escaped.is_ascii_uppercase() { "^" } else { "" };
    Some(format!("[{negated}{class}]"))
}

/// Whether what is escaped means the same in both syntaxes.
fn is_same_escape(escaped: char) -> bool {
    matches!(escaped, 'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'A' | 'z')
        || escaped == ' '
        || escaped.is_ascii_punctuation() && !matches!(escaped, '<' | '>')
}

/// Whether the text behind a brace makes it a repetition, as in `{2}`, `{2,}` and `{2,3}`.
fn is_repetition(behind: &str) -> bool {
    let Some((counts, _)) = behind.split_once('}') else { return false };
    let (least, most) = counts.split_once(',').unwrap_or((counts, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

fn has_unknown_flags(behind: &str) -> bool {
    let Some(flags) = behind.strip_prefix('?') else { return false };
    let flags = flags.split([':', ')', '<']).next().unwrap_or_default();
    !flags.chars().all(|flag| "imsUP-".contains(flag))
}
