//! What a scalar's text means.

use serde_yaml::{ScalarStyle, Tag};

use super::{NotRead, Value};

/// The value of a scalar by YAML 1.2's core schema; of a quoted one, its text.
///
/// # Errors
/// If it has a tag that is not known, or that it does not fit.
pub(super) fn read(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, NotRead> {
    let own = || Value::Text(text.to_owned());
    let value = match tag {
        None if style == ScalarStyle::Plain => plain(text),
        None => own(),
        Some(tag) if tag.is_yaml_core_schema_tag("str") => own(),
        Some(tag) => {
            let value = plain(text);
            let is = |name| tag.is_yaml_core_schema_tag(name);
            let fits = match value {
                Value::Null => is("null"),
                Value::Bool(_) => is("bool"),
                Value::Int(_) => is("int") || is("float"),
                Value::Float(_) => is("float"),
                _ => false,
            };
            if !fits {
                return Err(NotRead::Tag);
            }
            value
        }
    };
    Ok(value)
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let with_sign = |value: f64| if is_negative { -value } else { value };
    match digits {
        ".inf" | ".Inf" | ".INF" => return Some(Value::Float(with_sign(f64::INFINITY))),
        ".nan" | ".NaN" | ".NAN" if digits == text => return Some(Value::Float(f64::NAN)),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        let Some(digits) = digits.strip_prefix(prefix) else { continue };
        if digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let value = i128::from_str_radix(digits, radix).ok()?;
            return Some(Value::Int(if is_negative { -value } else { value }));
        }
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // A leading zero is not a number: 0123 may be a code.
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        if let Ok(value) = digits.parse::<i128>() {
            return Some(Value::Int(if is_negative { -value } else { value }));
        }
    }
    let is_float = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let value = digits.parse::<f64>().ok().filter(|_| digits.chars().all(is_float))?;
    value.is_finite().then(|| Value::Float(with_sign(value)))
}
