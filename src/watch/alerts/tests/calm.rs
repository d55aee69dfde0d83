//! A healthy service on a noisy runner raises nothing that anybody is woken for.

use proptest::prelude::*;

use super::*;
use crate::watch::history::entry_of;

/// How far a calm audit is from the usual: its score, its traffic and its errors, and whether the machine
/// was so busy that the score stood out, or a built-in check had a finding.
#[derive(Debug, Clone)]
struct Noise {
    score: f64,
    traffic: f64,
    errors: f64,
    stands_out: bool,
    finding: Option<&'static str>,
}

fn noise() -> impl Strategy<Value = Noise> {
    let finding = prop_oneof![
        8 => Just(None),
        1 => Just(Some("event_loop_lag")),
        1 => Just(Some("late_scrape")),
        1 => Just(Some("load_warning")),
    ];
    (0.0..140.0, 0.75..1.45, 0.0..0.045, prop::bool::weighted(0.1), finding).prop_map(
        |(score, traffic, errors, stands_out, finding)| Noise {
            score,
            traffic,
            errors,
            stands_out,
            finding,
        },
    )
}

proptest! {
    // Each of them is asked after each of its audits.
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_noisy_runner_wakes_nobody(
        noise in prop::collection::vec(noise(), 1..80),
        usual in prop_oneof![Just(0.5), 1.0..5000.0],
    ) {
        let mut stood_out = false;
        let entries: Vec<_> = audits(noise.len(), |number, entry| {
            let Noise { score, traffic, errors, finding, .. } = noise[number];
            entry.score = Some(score);
            entry.requests = Some((usual * traffic).ceil());
            entry.error_ratio = Some(errors);
            entry.broken = finding.map(listed).unwrap_or_else(|| [].into());
        })
        .into_iter()
        .zip(&noise)
        .map(|(mut entry, noise)| {
            // A machine that is busy for three audits on end is no noise.
            stood_out = noise.stands_out && !stood_out;
            if stood_out {
                entry.score = Some(399.0);
            }
            entry
        })
        .collect();
        let mut report = example::report();
        report["checks"] = ["event_loop_lag", "load_warning"]
            .map(|name| example::check(name, "max", "info", "runtime"))
            .to_vec()
            .into();
        for end in 1..=entries.len() {
            let history = &entries[..end];
            let at = history[end - 1].at;
            let alerts = of("api", &example::read(&report), history, at);
            let worst = alerts.iter().find(|it| it.severity > Severity::Info);
            prop_assert_eq!(worst, None, "after {} audits", end);
        }
    }

    /// The same history says the same, and every alert has an identifier of its own.
    #[test]
    fn alerts_are_told_apart(verdicts in prop::collection::vec(0_usize..3, 1..60)) {
        let reports = example::reports();
        let entries = audits(verdicts.len(), |number, entry| {
            let report = example::read(&reports[verdicts[number]]);
            *entry = entry_of(entry.at, &report);
        });
        let latest = &reports[*verdicts.last().unwrap()];
        let alerts = raised(latest, &entries);
        prop_assert_eq!(&alerts, &raised(latest, &entries));
        let mut ids = ids(&alerts);
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), alerts.len());
        let is_calm = *verdicts.last().unwrap() == 0;
        prop_assert!(is_calm || alerts.iter().any(|it| it.severity > Severity::Info));
    }
}
