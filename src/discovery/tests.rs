//! Pages, and what comes of them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::case::{Case, candidates};
use super::fit::{Fit, marks_of, recognised};
use super::inventory::Inventory;
use super::look::{Asked, Discovered, Trouble};
use super::report::Where;
use crate::config::{self, Request, Source, SourceRequest, SourceSpec};
use crate::exposition::Format;
use crate::presets::{PRESETS, PROBE, Preset};
use crate::storage::Labels;

/// Presets of these tests: a library that shows its loop, one that leaves it to the probe, and one
/// whose lag is a histogram.
const OWN: Preset = Preset { name: "own", text: include_str!("tests/own.yaml") };
const OTHER: Preset = Preset { name: "other", text: include_str!("tests/other.yaml") };
const LAGGING: Preset = Preset { name: "lagging", text: include_str!("tests/lagging.yaml") };
const WORKER: Preset = Preset { name: "worker", text: include_str!("tests/worker.yaml") };
static TABLE: [Preset; 4] = [OWN, OTHER, LAGGING, WORKER];

const WHOLE: &str = include_str!("tests/own.prom");

fn asked(preset: Option<&'static Preset>, vars: &[(&str, &str)]) -> Asked {
    let source = Source::Recording("none".into());
    let now = "2026-11-26T12:00:00Z".parse().unwrap();
    let spec = SourceSpec {
        source,
        is_default: false,
        outside: None,
        start: None,
        time_limit: None,
        directory: None,
        command: Vec::new(),
        at: None,
        now,
        timeout: Duration::from_secs(1),
        settle: None,
        logs: Vec::new(),
        files: Vec::new(),
    };
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Asked { spec, preset, job: None, vars, options: Vec::new() }
}

fn inventory(page: &str) -> Inventory {
    let target: Labels = [("job", "auditor"), ("instance", "h:1")].into_iter().collect();
    let (inventory, doubled) =
        Inventory::of_page(page.as_bytes(), Format::Prometheus, &target).unwrap();
    assert_eq!(doubled, 0);
    inventory
}

fn discover_with(
    presets: &'static [Preset],
    page: &str,
    asked: &Asked,
) -> Result<Discovered, Trouble> {
    let inventory = inventory(page);
    let fits = presets.iter().map(|preset| Fit::new(preset, &inventory, &asked.vars).unwrap());
    let fits = fits.collect();
    let case = Case {
        place: Where::Page("http://h:1/metrics".to_owned()),
        candidates: candidates(&inventory),
        inventory,
        fits,
        target: None,
        probe: None,
        given: "http://h:1/metrics".to_owned(),
        tried: Vec::new(),
    };
    case.write(asked)
}

fn discover(page: &str) -> Discovered {
    discover_with(&TABLE, page, &asked(None, &[])).unwrap()
}

/// Whether the file is a configuration that sees the loop, with the options that the words name.
fn holds(found: &Discovered) {
    let source = SourceRequest::Server(None);
    let plan =
        config::parse(Path::new("f"), &found.file, &Request { source, ..Request::default() });
    let plan = plan.unwrap_or_else(|error| panic!("{error}\n{}", found.file));
    let questions = plan.questions(None);
    for (query, question) in plan.queries.iter().zip(&questions) {
        question.expr.parsed().unwrap();
        let is_of_probe = question.expr.as_str().contains("auditor_");
        assert!(
            !is_of_probe || found.words.contains("--probe"),
            "{}: {}",
            query.name(),
            found.words
        );
    }
}

