"""Records how fault_summary_helper.py of cvmmap-streamer (991f7ded34) judges fault suites, as data.

    python3 tests/original/record_suites.py fault_summary_helper.py > tests/original/suites.json

A case has what went in: the mode, the manifest and the logs (text, or {"base64": ...} where a log is
not UTF-8). What came out is `expected`, or `crashes` and the last line of the traceback as `error`.
Of a check there are its values alone, in the order of OF_CHECK; `violations` has its sentence.
The manifest is read in a directory of its own, in which the logs are.

Left out is what the original makes something of and `auditor` refuses as no manifest: rows longer
than the header, a column that is named twice, an empty line or a byte order mark before the header.
"""

import base64
import functools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ORIGINAL = Path(sys.argv[1]).resolve()
CASES = 200

MODES = ["baseline", "degraded"]
SCENARIOS = ["torn_read", "sink_stall", "reset_storm"]
COLUMNS = ["order", "scenario_id", "name", "status", "reason", "duration_ms", "sim_rc", "streamer_rc",
           "tester_rc", "sim_log", "streamer_log", "tester_log", "sdp_path"]
# Enough for a verdict; the others are in the way where the theme is another one.
FEW_COLUMNS = ["order", "scenario_id", "sim_rc", "streamer_rc", "tester_rc", "streamer_log"]
FAULTS = ["torn_read_events", "sink_stall_events", "reset_events"]
# Passes every scenario in both modes.
HEALTHY = {"ingest_to_emit_samples": 120, "p50_us": 900, "p95_us": 1500, "p99_us": 1800,
           "drop_ratio_ppm": 15000, "torn_read_events": 250, "sink_stall_events": 250, "reset_events": 25}
# Passes every scenario of the baseline.
BRIEF = {"ingest_to_emit_samples": 10, "torn_read_events": 1, "sink_stall_events": 1, "reset_events": 4}
# The limits of a scenario that the original does not know.
UNLISTED_LIMITS = {"ingest_to_emit_samples": ("min", 1), "p50_us": ("max", 500_000),
                   "drop_ratio_ppm": ("max", 1_000_000)}


# What goes in.

def row(order=1, scenario="torn_read", **changed):
    usual = {"order": order, "scenario_id": scenario, "name": scenario.replace("_", " ").capitalize(),
             "status": "PASS", "duration_ms": 1000 * len(scenario), "sim_rc": 0, "streamer_rc": 0,
             "tester_rc": 0, "sim_log": "logs/sim.log", "streamer_log": "s.log", "tester_log": "t.log",
             "sdp_path": "stream.sdp"}
    return usual | changed


def suite(**changed):
    """A row for each scenario."""
    return [row(order, scenario, **changed) for order, scenario in enumerate(SCENARIOS, 1)]


def manifest(rows, columns=FEW_COLUMNS, end="\n"):
    table = [columns] + [[str(row.get(column, "")) for column in columns] for row in rows]
    return "".join("\t".join(cells) + end for cells in table)


def log(*lines, **values):
    """A log of these values, and `lines` after them; None leaves a key out."""
    pairs = {key: f"{key}={value}" for key, value in values.items() if value is not None}
    latency = ["LATENCY_METRICS", *(pair for key, pair in pairs.items() if key not in FAULTS)]
    faults = ["FAULT_COUNTERS", *(pair for key, pair in pairs.items() if key in FAULTS)]
    return "\n".join([" ".join(latency), " ".join(faults), *lines]) + "\n"


def healthy(*lines, **changed):
    """The log of a healthy run but for what is changed."""
    return log(*lines, **HEALTHY | changed)


def brief(*lines, **changed):
    """A log with the fewest values that pass every scenario of the baseline, but for what is changed."""
    return log(*lines, **BRIEF | changed)


def case(name, text, logs=None, mode="baseline"):
    logs = {"s.log": brief()} if logs is None else logs
    return {"name": name, "mode": mode, "manifest": text, "logs": logs}


def of_logs(name, *texts, scenario="torn_read", mode="baseline"):
    """A case whose theme is what its logs hold, of which each row has its own."""
    logs = {f"{number}.log": text for number, text in enumerate(texts, 1)}
    rows = [row(number, scenario, streamer_log=path) for number, path in enumerate(logs, 1)]
    return case(name, manifest(rows), logs, mode)


