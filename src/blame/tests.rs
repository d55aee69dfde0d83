//! Small storages, and what they come to.

use super::*;

const START: i64 = 1_700_000_000_000;

/// The text of series in the Prometheus format, with instants in milliseconds after the start.
fn storage(lines: &str) -> Storage {
    let mut storage = Storage::default();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (series, points) = line.split_once("} ").unwrap();
        let (name, labels) = series.split_once('{').unwrap();
        let labels = labels.split_terminator(',').map(|it| it.split_once('=').unwrap());
        let known = [("__name__", name), ("job", JOB), ("instance", "a:80")];
        let id = storage.series(known.into_iter().chain(labels).collect());
        for point in points.split(' ') {
            let (at, value) = point.split_once(':').unwrap();
            let at = START + at.parse::<i64>().unwrap();
            storage.push(id, Point { at, value: value.parse().unwrap() }).unwrap();
        }
    }
    storage.merge_out_of_order().unwrap();
    storage
}

fn of(lines: &str) -> Blame {
    until(&storage(lines), i64::MAX).unwrap()
}

fn tally(count: u64, seconds: f64) -> Tally {
    Tally { count, seconds }
}

const DB: &str = "file=db.py,line=42,function=fetch";

#[test]
fn stalls_are_ranked_by_where_and_told_in_the_order_of_time() {
    let blame = of(&format!(
        "auditor_stall_seconds_sum{{cause=asleep}} 0:0 1000:0 3000:1.5
        auditor_stall_seconds_count{{cause=asleep}} 0:0 1000:0 3000:2
        auditor_stall_seconds_sum{{cause=cpu}} 0:0 3000:0.75
        auditor_stall_seconds_count{{cause=cpu}} 0:0 3000:1
        auditor_stall_duration_seconds{{cause=asleep,{DB}}} 2900:1.25
        auditor_stall_duration_seconds{{cause=asleep}} 1500:0.25
        auditor_stall_duration_seconds{{cause=cpu,file=a.py,line=7,function=f}} 1200:0.75
        auditor_blocked_seconds_total{{cause=asleep,{DB},source=sleep(1),found_by=py-spy}} 1000:0 3000:1.25
        auditor_blocked_stalls_total{{cause=asleep,{DB},source=sleep(1),found_by=py-spy}} 1000:0 3000:1
        auditor_requests_active{{}} 0:90 1000:4 2000:9 3000:12 4000:50
        auditor_loop_runqueue_seconds_total{{}} 0:5 3000:5.5"
    ));
    let ends: Vec<_> = blame.stalls.iter().map(|it| (it.end - START, it.duration_s)).collect();
    assert_eq!(ends, [(1200, 0.75), (1500, 0.25), (2900, 1.25)]);
    assert_eq!((blame.longest_s, blame.longest_own().unwrap().end), (Some(1.25), START + 2900));
    let [first, second] = blame.culprits.as_slice() else { panic!("{:?}", blame.culprits) };
    assert_eq!((first.site.words(), first.blocked), ("db.py:42 fetch".into(), tally(1, 1.25)));
    assert_eq!((first.source.as_str(), first.found_by.as_str()), ("sleep(1)", "py-spy"));
    // Its counters were not sampled any more.
    assert_eq!((second.site.words(), second.blocked), ("a.py:7 f".into(), tally(1, 0.75)));
    assert_eq!((second.cause, second.source.as_str()), (StallCause::Cpu, ""));
    assert_eq!(
        blame.stalled,
        [(StallCause::Asleep, tally(2, 1.5)), (StallCause::Cpu, tally(1, 0.75))].into()
    );
    assert_eq!(blame.unnamed, [(StallCause::Asleep, tally(1, 0.25))].into());
    // The peak before the first stall, and that after the last, are no load of a stall.
    assert_eq!((blame.active_requests, blame.cpu_wait_s), (Some(12.0), Some(0.5)));
}

