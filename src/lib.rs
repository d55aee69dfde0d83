//! `auditor` answers one question in a pipeline: may this async service ship?
//!
//! Data flows one way:
//!
//! ```text
//! cli ──▶ config ──▶ collect ──▶ evaluate ──▶ engine ──▶ report ──▶ render ──▶ exit
//! ```

pub mod audit;
pub mod cli;
pub mod collect;
pub mod commands;
pub mod config;
pub mod engine;
pub mod evaluate;
pub mod exit;
pub mod exposition;
pub mod model;
mod one_line;
pub mod output;
pub mod progress;
pub mod prometheus;
pub mod promql;
pub mod render;
pub mod report;
pub mod storage;
pub mod target_health;

pub use commands::run;
