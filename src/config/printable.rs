//! What of a URL may be printed: no password, and no parameter of its query that may be a secret.

use percent_encoding::percent_decode_str;
use reqwest::Url;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// What stands behind the scheme of a URL.
const SEPARATOR: &str = "://";

/// Parameters that exporters and servers know, and that are no secrets. docs/servers.md lists them.
const HARMLESS: [&str; 8] =
    ["collect[]", "exclude[]", "format", "job", "match[]", "module", "name[]", "target"];

/// A value shorter than this is not looked for in what others say, as a password is: most of what
/// stands in a query is none, and a short word is found everywhere.
const SHORTEST_HIDDEN: usize = 8;

/// `url` with its password hidden, and a user without a password too: it may be a token. Of the
/// query only what is known to be harmless is left.
pub(super) fn printable(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only for URLs without a host, which have neither.
    if url.password().is_some() {
        let _ = url.set_password(Some(HIDDEN));
    } else if !url.username().is_empty() {
        let _ = url.set_username(HIDDEN);
    }
    let query = url.query().map(printable_query);
    url.set_query(query.as_deref());
    url
}

/// The query without what may be a secret.
pub(super) fn printable_query(query: &str) -> String {
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        _ if is_harmless(parameter) => parameter.to_owned(),
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    });
    parameters.collect::<Vec<_>>().join("&")
}

/// What of the query is not printed and long enough to be looked for elsewhere, as it stands there
/// and decoded.
pub(super) fn secrets_in_query(url: &Url) -> Vec<String> {
    let parameters = url.query().unwrap_or_default().split('&').filter(|it| !is_harmless(it));
    let values = parameters.map(|it| it.split_once('=').map_or(it, |(_, value)| value));
    let mut secrets = Vec::new();
    for value in values.map(|value| [value.to_owned(), decoded(value)]) {
        secrets.extend(Url::parse(&value[1]).iter().flat_map(secrets_in));
        secrets.extend(value);
    }
    secrets.retain(|secret| secret.len() >= SHORTEST_HIDDEN);
    secrets.dedup();
    secrets
}

/// What is not printed of a URL that is a value itself.
fn secrets_in(url: &Url) -> Vec<String> {
    let user = url.password().unwrap_or_else(|| url.username());
    [secrets_in_query(url), vec![user.to_owned(), decoded(user)]].concat()
}

fn is_harmless(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let is_known = HARMLESS.contains(&decoded(name).as_str());
    // What is to be probed may be a URL itself, with a password or a query.
    let is_plain = !decoded(value).contains(['@', '?', '&']);
    value.is_empty() && parameter.contains('=') || parameter.is_empty() || is_known && is_plain
}

/// As a form has it: `+` is a space.
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// A word as it may be printed: a URL without its secrets, anything else as it is.
pub(crate) fn printable_word(word: &str) -> String {
    printable_text(word)
}

/// Text as it may be printed: every URL in it, of whatever scheme, without its secrets.
pub(crate) fn printable_text(text: &str) -> String {
    let (mut printed, mut rest) = (String::new(), text);
    while let Some(colon) = rest.find(SEPARATOR) {
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let start = rest[..colon].trim_end_matches(is_of_scheme).len();
        let (before, from_scheme) = rest.split_at(start);
        let (url, after) = from_scheme.split_at(end_of_url(from_scheme));
        printed.push_str(before);
        printed.push_str(&printable_url(url));
        rest = after;
    }
    printed + rest
}

/// Where a URL ends that stands at the start of a text: at what no URL holds, or before the next one
/// of a list.
fn end_of_url(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "'\"`<>".contains(c);
    let end = text.find(ends).unwrap_or(text.len());
    let behind = text.find(SEPARATOR).map_or(0, |at| at + SEPARATOR.len());
    let next = text.get(behind..end).and_then(|rest| rest.find(SEPARATOR));
    // `a://x,b://y`: a comma may be a part of the first one, if it is not the last before the second.
    let comma = next.and_then(|next| text.get(..behind + next)?.rfind([',', ';', '|']));
    comma.filter(|comma| *comma >= behind).unwrap_or(end)
}

