//! A pass needs evidence: a table of telemetry that is spoilt in one way or another, each beside
//! the whole telemetry of a calm service, which passes, and of a sick one, which fails.
//!
//! To add a row, see [`table::row`]; to add a kind, add a file and register it here.

mod source;
mod table;
mod telemetry;

mod holes;
mod load;
mod outside;
mod processes;
mod server;

use source::{FLEETS, WITH_UP};
use table::{check, row};

#[test]
fn whole_telemetry_is_judged_by_what_it_says() {
    check(&[
        row("whole", |_| {}),
        row("two targets", |t| _ = t.add("b:8000")).on(FLEETS),
        row("a scrape fails", |t| t.first().fail(12..=12))
            .on(WITH_UP)
            .falls_short(&["failed_scrapes"])
            .says("1 of 2"),
    ]);
}