#[test]
fn pages_and_what_comes_of_them() {
    let milliseconds = WHOLE.replace("own_took_seconds", "own_took_milliseconds");
    let both = format!("{WHOLE}other_requests_total 1\nother_b 1\n");
    let without_lag = WHOLE.replace("own_lag_seconds 0\n", "");
    let not_yet = "# TYPE own_took_seconds histogram\nown_lag_seconds 0\n";
    let hostile = "own_lag_seconds{a=\"\\n: ' # \\\"\"} 0\n{\"x\\ny: 'lag\"} 1\n";
    let lagging = include_str!("tests/lagging.prom");
    let one_bucket = lagging.replace("lagging_lag_seconds_bucket{le=\"0.05\"} 1\n", "");
    // The page; what is said; what stands in the file; what does not.
    for (page, words, file, not_in_file) in [
        (
            WHOLE,
            &[
                "Preset: own",
                "own by own_lag_seconds (4 signals, the loop among them)",
                "auditor doctor --scrape http://h:1/metrics -- COMMAND",
            ][..],
            &[
                "# Proven on: nothing\n# Written by auditor --init from http://h:1/metrics on 2026-11-26\n",
                "# own_took_seconds_bucket ends at 2.5 s",
            ][..],
            &["auditor_probe"][..],
        ),
        (
            &both,
            &[
                "Preset: own",
                "; other by other_requests_total, other_b (1 signal, the loop by --probe)",
            ],
            &["# Preset own"],
            &[],
        ),
        (
            "other_requests_total 1\nother_a 1\n",
            &[
                "Preset: other",
                "--scrape http://h:1/metrics --probe http://h:1/ -- COMMAND",
                "by --probe",
            ],
            &["# Preset other"],
            &[],
        ),
        (
            &milliseconds,
            &["in milliseconds: own_took_milliseconds_bucket", "buckets end at 0.0025 s"],
            &["/ 1000'", "own_took_milliseconds_count"],
            &["own_took_seconds"],
        ),
        (
            &without_lag,
            &[
                "Preset: probe",
                "Nearest preset: own (signals of it that are there: 3)",
                "own_lag_seconds not there",
                "auditor doctor --probe http://h:1/ -- COMMAND",
            ],
            &["  # peak_active_requests: 'max_over_time(own_in_flight{$selector}[$window])'"],
            &["own_took"],
        ),
        (
            not_yet,
            &[
                "p99_latency           on this page, without such a series yet",
                "peak_active_requests  left out: not on this page: own_active, own_in_flight",
            ],
            &[
                "  # not on this page: own_active, own_in_flight\n  # peak_active_requests: ",
                "  # error_ratio:\n  #   query: ",
            ],
            &[],
        ),
        (hostile, &["Preset: own"], &["# Preset own"], &["x\ny"]),
        (
            "my_queue_length 1\nmy_lag_ms 3\n",
            &["none of those", "Candidates"],
            &[
                "  # event_loop_lag: 'max_over_time(my_lag_ms{$selector}[$window])'",
                "  # threadpool_backlog: 'max_over_time(my_queue_length",
            ],
            &["\n  event_loop_lag: 'max_over_time(my"],
        ),
        ("\n", &["Preset: probe", "(0 metrics, 0 series)"], &["# Preset probe"], &[]),
        (
            lagging,
            &[
                "max_event_loop_lag_s lowered from 0.2 to 0.05",
                "latency_hide_threshold_s lowered from 1 to 0.05",
            ],
            &["  max_event_loop_lag_s: 0.05\n", "# 0.2 before:"],
            &[],
        ),
        (
            &one_bucket,
            &["left out: max_event_loop_lag_s of 0.2 can never be broken", "--probe http://h:1/"],
            &[
                "  # event_loop_lag: 'histogram",
                "\n  event_loop_lag: 'max_over_time(auditor_probe_lag",
            ],
            &[],
        ),
    ] {
        let found = discover(page);
        holds(&found);
        for word in words {
            assert!(found.words.contains(word), "{word} in\n{}", found.words);
        }
        for word in file {
            assert!(found.file.contains(word), "{word} in\n{}", found.file);
        }
        for word in not_in_file {
            assert!(!found.file.contains(word), "{word} in\n{}", found.file);
        }
    }
}

