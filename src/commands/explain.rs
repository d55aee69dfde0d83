//! `auditor explain`: says what stands behind a word of the report.

use crate::exit::Exit;
use crate::explain;

pub(super) fn run(topic: Option<&str>) -> anyhow::Result<Exit> {
    let text = match topic {
        None => explain::list(),
        Some(name) => explain::explain(name)?,
    };
    Ok(super::print(&text, Exit::Success))
}
