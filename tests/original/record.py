"""Records what async-runtime-auditor 0.1.1 reports, as data for tests/integration/original.rs.

    pip install async-runtime-auditor==0.1.1
    python3 tests/original/record.py > tests/original/cases.json

Every case has complete telemetry, one series a query. The queries are called by the
names of their signals, so that the backend below needs no PromQL.
"""

import json
import random
import subprocess
import tempfile
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SIGNALS = [
    "p99_latency", "event_loop_lag", "blocking_events_total", "blocking_duration_avg",
    "peak_active_requests", "threadpool_queue_wait", "threadpool_tasks_started",
    "threadpool_tasks_completed",
]
CALM = ["0.08", "0.012", "3", "0.02", "12", "0.004", "900", "900"]

answers = {}


class Backend(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query).get("query", [""])[0]
        result = [{"metric": {}, "value": [0, answers[query]]}] if query else []
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def cases():
    """Values as the backend would send them, and thresholds."""
    def case(thresholds=None, **changed):
        values = dict(zip(SIGNALS, CALM))
        values.update(changed)
        return {"answers": values, "thresholds": thresholds or {}}

    yield case()
    # On each limit and on either side of it.
    for signal, limits in [
        ("event_loop_lag", ["0.5", "1.0"]), ("blocking_duration_avg", ["1.0"]),
        ("threadpool_queue_wait", ["1.0"]), ("peak_active_requests", ["100", "150"]),
    ]:
        for limit in limits:
            for value in (limit, repr(float(limit) * (1 + 1e-9)), repr(float(limit) * (1 - 1e-9))):
                yield case(**{signal: value})
    for started in ("903", "904", "890"):
        yield case(threadpool_tasks_started=started)
    for p99 in ("0.15", "0.1499"):
        yield case(p99_latency=p99, event_loop_lag="1.2")
    # Each failure mode, and all of them.
    starved = {"event_loop_lag": "0.9", "blocking_duration_avg": "1.4"}
    saturated = {"threadpool_queue_wait": "1.7", "threadpool_tasks_started": "960"}
    loaded = {"peak_active_requests": "400"}
    for changed in (starved, saturated, loaded, starved | saturated, starved | saturated | loaded):
        yield case(**changed)
    # On the borders of the status: lag alone makes the score.
    zero = dict.fromkeys(SIGNALS, "0")
    for score in (400, 1200, 2500):
        for lag in (score / 1500, (score - 1e-7) / 1500):
            yield case(**zero | {"event_loop_lag": repr(lag)})
    # Here the order of the multiplications decides: 1500 at once would make it 1200.
    yield case(**zero | {"event_loop_lag": "0.7999999999999999"})
    # Rounding: halves, and what binary fractions make of them.
    for value in ("0.125", "0.375", "0.005", "2.675", "1.005", "0.0000049", "123456.785"):
        yield case(p99_latency=value, event_loop_lag=value, blocking_duration_avg=value,
                   threadpool_queue_wait=value, blocking_events_total=value, peak_active_requests=value)
    yield case({"health_score_degraded": 10, "health_score_critical": 30, "health_score_collapse": 31})
    yield case({"max_event_loop_lag_s": 0.01, "max_blocking_duration_s": 0.01, "max_queue_wait_s": 0.001,
                "max_threadpool_backlog": 0, "max_active_requests": 11, "load_warning_threshold": 2,
                "latency_hide_threshold_s": 0.01, "p99_latency_hide_threshold_s": 0.1})
    rng = random.Random(20261121)
    for _ in range(40):
        yield case(
            p99_latency=repr(rng.lognormvariate(-2, 1)),
            event_loop_lag=repr(rng.lognormvariate(-1.5, 1.2)),
            blocking_events_total=repr(float(rng.randrange(0, 500))),
            blocking_duration_avg=repr(rng.lognormvariate(-0.5, 1)),
            peak_active_requests=repr(float(rng.randrange(0, 300))),
            threadpool_queue_wait=repr(rng.lognormvariate(-1, 1.5)),
            threadpool_tasks_started=str(1000 + rng.randrange(-5, 40)),
            threadpool_tasks_completed="1000",
        )


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    recorded = []
    for case in cases():
        answers.clear()
        answers.update(case["answers"])
        config = {"target": f"http://127.0.0.1:{server.server_port}",
                  "queries": {signal: signal for signal in SIGNALS}, "thresholds": case["thresholds"]}
        with tempfile.TemporaryDirectory() as directory:
            with open(f"{directory}/metrics.yaml", "w") as file:
                json.dump(config, file)  # JSON is YAML.
            run = subprocess.run(["async-auditor", "--output-format", "json", "--fail-on-critical"],
                                 cwd=directory, capture_output=True, text=True)
        recorded.append(case | {"report": json.loads(run.stdout), "exit_code": run.returncode})
    print("[\n" + ",\n".join(json.dumps(case) for case in recorded) + "\n]")


main()
