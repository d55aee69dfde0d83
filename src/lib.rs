//! `auditor` answers one question in a pipeline: may this async service ship?
//!
//! Data flows one way:
//!
//! ```text
//! cli ──▶ config ──▶ collect ──▶ evaluate ──▶ readings ──▶ engine ──▶ report ──▶ render ──▶ exit
//! flags   metrics.   scrape or   ask the      a signal or  pure:      frozen     text,      0 1 2 3
//!         yaml and   probe, or   questions    a check is   score,     schema     json
//!         its layers read a      at one       known, or    checks,
//!         ▶ a Plan   recording   instant      why not      modes
//!                                             ▲
//!                                evidence: what was seen, and what was not, bounds them
//! ```
//!
//! - [`commands`] holds a file for each thing that `auditor` can be asked to do, and decides how
//!   it exits and how its report is delivered. A suite takes the same way once for each of its scenarios,
//!   and sums up the reports.
//! - [`config`] merges the layers of a configuration (file, profile, environment, command line)
//!   and turns them into a validated [`config::Plan`], with every problem at its place. Nothing
//!   changes a plan afterwards.
//! - [`collect`] is what yields samples: it scrapes a service while a command puts it under load,
//!   looks at it from outside, or reads a recording; and it starts the service, where it is asked to.
//! - [`evaluate`] answers questions (an expression, at an instant or over a range) by a server or
//!   on samples; it knows nothing of signals.
//! - [`evidence`] looks at what the answers rest on: scrapes, holes, ages, processes, requests. What
//!   falls short of a rule leaves the readings that it concerns a lower bound.
//! - `blame` sums up what held a loop up, and where, as far as the samples of a probe tell.
//! - [`audit`] puts the plan's questions at one instant, and picks that instant; and over time, for
//!   reports that draw them.
//! - [`baseline`] is what an earlier audit found, from its report, as values to compare with.
//! - [`engine`] judges readings; it does no I/O and knows no clock.
//! - [`breaker`] says what the verdicts of several audits come to, and keeps what it counts from run
//!   to run.
//! - [`report`] is the schema that others read, apart from the internal types.
//! - [`render`] turns a report into text, JSON and what else `--report` writes, a file each, and
//!   [`output`] lets it out.
//! - [`presets`] are configurations that are built in, for what known libraries export.
//! - [`doctor`] looks at what came of the queries of an audit, and asks beside it, in PromQL, why there is
//!   nothing where there is nothing.
//! - [`watch`] is what `auditor serve` knows of the services that it audits again and again: their history,
//!   and the alerts that follow from it; [`serve`] is the HTTP server that answers for it.
//! - [`interrupt`] hears signals that ask for the end; whoever waits for something asks it, so that
//!   a signal ends whatever takes time, with a report all the same.
//! - [`exit`] alone knows the exit codes.
//! - `file_lock` keeps processes apart that write the same files.
//! - `discovery` looks at a page, a service or a server, and writes the configuration that fits; it is
//!   `--init` with a URL, and no audit needs it.
//! - [`explain`] says what stands behind a word of the report, with the numbers of the tables.
//! - [`model`] holds what these rooms speak of: signals, readings, checks, findings, as tables and
//!   plain data.
//!
//! [`prometheus`] speaks the HTTP API and knows the quirks of servers. Five rooms know nothing of
//! audits: [`storage`] holds samples over time, [`exposition`] reads and writes them as text,
//! [`promql`] evaluates queries on them, [`log`] reads the last lines of logs, and `outside` has the
//! means to look at a process from outside: a probe, its sockets and threads, its stacks. Between them and the evidence, [`target_health`] says how a
//! target could be scraped, and `processes` which process shows each of its pages.
//!
//! Nothing that goes wrong becomes a pass: what cannot be read is a state of a reading,
//! never a number, and only numbers can pass.

pub mod audit;
pub mod baseline;
mod blame;
pub mod breaker;
pub mod cli;
pub mod collect;
pub mod commands;
pub mod config;
mod discovery;
pub mod doctor;
pub mod engine;
pub mod evaluate;
pub mod evidence;
pub mod exit;
pub mod explain;
pub mod exposition;
mod file_lock;
pub mod interrupt;
pub mod log;
pub mod model;
mod one_line;
pub mod output;
mod outside;
pub mod presets;
mod processes;
pub mod progress;
pub mod prometheus;
pub mod promql;
pub mod render;
pub mod report;
pub mod serve;
pub mod storage;
pub mod target_health;
pub mod watch;
mod wrap;

pub use commands::run;
