//! Renderings of what a watcher knows at one moment, each a function of the [`crate::watch::View`] alone.

mod metrics;
mod page;

pub use super::prometheus::MetricKind;
pub use metrics::{METRICS_CONTENT_TYPE, Metric, metrics};
pub use page::{PAGE_CONTENT_TYPE, page};