def groups(items, size=3):
    return [items[at:at + size] for at in range(0, len(items), size)]


def listed(items):
    return ", ".join(map(repr, items))


# Themes.

def whole_suites():
    full = "PIPELINE_METRICS frames=300 fps=29.97 codec=h264\nRTP_METRICS packets_sent=4100 bytes=5300000\n"
    for mode in MODES:
        yield case(f"suite: healthy, {mode}", manifest(suite(), COLUMNS), {"s.log": full + healthy()}, mode)
        yield case(f"suite: slow and lossy, {mode}", manifest(suite(), COLUMNS),
                   {"s.log": healthy(p50_us=120000, p95_us=180000, p99_us=240000, drop_ratio_ppm=900000)}, mode)
        yield case(f"suite: no logs at all, {mode}", manifest(suite()), {}, mode)


@functools.cache
def limits_of(mode):
    """The limits of each scenario, which the original prints beside its summary."""
    all_limits = {}
    for scenario, limits in run(case("", manifest([]), mode=mode))["thresholds"].items():
        found = {}
        for key, limit in limits.items():
            metric, kind = key.rsplit("_", 1)
            found["ingest_to_emit_samples" if metric == "samples" else metric] = (kind, limit)
        all_limits[scenario] = found
    return all_limits


def limits():
    def beside(limits, metrics, step):
        """Every value on its limit, but for `metrics`, which are that far beyond theirs."""
        return {metric: limit + (step if kind == "max" else -step) * (metric in metrics)
                for metric, (kind, limit) in limits.items()}

    known = [(mode, mode, limits_of(mode)) for mode in MODES]
    for name, mode, scenarios in [*known, ("unlisted", "degraded", {"other": UNLISTED_LIMITS})]:
        rows = [row(order, scenario, streamer_log=f"{scenario}.log")
                for order, scenario in enumerate(scenarios, 1)]

        def at(theme, which, step):
            logs = {f"{scenario}.log": log(**beside(limits, which(list(limits)), step))
                    for scenario, limits in scenarios.items()}
            return case(f"limits: {theme}, {name}", manifest(rows), logs, mode)

        count = max(map(len, scenarios.values()))
        yield at("on each", lambda metrics: [], 0)
        yield at("within each by one", lambda metrics: metrics, -1)
        yield at("beyond each by one", lambda metrics: metrics, 1)
        for index in range(count):
            yield at(f"beyond one alone, {index + 1} of {count}", lambda metrics: metrics[index:index + 1], 1)


def rows_of_the_manifest():
    rows = suite()
    yield case("rows: none", manifest([]))
    yield case("rows: an empty file", "")
    yield case("rows: a header without an end of line", manifest([]).rstrip("\n"))
    for some in (rows[:1], rows[:2], rows[1:]):
        yield case(f"rows: {len(some)} from {some[0]['scenario_id']}", manifest(some))
    yield case("rows: four, one unknown", manifest(rows + [row(4, "reboot")]))
    yield case("rows: four, one twice", manifest(rows + [row(4, "sink_stall")]))
    yield case("rows: three of one scenario", manifest([row(n, "torn_read") for n in (1, 2, 3)]))
    yield case("rows: two of one scenario", manifest(rows[:2] + [row(3, "torn_read")]))
    yield case("rows: one twice, with another log",
               manifest(rows[:2] + [row(3, "torn_read", streamer_log="b.log")]),
               {"s.log": brief(), "b.log": brief(torn_read_events=0)})
    yield case("rows: three unknown", manifest([row(n, f"case_{n}") for n in (1, 2, 3)]))
    yield case("rows: an unknown one in a suite", manifest(rows[:2] + [row(3, "reboot")], COLUMNS))
    yield case("rows: ids that are nearly known",
               manifest([row(1, "Torn_Read"), row(2, " sink_stall"), row(3, "reset-storm"), row(4, "")]),
               {"s.log": brief(torn_read_events=0, sink_stall_events=0, reset_events=0)}, "degraded")
    yield case("rows: their own status and reason do not count",
               manifest(suite(status="FAIL", reason="timed out"), COLUMNS))


