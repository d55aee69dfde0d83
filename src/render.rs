//! Renderings of the report; one file a format, each a function of the report alone.

mod json;
mod text;

pub use json::json;
pub use text::text;
