//! The section `http`: how the server is reached, in the words of Prometheus' `http_config`.

mod tls;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Key, entries, syntax};
use crate::config::http::{BadHeader, HttpConfig, Proxy, header_name};
use crate::config::problems::{ConfigError, Problem, Problems, suggest};
use crate::config::yaml::{self, Node, Value};
use crate::config::{Environment, Request, Target, file, read};

const KEYS: [&str; 7] = [
    "authorization",
    "basic_auth",
    "tls_config",
    "http_headers",
    "proxy_url",
    "no_proxy",
    "follow_redirects",
];
/// A file with a secret or a certificate is not longer, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Where a section stands: what paths in it are relative to, and how it is called.
struct Place<'a> {
    file: &'a Path,
    patience: Duration,
}

type Entry<'a> = (Key<'a>, &'a Node);

/// Reads the section out of `metrics.yaml`.
pub(super) fn read_section(
    node: &Node,
    file: &Path,
    request: &Request,
    problems: &mut Problems,
) -> HttpConfig {
    read_http(node, &Place { file, patience: request.timeout }, problems)
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
    let root = match yaml::parse(&text) {
        Ok(root) => root,
        Err(error) => return Ok((HttpConfig::default(), vec![syntax(path, &error)])),
    };
    let mut problems = Problems::default();
    if matches!(root.value, Value::Null) {
        problems.at(&root, "the file is empty");
    }
    let http = read_http(&root, &Place { file: path, patience: request.timeout }, &mut problems);
    Ok((http, problems.locate(path, &text)))
}

/// Adds what the target's URL, the environment and the command line say; the later prevails.
pub(super) fn add_outside(
    http: &mut HttpConfig,
    target: Option<&Target>,
    request: &Request,
    problems: &mut Problems,
) {
    if http.credential.is_none()
        && let Some((user, password)) = target.and_then(Target::credentials)
    {
        // Base64 fits into every header.
        let _ = http.authorize_basic(&user, &password, "the user and password in the target's URL");
    }
    if let Err(message) = add_environment(http, &request.environment) {
        problems.outside(message);
    }
    for header in &request.headers {
        // Not repeated: it may be a secret.
        if let Err(message) = add_header(http, header) {
            problems.outside(format!("--header: {message}"));
        }
    }
}

fn add_environment(http: &mut HttpConfig, environment: &Environment) -> Result<(), String> {
    let token = variable("AUDITOR_BEARER_TOKEN", environment.bearer_token.as_ref())?;
    let basic = variable("AUDITOR_BASIC_AUTH", environment.basic_auth.as_ref())?;
    match (token, basic) {
        (Some(_), Some(_)) => {
            Err("AUDITOR_BEARER_TOKEN and AUDITOR_BASIC_AUTH are both set; keep one".to_owned())
        }
        (Some(token), None) => http
            .authorize("Bearer", token, "the token in AUDITOR_BEARER_TOKEN")
            .map_err(|error| format!("AUDITOR_BEARER_TOKEN: {error}")),
        (None, Some(basic)) => {
            let (user, password) =
                basic.split_once(':').ok_or("AUDITOR_BASIC_AUTH must be user:password")?;
            http.authorize_basic(user, password, "the user and password in AUDITOR_BASIC_AUTH")
                .map_err(|error| format!("AUDITOR_BASIC_AUTH: {error}"))
        }
        (None, None) => Ok(()),
    }
}

/// The value of an environment variable, trimmed.
///
/// # Errors
/// If it is set to nothing: that is a secret which the job was not given, and to go on
/// without it would ask another server, or as somebody else.
pub(super) fn variable<'a>(
    name: &str,
    value: Option<&'a std::ffi::OsString>,
) -> Result<Option<&'a str>, String> {
    let Some(value) = value else { return Ok(None) };
    match value.to_str().map(str::trim) {
        None => Err(format!("{name} is not UTF-8 text")),
        Some("") => Err(format!("{name} is set, but empty; give it a value, or unset it")),
        Some(text) => Ok(Some(text)),
    }
}

fn add_header(http: &mut HttpConfig, header: &str) -> Result<(), String> {
    let (name, value) =
        header.split_once(':').ok_or("expected 'Name: value', such as 'X-Scope-OrgID: team-a'")?;
    let (name, value) = (header_name(name.trim())?, value.trim());
    let bad = |error: BadHeader| error.to_string();
    if name == "authorization" {
        return http.authorize("", value, "--header Authorization").map_err(bad);
    }
    // It takes the place of the file's.
    http.headers.remove(&name);
    http.add_header(name.clone(), value, true).map_err(bad)
}

fn read_http(node: &Node, place: &Place<'_>, problems: &mut Problems) -> HttpConfig {
    let mut http = HttpConfig::default();
    let fields = fields(node, "`http`", &KEYS, problems);
    if let Some((_, value)) = find(&fields, "authorization") {
        read_authorization(value, place, &mut http, problems);
    }
    if let Some(((_, key), value)) = find(&fields, "basic_auth") {
        if find(&fields, "authorization").is_some() {
            problems.at(key, "`authorization` and `basic_auth` are both given; keep one");
        }
        read_basic_auth(value, place, &mut http, problems);
    }
    if let Some((_, value)) = find(&fields, "tls_config") {
        http.tls = tls::read_tls(value, place, problems);
    }
    if let Some((_, value)) = find(&fields, "http_headers") {
        read_headers(value, place, &mut http, problems);
    }
    if let Some(((name, _), value)) = find(&fields, "follow_redirects") {
        http.follow_redirects = boolean(name, value, problems).unwrap_or_default();
    }
    read_proxy(&fields, &mut http, problems);
    http
}

