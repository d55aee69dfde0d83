//! What both sides evaluate: an hour of counters, gauges and histograms, and what can be odd
//! about them.
//!
//! Samples are never at a whole second, where the windows of the tests begin and end: there
//! Prometheus 2 and 3 differ. And counters begin at 0, or far from it: in between, the two
//! differ in how far they extrapolate to the left of a series that begins within a window.
//! Values are of few binary digits, unless they are the odd ones, so that sums of them are the
//! same in any order.

use std::fmt::Write as _;

use auditor::storage::{Labels, METRIC_NAME, Point, Storage};

/// 2026-01-31T11:00:00Z, Unix seconds.
pub(crate) const START: i64 = 1_769_857_200;

/// Scrapes of a target, one each 15 seconds.
const SCRAPES: u64 = 240;

/// The scrapes at whose number two kinds of gaps begin and end: after 4 minutes, which is
/// within the time that Prometheus looks back, and after 6 minutes.
const SHORT_GAP: std::ops::Range<u64> = 60..76;
const LONG_GAP: std::ops::Range<u64> = 60..84;

/// Labels on which the dialects of regular expressions differ.
const TEXTS: [&str; 22] = [
    "a", "b", "ab", "aa", "A", "a&b", "a-b", "a b", "a\tb", "a|b", "(a)", "[a]", "a{2}", "a{,2}",
    "^a$", "7", "٣", "é", "\u{212a}", "ſ", "naïve", "\\d",
];

/// The series.
pub(crate) fn storage() -> Storage {
    let mut storage = Storage::default();
    targets(&mut storage);
    counters(&mut storage);
    gauges(&mut storage);
    odd_gauges(&mut storage);
    histograms(&mut storage);
    odd_histograms(&mut storage);
    storage
}

