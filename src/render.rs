//! Renderings: of the report, one file a format and each a function of the report alone; and of
//! the answer to one expression.

mod api;
mod blame;
mod checks;
mod evidence;
mod json;
mod labels;
mod signals;
mod text;

pub use api::{api_json, value};
pub use json::json;
pub use text::{text, verdict};
