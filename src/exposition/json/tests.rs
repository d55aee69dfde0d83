//! What documents come to, and which are refused.

use super::{Made, read};
use crate::exposition::{Context, Format, Reader};
use crate::storage::{Labels, Storage};

/// The samples of a document, a line each, without the types.
fn samples(document: &str) -> Vec<String> {
    let page = read(document.as_bytes()).unwrap_or_else(|error| panic!("{document}{error}")).page;
    let page = String::from_utf8(page).unwrap();
    page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// What is wrong with a document.
fn refusal(document: &str) -> String {
    read(document.as_bytes()).map(|it| format!("{it:?}")).unwrap_err().to_string()
}

#[test]
fn numbers_are_series_by_their_paths() {
    for (document, expected) in [
        (r#"{"queue": {"counts": {"queued": 3}}}"#, &["queue_counts_queued 3"][..]),
        (r#"{"b": 1, "a": 2.5, "c": -1e-7}"#, &["a 2.5", "b 1", "c -1e-7"]),
        // What is no letter of a name.
        (r#"{"http.5xx/s": 1, "5xx": 2, "é": 3}"#, &["_ 3", "_5xx 2", "http_5xx_s 1"]),
        (r#"{"": 3}"#, &["_ 3"]),
        (r#"{"a": {"": 4, "b:c": 5, "2": 6}}"#, &["a_ 4", "a_2 6", "a_b_c 5"]),
        (r#"{"on": true, "off": false, "nothing": null, "digits": "12"}"#, &["off 0", "on 1"]),
        // As exact as a float can be.
        (
            r#"{"big": 9007199254740993, "bigger": 123456789012345678901234567890}"#,
            &["big 9.007199254740992e15", "bigger 1.2345678901234568e29"],
        ),
        (r#"{"zero": -0, "small": 1e-400}"#, &["small 0", "zero -0"]),
    ] {
        assert_eq!(samples(document), expected, "{document}");
    }
}

#[test]
fn elements_of_arrays_are_told_apart_by_their_names() {
    for (document, expected) in [
        (r#"{"a": []}"#, &["a_length 0"][..]),
        (
            r#"{"a": [7, null, true]}"#,
            &[
                r#"a{index="0"} 7"#,
                r#"a{index="2"} 1"#,
                r#"a_info{index="0"} 1"#,
                r#"a_info{index="1"} 1"#,
                r#"a_info{index="2"} 1"#,
                "a_length 3",
            ],
        ),
        (
            r#"{"agents": [{"agent": "coder", "pid": 12, "cpu_ticks": 5}]}"#,
            &[
                r#"agents_cpu_ticks{pid="12"} 5"#,
                r#"agents_info{pid="12"} 1"#,
                r#"agents_labels{pid="12",agent="coder"} 1"#,
                "agents_length 1",
            ],
        ),
        // Without a name of its own, by all its words.
        (
            r#"{"w": [{"agent": "coder", "n": 5}]}"#,
            &[r#"w_info{agent="coder"} 1"#, "w_length 1", r#"w_n{agent="coder"} 5"#],
        ),
        (
            r#"{"w": [{"task_id": 7, "stage": "a"}, {"stage": "b", "task_id": 7},
               {"task_id": 8, "stage": "b"}]}"#,
            &[
                r#"w_info{task_id="7",stage="a"} 1"#,
                r#"w_info{stage="b",task_id="7"} 1"#,
                r#"w_info{task_id="8"} 1"#,
                r#"w_labels{task_id="8",stage="b"} 1"#,
                "w_length 3",
            ],
        ),
        // Nothing is a label that changes while the element stays the same.
        (
            r#"{"w": [{"id": 1, "at": "2026-01-01T00:00:00Z", "left": "45%", "error": "it timed out",
               "load": 0.5, "done": 3}]}"#,
            &[
                r#"w_done{id="1"} 3"#,
                r#"w_info{id="1"} 1"#,
                r#"w_length 1"#,
                r#"w_load{id="1"} 0.5"#,
            ],
        ),
        // A name may be of any text, and the pid may not be known yet.
        (
            r#"{"w": [{"name": "2 b", "pid": null, "n": 1}]}"#,
            &[r#"w_info{name="2 b"} 1"#, "w_length 1", r#"w_n{name="2 b"} 1"#],
        ),
        // Without a name, the place.
        (
            r#"{"w": [{"n": 1}, {"n": 2}]}"#,
            &[
                r#"w_info{index="0"} 1"#,
                r#"w_info{index="1"} 1"#,
                "w_length 2",
                r#"w_n{index="0"} 1"#,
                r#"w_n{index="1"} 2"#,
            ],
        ),
        // Objects within, and arrays.
        (
            r#"{"s": [{"id": 1, "cost": {"usd": 2, "id": 9}, "tasks": [{"id": 5, "n": 3}]}]}"#,
            &[
                r#"s_cost_id{id="1"} 9"#,
                r#"s_cost_usd{id="1"} 2"#,
                r#"s_info{id="1"} 1"#,
                "s_length 1",
                r#"s_tasks_info{id="1",tasks_id="5"} 1"#,
                r#"s_tasks_length{id="1"} 1"#,
                r#"s_tasks_n{id="1",tasks_id="5"} 3"#,
            ],
        ),
        (
            r#"{"m": [[1], [2]]}"#,
            &[
                r#"m{index="0",inner_index="0"} 1"#,
                r#"m{index="1",inner_index="0"} 2"#,
                r#"m_info{index="0"} 1"#,
                r#"m_info{index="0",inner_index="0"} 1"#,
                r#"m_info{index="1"} 1"#,
                r#"m_info{index="1",inner_index="0"} 1"#,
                "m_length 2",
                r#"m_length{index="0"} 1"#,
                r#"m_length{index="1"} 1"#,
            ],
        ),
    ] {
        assert_eq!(samples(document), expected, "{document}");
    }
}

#[test]
fn what_cannot_be_told_is_refused_with_what_it_is() {
    for (document, words) in [
        ("", ": it is empty"),
        (" \n", ": it is empty"),
        ("[1]", ": it is an array, and an object is needed"),
        ("\"x\"", ": it is text, and an object is needed"),
        ("null", ": it is null, and an object is needed"),
        ("{}", ": there is no number in it"),
        (r#"{"a": {"b": null}}"#, ": there is no number in it"),
        (r#"{"schema_version": 1}"#, ": there is no number in it but its schema_version"),
        (r#"{"enabled": true}"#, ": there is no number in it"),
        (r#"{"enabled": false, "generated_at": null}"#, "no numbers: it says `enabled: false`"),
        (r#"{"schema_version": 1, "enabled": false}"#, "no numbers: it says `enabled: false`"),
        ("<html>", ":1:1: this is no JSON, but HTML or XML: <html>"),
        ("# HELP a b\na 1\n", ":1:1: this is no JSON, but looks like a page of metrics"),
        ("a_total{x=\"y\"} 1\n", "looks like a page of metrics, which --scrape reads"),
        (r#"{"a": 1"#, ":1:7: this is no JSON (EOF while parsing an object): {\"a\": 1"),
        ("{\"a\": 1}\n{\"b\": 2}", ":2:1: this is no JSON (trailing characters): {\"b\": 2}"),
        (r#"{"a": NaN}"#, ":1:7: this is no JSON (expected value)"),
        (r#"{"a": 1e400}"#, "this is no JSON (number out of range)"),
        (r#"{"a": {"b": 1, "b": 1}}"#, ": the member a.b stands there twice"),
        (r#"{"w": [{"id": 1, "id": 2}]}"#, "w[0]"),
        (r#"{"a": {"b": 1}, "a_b": 1}"#, ": a.b and a_b both come to the series a_b;"),
        (r#"{"a": [], "a_length": 0}"#, ": a and a_length both come to the series a_length;"),
        (
            r#"{"w": [{"kind": "x", "n": 1}, {"kind": "x", "n": 1}]}"#,
            r#": w[0] and w[1] both come to the series w_info{kind="x"};"#,
        ),
        (r#"{"w": [{"a-id": 1, "a.id": 2}]}"#, ": w[0].a-id and w[0].a.id both come to"),
    ] {
        let found = refusal(document);
        assert!(found.contains(words), "{document}{found}");
    }
    let deep = format!(r#"{{"a": {}{}}}"#, "[".repeat(200), "]".repeat(200));
    assert!(refusal(&deep).contains("recursion limit exceeded"), "{}", refusal(&deep));
    let long = format!(r#"{{"a": [{}0]}}"#, "0,".repeat(1_000_000));
    assert!(refusal(&long).contains("more than 1000000 values"), "{}", refusal(&long));
}

#[test]
fn it_says_when_it_was_made() {
    let made = |text: &str| read(format!(r#"{{"a": 1, "generated_at": {text}}}"#).as_bytes());
    for (text, expected) in [
        (r#""2026-01-02T03:04:05Z""#, Some(Made::At("2026-01-02T03:04:05Z".parse().unwrap()))),
        (
            r#""2026-01-02T03:04:05.5+01:00""#,
            Some(Made::At("2026-01-02T02:04:05.5Z".parse().unwrap())),
        ),
        // Of no zone.
        (r#""2026-01-02T03:04:05""#, Some(Made::Says("2026-01-02T03:04:05".to_owned()))),
        ("1767323045", Some(Made::Says("1767323045".to_owned()))),
    ] {
        assert_eq!(made(text).unwrap().made, expected, "{text}");
    }
    assert_eq!(read(br#"{"a": 1}"#).unwrap().made, None);
    for (text, words) in [
        ("null", ": its generated_at is null, and a time is needed"),
        ("false", "its generated_at is a boolean"),
        (r#"{"at": 1}"#, "its generated_at is an object"),
        ("[1]", "its generated_at is an array"),
        (r#"" ""#, "its generated_at is blank"),
    ] {
        let refused = made(text).unwrap_err().to_string();
        assert!(refused.contains(words), "{text}{refused}");
    }
}

/// A worker that says what it does at the moment is the same one: its numbers go on.
#[test]
fn what_an_element_says_of_itself_ends_none_of_its_series() {
    let of_step = |step: &str| {
        let document =
            format!(r#"{{"w": [{{"id": 1, "step": "{step}", "t": [{{"key": "k", "n": 3}}]}}]}}"#);
        samples(&document).into_iter().filter(|it| !it.starts_with("w_labels")).collect::<Vec<_>>()
    };
    assert_eq!(of_step("a"), of_step("b"));
    assert!(
        of_step("a").contains(&r#"w_t_n{id="1",t_key="k"} 3"#.to_owned()),
        "{:?}",
        of_step("a")
    );
}

/// Whatever its words are, the page is one that is read, and no label is lost.
#[test]
fn its_page_is_one_of_ours() {
    let document = r#"{"w": [{"__name__": "a\"b\\c", "job": "x", "instance": "y", "id": "é", "n": 1}],
        "up": 1, "total": 4}"#;
    let page = read(document.as_bytes()).unwrap().page;
    let target: Labels = [("instance", "h:1"), ("job", "auditor")].into_iter().collect();
    let mut storage = Storage::default();
    let context = Context { at: Some(0), target: &target };
    let mut reader = Reader::reserving(&["up"]);
    reader.read_page(&page, Format::Prometheus, &context, &mut storage).unwrap();
    let labels: Labels = [
        ("__name__", "w_labels"),
        ("_name__", "a\"b\\c"),
        ("exported_instance", "y"),
        ("exported_job", "x"),
        ("id", "é"),
        ("instance", "h:1"),
        ("job", "auditor"),
    ]
    .into_iter()
    .collect();
    assert!(storage.find(&labels).is_some(), "{:?}", storage.iter().collect::<Vec<_>>());
    let of_metric = |name| storage.of_metric(Some(name)).count();
    assert_eq!((of_metric("exported_up"), of_metric("up")), (1, 0));
    assert!(!storage.is_cumulative("total"));
}
