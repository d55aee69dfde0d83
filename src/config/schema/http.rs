//! The section `http`: how the server is reached, in the words of Prometheus' `http_config`.

mod outside;
mod tls;
mod values;

use std::path::Path;

use percent_encoding::percent_decode_str;

pub(super) use outside::{add_outside, variable};
pub(super) use values::boolean;
use values::{Entry, Section, fields, find, secret_file, text};

use super::entries;
use crate::config::http::{HttpConfig, Proxy, header_name};
use crate::config::printable::secrets_in_query;
use crate::config::problems::{ConfigError, Problem, Problems};
use crate::config::yaml::{self, Node, Value};
use crate::config::{Request, read};

const KEYS: [&str; 7] = [
    "authorization",
    "basic_auth",
    "tls_config",
    "http_headers",
    "proxy_url",
    "no_proxy",
    "follow_redirects",
];

/// Reads the section out of `metrics.yaml`. The files that it names are read only if it `is_used`.
pub(super) fn read_section(
    node: &Node,
    file: &Path,
    is_used: bool,
    request: &Request,
    problems: &mut Problems,
) -> HttpConfig {
    read_http(node, &Section::new(file, is_used, request.timeout), problems)
}

/// Reads the file of `--http-config`, whose top level is what the section holds.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read_file(
    path: &Path,
    request: &Request,
) -> Result<(HttpConfig, Vec<Problem>), ConfigError> {
    let text = read(path, request.timeout)?;
    let root = match yaml::parse(path, &text) {
        Ok(root) => root,
        Err(problem) => return Ok((HttpConfig::default(), vec![problem])),
    };
    let mut problems = Problems::default();
    if matches!(root.value, Value::Null) {
        problems.at(&root, "the file is empty");
    }
    let section = Section::new(path, true, request.timeout);
    let http = read_http(&root, &section, &mut problems);
    Ok((http, problems.sorted()))
}

fn read_http(node: &Node, section: &Section<'_>, problems: &mut Problems) -> HttpConfig {
    let mut http = HttpConfig::default();
    let fields = fields(node, "`http`", &KEYS, problems);
    if let Some((_, value)) = find(&fields, "authorization") {
        read_authorization(value, section, &mut http, problems);
    }
    if let Some(((_, key), value)) = find(&fields, "basic_auth") {
        if find(&fields, "authorization").is_some() {
            problems.at(key, "`authorization` and `basic_auth` are both given; keep one");
        }
        read_basic_auth(value, section, &mut http, problems);
    }
    if let Some((_, value)) = find(&fields, "tls_config") {
        http.tls = tls::read_tls(value, section, problems);
    }
    if let Some((_, value)) = find(&fields, "http_headers") {
        read_headers(value, section, &mut http, problems);
    }
    if let Some(((name, _), value)) = find(&fields, "follow_redirects") {
        http.follow_redirects = boolean(name, value, problems).unwrap_or_default();
    }
    read_proxy(&fields, &mut http, problems);
    http.files = section.files.take();
    http
}

fn read_authorization(
    node: &Node,
    section: &Section<'_>,
    http: &mut HttpConfig,
    problems: &mut Problems,
) {
    const KEYS: [&str; 3] = ["type", "credentials", "credentials_file"];
    let fields = fields(node, "`authorization`", &KEYS, problems);
    let kind = find(&fields, "type").and_then(|(key, value)| text(key.0, value, problems));
    let kind = kind.unwrap_or("Bearer").trim();
    if kind.eq_ignore_ascii_case("basic") {
        problems.at(node, "for the type Basic use `basic_auth`, with `username` and `password`");
        return;
    }
    let origin = |key: &str| format!("`authorization.{key}` in {}", section.file.display());
    match secret(node, &fields, ["credentials", "credentials_file"], section, problems) {
        Some((key, credentials)) => {
            if let Err(error) = http.authorize(kind, &credentials, &origin(key)) {
                problems.at(node, format!("`{key}`: {error}"));
            }
        }
        None if fields.iter().all(|((name, _), _)| !name.starts_with("credentials")) => {
            problems.at(node, "`authorization` needs `credentials` or `credentials_file`");
        }
        None => {}
    }
}

