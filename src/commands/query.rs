//! `auditor query`: evaluates one expression.

use std::time::{Duration, Instant};

use crate::cli::{Common, Format};
use crate::collect::Lag;
use crate::config::{self, Environment};
use crate::exit::Exit;
use crate::promql::Expression;
use crate::{collect, evaluate, output, render};

/// Nothing is judged, so a page may take its time.
const ANY_LAG: Lag<'_> = Lag { read_by: None, limit: Duration::MAX };

pub(super) fn run(expr: &str, common: &Common, started: Instant) -> anyhow::Result<Exit> {
    let expr = Expression::new(expr);
    let request = common.request(super::now()?, Environment::of_process());
    let spec = config::load_source(&request)?;
    let log = super::log(common);
    let telemetry = super::observed(&log, false, true, |observer| {
        collect::collect(&spec, started, std::slice::from_ref(&expr), ANY_LAG, observer)
    })?;
    super::warn(&telemetry.warnings);
    let spec = spec.after(&telemetry.observed);
    let answer = evaluate::query(&spec, &telemetry, &expr, &log);
    if let Ok(reply) = &answer {
        super::warn(&reply.warnings);
    }
    let exit = if answer.is_ok() { Exit::Success } else { Exit::NoVerdict };
    let text = match (common.output_format, &answer) {
        (Format::Json, answer) => render::api_json(answer.as_ref(), spec.instant())?,
        (Format::Text, Ok(reply)) => render::value(&reply.value),
        (Format::Text, Err(refusal)) => {
            output::message(&format!("error: {}", refusal.error));
            String::new()
        }
    };
    Ok(super::print(&text, exit))
}
