//! What the options take: names, times, durations.

use std::ffi::OsStr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use jiff::{SignedDuration, Timestamp};

use super::{Document, FailOn, Format, NamedConfig, ReportFile};
use crate::config::{Blaming, is_id, nearest, parse_range};
use crate::model::level::{Gate, Level};
use crate::presets::PRESETS;
use crate::render::{FORMATS, ReportFormat};

/// The longest duration.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// The most scenarios that are read at once: each has some ten connections of its own.
const MAX_JOBS: usize = 64;
/// More audits than this are a monitoring, which has its own means.
const MAX_SAMPLES: u32 = 1000;
/// The shortest interval between two requests of a probe.
const MIN_PROBE_EVERY: Duration = Duration::from_millis(10);
/// The longest one: what lies between two requests is not seen.
const MAX_PROBE_EVERY: Duration = Duration::from_secs(1);
/// The shortest time from one round of audits to the next.
const MIN_PERIOD: Duration = Duration::from_secs(1);
/// The shortest interval between scrapes.
const MIN_EVERY: Duration = Duration::from_millis(50);

// clap's own derive for these would show their documentation, at a screen's length.
pub(super) fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["text", "json"]).map(|name| match name.as_str() {
        "json" => Format::Json,
        _ => Format::Text,
    })
}

pub(super) fn gates() -> impl TypedValueParser<Value = FailOn> {
    let names = Level::ALL.map(|(name, _)| name).into_iter().chain([Gate::FAILURE_MODE]);
    PossibleValuesParser::new(names).map(|name| {
        let level = Level::ALL.into_iter().find(|(it, _)| *it == name);
        level.map_or(FailOn::FailureMode, |(_, level)| FailOn::Level(level))
    })
}

pub(super) fn blames() -> impl TypedValueParser<Value = Blaming> {
    PossibleValuesParser::new(Blaming::ALL.map(|(name, _)| name)).map(|name| {
        let chosen = Blaming::ALL.into_iter().find(|(it, _)| *it == name);
        chosen.map_or_else(Blaming::default, |(_, blaming)| blaming)
    })
}

/// The name of a preset. Shells complete those that there are; whether it is one, and which was probably
/// meant, is told by the configuration, as of `preset` in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct PresetName;

impl TypedValueParser for PresetName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue>>> {
        Some(Box::new(PRESETS.iter().map(|preset| PossibleValue::new(preset.name))))
    }
}

pub(super) fn documents() -> impl TypedValueParser<Value = Document> {
    PossibleValuesParser::new(["config", "report", "suite", "summary"]).map(|name| match &*name {
        "report" => Document::Report,
        "suite" => Document::Suite,
        "summary" => Document::Summary,
        _ => Document::Config,
    })
}

/// A name, `=` and a path.
pub(super) fn parse_log(text: &str) -> Result<(String, PathBuf), ValueError> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.to_owned(), path.into()))
        }
        _ => Err(ValueError::Log),
    }
}

/// Why an option does not take a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ValueError {
    #[error("expected RFC 3339, such as 2026-01-31T12:00:00Z, or Unix seconds")]
    Time,
    #[error("expected a duration such as 30s, 500ms or 1m30s, of at most 24h")]
    Duration,
    #[error("expected a duration such as 90m, 1d or 1w")]
    Offset,
    #[error("expected at least {MIN_EVERY:?}")]
    Every,
    #[error(
        "expected {MIN_PROBE_EVERY:?} to {MAX_PROBE_EVERY:?}; a stall is seen within that time"
    )]
    ProbeEvery,
    #[error("expected a number of threads, 1 or more")]
    Threads,
    #[error("expected a number of scenarios, 1 to {MAX_JOBS}")]
    Jobs,
    #[error("expected how many, 1 or more and at most {MAX_SAMPLES}")]
    Samples,
    #[error("expected how many, 1 or more")]
    Failures,
    #[error("there is no command; was it a variable that is empty?")]
    NoCommand,
    #[error("expected NAME=VALUE, such as window=5m")]
    Variable,
    #[error("expected NAME=PATH")]
    Log,
    #[error("expected PATH, or NAME=PATH with a name of letters, digits, `_`, `-` and `.`")]
    NamedConfig,
    #[error("expected a duration such as 5m, of at least {MIN_PERIOD:?} and at most 1d")]
    Period,
}

/// Why there can be no report of that kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReportError {
    #[error("expected FORMAT=PATH, such as html=report.html")]
    NoPath,
    #[error("a report goes to a file; --output-format chooses what is printed")]
    StandardOutput,
    #[error("a PATH alone is for JSON; write {format}={path}, or json={path} if that is meant")]
    OtherFormat { format: &'static str, path: String },
    #[error("there is no format `{given}`{}; the formats are {}", meant.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default(), names().join(", "))]
    NoSuchFormat { given: String, meant: Option<&'static str> },
}

fn names() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.name).collect()
}

