//! `auditor man`: prints the manual page.

use anyhow::Context as _;

use crate::cli::Cli;
use crate::exit::Exit;

pub(super) fn run() -> anyhow::Result<Exit> {
    let page = Cli::manual().context("cannot write the manual page")?;
    Ok(super::print(&page, Exit::Success))
}
