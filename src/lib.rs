//! `auditor` answers one question in a pipeline: may this async service ship?
//!
//! Data flows one way:
//!
//! ```text
//! cli ──▶ config ──▶ source ──▶ readings ──▶ engine ──▶ report ──▶ render ──▶ exit
//! flags   metrics.   telemetry   a signal    pure:       frozen     text,      0 1 2 3
//!         yaml, one  in, one     is known,   score,      schema     json
//!         Plan       instant     or why not  modes
//! ```
//!
//! - [`config`] turns `metrics.yaml` and the command line into a validated [`config::Plan`],
//!   with every problem at its place in the file.
//! - [`source`] watches a service, reads a recording or asks a Prometheus-compatible server, and
//!   returns [`readings`]; [`progress`] tells how long that takes.
//! - [`moment`] picks the instant at which a service that was watched is judged.
//! - [`engine`] judges readings; it does no I/O and knows no clock.
//! - [`report`] is the schema that others read, apart from the internal types.
//! - [`render`] turns a report into text or JSON, and [`output`] lets it out.
//! - [`exit`] alone knows the exit codes.
//! - [`signal`], [`judgement`], [`scrapes`] and [`quantity`] hold the words that the others share.
//!
//! Three rooms know nothing of audits: [`storage`] holds samples over time, [`exposition`] reads
//! and writes them as text, and [`promql`] evaluates queries on them.
//!
//! Nothing that goes wrong becomes a pass: what cannot be read is a state of a reading,
//! never a number, and only numbers can pass.

pub mod cli;
pub mod commands;
pub mod config;
pub mod engine;
pub mod exit;
pub mod exposition;
pub mod model;
pub mod moment;
pub mod output;
pub mod progress;
pub mod promql;
pub mod render;
pub mod report;
pub mod scrapes;
pub mod source;
pub mod storage;

pub use commands::run;
