//! `auditor query`: evaluates one expression.

use std::time::Instant;

use crate::cli::{Common, Format};
use crate::config::{self, Environment};
use crate::exit::Exit;
use crate::{output, render, source};

pub(super) fn run(expr: &str, common: &Common, started: Instant) -> anyhow::Result<Exit> {
    let request = common.request(super::now()?, Environment::of_process());
    let reach = config::load_reach(&request)?;
    let log = super::log(common);
    let watch = super::observed(&log, false, true, |spectator| {
        source::watch(&reach, started, &[expr], None, spectator)
    })?;
    super::warn(&watch.warnings);
    let reach = reach.after(&watch.watched);
    let answer = source::query(&reach, &watch, expr, &log);
    if let Ok(reply) = &answer {
        super::warn(&reply.warnings);
    }
    let exit = if answer.is_ok() { Exit::Success } else { Exit::NoVerdict };
    let text = match (common.output_format, &answer) {
        (Format::Json, answer) => render::api_json(answer.as_ref(), reach.instant())?,
        (Format::Text, Ok(reply)) => render::value(&reply.value),
        (Format::Text, Err(refusal)) => {
            output::message(&format!("error: {}", refusal.error));
            String::new()
        }
    };
    Ok(super::print(&text, exit))
}
