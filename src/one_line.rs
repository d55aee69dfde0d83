//! Foreign words on their way to a terminal or a CI log.

/// The most characters of them that are shown.
const MOST: usize = 500;

/// Foreign words on one line of bounded length: in a terminal and in a CI log, control
/// characters, line feeds and changes of the writing direction have a meaning.
pub(crate) fn one_line(text: &str) -> String {
    let plain = text.chars().map(|c| if is_plain(c) { c } else { ' ' });
    let mut words: String = plain.take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        words.push('…');
    }
    words
}

/// A word as a shell would have it.
pub(crate) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whether a character is one that stands on a line and leaves its direction as it is.
pub(crate) fn is_plain(c: char) -> bool {
    let changes_the_line = matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fffe}'..='\u{ffff}'
    );
    !c.is_control() && !changes_the_line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_cannot_leave_their_line() {
        assert_eq!(one_line("a\n::error::b\u{1b}[31m\u{202e}c"), "a ::error::b [31m c");
        assert_eq!(one_line("a\u{fffe}b\u{ffff}c"), "a b c");
        assert_eq!(one_line(&"é".repeat(9999)).chars().count(), MOST + 1);
    }
}
