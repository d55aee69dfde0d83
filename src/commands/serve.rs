//! `auditor serve`: audits that are repeated, and answers about them over HTTP.

mod kept;
mod own;
mod processes;
mod raw;
mod routes;
mod services;
mod watcher;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::Builder;

use anyhow::Context as _;

use crate::cli::ServeArgs;
use crate::exit::Exit;
use crate::serve::{self, Counters, Settings, Token};
use crate::watch::history::{self, History};
use crate::{interrupt, output};
use kept::Kept;
use routes::Routes;
use watcher::Watcher;

/// Every error that it returns came before anything was audited.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    let now = super::now()?;
    let Some(services) = services::services(args, now)? else { return Ok(Exit::NoVerdict) };
    let token = args.token_file.as_deref().map(Token::read).transpose()?;
    let has_token = token.is_some();
    let (listener, address) = serve::bind(&args.listen)?;
    serve::check_open(&address, has_token)?;
    std::fs::create_dir_all(&args.history)
        .with_context(|| format!("cannot make the directory {}", args.history.display()))?;
    let _lock = history::lock(&args.history)?;
    let mut watched = Vec::new();
    let mut kept = Vec::new();
    for (service, plan) in services {
        let opened = History::open(&args.history, &service.name, args.retention, now)?;
        let (history, warnings) = opened;
        super::warn(&warnings);
        let config = plan.config.display().to_string();
        let of_history = Kept::of_history(&history, config);
        watched.push(service);
        kept.push((history, of_history));
    }
    output::message(&welcome(address, &watched, args));
    let watcher = Arc::new(Watcher::new(watched, kept, args, now));
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

fn welcome(address: SocketAddr, services: &[services::Service], args: &ServeArgs) -> String {
    let names: Vec<_> = services.iter().map(|it| it.name.as_str()).collect();
    format!("watching {} every {:?}: http://{address}/", names.join(", "), args.every)
}
