//! `auditor serve`: audits that are repeated, and answers about them over HTTP.

mod kept;
mod own;
mod processes;
mod raw;
mod routes;
mod services;
mod state;
mod watcher;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::ServeArgs;
use crate::config::Plan;
use crate::exit::Exit;
use crate::serve::{self, Counters, ServeError, Settings, Token};
use crate::watch::history::{self, History, HistoryError};
use crate::{interrupt, output};
use kept::Kept;
use routes::Routes;
use watcher::Watcher;

/// Every error that it returns came before anything was audited, and comes again however often it is tried;
/// what may pass, such as a port that is still in use, is told and ends without a verdict.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    let now = super::now()?;
    let Some(services) = services::services(args, now)? else { return Ok(Exit::NoVerdict) };
    let round = planned_round(&services);
    warn_of_long_rounds(round, args.every);
    let token = args.token_file.as_deref().map(Token::read).transpose()?;
    let has_token = token.is_some();
    let (listener, address) = match serve::bind(&args.listen) {
        Err(error @ ServeError::CannotListen { .. }) => return Ok(may_pass(&error)),
        bound => bound?,
    };
    serve::check_open(&address, has_token)?;
    let _lock = match history::lock(&args.history) {
        Err(error @ HistoryError::Held(_)) => return Ok(may_pass(&error)),
        locked => locked?,
    };
    let mut watched = Vec::new();
    let mut kept = Vec::new();
    for (service, plan) in services {
        let opened = History::open(&args.history, &service.name, args.retention, now)?;
        let (mut history, mut warnings) = opened;
        warnings.extend(history.prune(now));
        let named = |warning: &String| format!("{}: {warning}", service.name);
        super::warn(&warnings.iter().map(named).collect::<Vec<_>>());
        let config = plan.config.display().to_string();
        let of_history = Kept::of_history(&service.name, &history, config, now);
        watched.push(service);
        kept.push((history, of_history));
    }
    output::message(&welcome(address, &watched, args));
    let watcher = Arc::new(Watcher::new(watched, kept, (args, round), now));
    let thread = Builder::new().name("watcher".to_owned()).spawn({
        let watcher = Arc::clone(&watcher);
        move || watcher.keep_watch()
    });
    let thread = thread.context("cannot start a thread for the audits")?;
    let counters = Arc::new(Counters::default());
    let has_raw = !args.no_metrics_json;
    let routes = Routes { watcher: Arc::clone(&watcher), counters: Arc::clone(&counters), has_raw };
    let handler = Arc::new(move |request: &serve::Request| routes.answer(request));
    let settings = Settings { token, ..Settings::default() };
    // Where nobody audits any more there is nothing to answer.
    let stop = move || interrupt::received().is_some() || watcher.is_over();
    let served = serve::run(listener, settings, handler, counters, stop);
    let ended = thread.join();
    if let Err(error) = served {
        output::message(&format!("error: the server ended: {error}"));
        return Ok(Exit::NoVerdict);
    }
    // Asked to end, it ends as it should; by itself never.
    let is_asked = interrupt::received().is_some() && ended.is_ok();
    Ok(if is_asked { Exit::Success } else { Exit::NoVerdict })
}

/// Tells of what another process holds for now.
fn may_pass(error: &dyn std::error::Error) -> Exit {
    output::message(&format!("error: {error}"));
    Exit::NoVerdict
}

/// How long a round takes at least: services that are scraped or probed are watched one after the other.
fn planned_round(plans: &[(services::Service, Plan)]) -> Duration {
    let watched = plans.iter().filter(|(_, plan)| !plan.only_reads());
    watched.filter_map(|(_, plan)| plan.spec.length()).sum()
}

fn warn_of_long_rounds(round: Duration, every: Duration) {
    if round > every {
        let warning = format!(
            "a round takes {round:?} or more, for services that are scraped or probed are watched one after \
             the other; rounds cannot begin every {every:?}: raise --every, or lower `for`"
        );
        super::warn(&[warning]);
    }
}

fn welcome(address: SocketAddr, services: &[services::Service], args: &ServeArgs) -> String {
    let names: Vec<_> = services.iter().map(|it| it.name.as_str()).collect();
    format!("watching {} every {:?}: http://{address}/", names.join(", "), args.every)
}
