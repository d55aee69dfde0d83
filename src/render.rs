//! Renderings: of the report, one file a format and each a function of the report alone; of the
//! answer to one expression; and of what a watcher knows.

mod api;
mod blame;
mod checks;
mod doctor;
mod evidence;
mod format;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod labels;
mod learn_more;
mod markdown;
mod prometheus;
mod remarks;
mod rows;
mod samples;
mod sarif;
mod signals;
pub mod suite;
mod text;
pub mod watch;

pub use api::{api_json, value};
pub use doctor::doctor;
pub use format::{FORMATS, ReportFormat};
pub use github::{github, github_error};
pub use json::{compact_json, json};
pub use markdown::markdown;
pub use text::{text, verdict};
