//! Whatever stands in a configuration, it is a sound plan or a list of problems.
#![no_main]

use std::path::Path;
use std::time::Duration;

use auditor::config::{ConfigError, Request, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let request = Request { timeout: Duration::from_secs(1), ..Request::default() };
    // No file is there for the paths in it to name.
    match parse(Path::new("/nowhere/at/all/metrics.yaml"), text, &request) {
        Ok(plan) => {
            assert!(plan.queries.len() >= 4);
            let mut questions = plan.questions(None).into_iter();
            assert!(questions.all(|question| !question.expr.as_str().trim().is_empty()));
            let levels = &plan.criteria.levels;
            assert!(levels.critical >= levels.degraded);
            let lag = plan.criteria.limit("event_loop_lag").unwrap();
            assert!(lag >= 0.0 && lag.is_finite());
        }
        Err(ConfigError::Invalid(problems)) => {
            assert!(!problems.is_empty());
            // As YAML counts them, with a line for what is missing at the end.
            let lines = text.split(['\r', '\n', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
            for problem in problems {
                assert!(problem.place.is_none_or(|place| (1..=lines).contains(&place.line)));
            }
        }
        Err(error) => panic!("{error}"),
    }
});