fn read_authorization(
    node: &Node,
    place: &Place<'_>,
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
    let origin = |key: &str| format!("`authorization.{key}` in {}", place.file.display());
    match secret(node, &fields, ["credentials", "credentials_file"], place, problems) {
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

fn read_basic_auth(node: &Node, place: &Place<'_>, http: &mut HttpConfig, problems: &mut Problems) {
    const KEYS: [&str; 4] = ["username", "username_file", "password", "password_file"];
    let fields = fields(node, "`basic_auth`", &KEYS, problems);
    let user = secret(node, &fields, ["username", "username_file"], place, problems);
    let password = secret(node, &fields, ["password", "password_file"], place, problems);
    if fields.iter().all(|((name, _), _)| !name.starts_with("username")) {
        problems.at(node, "`basic_auth` needs `username` or `username_file`");
    }
    let (_, password) = password.unwrap_or_default();
    if let Some((_, user)) = user {
        let origin = format!("`basic_auth` in {}", place.file.display());
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
    place: &Place<'_>,
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
            secret_file(by_file, value, place, problems).map(|text| (by_file, text))
        }
        (None, None) => None,
    }
}

fn read_headers(node: &Node, place: &Place<'_>, http: &mut HttpConfig, problems: &mut Problems) {
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
        for (node, value, secret) in header_values(value, place, problems) {
            if let Err(error) = http.add_header(parsed.clone(), &value, secret) {
                problems.at(node, format!("the header: {error}"));
            }
        }
    }
}

/// The values of a header, and whether they are secrets: text, or Prometheus' three lists.
fn header_values<'a>(
    node: &'a Node,
    place: &Place<'_>,
    problems: &mut Problems,
) -> Vec<(&'a Node, String, bool)> {
    if let Value::Text(value) = &node.value {
        return vec![(node, value.clone(), false)];
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
                "files" => secret_file("files", item, place, problems),
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
            http.hide(url.password().unwrap_or_default());
            http.proxy = Some(Proxy { url, no_proxy: no_proxy_text.map(str::to_owned) });
        }
        Ok(_) => problems.at(node, "`proxy_url` must be http:// or https://"),
        Err(error) => problems.at(node, format!("`proxy_url` is no URL: {error}")),
    }
}

/// The entries of a mapping whose keys are known.
fn fields<'a>(
    node: &'a Node,
    what: &str,
    keys: &[&str],
    problems: &mut Problems,
) -> Vec<Entry<'a>> {
    let (known, others): (Vec<_>, Vec<_>) =
        entries(node, what, problems).into_iter().partition(|((name, _), _)| keys.contains(name));
    for ((name, key), _) in others {
        // Not repeated: with a colon missing, it holds a secret.
        let hint = suggest(name, keys.iter().copied());
        problems.at(key, format!("unknown key; {hint}"));
    }
    known
}

fn find<'a>(fields: &[Entry<'a>], name: &str) -> Option<Entry<'a>> {
    fields.iter().find(|((key, _), _)| *key == name).copied()
}

pub(super) fn boolean(name: &str, node: &Node, problems: &mut Problems) -> Option<bool> {
    if let Value::Bool(value) = node.value {
        return Some(value);
    }
    let found = node.value.noun();
    problems.at(node, format!("`{name}` must be true or false, found {found}"));
    None
}

/// Text that is not empty. It is not repeated in problems: it may be a secret.
fn text<'a>(name: &str, node: &'a Node, problems: &mut Problems) -> Option<&'a str> {
    match &node.value {
        Value::Text(text) if text.trim().is_empty() => {
            problems.at(node, format!("`{name}` is empty"));
            None
        }
        Value::Text(text) => Some(text),
        other => {
            let hint = if matches!(other, Value::Int(_) | Value::Float(_) | Value::Bool(_)) {
                "; put it in quotes"
            } else {
                ""
            };
            problems.at(node, format!("`{name}` must be text, found {}{hint}", other.noun()));
            None
        }
    }
}

/// A path, relative to the file in which it stands.
fn path(name: &str, node: &Node, place: &Place<'_>, problems: &mut Problems) -> Option<PathBuf> {
    let text = text(name, node, problems)?;
    Some(place.file.parent().unwrap_or(Path::new("")).join(text))
}

/// The content of the file that `node` names.
fn content(name: &str, node: &Node, place: &Place<'_>, problems: &mut Problems) -> Option<Vec<u8>> {
    let path = path(name, node, place, problems)?;
    file::read(&path, MAX_BYTES, place.patience)
        .map_err(|reason| {
            problems.at(node, format!("`{name}`: cannot read {}: {reason}", path.display()));
        })
        .ok()
}

/// A secret in a file, without the line feed at its end.
fn secret_file(
    name: &str,
    node: &Node,
    place: &Place<'_>,
    problems: &mut Problems,
) -> Option<String> {
    let text = file::text(content(name, node, place, problems)?)
        .map_err(|reason| problems.at(node, format!("`{name}`: {reason}")))
        .ok()?;
    let secret = text.trim();
    if secret.is_empty() {
        problems.at(node, format!("`{name}`: the file is empty"));
        return None;
    }
    Some(secret.to_owned())
}
