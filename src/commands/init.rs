//! `auditor --init`: writes a commented `metrics.yaml`.

use crate::config;
use crate::exit::Exit;
use crate::output;

pub(super) fn run() -> anyhow::Result<Exit> {
    config::write_template()?;
    let next = "next, with your service and your load in place of these:\n  \
                auditor --scrape http://localhost:8000/metrics -- python3 load.py\n\
                or, if a Prometheus scrapes it already, set `target` and run: auditor\n";
    output::print(&format!("wrote {}; {next}", config::FILE_NAME))?;
    Ok(Exit::Success)
}