def orders():
    def with_orders(*orders):
        return manifest([row(order, scenario) for order, scenario in zip(orders, SCENARIOS)],
                        ["order", "scenario_id", "name", "sim_rc", "streamer_rc", "tester_rc", "streamer_log"])

    for orders in [(3, 2, 1), (2, 3, 1), (1, 1, 1), (2, 1, 1), (-1, -3, -2), (0, 10, 9), (" 3", "2 ", " 1 "),
                   ("+3", "-2", "+1"), ("1_0", "9", "0_8"), ("003", "02", "1"), ("\x0b2", "\xa01", "\u20283"),
                   ("٣", "２", "1"), (2**53, -2**53, 2**53 - 1)]:
        yield case(f"order: {listed(orders)}", with_orders(*orders))
    for order in ["", "x", "1.0", "0x1", "1__0", "- 1", "²", "\x1c1"]:
        yield case(f"order: {order!r} is no number", with_orders(1, order, 3))


def columns():
    for column in COLUMNS:
        kept = [it for it in COLUMNS if it != column]
        yield case(f"columns: without {column}", manifest(suite()[:2], kept))
    yield case("columns: no order, and no rows", manifest([], COLUMNS[1:]))
    yield case("columns: reversed", manifest(suite(), COLUMNS[::-1]))
    yield case("columns: others between them",
               manifest(suite(host="ci-1", notes="a=b"), ["host", *FEW_COLUMNS, "", "notes"]))
    yield case("columns: names with spaces are others", manifest(suite(), [*FEW_COLUMNS[:-1], "streamer_log "]))
    short = manifest(suite()).splitlines()
    yield case("columns: a row ends before its log", "\n".join([*short[:3], "3\treset_storm\t0\t0\t0"]) + "\n")
    yield case("columns: a row ends before its exit codes", "\n".join([*short[:2], "2\tsink_stall"]) + "\n")
    yield case("columns: a row has its order alone", "\n".join([*short[:2], "2"]) + "\n")


def text_of_the_manifest():
    named = ["order", "scenario_id", "name", "sim_rc", "streamer_rc", "tester_rc", "streamer_log"]
    names = ['"Torn\tread"', '"Torn\nread"', '"Torn\r\nread"', '"say ""torn"""', '""', '""""', '5" pipe',
             '"Torn" read', 'Torn "read"', "'Torn\\tread'", "Torn\x0bread\x85\u2028",
             "Gerissen: süß 裂 🎞", " padded "]
    for some in groups(names):
        rows = [row(number, name=name) for number, name in enumerate(some, 1)]
        yield case(f"text: named {listed(some)}", manifest(rows, named))
    yield case("text: a quote that nothing ends", manifest([row(name='"Torn'), row(2, "reset_storm")], named))
    yield case("text: everything quoted", manifest(
        [{key: f'"{value}"' for key, value in it.items()} for it in suite()]))
    for name, end in [("CRLF", "\r\n"), ("CR", "\r")]:
        yield case(f"text: lines end in {name}", manifest(suite(), end=end))
    lines = manifest(suite()).splitlines()
    yield case("text: lines end in all three ways", "".join(map("".join, zip(lines, ["\r\n", "\n", "\r", ""]))))
    for name, blank in [("LF", "\n\n"), ("CRLF", "\r\n\r\n"), ("CR", "\r\r")]:
        yield case(f"text: blank lines of {name}", blank.join(lines) + blank)
    yield case("text: a line of spaces", "\n".join([*lines, "   "]))
    yield case("text: a line of tabs", "\n".join([*lines, "\t\t"]))
    yield case("text: a line of two quotes", "\n".join([*lines, '""']))


