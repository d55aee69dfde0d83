//! Whatever a server sends, it is an answer of numbers or an error of one line.
#![no_main]

use auditor::prometheus::decode;
use libfuzzer_sys::fuzz_target;

/// The instant of the seed, milliseconds.
const AT: i64 = 1_700_000_000_500;

fuzz_target!(|input: (bool, u16, &[u8])| {
    let (ok, other, body) = input;
    let status = if ok { 200 } else { other };
    match decode(status, body, AT) {
        Ok(answer) => {
            assert_eq!(status, 200, "only 200 is an answer");
            assert!(std::str::from_utf8(body).is_ok());
            for sample in answer.samples {
                auditor::model::quantity::series(&sample.labels);
            }
        }
        Err(error) => {
            let words = error.to_string();
            assert!(!words.is_empty() && !words.chars().any(char::is_control), "{words:?}");
            assert!(words.chars().count() < 1200, "{words:?}");
        }
    }
});
