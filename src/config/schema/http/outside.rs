//! What the target's URL, the environment and the command line add to the section.

use std::ffi::OsString;

use reqwest::header::HeaderName;

use crate::config::http::{BadHeader, HeaderNameError, HttpConfig, header_name};
use crate::config::problems::Problems;
use crate::config::{Environment, Request, Target};

/// What is wrong with a variable of the environment, or with `--header`. No value is in it: it may
/// be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::config::schema) enum OutsideError {
    #[error("AUDITOR_BEARER_TOKEN and AUDITOR_BASIC_AUTH are both set; keep one")]
    TwoCredentials,
    #[error("AUDITOR_BASIC_AUTH must be user:password")]
    NoUser,
    #[error("{0}: {1}")]
    Value(&'static str, #[source] BadHeader),
    #[error("{0} is not UTF-8 text")]
    NotText(&'static str),
    /// A secret which the job was not given: to go on without it would ask another server, or as
    /// somebody else.
    #[error("{0} is set, but empty; give it a value, or unset it")]
    Empty(&'static str),
    #[error("--header: expected 'Name: value', such as 'X-Scope-OrgID: team-a'")]
    NoHeader,
    #[error("--header: {0}")]
    HeaderName(#[from] HeaderNameError),
    #[error("--header: `{0}` has no value")]
    NoValue(HeaderName),
}

/// Adds what the target's URL, the environment and the command line say; the later prevails.
pub(in crate::config::schema) fn add_outside(
    http: &mut HttpConfig,
    target: Option<&Target>,
    environment: &Environment,
    request: &Request,
    problems: &mut Problems,
) {
    for secret in target.map(Target::secrets_in_query).unwrap_or_default() {
        http.hide(&secret);
    }
    if http.credential.is_none()
        && let Some((user, password)) = target.and_then(Target::credentials)
    {
        // Base64 fits into every header.
        let _ = http.authorize_basic(&user, &password, "the user and password in the target's URL");
    }
    if let Err(message) = add_environment(http, environment) {
        problems.outside(message);
    }
    for header in &request.headers {
        // Not repeated: it may be a secret.
        if let Err(message) = add_header(http, header) {
            problems.outside(message);
        }
    }
}

fn add_environment(http: &mut HttpConfig, environment: &Environment) -> Result<(), OutsideError> {
    let token = variable("AUDITOR_BEARER_TOKEN", environment.bearer_token.as_ref())?;
    let basic = variable("AUDITOR_BASIC_AUTH", environment.basic_auth.as_ref())?;
    match (token, basic) {
        (Some(_), Some(_)) => Err(OutsideError::TwoCredentials),
        (Some(token), None) => http
            .authorize("Bearer", token, "the token in AUDITOR_BEARER_TOKEN")
            .map_err(|error| OutsideError::Value("AUDITOR_BEARER_TOKEN", error)),
        (None, Some(basic)) => {
            let (user, password) = basic.split_once(':').ok_or(OutsideError::NoUser)?;
            http.authorize_basic(user, password, "the user and password in AUDITOR_BASIC_AUTH")
                .map_err(|error| OutsideError::Value("AUDITOR_BASIC_AUTH", error))
        }
        (None, None) => Ok(()),
    }
}

/// The value of an environment variable, trimmed.
///
/// # Errors
/// If it is set to nothing, or no text.
pub(in crate::config::schema) fn variable<'a>(
    name: &'static str,
    value: Option<&'a OsString>,
) -> Result<Option<&'a str>, OutsideError> {
    let Some(value) = value else { return Ok(None) };
    match value.to_str().map(str::trim) {
        None => Err(OutsideError::NotText(name)),
        Some("") => Err(OutsideError::Empty(name)),
        Some(text) => Ok(Some(text)),
    }
}

fn add_header(http: &mut HttpConfig, header: &str) -> Result<(), OutsideError> {
    let (name, value) = header.split_once(':').ok_or(OutsideError::NoHeader)?;
    let (name, value) = (header_name(name.trim())?, value.trim());
    if value.is_empty() {
        // An unset variable, as a rule; the answer would be about something else.
        return Err(OutsideError::NoValue(name));
    }
    let bad = |error: BadHeader| OutsideError::Value("--header", error);
    if name == "authorization" {
        return http.authorize("", value, "--header Authorization").map_err(bad);
    }
    // It takes the place of the file's.
    http.headers.remove(&name);
    http.add_header(name.clone(), value, true).map_err(bad)
}