def exits_and_durations():
    processes = ["sim_rc", "streamer_rc", "tester_rc"]
    codes = [(1, 0, 0), (0, -9, 0), (0, 0, 137), (255, -1, 3), (" 0 ", "+0", "-0"), ("00", "0_0", "\xa00"),
             ("0.0", 0, 0), (0, "", 0), (0, 0, "killed"), ("0x0", "1e0", "0,0"), ("٠", "०", "０"),
             ("\x1c0", 0, 0), (" 1", "+2", "0_3"), ("-", "--0", "0 0")]
    for some in groups(codes):
        rows = [row(number, **dict(zip(processes, it))) for number, it in enumerate(some, 1)]
        yield case(f"exit codes: {listed(some)}", manifest(rows))
    yield case("exit codes: they come before what the checks say", manifest([row(sim_rc=2)]), {})
    for durations in [("12.5", "", "abc"), (" 7 ", "1_000", "+5"), ("-5", "0", "1e3"), ("12ms", "007", 2**53)]:
        rows = [row(n, scenario, duration_ms=it) for n, scenario, it in zip((1, 2, 3), SCENARIOS, durations)]
        yield case(f"durations: {listed(durations)}", manifest(rows, [*FEW_COLUMNS, "duration_ms"]))


def places_of_logs():
    paths = ["gone.log", "", ".", "logs", "s.log/inner", "./logs/../s.log", "logs//deep.log", " s.log", "s.log/"]
    for some in groups(paths):
        rows = [row(number, streamer_log=path) for number, path in enumerate(some, 1)]
        yield case(f"log: at {listed(some)}", manifest(rows),
                   {"s.log": brief(), "logs/deep.log": brief(p50_us=800)})
    yield case("log: of the streamer alone", manifest([row(streamer_log="gone.log", sim_log="s.log")], COLUMNS))
    yield of_logs("log: empty", "")
    yield of_logs("log: empty, reset storm", "", scenario="reset_storm")
    yield of_logs("log: empty, unknown scenario", "", scenario="reboot")
    yield of_logs("log: without an end of line", brief().rstrip("\n"))


def tokens():
    latency, faults = brief().splitlines()
    yield of_logs("tokens: none", "service started\nservice stopped\n")
    yield of_logs("tokens: no latency", faults)
    yield of_logs("tokens: no faults", latency)
    yield of_logs("tokens: no faults, reset storm", latency, scenario="reset_storm")
    yield of_logs("tokens: the last line counts", brief(p50_us=1) + "...\n" + brief(p50_us=2) + "bye\n")
    yield of_logs("tokens: the last line counts, even if it says nothing", brief("LATENCY_METRICS"))
    yield of_logs("tokens: the last line counts, even if it is short",
                  brief("LATENCY_METRICS p50_us=7", "FAULT_COUNTERS x=1"))
    yield of_logs("tokens: a part of another word",
                  brief("no_LATENCY_METRICS_yet p50_us=400000 ingest_to_emit_samples=11"))
    yield of_logs("tokens: in other case", brief("latency_metrics p50_us=400000"))
    yield of_logs("tokens: a key, and a value",
                  brief("LATENCY_METRICS=3 ingest_to_emit_samples=50", "note=FAULT_COUNTERS torn_read_events=3"))
    yield of_logs("tokens: all on one line",
                  " ".join(["PIPELINE_METRICS frames=9 RTP_METRICS sent=8", latency, faults]))
    yield of_logs("tokens: within prefixes and suffixes",
                  f"[12:00:01.5] INFO level=info {latency} (cpu=0)\n2026 {faults} .\n")


def pairs():
    lines = ["p50_us=5 p50_us=400000", "p50_us=400000 p50_us=5", "p50_us= 5 p99_us=6", "p50_us =5", "=5 p50_us=6",
             "p95_us-p50_us=5", "latency.p50_us=5", "üp50_us=5", "P50_US=5", "xp50_us=5 1p50_us=6 p50_us_=7",
             '"p50_us": 5', "p50_us=5\tp99_us=6", "p50_us=5\xa0p99_us=6\u3000p95_us=7"]
    for some in groups(lines):
        logs = [f"LATENCY_METRICS ingest_to_emit_samples=20 {line}\nFAULT_COUNTERS torn_read_events=1\n"
                for line in some]
        yield of_logs(f"pairs: {listed(some)}", *logs)
    yield of_logs("pairs: shown as what they are", brief(
        "PIPELINE_METRICS a=b=3 b= 5 c==6 d=12ms e=+5 f=1e3 g=1_000 "
        "h=-7 i=-7.25 j=.5 k=5. l=007 m=1.50 n=-0 o=x=\"y\" p=",
        "RTP_METRICS a=1 b=2 a=3 ssrc=0x1f rate=90000/1 loss=0.0 big=9007199254740991 ß=1 naïve=2 emoji=🎞"))


