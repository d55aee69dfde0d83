//! `auditor --init`: writes a commented `metrics.yaml`.

use anyhow::bail;

use crate::cli::Cli;
use crate::config::{self, DEFAULT_METRICS};
use crate::exit::Exit;
use crate::output;
use crate::presets::Preset;

pub(super) fn run(cli: &Cli) -> anyhow::Result<Exit> {
    let (text, next) = match cli.preset() {
        None => (DEFAULT_METRICS, NEXT.to_owned()),
        Some(name) => match Preset::named(name) {
            Some(preset) => (preset.text, of_preset(preset)),
            None => bail!("--preset: {}", config::no_such_preset(name)),
        },
    };
    config::write_file(text)?;
    output::print(&format!("wrote {}; {next}", config::FILE_NAME))?;
    Ok(Exit::Success)
}

const NEXT: &str = "next, with your service and your load in place of these:\n  \
                    auditor --scrape http://localhost:8000/metrics -- python3 load.py\n\
                    or, if a Prometheus scrapes it already, set `target` and run: auditor\n";

fn of_preset(preset: &Preset) -> String {
    let switch_on = preset.in_the_service().join("\n    ");
    format!("it needs {}\nin the service:\n    {switch_on}\n", preset.needs())
}
