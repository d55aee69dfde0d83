//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::{SignedDuration, Timestamp};

use crate::config::{Environment, Request};
use crate::judgement::Level;

/// The report written in text mode unless the command line says otherwise.
const DEFAULT_REPORT: &str = "audit_results.json";
/// The longest `--timeout`.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

const EXIT_CODES: &str = "\
Exit codes:
  0  the audit was carried out, and the gate, if there is one, passed
  1  the gate failed: the status is at its level or worse
  2  usage or configuration: nothing was audited
  3  no verdict: the server cannot be reached, a query failed, the report could
     not be written, or a gate was asked for and signals are missing";

const ENVIRONMENT: &str = "\
Environment:
  AUDITOR_TARGET        the server to ask
  AUDITOR_BEARER_TOKEN  a token to send to it, or
  AUDITOR_BASIC_AUTH    user:password";

const ABOUT: &str = "\
Audits the runtime of an async service: reads its signals from a Prometheus-compatible server \
by the queries in metrics.yaml, scores them, names failure modes with their evidence, and exits \
with a code that a pipeline can gate on.";

/// The command line, as clap reads it.
#[derive(Debug, Parser)]
#[command(name = "auditor", version, about = ABOUT, after_help = format!("{ENVIRONMENT}\n\n{EXIT_CODES}"), max_term_width = 100)]
pub struct Cli {
    /// Configuration file [default: metrics.yaml in the current directory]
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,

    /// Server to ask [default: $AUDITOR_TARGET, `target` of the configuration, or
    /// http://localhost:9090]
    #[arg(long, value_name = "URL")]
    target: Option<String>,

    /// How to reach it, in place of `http` of the configuration: a file as Prometheus' http_config
    #[arg(long, value_name = "PATH")]
    http_config: Option<PathBuf>,

    /// Send this header with every request, such as 'X-Scope-OrgID: team-a'; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,

    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = formats())]
    pub output_format: Format,

    /// Exit 1 if the status is CRITICAL or COLLAPSE_RISK
    #[arg(long, conflicts_with = "fail_on")]
    fail_on_critical: bool,

    /// Exit 1 if the status is at this level or worse
    #[arg(long, value_name = "LEVEL", value_parser = levels())]
    fail_on: Option<Level>,

    /// Evaluate at this instant: RFC 3339, or Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time, allow_hyphen_values = true)]
    at: Option<Timestamp>,

    /// Set a variable of the queries; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = parse_var)]
    vars: Vec<(String, String)>,

    /// Bound of the whole audit, such as 30s or 1m30s
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_timeout)]
    timeout: Duration,

    /// Tell on standard error of every request
    #[arg(long, short)]
    pub verbose: bool,

    /// Write the JSON report here [default: audit_results.json, with text output]
    #[arg(long, value_name = "PATH")]
    report: Option<PathBuf>,

    /// Write no report file
    #[arg(long, conflicts_with = "report")]
    no_report: bool,

    /// Write a commented metrics.yaml into the current directory, and stop
    #[arg(long, exclusive = true)]
    pub init: bool,
}

/// What is printed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// The whole report, and nothing else.
    Json,
}

impl Cli {
    /// The audit that is asked for. `now` is its instant if none is named.
    pub fn request(&self, now: Timestamp, environment: Environment) -> Request {
        Request {
            config: self.config.clone(),
            target: self.target.clone(),
            http_config: self.http_config.clone(),
            headers: self.headers.clone(),
            environment,
            vars: self.vars.clone(),
            at: self.at.unwrap_or(now),
            timeout: self.timeout,
            gate: if self.fail_on_critical { Some(Level::Critical) } else { self.fail_on },
        }
    }

    /// Where the report file goes, if there is to be one.
    pub fn report_path(&self) -> Option<PathBuf> {
        match (&self.report, self.output_format) {
            (Some(path), _) => Some(path.clone()),
            (None, Format::Text) if !self.no_report => Some(PathBuf::from(DEFAULT_REPORT)),
            (None, _) => None,
        }
    }
}

// clap's own derive for these would show their documentation, at a screen's length.
fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["text", "json"]).map(|name| match name.as_str() {
        "json" => Format::Json,
        _ => Format::Text,
    })
}

fn levels() -> impl TypedValueParser<Value = Level> {
    PossibleValuesParser::new(["degraded", "critical", "collapse"]).map(|name| {
        match name.as_str() {
            "degraded" => Level::Degraded,
            "collapse" => Level::Collapse,
            _ => Level::Critical,
        }
    })
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    let wrong = || "expected RFC 3339, such as 2026-01-31T12:00:00Z, or Unix seconds".to_owned();
    let exact = match text.parse::<f64>() {
        // Prometheus counts in milliseconds.
        Ok(seconds) if seconds.is_finite() => {
            Timestamp::from_millisecond((seconds * 1000.0).round() as i64).map_err(|_| wrong())
        }
        Ok(_) => Err(wrong()),
        Err(_) => text.parse::<Timestamp>().map_err(|_| wrong()),
    }?;
    Timestamp::from_millisecond(exact.as_millisecond()).map_err(|_| wrong())
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a duration such as 30s, 500ms or 1m30s, of at most 24h".to_owned();
    let duration = match text.parse::<u32>() {
        Ok(seconds) => Duration::from_secs(seconds.into()),
        Err(_) => {
            let signed = text.parse::<SignedDuration>().map_err(|_| wrong())?;
            Duration::try_from(signed).map_err(|_| wrong())?
        }
    };
    if duration.is_zero() || duration > MAX_TIMEOUT { Err(wrong()) } else { Ok(duration) }
}

fn parse_var(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as window=5m".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn instants_are_rfc_3339_or_unix_seconds() {
        for text in ["2023-11-14T22:13:20.5Z", "2023-11-15T00:13:20.500+02:00", "1700000000.5"] {
            assert_eq!(parse_time(text).unwrap().as_millisecond(), 1_700_000_000_500, "{text}");
        }
        for text in ["", "yesterday", "NaN", "inf", "1e300", "2023-11-14"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn timeouts_are_durations() {
        for (text, ms) in [("30s", 30_000), ("500ms", 500), ("1m30s", 90_000), ("45", 45_000)] {
            assert_eq!(parse_timeout(text).unwrap(), Duration::from_millis(ms));
        }
        for text in ["", "0", "0s", "-5s", "soon", "25h"] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }
}
