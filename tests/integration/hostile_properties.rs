//! Properties of what reads foreign bytes: the wire decoder and the configuration.
//! `fuzz/` holds the same two to their word with inputs that a fuzzer finds.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use auditor::config::{ConfigError, DEFAULT_METRICS, Plan, Request, parse};
use auditor::prometheus::decode;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// A value as Prometheus writes it.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>().prop_map(|value| match value {
            value if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
            value => value.to_string(),
        }),
        Just("0".to_owned()),
    ]
}

type Series = (BTreeMap<String, String>, String);

fn vector() -> impl Strategy<Value = Vec<Series>> {
    vec((btree_map("[a-z_]{1,5}", ".{0,8}", 0..4), value()), 0..6)
}

fn body(series: &[Series]) -> String {
    let result: Vec<_> = series
        .iter()
        .map(|(metric, value)| serde_json::json!({"metric": metric, "value": [1.5, value]}))
        .collect();
    let data = serde_json::json!({"resultType": "vector", "result": result});
    serde_json::json!({"status": "success", "data": data}).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_answer_is_read_as_it_was_written(series in vector()) {
        let answer = decode(200, body(&series).as_bytes(), 1500).unwrap();
        prop_assert_eq!(answer.incomplete, None);
        prop_assert_eq!(answer.samples.len(), series.len());
        for (sample, (labels, value)) in answer.samples.iter().zip(&series) {
            // An empty value is no label.
            let labels = labels.iter().filter(|(_, value)| !value.is_empty());
            let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
            prop_assert_eq!(&sample.labels, &labels.collect());
            let value: f64 = value.parse().unwrap();
            prop_assert_eq!(sample.value.to_bits(), value.to_bits());
        }
    }

    #[test]
    fn no_other_status_is_an_answer(series in vector(), status in 0_u16..1000) {
        prop_assume!(status != 200);
        prop_assert!(decode(status, body(&series).as_bytes(), 1500).is_err());
    }

    #[test]
    fn a_part_of_an_answer_is_none(series in vector(), cut in any::<prop::sample::Index>()) {
        let body = body(&series);
        prop_assert!(decode(200, &body.as_bytes()[..cut.index(body.len())], 1500).is_err());
    }

    /// One wrong byte is an error or shows in the answer; it never loses a series.
    #[test]
    fn a_wrong_byte_loses_no_series(
        series in vector(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut body = body(&series).into_bytes();
        let place = place.index(body.len());
        body[place] = byte;
        if let Ok(answer) = decode(200, &body, 1500) {
            prop_assert_eq!(answer.samples.len(), series.len());
        }
    }

    #[test]
    fn any_bytes_are_an_answer_or_an_error_of_one_line(
        ok in any::<bool>(),
        status in any::<u16>(),
        body in prop_oneof![
            vec(any::<u8>(), 0..300),
            r#"(\{|\}|\[|\]|,|:|"status"|"success"|"error"|"data"|"result"|null|1|"a\\n"){0,30}"#
                .prop_map(String::into_bytes),
        ],
    ) {
        if let Err(error) = decode(if ok { 200 } else { status }, &body, 1500) {
            let words = error.to_string();
            prop_assert!(!words.is_empty() && !words.chars().any(char::is_control), "{:?}", words);
        }
    }
}

fn load(text: &str) -> Result<Plan, ConfigError> {
    let request = Request { timeout: Duration::from_secs(1), ..Request::default() };
    parse(Path::new("/nowhere/metrics.yaml"), text, &request)
}

const SECRET: &str = "s3cret-of-the-properties";

/// Every key of the section `http` that can hold a secret.
fn secretive() -> String {
    format!(
        "http:
  authorization: {{type: Bearer, credentials: {SECRET}}}
  basic_auth: {{username: me, password: {SECRET}}}
  http_headers:
    X-A: {SECRET}
    X-B: {{values: [{SECRET}], secrets: [{SECRET}]}}
  proxy_url: http://me:{SECRET}@proxy:3128
  no_proxy: localhost
  tls_config: {{insecure_skip_verify: false}}
target: http://me:{SECRET}@localhost:9090
queries: {{p99_latency: a, event_loop_lag: b, blocking_duration_avg: c, peak_active_requests: d}}
"
    )
}

/// `text` with a few pieces cut out, doubled or replaced.
fn damaged(text: String) -> impl Strategy<Value = String> {
    let damage = (
        any::<prop::sample::Index>(),
        0_usize..12,
        prop_oneof![
            Just(String::new()),
            r#"[\[\]{}:,&*!|>'"%@`#\n\t -]{1,3}"#,
            Just("\n".to_owned()),
            Just(": ".to_owned()),
            any::<char>().prop_map(String::from),
        ],
    );
    vec(damage, 1..5).prop_map(move |damages| {
        let mut chars: Vec<char> = text.chars().collect();
        for (place, length, with) in damages {
            let start = place.index(chars.len() + 1).min(chars.len());
            let end = (start + length).min(chars.len());
            chars.splice(start..end, with.chars());
        }
        chars.into_iter().collect()
    })
}

/// A plan that can be carried out, or problems within the file.
fn is_sound(text: &str) -> Result<(), TestCaseError> {
    match load(text) {
        Ok(plan) => {
            prop_assert!(plan.queries.len() >= 4);
            prop_assert!(
                plan.questions(None).iter().all(|question| !question
                    .expr
                    .as_str()
                    .trim()
                    .is_empty())
            );
            let levels = plan.criteria.levels;
            prop_assert!(levels.degraded >= 0.0);
            prop_assert!(levels.critical >= levels.degraded);
            prop_assert!(levels.collapse >= levels.critical);
            prop_assert!(levels.collapse.is_finite());
        }
        Err(ConfigError::Invalid(problems)) => {
            prop_assert!(!problems.is_empty());
            // As YAML counts them, with a line for what is missing at the end.
            let lines = text.split(['\r', '\n', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
            for place in problems.iter().filter_map(|problem| problem.place.as_ref()) {
                prop_assert!((1..=lines).contains(&place.line), "{:?} of {}", place, lines);
            }
        }
        Err(error) => prop_assert!(false, "{}", error),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_damaged_template_is_a_sound_plan_or_a_list_of_problems(
        text in damaged(DEFAULT_METRICS.to_owned())
    ) {
        is_sound(&text)?;
    }

    #[test]
    fn any_text_is_a_sound_plan_or_a_list_of_problems(
        text in prop_oneof![".{0,200}", r"([a-z]{1,3}|: |\n|- |  |\[|\]|\{|\}|&a |\*a|!a |'|#){0,60}"]
    ) {
        is_sound(&text)?;
    }

    /// Even where it stands at the wrong place or in half a file.
    #[test]
    fn a_secret_is_in_no_error_and_no_debug_output(text in damaged(secretive())) {
        is_sound(&text)?;
        let printed = match load(&text) {
            Ok(plan) => format!("{plan:?} {}", plan.spec),
            Err(error) => error.to_string(),
        };
        prop_assert!(!printed.contains(SECRET), "{}", printed);
    }
}