/// One URL without its secrets.
fn printable_url(text: &str) -> String {
    if text.starts_with("http://") || text.starts_with("https://") {
        match Url::parse(text) {
            Ok(url) if printable(&url) != url => return printable(&url).to_string(),
            Ok(_) => return text.to_owned(),
            Err(_) => {}
        }
    }
    let Some((scheme, rest)) = text.split_once(SEPARATOR) else { return text.to_owned() };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(it, query)| (it, Some(query)));
    let authority = place.split(['/', '#']).next().unwrap_or_default();
    // A password with a slash in it does not stand before the first slash.
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let has_port = authority.rsplit_once(':').is_none_or(|(_, port)| is_port(port));
    let at = authority.rfind('@').or_else(|| place.rfind('@').filter(|_| !has_port));
    let place = at.and_then(|at| Some((place.get(..at)?, place.get(at..)?))).map_or_else(
        || place.to_owned(),
        |(user, host)| match user.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}{host}"),
            None => format!("{HIDDEN}{host}"),
        },
    );
    let query = query.map(|query| format!("?{}", printable_query(query)));
    format!("{scheme}{SEPARATOR}{place}{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_harmless_is_printed() {
        for (url, printed) in [
            ("http://h/m", "http://h/m"),
            ("http://h/m?token=s3cret", "http://h/m?token=***"),
            ("http://h/m?s3cret", "http://h/m?***"),
            (
                "http://h/m?format=prometheus&key=s3cret&a=",
                "http://h/m?format=prometheus&key=***&a=",
            ),
            ("http://h/m?name[]=up&name%5B%5D=x", "http://h/m?name[]=up&name%5B%5D=x"),
            ("http://h/m?Format=s3cret", "http://h/m?Format=***"),
            (
                "http://h/p?module=icmp&target=10.0.0.1:80",
                "http://h/p?module=icmp&target=10.0.0.1:80",
            ),
            ("http://h/p?target=redis://:s3cret@db", "http://h/p?target=***"),
            ("http://h/p?target=redis%3A%2F%2F:s3cret%40db", "http://h/p?target=***"),
            ("http://h/p?target=http://t/?key%3Ds3cret", "http://h/p?target=***"),
            ("http://me:s3cret@h/?a=s3cret=b", "http://me:***@h/?a=***"),
            ("http://s3cret@h", "http://***@h/"),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(printable(&url).as_str(), printed);
        }
    }

    #[test]
    fn long_values_are_looked_for_elsewhere() {
        let url = Url::parse("http://h/?a=long%20enough&b=short&format=prometheus&bare-secret");
        let secrets = secrets_in_query(&url.unwrap());
        assert_eq!(secrets, ["long%20enough", "long enough", "bare-secret"]);
        let url =
            Url::parse("http://h/?target=http%3A%2F%2Fme:pass%2540word@t/%3Fkey%3Dof-the-target");
        let secrets = secrets_in_query(&url.unwrap());
        assert_eq!(secrets[..3], ["of-the-target", "pass%40word", "pass@word"]);
    }

    #[test]
    fn a_word_is_a_url_or_is_left_alone() {
        for (word, printed) in [
            ("http://h/?token=s3cret", "http://h/?token=***"),
            ("--url=https://me:s3cret@h/", "--url=https://me:***@h/"),
            ("http://h:8000", "http://h:8000"),
            ("http://h:8000/a@1.5", "http://h:8000/a@1.5"),
            ("http://", "http://"),
            ("token=abc", "token=abc"),
        ] {
            assert_eq!(printable_word(word), printed);
        }
    }
    #[test]
    fn text_keeps_no_secret_of_a_url_of_any_scheme() {
        for (text, printed) in [
            ("DB=postgres://me:s3cret@db/x app", "DB=postgres://me:***@db/x app"),
            ("A=redis://:s3cret@a,amqp://me:s3/cret@b;", "A=redis://:***@a,amqp://me:***@b;"),
            ("x \"https://s3cret@h/?key=s3cret\" 'a'", "x \"https://***@h/?key=***\" 'a'"),
            ("mysql://h/x?password=s3cret", "mysql://h/x?password=***"),
            ("http://me:s3/cret@h/", "http://me:***@h/"),
            ("amqp://s3cret@h and amqp://h:5672/@x", "amqp://***@h and amqp://h:5672/@x"),
            ("at http://0.0.0.0:8000 (Press CTRL+C)", "at http://0.0.0.0:8000 (Press CTRL+C)"),
            ("://", "://"),
            ("a:// b://é@x", "a:// b://***@x"),
            ("", ""),
        ] {
            assert_eq!(printable_text(text), printed);
        }
    }
}
