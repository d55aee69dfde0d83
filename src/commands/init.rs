//! `auditor --init`: writes a commented `metrics.yaml`.

use crate::config;
use crate::exit::Exit;
use crate::output;

pub(super) fn run() -> anyhow::Result<Exit> {
    config::write_template()?;
    let next = "set the target and the queries, then run: auditor";
    output::print(&format!("wrote {}; {next}\n", config::FILE_NAME))?;
    Ok(Exit::Success)
}
