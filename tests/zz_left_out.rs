//! Tells which tests were left out and why. Cargo runs test crates by their names, and says
//! nothing after the last one.
#![allow(clippy::print_stdout, reason = "this is a program that prints")]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "integration/support/left_out.rs"]
#[allow(dead_code, reason = "the other crates use the rest")]
mod left_out;

fn main() {
    // There is no test here for those who ask for a list.
    if std::env::args().any(|arg| arg == "--list") {
        return;
    }
    let left_out = left_out::take();
    if left_out.is_empty() {
        println!("\nNo test was left out for want of a program.\n");
        return;
    }
    println!("\n!!! LEFT OUT, and neither passed nor failed:\n");
    for line in &left_out {
        println!("  - {line}");
    }
    println!("\n`bash .ci/run` installs on Debian what they need.\n");
}
