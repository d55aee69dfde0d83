//! `auditor query`: evaluates one expression.

use std::time::{Duration, Instant};

use crate::cli::{Common, Format};
use crate::collect::{BreachTests, Lag, Watched};
use crate::config::{self, Environment};
use crate::evaluate::Refusal;
use crate::exit::Exit;
use crate::model::evidence::EvidenceRules;
use crate::progress::Progress;
use crate::promql::Expression;
use crate::{collect, evaluate, interrupt, output, render};

/// Nothing is judged, so a page may take its time.
const ANY_LAG: Lag<'_> = Lag { read_by: None, limit: Duration::MAX };

pub(super) fn run(expr: &str, common: &Common, started: Instant) -> anyhow::Result<Exit> {
    let expr = Expression::new(expr);
    let request = common.request(super::now()?, Environment::of_process());
    let Ok(spec) = interrupt::race(move || config::load_source(&request)) else {
        return Ok(Exit::NoVerdict);
    };
    let spec = spec?;
    let log = super::log(common.verbose);
    let expressions = std::slice::from_ref(&expr);
    let max_clock_skew = EvidenceRules::default().max_clock_skew;
    let (lag, accept_partial, breach) = (ANY_LAG, false, BreachTests::default());
    let watched =
        Watched { expressions, lag, required: &[], accept_partial, max_clock_skew, breach };
    let progress = Progress::on_terminal(false, None);
    let telemetry = super::observed(&log, progress, true, |observer| {
        collect::collect(&spec, started, watched, observer)
    })?;
    super::warn(&telemetry.warnings);
    let spec = spec.after(&telemetry.observed);
    let at = spec.instant();
    let answered = interrupt::race(move || evaluate::query(&spec, &telemetry, &expr, &log));
    let answer = match interrupt::received() {
        Some(by) => Err(Refusal::interrupted(&collect::in_words(by))),
        None => answered.unwrap_or_else(|by| Err(Refusal::interrupted(&collect::in_words(by)))),
    };
    if let Ok(reply) = &answer {
        super::warn(&reply.warnings);
    }
    let exit = if answer.is_ok() { Exit::Success } else { Exit::NoVerdict };
    let text = match (common.output_format, &answer) {
        (Format::Json, answer) => render::api_json(answer.as_ref(), at)?,
        (Format::Text, Ok(reply)) => render::value(&reply.value),
        (Format::Text, Err(refusal)) => {
            output::message(&format!("error: {}", refusal.error));
            String::new()
        }
    };
    Ok(super::print(&text, exit))
}
