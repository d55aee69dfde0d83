//! `auditor schema`: prints the JSON Schema of the configuration, of a suite, or of what is told of them.

use crate::cli::Document;
use crate::exit::Exit;
use crate::{config, report};

pub(super) fn run(document: Document) -> anyhow::Result<Exit> {
    let schema = match document {
        Document::Config => config::json_schema(),
        Document::Report => report::json_schema(),
        Document::Suite => config::suite_json_schema(),
        Document::Summary => report::suite::json_schema(),
    };
    Ok(super::print(&(serde_json::to_string_pretty(&schema)? + "\n"), Exit::Success))
}