/// The format that a file of that name would be expected to have, if that is not JSON.
fn of_extension(path: &str) -> Option<&'static str> {
    const EXTENSIONS: [(&str, &str); 6] = [
        ("html", "html"),
        ("htm", "html"),
        ("md", "markdown"),
        ("xml", "junit"),
        ("sarif", "sarif"),
        ("prom", "prometheus"),
    ];
    let (_, extension) = path.rsplit_once('.')?;
    EXTENSIONS.into_iter().find(|(it, _)| *it == extension).map(|(_, format)| format)
}

/// A format and a path, or a path alone for JSON. What is before `=` is a part of the path where it
/// cannot be the name of a format.
pub(super) fn parse_report(text: &str) -> Result<ReportFile, ReportError> {
    let is_name = |it: &str| !it.is_empty() && it.chars().all(|c| c.is_ascii_alphanumeric());
    let split = text.split_once('=').filter(|(name, _)| is_name(name));
    let (format, path) = match split {
        None => match of_extension(text) {
            Some(format) => {
                return Err(ReportError::OtherFormat { format, path: text.to_owned() });
            }
            None => (ReportFormat::JSON, text),
        },
        Some((name, path)) => {
            let no_such = || {
                let meant = nearest(name, names());
                ReportError::NoSuchFormat { given: name.to_owned(), meant }
            };
            (ReportFormat::from_name(name).ok_or_else(no_such)?, path)
        }
    };
    match path {
        "" => Err(ReportError::NoPath),
        "-" => Err(ReportError::StandardOutput),
        path => Ok(ReportFile { format, path: path.into() }),
    }
}

