//! `auditor --init`: writes a commented `metrics.yaml`; with a URL, one for what is found there.

use std::path::Path;
use std::time::Instant;

use anyhow::bail;

use crate::cli::Cli;
use crate::config::{self, DEFAULT_METRICS, Environment, InitError};
use crate::discovery::{self, Asked, Trouble};
use crate::exit::Exit;
use crate::presets::Preset;
use crate::{interrupt, output};

pub(super) fn run(cli: &Cli, started: Instant) -> anyhow::Result<Exit> {
    let preset = match cli.preset().map(|name| (name, Preset::named(name))) {
        Some((name, None)) => bail!("--preset: {}", config::no_such_preset(name)),
        Some((_, preset)) => preset,
        None => None,
    };
    if cli.names_url() {
        return discover(cli, preset, started);
    }
    let (text, next) = match preset {
        None => (DEFAULT_METRICS, NEXT.to_owned()),
        Some(preset) => (preset.text, of_preset(preset)),
    };
    config::write_file(text)?;
    output::print(&format!("wrote {}; {next}", config::FILE_NAME))?;
    Ok(Exit::Success)
}

const NEXT: &str = "next, with your service and your load in place of these:\n  \
                    auditor --scrape http://localhost:8000/metrics -- python3 load.py\n\
                    or, for what is there: auditor --init --scrape URL (or --probe, --target)\n\
                    or, if a Prometheus scrapes it already, set `target` and run: auditor\n";

fn of_preset(preset: &Preset) -> String {
    let switch_on = preset.in_the_service().join("\n    ");
    format!("it needs {}\nin the service:\n    {switch_on}\n", preset.needs())
}

/// Writes what fits to what is there. Nobody is asked before it is known that it can be written.
fn discover(cli: &Cli, preset: Option<&'static Preset>, started: Instant) -> anyhow::Result<Exit> {
    if Path::new(config::FILE_NAME).symlink_metadata().is_ok() {
        return Err(InitError::Exists.into());
    }
    let request = cli.request(super::now()?, Environment::of_process());
    let vars = request.vars.clone();
    let Ok(spec) = interrupt::race(move || config::load_source(&request)) else {
        return Ok(Exit::NoVerdict);
    };
    let asked = Asked {
        spec: spec?,
        preset,
        job: cli.common().job_given().map(str::to_owned),
        vars,
        options: cli.common().options_of_access(),
    };
    let log = super::log(cli.common().verbose);
    match discovery::look(&asked, started, &log) {
        Ok(found) => {
            config::write_file(&found.file)?;
            Ok(super::print(&found.words, Exit::Success))
        }
        Err(Trouble::Usage(words)) => {
            output::message(&format!("error: {words}"));
            Ok(Exit::Usage)
        }
        Err(Trouble::NoVerdict(words)) => {
            output::message(&format!("error: {words}"));
            Ok(Exit::NoVerdict)
        }
    }
}