#[test]
fn a_preset_that_is_forced_is_taken_and_sees_the_loop_by_the_probe() {
    let asked = asked(Some(&OWN), &[]);
    let found = discover_with(&TABLE, "own_active 1\n", &asked).unwrap();
    holds(&found);
    assert!(found.file.contains("  # event_loop_lag: 'max_over_time(own_lag"), "{}", found.file);
    assert!(
        found.file.contains(
            "  event_loop_lag: 'max_over_time(auditor_probe_lag_seconds{job=\"auditor_probe\"}["
        ),
        "{}",
        found.file
    );
    assert!(found.words.contains("its marks are not there: own_lag_seconds"), "{}", found.words);
    assert!(found.words.contains("--probe http://h:1/"), "{}", found.words);
    let found = discover_with(&TABLE, "x 1\n", &asked).unwrap();
    holds(&found);
    assert!(found.words.contains("In the service:\n    own.install()"), "{}", found.words);
}

#[test]
fn a_worker_without_a_loop_needs_no_probe_and_nothing_of_it_is_an_error() {
    let found = discover("worker_waiting 1\n");
    holds(&found);
    let next = "auditor doctor --scrape http://h:1/metrics -- COMMAND";
    assert!(found.words.contains(next), "{}", found.words);
    let Err(Trouble::Usage(words)) = discover_with(&TABLE, "x 1\n", &asked(Some(&WORKER), &[]))
    else {
        panic!("nothing of it is there")
    };
    assert!(words.contains("in the service:\n    worker()"), "{words}");
}

#[test]
fn a_check_that_could_never_be_broken_is_left_out() {
    let page =
        "worker_waiting 1\nworker_took_bucket{le=\"2\"} 1\nworker_took_bucket{le=\"+Inf\"} 1\n";
    let found = discover(page);
    holds(&found);
    assert!(
        found.words.contains("left out: its limit of 5 can never be broken"),
        "{}",
        found.words
    );
    assert!(found.file.contains("  # slow:\n  #   query: "), "{}", found.file);
    let found = discover(&page.replace("\"2\"", "\"10\""));
    assert!(found.file.contains("  # worker_took_bucket ends at 10 s"), "{}", found.file);
    // A help that says what the name does not.
    let help = format!("# HELP worker_waiting How long it waits, in milliseconds.\n{page}");
    let found = discover(&help);
    assert!(
        found.words.contains("the help of worker_waiting speaks of milliseconds"),
        "{}",
        found.words
    );
}

#[test]
fn variables_are_written_and_hostile_ones_stay_values() {
    let of = |name, value| discover_with(&TABLE, WHOLE, &asked(None, &[(name, value)]));
    let found = of("selector", "job=\"it's\"").unwrap();
    assert!(found.file.contains("  selector: 'job=\"it''s\"'"), "{}", found.file);
    let Err(Trouble::Usage(words)) = of("quiet", "x") else { panic!("no such variable") };
    assert!(words.contains("has no such variable"), "{words}");
    assert!(matches!(of("selector", "job=\"a\",\nx: 1"), Err(Trouble::Usage(_))));
}

#[test]
fn marks_have_other_names() {
    assert_eq!(marks_of(&OTHER), [vec!["other_requests_total"], vec!["other_a", "other_b"]]);
    for preset in PRESETS {
        assert!(!marks_of(preset).is_empty(), "{}", preset.name);
    }
}

/// Every page of a library is recognised, as far as there are pages, and makes a whole file.
#[test]
fn pages_of_libraries_fit_their_presets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for preset in PRESETS.iter().filter(|preset| preset.name != PROBE) {
        let page = root.join("presets/pages").join(format!("{}.prom", preset.name));
        let Ok(page) = fs::read_to_string(page) else { continue };
        let inventory = inventory(&page);
        let fits = PRESETS.iter().map(|it| Fit::new(it, &inventory, &[]).unwrap());
        let (all, _) = recognised(fits.collect());
        let names: Vec<_> = all.iter().map(|fit| fit.preset.name).collect();
        assert!(names.contains(&preset.name), "{}: {names:?}", preset.name);
        let found = discover_with(PRESETS, &page, &asked(Some(preset), &[])).unwrap();
        holds(&found);
    }
    for entry in fs::read_dir(root.join("expositions")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".prom") || name.starts_with("refused") {
            continue;
        }
        let page = fs::read_to_string(entry.path()).unwrap();
        holds(&discover_with(PRESETS, &page, &asked(None, &[])).unwrap());
    }
}
