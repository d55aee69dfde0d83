//! Words on lines of bounded width.

/// Lines are no wider than this, where their words allow it.
pub(crate) const WIDTH: usize = 80;

/// Words on as many lines as they need, each with its end. The first begins with `first`, those
/// after it are `indent` columns in.
pub(crate) fn wrap(first: &str, indent: usize, words: &str) -> String {
    let mut text = first.to_owned();
    let mut column = first.chars().count();
    let mut begins = true;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if begins {
            column += length;
        } else if column + 1 + length <= WIDTH {
            text.push(' ');
            column += 1 + length;
        } else {
            text += &format!("\n{:indent$}", "");
            column = indent + length;
        }
        text += word;
        begins = false;
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_broken_between_them_only() {
        let text = |words: &str| wrap("    ", 4, words);
        assert_eq!(text("a  b"), "    a b\n");
        let (exact, long) = ("é".repeat(74), "x".repeat(99));
        assert_eq!(text(&format!("{exact} b")), format!("    {exact} b\n"));
        assert_eq!(text(&format!("{exact} bc")), format!("    {exact}\n    bc\n"));
        assert_eq!(text(&format!("{long} b")), format!("    {long}\n    b\n"));
    }

    #[test]
    fn the_first_line_may_begin_with_a_mark() {
        let words = "x".repeat(77);
        assert_eq!(wrap("- ", 2, &format!("{words} y")), format!("- {words}\n  y\n"));
        assert_eq!(wrap("- ", 2, ""), "- \n");
    }
}
