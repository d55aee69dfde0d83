//! `auditor doctor`: an audit of which each query is explained, instead of what they come to.

use std::sync::Arc;
use std::time::Instant;

use super::audit::setting;
use super::perform::collect;
use crate::audit::audit_at_worst_instant;
use crate::cli::{Cli, Format};
use crate::config::{self, Environment};
use crate::doctor::diagnose;
use crate::exit::Exit;
use crate::model::level::Level;
use crate::promql::Expression;
use crate::{evaluate, interrupt, render};

/// Every error that it returns came before anything was asked.
pub(super) fn run(cli: &Cli, started: Instant) -> anyhow::Result<Exit> {
    let mut request = cli.request(super::now()?, Environment::of_process());
    if !request.gate.is_set() {
        request.gate.add(Level::Critical);
    }
    let Ok(plan) = interrupt::race(move || config::load(&request)) else {
        return Ok(Exit::NoVerdict);
    };
    let plan = plan?;
    let log = super::log(cli.common().verbose);
    let telemetry = collect(&plan, started, setting(cli))?;
    super::warn(&telemetry.warnings);
    let plan = plan.of_recording(telemetry.is_of_probe());
    let (plan, telemetry) = (Arc::new(plan), Arc::new(telemetry));
    let asked = {
        let (plan, telemetry) = (Arc::clone(&plan), Arc::clone(&telemetry));
        interrupt::race(move || {
            let audit = audit_at_worst_instant(&plan, &telemetry, &log);
            let ask = |exprs: Vec<String>, is_of_server: bool| {
                let exprs = exprs.iter().map(Expression::new).collect();
                let at = (&*telemetry, audit.at);
                let answers = evaluate::ask(exprs, is_of_server, &plan.spec, at, &log);
                answers.into_iter().map(|it| it.map_err(|error| error.to_string())).collect()
            };
            diagnose(&plan, &audit, &telemetry.observed, &ask)
        })
    };
    let Ok(diagnosis) = asked else { return Ok(Exit::NoVerdict) };
    let exit = if diagnosis.is_sound() { Exit::Success } else { Exit::NoVerdict };
    let mut text = Vec::new();
    match cli.common().output_format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut text, &diagnosis)?;
            text.push(b'\n');
        }
        Format::Text => render::doctor(&diagnosis, &mut text)?,
    }
    Ok(super::print(&String::from_utf8_lossy(&text), exit))
}
