//! `auditor serve`: the whole process, with a backend whose answers change.

mod ends;
mod history;
mod refusals;
mod rounds;
mod routes;
mod shown;
mod watched;

use watched::{Watched, staging};