def values():
    for value in ["12ms", "abc", "1e3", ".5", "5.", "1.5.2", "5;", "NaN", "²", "5\u200b",
                  "1" + "0" * 309 + ".0"]:
        shown = value if len(value) < 20 else "a decimal of 312 characters"
        yield of_logs(f"values: p50_us={shown!r} is no integer", brief(p50_us=value))
    # The original makes integers of these too, although it shows them as text.
    for value in ["+5", "1_000", "+400_000"]:
        yield of_logs(f"values: p50_us={value!r}, text that Python's int reads", brief(p50_us=value))
    both = [("0", "0"), ("00", "007"), ("-0", "-0"), ("-1", "-5"), ("10.0", "150000.0"), ("9.999999", "150000.9"),
            ("10.9", "150001.0"), ("-0.9", "-0.9"), ("-10.5", "-3.99"), (2**53, 2**53), (2**53 - 1, -2**53),
            ("4503599627370496.5", "4503599627370495.5"), ("٣٤", "１２"),
            ("٣.٥", "१५०००१.0"), ("1٢", "15000１")]
    for some in groups(both):
        logs = [f"LATENCY_METRICS ingest_to_emit_samples={samples} p50_us={p50}\n"
                "FAULT_COUNTERS torn_read_events=1\n" for samples, p50 in some]
        yield of_logs(f"values: of samples and p50_us {listed(some)}", *logs)
    yield of_logs("values: truncated to the limits",
                  healthy(p50_us="1000.9", p99_us="2000.5", drop_ratio_ppm="20000.99",
                          ingest_to_emit_samples="99.9", torn_read_events="199.9"), mode="degraded")
    yield of_logs("values: text in what the scenario does not check",
                  brief(sink_stall_events="many", p95_us="12ms"))
    yield of_logs("values: text in what nothing checks",
                  brief("LATENCY_METRICS ingest_to_emit_samples=10 jitter=12ms"))
    missing = {"torn_read": ["ingest_to_emit_samples", "p50_us", "p99_us", "drop_ratio_ppm", FAULTS[0]],
               "sink_stall": ["p95_us", FAULTS[1]], "reset_storm": ["p99_us", FAULTS[2]]}
    for scenario, keys in missing.items():
        for some, mode in zip(groups(keys), MODES):
            logs = [healthy(**{key: None}) for key in some]
            yield of_logs(f"values: no {', no '.join(some)}", *logs, scenario=scenario, mode=mode)


def lines_of_logs():
    for some in groups("\n \r\n \r \x0b \x0c \x1c \x1d \x1e \x1f \x85 \u2028 \u2029 \xa0".split(" ")):
        logs = [f"LATENCY_METRICS ingest_to_emit_samples=20{it}jitter=1 p50_us=400000\n" for it in some]
        yield of_logs(f"lines: {listed(some)} between two pairs", *logs, scenario="reboot")
    yield of_logs("lines: CRLF throughout", brief().replace("\n", "\r\n"))
    yield of_logs("lines: CR throughout", brief().replace("\n", "\r"))
    good = brief(p50_us=900).encode()
    for name, text in [("before the token", b"\xff\xfe " + good),
                       ("in a value", good.replace(b"p50_us=900", b"p50_us=9\xff00")),
                       ("in a key", good.replace(b"p50_us=", b"p50\xc3_us=")),
                       ("in a token", good.replace(b"FAULT_", b"FAU\x80LT_")),
                       ("in what is shown",
                        good + b"PIPELINE_METRICS a=x\xffy b=\xf0\x9f\x8e c=\xed\xa0\x80 d=\xc0\xaf e=1\n"),
                       ("at the end", good + b"RTP_METRICS a=1 b=2\xe2\x80")]:
        yield of_logs(f"lines: not UTF-8 {name}", text)
    yield of_logs("lines: a byte order mark and a null", "\ufeff" + brief("PIPELINE_METRICS a=x\0y b\0=1"))