/// The same in the format that promtool reads.
pub(crate) fn open_metrics(storage: &Storage) -> String {
    let mut text = String::new();
    for (_, series) in storage.iter() {
        // Labels are displayed as PromQL writes them, which escapes more than OpenMetrics can.
        let others = series.labels.iter().filter(|(name, _)| *name != METRIC_NAME);
        let labels: Vec<_> =
            others.map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        let labels = labels.join(",");
        let name = series.labels.metric_name();
        for Point { at, value } in &series.points {
            // It cuts off what is below a millisecond, so that this survives being a float.
            let (seconds, milliseconds) = (at / 1000, at % 1000);
            writeln!(text, "{name}{{{labels}}} {value} {seconds}.{milliseconds:03}5")
                .expect("memory");
        }
    }
    text + "# EOF\n"
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A number that looks random, and is the same for the same two.
pub(crate) fn noise(seed: u64, step: u64) -> u64 {
    let mut bits = (seed << 32 ^ step).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2 {
        bits = (bits ^ (bits >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    bits >> 33
}

/// Adds a series, whose samples are what `value` says about the number of a scrape.
fn add(
    storage: &mut Storage,
    name: &str,
    labels: &[(&str, &str)],
    mut value: impl FnMut(u64) -> Option<f64>,
) {
    let labels: Labels = labels.iter().copied().chain([(METRIC_NAME, name)]).collect();
    // Each target has its own offset, of seconds.
    let target: u64 = labels.get("instance").bytes().map(u64::from).sum::<u64>() % 14;
    let id = storage.series(labels);
    for scrape in 0..SCRAPES {
        let late = 137 + noise(target, scrape) % 600;
        let at = START * 1000 + (scrape * 15_000 + target * 1000 + late) as i64;
        if let Some(value) = value(scrape) {
            storage.push(id, Point { at, value }).expect("one value at an instant");
        }
    }
}

/// What grows by up to `most` with each scrape.
fn growing(from: f64, seed: u64, most: u64) -> impl FnMut(u64) -> Option<f64> {
    let mut total = from;
    move |scrape| {
        let seen = total;
        total += (noise(seed, scrape) % (most + 1)) as f64;
        Some(seen)
    }
}

fn targets(storage: &mut Storage) {
    let target = |instance, job| [("instance", instance), ("job", job)];
    add(storage, "up", &target("a:9100", "api"), |_| Some(1.0));
    add(storage, "up", &target("b:9100", "api"), |n| Some(f64::from(!(100..110).contains(&n))));
    add(storage, "up", &target("c:9100", "db"), |_| Some(1.0));
    add(storage, "up", &target("d:9100", "batch"), |n| Some((noise(1, n) % 2) as f64));
    for (instance, version) in
        [("a:9100", "1.2.0"), ("b:9100", "1.3.0"), ("c:9100", "9.6"), ("c:9100", "9.6-ssl")]
    {
        let labels = [("instance", instance), ("version", version)];
        add(storage, "build_info", &labels, |_| Some(1.0));
    }
    for (job, team) in [("api", "core"), ("db", "störage"), ("batch", "")] {
        let labels = [("job", job), ("team", team), ("tier", "2")];
        add(storage, "owner", &labels, |_| Some(team.len() as f64));
    }
}

fn counters(storage: &mut Storage) {
    let mut seed = 100;
    for (instance, from) in [("a:9100", 0.0), ("b:9100", 5000.0)] {
        for (method, share) in [("GET", 4), ("POST", 1)] {
            for (code, most) in [("200", 20), ("404", 3), ("500", 5)] {
                seed += 1;
                let labels =
                    [("code", code), ("instance", instance), ("job", "api"), ("method", method)];
                let (mut before, mut after) =
                    (growing(from, seed, most * share), growing(0.0, seed, most * share));
                add(storage, "requests_total", &labels, |scrape| match (code, instance) {
                    // Nothing fails in the first 20 minutes.
                    ("500", _) if scrape < 80 => None,
                    ("500", _) => after(scrape),
                    // This one was started again.
                    (_, "b:9100") if scrape >= 100 => after(scrape),
                    _ => before(scrape),
                });
            }
        }
        let mut quarters = growing(4e9 + from, seed, 4_000_000);
        let labels = [("instance", instance), ("job", "api")];
        add(storage, "sent_bytes_total", &labels, |n| quarters(n).map(|bytes| bytes / 4.0));
    }
    for (queue, gap) in [("short_gap", SHORT_GAP), ("long_gap", LONG_GAP), ("no_gap", 0..0)] {
        let mut done = growing(3000.0, gap.end, 5);
        add(storage, "jobs_done_total", &[("queue", queue)], |n| {
            done(n).filter(|_| !gap.contains(&n))
        });
    }
}

fn gauges(storage: &mut Storage) {
    for (seed, room) in
        ["küche", "the \"office\"", "back\\slash", "Küche", "", "a.b"].into_iter().enumerate()
    {
        let labels = [("room", room), ("unit", "celsius")];
        let quarters = |n| (noise(300 + seed as u64, n) % 400) as f64 - 150.0;
        add(storage, "temperature", &labels, |n| Some(quarters(n) / 4.0));
    }
    for (pool, size) in [("main", 42.0), ("idle", 0.0), ("debt", -7.5)] {
        add(storage, "pool_size", &[("pool", pool)], |_| Some(size));
    }
    let depth = |n| Some((noise(400, n) % 64) as f64);
    for (queue, seen) in [
        ("short_gap", vec![0..SHORT_GAP.start, SHORT_GAP.end..SCRAPES]),
        ("long_gap", vec![0..LONG_GAP.start, LONG_GAP.end..SCRAPES]),
        ("ended", vec![0..120; 1]),
        ("late", vec![160..SCRAPES; 1]),
        ("", vec![0..SCRAPES; 1]),
    ] {
        add(storage, "queue_depth", &[("queue", queue)], |n| {
            depth(n + queue.len() as u64).filter(|_| seen.iter().any(|range| range.contains(&n)))
        });
    }
    // Each two minutes.
    add(storage, "backup_seconds", &[("job", "batch")], |n| {
        (n % 8 == 5).then(|| 900.0 + (noise(500, n) % 64) as f64)
    });
    // What reserved words may be, too.
    let words = [("by", "1"), ("on", "2"), ("bool", "3"), ("offset", "4"), ("inf", "5")];
    add(storage, "sum:words", &words, |n| Some(n as f64));
    for text in TEXTS {
        add(storage, "text", &[("text", text)], |_| Some(text.len() as f64));
    }
    add(storage, "job:requests:rate5m", &[("job", "api")], |n| Some((n % 16) as f64));
}

fn odd_gauges(storage: &mut Storage) {
    let mut odd = |kind, value: &dyn Fn(u64) -> f64| {
        add(storage, "odd", &[("kind", kind)], |n| Some(value(n)));
    };
    let eighths = |n| (noise(600, n) % 80) as f64 / 8.0;
    odd("always_nan", &|_| f64::NAN);
    odd("often_nan", &|n| if n % 3 == 0 { f64::NAN } else { eighths(n) });
    odd("inf", &|_| f64::INFINITY);
    odd("negative_inf", &|_| f64::NEG_INFINITY);
    odd("often_inf", &|n| if n % 16 == 0 { f64::INFINITY } else { eighths(n) });
    odd("both_inf", &|n| [f64::INFINITY, f64::NEG_INFINITY, 1.0][n as usize % 3]);
    odd("huge", &|n| 1.5e308 - eighths(n) * 1e306);
    odd("tiny", &|n| (1.0 + eighths(n)) * 5e-324);
    odd("small", &|n| eighths(n) * 1e-300);
    odd("zeros", &|n| if n % 2 == 0 { 0.0 } else { -0.0 });
    odd("precise", &|n| 1.0 / (1.0 + eighths(n)));
    odd("date", &|n| 951_782_400.0 + (n * 86_400 * 9) as f64);
}

/// Adds the buckets of a histogram; `most` is how much goes into each at a scrape.
fn histogram(
    storage: &mut Storage,
    name: &str,
    label: (&str, &str),
    most: &[(&str, u64)],
    seen: impl Fn(u64) -> bool,
) {
    for (index, (le, _)) in most.iter().enumerate() {
        let mut total = 0;
        add(storage, name, &[label, ("le", le)], |scrape| {
            let before = total;
            for (below, (_, most)) in most.iter().enumerate().take(index + 1) {
                // One of them counts on without the scrape, as a process does.
                total += noise(700 + below as u64, scrape) % (most + 1);
            }
            seen(scrape).then_some(before as f64)
        });
    }
}

fn histograms(storage: &mut Storage) {
    let buckets = "latency_seconds_bucket";
    let fast = [("0.1", 40), ("0.5", 9), ("1", 3), ("2.5", 0), ("+Inf", 1)];
    let slow = [("0.1", 1), ("0.5", 5), ("1", 20), ("2.5", 40), ("+Inf", 7)];
    let gaps = [("0.1", 8), ("1", 8), ("+Inf", 2)];
    histogram(storage, buckets, ("handler", "/"), &fast, |_| true);
    histogram(storage, buckets, ("handler", "/slow"), &slow, |_| true);
    histogram(storage, buckets, ("handler", "/gaps"), &gaps, |n| {
        !SHORT_GAP.contains(&n) && !(140..164).contains(&n)
    });
    for (handler, mean, seed) in [("/", 64, 800), ("/slow", 512, 801)] {
        let mut sum = growing(0.0, seed, mean * 50);
        let count = growing(0.0, seed, 50);
        add(storage, "latency_seconds_sum", &[("handler", handler)], |n| {
            sum(n).map(|sum| sum / 256.0)
        });
        add(storage, "latency_seconds_count", &[("handler", handler)], count);
    }
}

fn odd_histograms(storage: &mut Storage) {
    let mut odd = |case, most: &[(&str, u64)]| {
        histogram(storage, "odd_seconds_bucket", ("case", case), most, |_| true);
    };
    odd("no_inf", &[("0.1", 3), ("1", 5)]);
    odd("only_inf", &[("+Inf", 5)]);
    odd("one_and_inf", &[("1", 3), ("+Inf", 5)]);
    odd("twice", &[("0.1", 2), ("1", 3), ("1.0", 4), ("+Inf", 5)]);
    odd("unparsable", &[("few", 9), ("", 9), ("1", 3), ("2", 3), ("+Inf", 5)]);
    odd("spelled", &[("1E-1", 2), ("+1", 3), ("10.", 4), ("1e400", 9), ("infinity", 5)]);
    odd("negative", &[("-1", 6), ("0", 2), ("1e0", 3), ("+Inf", 5)]);
    odd("empty", &[("0.1", 0), ("1", 0), ("+Inf", 0)]);
    odd("nothing_above", &[("0.1", 0), ("1", 7), ("10", 0), ("+Inf", 0)]);
    let falling = [("0.1", 50_u64), ("1", 20), ("10", 80), ("+Inf", 70)];
    for (le, rate) in falling {
        let labels = [("case", "falling"), ("le", le)];
        add(storage, "odd_seconds_bucket", &labels, |n| Some((n * rate) as f64));
    }
}

#[test]
fn no_sample_is_where_a_window_may_end() {
    let storage = storage();
    let instants = || storage.iter().flat_map(|(_, series)| series.points.iter().map(|p| p.at));
    assert!(instants().all(|at| (100..800).contains(&(at % 1000))));
    let steps = storage.iter().flat_map(|(_, series)| {
        series.points.iter().zip(series.points.iter().skip(1)).map(|(a, b)| b.at - a.at)
    });
    // Less than 10 percent off, or the two versions extrapolate by different lengths.
    let (shortest, longest) = steps
        .filter(|step| *step < 20_000)
        .fold((i64::MAX, 0), |(low, high), step| (low.min(step), high.max(step)));
    assert!(longest * 100 < shortest * 110, "{shortest} to {longest} ms");
}
