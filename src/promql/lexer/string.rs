//! The strings of PromQL.

use super::LexicalError;

/// What the string at the beginning of a text says, and what comes after it.
pub(super) fn unquote(text: &str, quote: char) -> Result<(String, &str), LexicalError> {
    let unterminated = || LexicalError::Unterminated;
    let body = text.get(1..).unwrap_or_default();
    if quote == '`' {
        let (raw, rest) = body.split_once(quote).ok_or_else(unterminated)?;
        return Ok((raw.to_owned(), rest));
    }
    let mut bytes = Vec::new();
    let mut rest = body.chars();
    loop {
        match rest.next() {
            None | Some('\n') => return Err(unterminated()),
            Some('\\') => unescape(&mut rest, quote, &mut bytes)?,
            Some(c) if c == quote => break,
            Some(c) => push(c, &mut bytes),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, rest.as_str())),
        Err(_) => Err(LexicalError::NotText),
    }
}

/// What is behind a backslash; a byte may be a part of a character.
fn unescape(
    rest: &mut std::str::Chars<'_>,
    quote: char,
    bytes: &mut Vec<u8>,
) -> Result<(), LexicalError> {
    let escaped = rest.next().unwrap_or_default();
    let invalid = || LexicalError::Escape(escaped);
    let mut code = |digits: usize, radix: u32, first: u32| {
        let add =
            |code: u32, digit: char| code.checked_mul(radix)?.checked_add(digit.to_digit(radix)?);
        (0..digits).try_fold(first, |code, _| add(code, rest.next()?)).ok_or_else(invalid)
    };
    let byte = match escaped {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        'x' => code(2, 16, 0)? as u8,
        '0'..='7' => {
            let first = escaped.to_digit(8).unwrap_or_default();
            u8::try_from(code(2, 8, first)?).map_err(|_| invalid())?
        }
        'u' | 'U' => {
            let code = code(if escaped == 'u' { 4 } else { 8 }, 16, 0)?;
            push(char::from_u32(code).ok_or_else(invalid)?, bytes);
            return Ok(());
        }
        _ if escaped == quote => quote as u8,
        _ => return Err(invalid()),
    };
    bytes.push(byte);
    Ok(())
}

fn push(c: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