fn read_basic_auth(
    node: &Node,
    section: &Section<'_>,
    http: &mut HttpConfig,
    problems: &mut Problems,
) {
    const KEYS: [&str; 4] = ["username", "username_file", "password", "password_file"];
    let fields = fields(node, "`basic_auth`", &KEYS, problems);
    let user = secret(node, &fields, ["username", "username_file"], section, problems);
    let password = secret(node, &fields, ["password", "password_file"], section, problems);
    if fields.iter().all(|((name, _), _)| !name.starts_with("username")) {
        problems.at(node, "`basic_auth` needs `username` or `username_file`");
    }
    let (_, password) = password.unwrap_or_default();
    if let Some((_, user)) = user {
        let origin = format!("`basic_auth` in {}", section.file.display());
        if let Err(error) = http.authorize_basic(&user, &password, &origin) {
            problems.at(node, error);
        }
    }
}

/// A secret that is given either by itself or by the name of a file that holds it.
fn secret<'a>(
    node: &Node,
    fields: &[Entry<'_>],
    [direct, by_file]: [&'a str; 2],
    section: &Section<'_>,
    problems: &mut Problems,
) -> Option<(&'a str, String)> {
    match (find(fields, direct), find(fields, by_file)) {
        (Some(_), Some(_)) => {
            problems.at(node, format!("`{direct}` and `{by_file}` are both given; keep one"));
            None
        }
        (Some((_, value)), None) => {
            text(direct, value, problems).map(|text| (direct, text.to_owned()))
        }
        (None, Some((_, value))) => {
            secret_file(by_file, value, section, problems).map(|text| (by_file, text))
        }
        (None, None) => None,
    }
}

fn read_headers(
    node: &Node,
    section: &Section<'_>,
    http: &mut HttpConfig,
    problems: &mut Problems,
) {
    for ((name, key), value) in entries(node, "`http_headers`", problems) {
        let parsed = match header_name(name) {
            Ok(parsed) if parsed == "authorization" => {
                problems.at(key, "for Authorization use `authorization` or `basic_auth`");
                continue;
            }
            Ok(parsed) => parsed,
            Err(message) => {
                problems.at(key, message);
                continue;
            }
        };
        for (node, value, secret) in header_values(value, section, problems) {
            if let Err(error) = http.add_header(parsed.clone(), &value, secret) {
                problems.at(node, format!("the header: {error}"));
            }
        }
    }
}

/// The values of a header, and whether they are secrets: text, or Prometheus' three lists.
fn header_values<'a>(
    node: &'a Node,
    section: &Section<'_>,
    problems: &mut Problems,
) -> Vec<(&'a Node, String, bool)> {
    if matches!(node.value, Value::Text(_)) {
        // Nothing tells whether this is a secret.
        let value = text("the header", node, problems);
        return value.map(|value| (node, value.to_owned(), true)).into_iter().collect();
    }
    let mut values = Vec::new();
    let lists = fields(node, "the header", &["values", "secrets", "files"], problems);
    if matches!(&node.value, Value::Map(_) | Value::Null) && lists.is_empty() {
        problems.at(node, "the header has no value");
    }
    for ((kind, _), list) in lists {
        let Value::List(items) = &list.value else {
            problems.at(list, format!("`{kind}` must be a list, found {}", list.value.noun()));
            continue;
        };
        for item in items {
            let value = match kind {
                "files" => secret_file("files", item, section, problems),
                _ => text(kind, item, problems).map(str::to_owned),
            };
            values.extend(value.map(|value| (item, value, kind != "values")));
        }
    }
    values
}

fn read_proxy(fields: &[Entry<'_>], http: &mut HttpConfig, problems: &mut Problems) {
    let no_proxy = find(fields, "no_proxy");
    let no_proxy_text = no_proxy.and_then(|(key, value)| text(key.0, value, problems));
    let Some(((_, key), node)) = find(fields, "proxy_url") else {
        if let Some(((_, key), _)) = no_proxy {
            problems.at(key, "`no_proxy` needs `proxy_url` beside it");
        }
        return;
    };
    if http.tls.server_name.is_some() {
        problems.at(key, "`proxy_url` and `tls_config.server_name` do not go together");
    }
    // Not repeated: it may hold a password.
    let Some(text) = text("proxy_url", node, problems) else { return };
    match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            // Some proxies take a token for the user, and no password.
            let secret = url.password().unwrap_or_else(|| url.username());
            http.hide(secret);
            http.hide(&percent_decode_str(secret).decode_utf8_lossy());
            secrets_in_query(&url).iter().for_each(|secret| http.hide(secret));
            http.proxy = Some(Proxy { url, no_proxy: no_proxy_text.map(str::to_owned) });
        }
        Ok(_) => problems.at(node, "`proxy_url` must be http:// or https://"),
        Err(error) => problems.at(node, format!("`proxy_url` is no URL: {error}")),
    }
}