pub(super) fn parse_time(text: &str) -> Result<Timestamp, ValueError> {
    let wrong = || ValueError::Time;
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

pub(super) fn parse_duration(text: &str) -> Result<Duration, ValueError> {
    let wrong = || ValueError::Duration;
    let duration = match text.parse::<u32>() {
        Ok(seconds) => Duration::from_secs(seconds.into()),
        Err(_) => {
            let signed = text.parse::<SignedDuration>().map_err(|_| wrong())?;
            Duration::try_from(signed).map_err(|_| wrong())?
        }
    };
    if duration.is_zero() || duration > MAX_DURATION { Err(wrong()) } else { Ok(duration) }
}

/// A duration as PromQL writes it, days and weeks too.
pub(super) fn parse_offset(text: &str) -> Result<Duration, ValueError> {
    parse_range(text).ok_or(ValueError::Offset)
}

/// The time from one round of audits to the next.
///
/// # Errors
/// If it is no duration, or out of range.
pub(super) fn parse_period(text: &str) -> Result<Duration, ValueError> {
    let period = parse_duration(text).ok().or_else(|| parse_range(text));
    let is_fit = |it: &Duration| (MIN_PERIOD..=MAX_DURATION).contains(it);
    period.filter(is_fit).ok_or(ValueError::Period)
}

/// The configuration of a service, and its name: what is given, that of the file, or that of the directory
/// of a `metrics.yaml`.
///
/// # Errors
/// If there is no path, or no name to be had from it.
pub(super) fn parse_named_config(text: &str) -> Result<NamedConfig, ValueError> {
    let (name, path) = match text.split_once('=').filter(|(name, _)| is_id(name)) {
        Some((name, path)) => (Some(name.to_owned()), Path::new(path)),
        None => (None, Path::new(text)),
    };
    if path.as_os_str().is_empty() {
        return Err(ValueError::NamedConfig);
    }
    let name = name.or_else(|| name_of(path)).filter(|it| is_id(it));
    name.map(|name| NamedConfig { name, path: path.to_owned() }).ok_or(ValueError::NamedConfig)
}

/// The name of a service by that of its configuration.
fn name_of(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    if stem != "metrics" {
        return Some(stem.to_owned());
    }
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = std::fs::canonicalize(directory.unwrap_or(Path::new("."))).ok();
    let named = directory.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
    Some(named.unwrap_or(stem).to_owned())
}

/// A duration that may be 0.
pub(super) fn parse_settle(text: &str) -> Result<Duration, ValueError> {
    let is_zero = text.strip_suffix('s').unwrap_or(text).parse() == Ok(0_u32);
    if is_zero { Ok(Duration::ZERO) } else { parse_duration(text) }
}

pub(super) fn parse_every(text: &str) -> Result<Duration, ValueError> {
    let every = parse_duration(text)?;
    if every < MIN_EVERY { Err(ValueError::Every) } else { Ok(every) }
}

pub(super) fn parse_probe_every(text: &str) -> Result<Duration, ValueError> {
    let every = parse_duration(text)?;
    let is_fit = (MIN_PROBE_EVERY..=MAX_PROBE_EVERY).contains(&every);
    if is_fit { Ok(every) } else { Err(ValueError::ProbeEvery) }
}

/// How many scenarios are read at once.
///
/// # Errors
/// If it is no number, or out of range.
pub(super) fn parse_jobs(text: &str) -> Result<usize, ValueError> {
    text.parse().ok().filter(|it| (1..=MAX_JOBS).contains(it)).ok_or(ValueError::Jobs)
}

/// A pattern of ids.
///
/// # Errors
/// If it is none.
pub(super) fn parse_only(text: &str) -> Result<glob::Pattern, glob::PatternError> {
    glob::Pattern::new(text)
}

pub(super) fn parse_threads(text: &str) -> Result<usize, ValueError> {
    text.parse().ok().filter(|threads| *threads > 0).ok_or(ValueError::Threads)
}

pub(super) fn parse_samples(text: &str) -> Result<NonZeroU32, ValueError> {
    text.parse()
        .ok()
        .filter(|count: &NonZeroU32| count.get() <= MAX_SAMPLES)
        .ok_or(ValueError::Samples)
}

pub(super) fn parse_failures(text: &str) -> Result<NonZeroU32, ValueError> {
    text.parse().map_err(|_| ValueError::Failures)
}

/// A command for a shell, which has to say something.
pub(super) fn parse_shell(text: &str) -> Result<String, ValueError> {
    if text.trim().is_empty() { Err(ValueError::NoCommand) } else { Ok(text.to_owned()) }
}

pub(super) fn parse_var(text: &str) -> Result<(String, String), ValueError> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(ValueError::Variable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_report_is_a_format_and_a_path() {
        for (text, format, path) in [
            ("text=out/report.txt", "text", "out/report.txt"),
            ("report.json", "json", "report.json"),
            ("json=a=b", "json", "a=b"),
            ("./a=b", "json", "./a=b"),
            ("out-1=b", "json", "out-1=b"),
            ("=b", "json", "=b"),
        ] {
            let report = parse_report(text).unwrap();
            assert_eq!((report.format.name, report.path.to_str().unwrap()), (format, path));
        }
        for (text, words) in [
            ("", "expected FORMAT=PATH"),
            ("text=", "expected FORMAT=PATH"),
            ("text=-", "--output-format"),
            ("txt=a.txt", "did you mean `text`?"),
            ("json=-", "--output-format"),
            ("report.html", "write html=report.html, or json=report.html"),
            ("pdf=a", "the formats are json, text"),
        ] {
            let error = parse_report(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_service_has_the_name_that_is_given_or_that_of_its_file() {
        for (text, name, path) in [
            ("api=deploy/metrics.yaml", "api", "deploy/metrics.yaml"),
            ("deploy/orders.yaml", "orders", "deploy/orders.yaml"),
            ("src/metrics.yaml", "src", "src/metrics.yaml"),
            ("api=a=b.yaml", "api", "a=b.yaml"),
        ] {
            let named = parse_named_config(text).unwrap();
            assert_eq!((&*named.name, named.path.to_str().unwrap()), (name, path));
        }
        // The last one's name would be `a=b`.
        for text in ["", "api=", "a b.yaml", "é.yaml", "./a=b.yaml"] {
            assert!(parse_named_config(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rounds_are_a_second_to_a_day_apart() {
        for (text, seconds) in [("5m", 300), ("1s", 1), ("90", 90), ("1d", 86_400), ("1h30m", 5400)]
        {
            assert_eq!(parse_period(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for text in ["", "0s", "500ms", "2d", "soon"] {
            assert!(parse_period(text).is_err(), "{text}");
        }
    }

    #[test]
    fn waiting_may_be_turned_off() {
        for (text, seconds) in [("0s", 0), ("0", 0), ("00s", 0), ("2s", 2), ("1m", 60)] {
            assert_eq!(parse_settle(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        assert!(parse_settle("-1s").is_err() && parse_settle("s").is_err());
    }

    #[test]
    fn durations_have_units_or_are_seconds() {
        for (text, ms) in [("30s", 30_000), ("500ms", 500), ("1m30s", 90_000), ("45", 45_000)] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(ms));
        }
        for text in ["", "0", "0s", "-5s", "soon", "25h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
