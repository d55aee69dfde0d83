//! Makes a text safe for the parser, and bounds how deep its tree can be.
//!
//! The parser takes escaped bytes of strings for characters, does not know raw strings that
//! hold a backslash, reads durations wrongly that are too long, and panics on some.

mod string;

use super::Error;

/// The longest text that is read.
const MAX_BYTES: usize = 64 * 1024;

/// The deepest that brackets and operators may be nested; a chain of operators is a deep tree.
const MAX_DEPTH: usize = 250;

/// The longest duration that Prometheus knows, in milliseconds.
pub(super) const MAX_DURATION: i64 = i64::MAX / 1_000_000;

/// The text as the parser is to read it.
///
/// # Errors
/// [`Error::Parse`] if it is too long or too deep, or if a string or a number is invalid.
pub(super) fn prepare(text: &str) -> Result<String, Error> {
    if text.len() > MAX_BYTES {
        return refuse(format!("the query is longer than {MAX_BYTES} bytes"));
    }
    let mut scanner = Scanner { rest: text, ..Scanner::default() };
    while let Some(first) = scanner.rest.chars().next() {
        scanner.token(first)?;
    }
    let depth = scanner.level.depth().max(scanner.outer.iter().map(Level::depth).sum());
    if depth > MAX_DEPTH {
        return refuse("the query is nested too deep".to_owned());
    }
    Ok(scanner.prepared)
}

fn refuse<T>(why: String) -> Result<T, Error> {
    Err(Error::Parse(why))
}

#[derive(Debug, Default)]
struct Scanner<'a> {
    rest: &'a str,
    prepared: String,
    level: Level,
    /// Of the parentheses around.
    outer: Vec<Level>,
    in_braces: bool,
    in_brackets: bool,
    after_offset: bool,
}

/// What was seen between two parentheses.
#[derive(Debug, Default, Clone, Copy)]
struct Level {
    operators: usize,
    /// How deep the deepest parentheses inside are.
    inner: usize,
}

impl Level {
    /// How deep it can be, if every operator is about what lies deepest.
    fn depth(&self) -> usize {
        self.operators + self.inner + 1
    }
}

impl Scanner<'_> {
    fn token(&mut self, first: char) -> Result<(), Error> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let behind = self.rest.get(1..).unwrap_or_default();
        match first {
            '"' | '\'' | '`' => {
                let (text, rest) = string::unquote(self.rest, first)?;
                self.prepared.push_str(&string::quote(&text));
                self.rest = rest;
            }
            '#' => {
                let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            }
            '.' if !behind.starts_with(|c: char| c.is_ascii_digit()) => self.keep(1),
            '.' | '0'..='9' => self.number()?,
            // Between brackets a colon stands between two durations.
            ':' if self.in_brackets => self.keep(1),
            _ if is_name(first) || first == ':' => {
                let end = self.rest.find(|c| !is_name(c) && c != ':').unwrap_or(self.rest.len());
                self.word(end)?;
            }
            _ => {
                self.symbol(first);
                self.keep(first.len_utf8());
            }
        }
        Ok(())
    }

    /// Takes over what is `len` bytes long.
    fn keep(&mut self, len: usize) {
        let (kept, rest) = self.rest.split_at(len);
        self.prepared.push_str(kept);
        self.rest = rest;
    }

    fn symbol(&mut self, symbol: char) {
        match symbol {
            '{' | '}' => self.in_braces = symbol == '{',
            '[' | ']' => self.in_brackets = symbol == '[',
            '(' => self.outer.push(std::mem::take(&mut self.level)),
            ')' => {
                let inner = self.level.depth();
                self.level = self.outer.pop().unwrap_or_default();
                self.level.inner = self.level.inner.max(inner);
            }
            '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' | '!' | '=' if !self.in_braces => {
                self.level.operators += usize::from(symbol != '=' || self.prepared.ends_with('='));
            }
            _ => {}
        }
        let is_sign_or_space = matches!(symbol, '+' | '-') || symbol.is_ascii_whitespace();
        self.after_offset &= is_sign_or_space;
    }

    fn word(&mut self, len: usize) -> Result<(), Error> {
        let word = self.rest.get(..len).unwrap_or_default().to_ascii_lowercase();
        let is_duration = self.after_offset || self.in_brackets;
        if is_duration && matches!(word.as_str(), "inf" | "nan") {
            return refuse(format!("{word} is no duration"));
        }
        if !self.in_braces && matches!(word.as_str(), "and" | "or" | "unless" | "atan2") {
            self.level.operators += 1;
        }
        self.after_offset = !self.in_braces && word == "offset";
        self.keep(len);
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
        let is_number = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
        let end_at = |text: &str| text.find(|c| !is_number(c)).unwrap_or(text.len());
        let mut end = end_at(self.rest);
        let (token, rest) = self.rest.split_at(end);
        let is_hex = token.starts_with("0x") || token.starts_with("0X");
        if !is_hex && token.ends_with(['e', 'E']) && rest.starts_with(['+', '-']) {
            end += 1 + end_at(&rest[1..]);
        }
        let (token, rest) = self.rest.split_at(end);
        let is_duration = self.in_brackets || self.after_offset;
        match value(token) {
            Some(number) if number.is_infinite() => {
                return refuse(format!("{token} is too large a number"));
            }
            Some(number) if number > MAX_DURATION as f64 / 1000.0 && is_duration => {
                return refuse(format!("{token} is too long a duration"));
            }
            // In digits, for the parser knows fewer ways to write a number.
            Some(number) => self.prepared.push_str(&number.to_string()),
            None if milliseconds(token).is_some_and(|all| all <= MAX_DURATION) => {
                self.prepared.push_str(token);
            }
            None => return refuse(format!("{token} is no number, and no duration")),
        }
        self.after_offset = false;
        self.rest = rest;
        Ok(())
    }
}

/// A number: decimal, hexadecimal, or octal after a 0; digits may be separated by underscores.
fn value(token: &str) -> Option<f64> {
    let characters: Vec<_> = token.chars().collect();
    let is_digit = |c: char| c.is_ascii_hexdigit() || c == 'x' || c == 'X';
    let is_wrong = |part: &[char]| matches!(part, ['_', c] | [c, '_'] if !is_digit(*c));
    if token.starts_with('_') || token.ends_with('_') || characters.windows(2).any(is_wrong) {
        return None;
    }
    let digits = token.replace('_', "");
    let lower = digits.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return Some(i64::from_str_radix(hex, 16).ok()? as f64);
    }
    let octal = digits.strip_prefix('0').filter(|digits| !digits.is_empty());
    match octal.and_then(|octal| i64::from_str_radix(octal, 8).ok()) {
        Some(octal) => Some(octal as f64),
        None => digits.parse().ok(),
    }
}

/// How long a duration like `1h30m` is; nothing if it is none.
fn milliseconds(mut duration: &str) -> Option<i64> {
    let mut all = 0_i64;
    while !duration.is_empty() {
        let digits = duration.find(|c: char| !c.is_ascii_digit())?;
        let (count, rest) = duration.split_at(digits);
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(end);
        let unit = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        // The parser counts what does not fit into 32 bits as nothing.
        let count = count.parse::<u32>().ok()?;
        all = all.checked_add(i64::from(count).checked_mul(unit)?)?;
        duration = rest;
    }
    Some(all)
}