class Numbers:
    """Numbers that are the same wherever they are drawn: a linear congruential generator of Knuth's MMIX."""

    def __init__(self, seed):
        self.state = seed

    def below(self, end):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % end

    def one_of(self, items):
        return items[self.below(len(items))]

    def chance(self, percent):
        return self.below(100) < percent


def random_suites():
    numbers = Numbers(20261127)
    number = 0
    while True:
        number += 1
        mode = numbers.one_of(MODES)
        some = [numbers.one_of(SCENARIOS + ["reboot"]) for _ in range(1 + numbers.below(4))]
        ids = SCENARIOS if numbers.chance(70) else some
        is_calm = numbers.chance(40)
        rows, logs = [], {}
        for scenario in ids:
            path = f"logs/{len(rows)}.log"
            codes = [0 if is_calm or numbers.chance(90) else numbers.one_of([1, -15, 137, "", "x"])
                     for _ in range(3)]
            rcs = dict(zip(["sim_rc", "streamer_rc", "tester_rc"], codes))
            rows.append(row(numbers.below(9), scenario, streamer_log=path, **rcs))
            logs[path] = random_log(numbers, limits_of(mode).get(scenario, UNLISTED_LIMITS), is_calm)
        yield case(f"random {number}", manifest(rows), logs, mode)


def random_log(numbers, limits, is_calm):
    if not is_calm and numbers.chance(5):
        return ""
    changed = {}
    for metric, (kind, limit) in limits.items():
        factor = numbers.below(101) if (kind == "max") else 100 + numbers.below(100)
        if not is_calm and numbers.chance(20):
            factor = 201 - factor
        changed[metric] = max(limit * factor // 100, limit if is_calm and kind == "min" else 0)
        if not is_calm and numbers.chance(8):
            changed[metric] = None
        elif numbers.chance(10):
            changed[metric] = f"{changed[metric]}.{numbers.below(100):02}"
    earlier = brief(p50_us=10**7).splitlines()[:numbers.below(3)]
    shown = [f"PIPELINE_METRICS frames={numbers.below(1000)} fps={numbers.below(60)}.{numbers.below(10)}",
             f"RTP_METRICS packets_sent={numbers.below(10000)} state={numbers.one_of(['up', 'down'])}"]
    return "\n".join([*earlier, *shown[:numbers.below(3)], log(**changed)])


def cases():
    for theme in [whole_suites, limits, rows_of_the_manifest, orders, columns, text_of_the_manifest,
                  exits_and_durations, places_of_logs, tokens, pairs, values, lines_of_logs, random_suites]:
        yield from theme()


# What comes out.

KEPT = ["counts", "all_pass", "recommended_exit_code", "scenarios"]
OF_CHECK = ["metric", "type", "actual", "expected", "passed"]


def run(case):
    """The whole summary; a text, the last line of the traceback, where there is none."""
    with tempfile.TemporaryDirectory() as directory:
        files = {"manifest.tsv": case["manifest"]} | case["logs"]
        for path, text in files.items():
            path = Path(directory, path)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        ended = subprocess.run(
            [sys.executable, ORIGINAL, "--manifest", "manifest.tsv", "--output", "summary.json", "--run-id", "1",
             "--run-dir", ".", "--started-at", "", "--finished-at", "", "--mode", case["mode"]],
            cwd=directory, capture_output=True, text=True)
        if ended.returncode != 0:
            return ended.stderr.splitlines()[-1]
        return json.loads(Path(directory, "summary.json").read_text())


def recorded(case):
    logs = {path: {"base64": base64.b64encode(text).decode()} if isinstance(text, bytes) else text
            for path, text in case["logs"].items()}
    summary = run(case)
    if isinstance(summary, str):
        answer = {"crashes": True, "error": summary}
    else:
        for scenario in summary["scenarios"]:
            scenario["checks"] = [[check[key] for key in OF_CHECK] for check in scenario["checks"]]
        answer = {"expected": {key: summary[key] for key in KEPT}}
    return case | {"logs": logs} | answer


def main():
    lines = []
    for it in cases():
        if len(lines) == CASES:
            break
        lines.append(json.dumps(recorded(it)))
    print("[\n" + ",\n".join(lines) + "\n]")


main()