#[test]
fn what_nothing_tells_of_is_missing_and_not_zero() {
    let calm = of("up{} 0:1 1000:1");
    assert_eq!(calm, Blame::default());
    let known = of("auditor_stall_seconds_count{cause=cpu} 0:0 1000:0
        auditor_requests_active{} 0:5 1000:5");
    assert_eq!(known.stalled, [(StallCause::Cpu, tally(0, 0.0))].into());
    // Nothing was under load while it stood, as it never did.
    assert_eq!((known.active_requests, known.longest_s), (None, None));
    let unreadable = of("auditor_requests_active{} 0:NaN 1000:NaN
        auditor_stall_duration_seconds{cause=later} 500:0.5 600:NaN 700:-1 800:+Inf");
    assert_eq!(unreadable.active_requests, None);
    assert_eq!(unreadable.stalled, [(StallCause::Unknown, tally(1, 0.5))].into());
}

#[test]
fn a_page_with_the_same_names_is_no_probe() {
    let page = "auditor_stall_duration_seconds{job=api,cause=cpu,file=x,line=1,function=f} 0:9
        auditor_stall_seconds_count{job=api,cause=cpu} 0:0 1:9
        auditor_blocked_seconds_total{job=api,cause=cpu,file=x,line=1,function=f} 0:0 1:9
        up{job=api} 0:1";
    assert_eq!(until(&storage(page), i64::MAX), None);
    assert_eq!(of(&format!("{page}\nup{{}} 0:1")), Blame::default());
}

#[test]
fn nothing_after_the_instant_counts() {
    let storage = storage(&format!(
        "auditor_stall_duration_seconds{{cause=asleep,{DB}}} 900:0.5 1900:1.5
        auditor_blocked_seconds_total{{cause=asleep,{DB}}} 0:0 1000:0.5 2000:2
        auditor_blocked_stalls_total{{cause=asleep,{DB}}} 0:0 1000:1 2000:2
        auditor_requests_active{{}} 1000:3 2000:7"
    ));
    let at = |after: i64| until(&storage, START + after).unwrap();
    assert_eq!(at(1500).culprits[0].blocked, tally(1, 0.5));
    assert_eq!((at(1500).stalls.len(), at(1500).active_requests), (1, Some(3.0)));
    // The event tells of it before its counter does.
    assert_eq!(at(1950).culprits[0].blocked, tally(2, 2.0));
    assert_eq!(at(2000).culprits[0].blocked, tally(2, 2.0));
}

#[test]
fn targets_and_causes_of_a_place_are_put_together() {
    let place = format!("{DB},source=s,found_by=py-spy");
    let blame = of(&format!(
        "auditor_blocked_seconds_total{{cause=asleep,{place}}} 0:0 1000:1 2000:0.5
        auditor_blocked_stalls_total{{cause=asleep,{place}}} 0:0 1000:2 2000:1
        auditor_blocked_seconds_total{{cause=cpu,{place},instance=b:80}} 0:0 1000:4
        auditor_blocked_stalls_total{{cause=cpu,{place},instance=b:80}} 0:0 1000:3
        auditor_stall_seconds_sum{{cause=cpu,instance=b:80}} 0:0 1000:4
        auditor_stall_seconds_count{{cause=cpu,instance=b:80}} 0:0 1000:3
        auditor_blocked_seconds_total{{cause=cpu,file=z,function=never}} 0:0 1000:0
        auditor_blame_unavailable{{reason=why}} 0:1 1000:1
        auditor_blame_unavailable{{reason=why,instance=b:80}} 0:1 1000:1
        auditor_blame_unavailable{{reason=no}} 0:1 1000:0"
    ));
    let [culprit] = blame.culprits.as_slice() else { panic!("{:?}", blame.culprits) };
    // The first target's counters fell, and went on from 0.
    assert_eq!((culprit.blocked, culprit.cause), (tally(6, 5.5), StallCause::Cpu));
    assert_eq!(blame.not_blamed.as_deref(), Some("why"));
    assert_eq!(blame.stalled, [(StallCause::Cpu, tally(3, 4.0))].into());
    assert!(blame.unnamed.is_empty());
}

#[test]
fn of_many_stalls_the_longest_are_told_one_by_one() {
    let points: Vec<_> = (1..=150).map(|n| format!("{}:0.{n:03}", n * 1000)).collect();
    let blame = of(&format!("auditor_stall_duration_seconds{{cause=cpu}} {}", points.join(" ")));
    assert_eq!(blame.stalls.len(), MOST_STALLS);
    assert_eq!((blame.stalls[0].duration_s, blame.longest_s), (0.051, Some(0.15)));
    assert_eq!(blame.stalled[&StallCause::Cpu].count, 150);
    assert!(blame.stalls.is_sorted_by_key(|it| it.end));
}

#[test]
fn what_waits_for_a_cpu_is_not_to_blame() {
    let blame = of("auditor_blocked_seconds_total{cause=machine,file=m,line=1,function=f} 0:0 1:9
        auditor_blocked_seconds_total{cause=cpu,file=c,line=1,function=f} 0:0 1:2
        auditor_stall_duration_seconds{cause=machine} 1:9
        auditor_stall_duration_seconds{cause=cpu} 2:1.5");
    assert_eq!(blame.culprits.iter().map(|it| &*it.site.file).collect::<Vec<_>>(), ["c"]);
    assert_eq!(blame.unnamed[&StallCause::Machine], tally(1, 9.0));
    assert_eq!((blame.longest_s, blame.longest_own_s), (Some(9.0), Some(1.5)));
    assert_eq!(blame.longest_own().unwrap().cause, StallCause::Cpu);
}
