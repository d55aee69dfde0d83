"""examples/asyncio_signals.py beside the libraries that it has to get on with."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
README = EXAMPLES.with_name("README.md")
sys.path.insert(0, str(EXAMPLES))

import anyio.to_thread
import asyncio_signals as signals
import uvloop
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families


def samples(page):
    """The samples of a page by name, without labels; a name or a family that stands twice fails."""
    families = [family for family in text_string_to_metric_families(page)]
    names = [family.name for family in families]
    assert len(names) == len(set(names)), sorted(names)
    return {s.name: s.value for family in families for s in family.samples if not s.labels}


def page():
    return samples(generate_latest().decode())


def python(code, **environment):
    """Runs a script of its own, where nothing is imported and no metric exists yet."""
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES), **environment}
    script = [sys.executable, "-W", "always", "-c", textwrap.dedent(code)]
    run = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run


class Forgetting(unittest.TestCase):
    """What readers are shown of stalls: pages made at these seconds, of stalls that ended at those."""

    def shown(self, readers, stalls):
        """What each page shows, a dictionary by its time for each reader."""
        lags, page = signals.Lags(), signals.Page()
        events = [(at, name) for name, pages in readers.items() for at in pages]
        events += [(at, "a stall") for at in stalls]
        shown = {name: {} for name in readers}
        for at, name in sorted(events, key=lambda event: event[0]):
            if name == "a stall":
                lags.note(at, stalls[at])
            else:
                span = page.span(name, at)
                shown[name][at] = lags.worst(*span) if span else None
        return shown

    def pages(self, start, every, end):
        return [start + n * every for n in range(int((end - start) / every))]

    def test_every_stall_is_met_by_every_reader_at_any_interval(self):
        for intervals in ((1,), (15,), (60,), (1, 1.3), (1, 15), (15, 60), (70, 1)):
            readers = {
                f"reader {n}": self.pages(1000 + n / 3, every, 1500)
                for n, every in enumerate(intervals)
            }
            for stall in range(1071, 1300, 7):
                with self.subTest(intervals=intervals, stall=stall):
                    for shown in self.shown(readers, {stall + 0.5: 1.2}).values():
                        after = [lag for at, lag in shown.items() if at > stall + 0.5]
                        self.assertEqual(after[0], 1.2)
                        # Who comes each second is shown it again, in the 1.2 s after it.
                        self.assertLessEqual(set(after[2:]), {0.0})

    def test_readers_that_are_not_known_meet_every_stall_too(self):
        # A Prometheus, and an audit that scrapes each second for two minutes.
        pages = {1000 + n * 60 for n in range(10)} | {1200.4 + n for n in range(120)}
        for stall in range(1062, 1500, 7):
            [shown] = self.shown({None: pages}, {stall + 0.5: 1.2}).values()
            lags = [lag for at, lag in shown.items() if 0 < at - stall - 0.5 <= signals.HOLD_S]
            self.assertEqual(set(lags), {1.2})

    def test_a_page_that_came_too_late_takes_nothing(self):
        # Asked for at 1001, given up at 1002; the service got to it after the stall.
        for lag, last in ((1.2, 1002.25), (2, 1003.05), (12, 1013.05)):
            end = 1001.02 + lag
            shown = self.shown({"reader": [1000, end + 0.01, last]}, {end: lag})
            self.assertEqual([*shown["reader"].values()], [0.0, lag, lag])

    def test_who_comes_too_rarely_is_told_nothing(self):
        for reader in ("reader", None):
            pages = self.pages(1000, signals.HOLD_S + 1, 2000)
            [shown] = self.shown({reader: pages}, {1200: 5.0}).values()
            self.assertEqual([*shown.values()], [0.0] + [None] * (len(pages) - 1))

    def test_a_run_after_a_sick_one_is_calm(self):
        sick, stalls = self.pages(1000, 1, 1010), {1000.95 + n: 1.2 for n in range(10)}
        for pause in (0.05, 1, 5, 69, 500):
            again = self.pages(1010 + pause, 1, 1020 + pause)
            # Each run of auditor has a User-Agent of its own.
            shown = self.shown({"sick": sick, "again": again}, stalls)
            self.assertEqual([*shown["sick"].values()][1:], [1.2] * 9)
            self.assertEqual(set(shown["again"].values()), {0.0})
        # A reader that others cannot be told from has to wait.
        for reader, pause in (("reader", 2), (None, signals.HOLD_S + 1)):
            again = self.pages(1010 + pause, 1, 1020 + pause)
            [shown] = self.shown({reader: sick + again}, stalls).values()
            self.assertEqual({shown[at] for at in again[1:]}, {0.0})

    def test_what_happened_before_anybody_looked_is_not_shown(self):
        for reader in ("reader", None):
            [shown] = self.shown({reader: [1000, 1001]}, {999.9: 5.0}).values()
            self.assertEqual(shown, {1000: 0.0, 1001: 0.0})

    def test_a_greater_lag_later_does_not_hide_a_lesser_one_before(self):
        stalls = {1000.5: 0.3, 1000.6: 0.2, 1009: 0.1, 1009.5: 0.4}
        [shown] = self.shown({"reader": [1000, 1001, 1009.2, 1010]}, stalls).values()
        self.assertEqual(shown, {1000: 0.0, 1001: 0.3, 1009.2: 0.1, 1010: 0.4})

    def test_pages_behind_the_middleware_know_their_reader(self):
        code = """
            import time
            import asyncio_signals
            from fastapi import Response
            from starlette.testclient import TestClient

            @app.get("/metrics")
            def metrics():
                return Response(generate_latest())

            @app.get("/block")
            async def block():
                time.sleep(1)

            with TestClient(asyncio_signals.Signals(app)) as client:
                def lag(agent):
                    page = client.get("/metrics", headers={"User-Agent": agent}).text
                    lines = [l for l in page.splitlines() if l.startswith("asyncio_event")]
                    return [int(float(line.split()[1]) > 0.8) for line in lines]
                print(lag("a"), lag("b"))
                client.get("/block")
                time.sleep(0.1)
                print(lag("a"), lag("b"), lag("c"), lag("c"))
                time.sleep(1.2)
                print(lag("a"), lag("b"), lag("c"))
                page = client.get("/metrics").text
                assert "http_request_duration_seconds_count 1.0" in page, page
        """
        run = python(APP + textwrap.dedent(code))
        self.assertEqual(run.stdout, "[0] [0]\n[1] [1] [0] [0]\n[0] [0] [0]\n")

    def test_the_page_is_no_request_wherever_it_is(self):
        code = """
            import asyncio_signals
            from fastapi import Response
            from starlette.applications import Starlette
            from starlette.routing import Mount
            from starlette.testclient import TestClient

            def service(**options):
                app = FastAPI(**options)
                app.add_api_route("/metrics", lambda: Response(generate_latest()))
                return app

            inside = service(root_path="/api")
            inside.add_middleware(asyncio_signals.Signals)
            around = asyncio_signals.Signals(service(root_path="/api"))
            mounted = Starlette(routes=[Mount("/api", asyncio_signals.Signals(service()))])
            other = asyncio_signals.Signals(
                Starlette(routes=[Mount("/api", service())]), page="/api/metrics"
            )
            for app, root, path in (
                (inside, "", "/metrics"),
                (inside, "", "/api/metrics"),
                (around, "", "/metrics"),
                (around, "", "/api/metrics"),
                (asyncio_signals.Signals(service()), "/api", "/api/metrics"),
                (mounted, "", "/api/metrics"),
                (other, "", "/api/metrics"),
            ):
                with TestClient(app, root_path=root) as client:
                    page = client.get(path)
                    assert page.status_code == 200, (path, page.text)
                    assert "\\nhttp_request_duration_seconds_count 0.0" in page.text, path
        """
        python(APP + textwrap.dedent(code))


class Lag(unittest.TestCase):
    def test_it_is_told_while_the_loop_hangs(self):
        for name, run in (("asyncio", asyncio.run), ("uvloop", uvloop.run)):
            with self.subTest(name):

                async def hang():
                    signals.install()
                    await asyncio.sleep(0.1)
                    hangs.set()
                    time.sleep(2)
                    await asyncio.sleep(0.1)
                    return page()

                hangs, result = threading.Event(), []
                before = page()
                thread = threading.Thread(target=lambda: result.append(run(hang())))
                thread.start()
                hangs.wait()
                time.sleep(0.7)
                pending = page()
                self.assertGreater(pending["asyncio_event_loop_lag_seconds"], 0.5)
                self.assertEqual(
                    pending["blocking_events_total"], before["blocking_events_total"]
                )
                thread.join()
                [after] = result
                self.assertGreater(after["asyncio_event_loop_lag_seconds"], 1.8)
                self.assertGreater(after["blocking_events_total"], before["blocking_events_total"])
                # Where no loop is watched, none is calm.
                self.assertNotIn("asyncio_event_loop_lag_seconds", page())


class Threads(unittest.TestCase):
    def run_and_count(self, work):
        """Runs `work` in a loop: how many tasks began and ended, and how long they waited."""
        names = [
            "threadpool_tasks_started_total",
            "threadpool_tasks_completed_total",
            "threadpool_queue_wait_seconds_count",
            "threadpool_queue_wait_seconds_sum",
        ]
        for run in (asyncio.run, uvloop.run):

            async def whole():
                signals.install()
                before = page()
                during = await work()
                await asyncio.sleep(0.05)
                after = page()
                return [after[name] - before[name] for name in names], during

            yield run(whole())

    def test_the_limiter_of_anyio(self):
        async def work():
            limiter = anyio.to_thread.current_default_thread_limiter()
            limiter.total_tokens = 2
            async with anyio.create_task_group() as tasks:
                for _ in range(6):
                    tasks.start_soon(anyio.to_thread.run_sync, time.sleep, 0.2)
                await asyncio.sleep(0.1)
                before = page()
            return before["threadpool_tasks_started_total"] - before[
                "threadpool_tasks_completed_total"
            ]

        for (started, completed, count, waited), backlog in self.run_and_count(work):
            self.assertEqual((started, completed, count, backlog), (6, 6, 6, 6))
            self.assertGreater(waited, 0.9 * (2 * 0.2 + 2 * 0.4))

    def test_who_does_not_wait_any_more_leaves_no_backlog(self):
        async def work():
            limiter = anyio.CapacityLimiter(1)
            with anyio.move_on_after(0.1):
                async with anyio.create_task_group() as tasks:
                    for _ in range(3):
                        tasks.start_soon(
                            lambda: anyio.to_thread.run_sync(
                                time.sleep, 0.3, abandon_on_cancel=True, limiter=limiter
                            )
                        )
            before = page()
            await asyncio.sleep(0.4)
            return before["threadpool_tasks_completed_total"]

        for (started, completed, count, _), _ in self.run_and_count(work):
            self.assertEqual((started, completed, count), (3, 3, 1))

    def test_the_default_executor_and_one_of_its_own(self):
        async def work():
            loop = asyncio.get_running_loop()
            pool = signals.meter(ThreadPoolExecutor(1))
            tasks = [loop.run_in_executor(pool, time.sleep, 0.1) for _ in range(3)]
            tasks.append(asyncio.ensure_future(asyncio.to_thread(time.sleep, 0.1)))
            tasks[2].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # A metered pool as the default one: each task counts once.
            loop.set_default_executor(pool)
            await asyncio.to_thread(time.sleep, 0)
            with self.assertRaises(ZeroDivisionError):
                await loop.run_in_executor(None, lambda: 1 / 0)
            pool.shutdown()
            with self.assertRaises(RuntimeError):
                pool.submit(time.sleep, 0)
            loop.set_default_executor(ThreadPoolExecutor(1))

        for (started, completed, count, _), _ in self.run_and_count(work):
            self.assertEqual((started, completed, count), (7, 7, 5))


APP = """
import asyncio
from fastapi import FastAPI, HTTPException
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

app = FastAPI()

@app.get("/")
def index():
    return "done"

@app.get("/gone")
def gone():
    raise HTTPException(410)

@app.get("/broken")
def broken():
    raise RuntimeError

def drive(app, paths=("/", "/", "/gone", "/broken", "/nowhere", "/metrics")):
    from starlette.testclient import TestClient

    with TestClient(app, raise_server_exceptions=False) as client:
        for path in paths:
            client.get(path)
        return generate_latest().decode()

def show(page):
    families = list(text_string_to_metric_families(page))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), sorted(names)
    samples = {(s.name, *s.labels.values()): s.value for f in families for s in f.samples}
    for key, value in sorted(samples.items()):
        print(*key, value)
"""

COUNT = "http_request_duration_seconds_count"


class Collisions(unittest.TestCase):
    """Another metric of one of the names, made before ours and after."""

    def lines(self, code, **environment):
        run = python(APP + textwrap.dedent(code), **environment)
        return set(run.stdout.splitlines()), run.stderr

    def expect(self, expected, lines):
        self.assertEqual(expected - lines, set(), "missing")

    def test_alone(self):
        lines, stderr = self.lines("""
            import asyncio_signals
            show(drive(asyncio_signals.Signals(app)))
        """)
        self.expect(
            {
                f"{COUNT} 5.0",
                "http_request_failures_total 3.0",
                "active_requests 0.0",
                "threadpool_tasks_started_total 4.0",
                "threadpool_tasks_completed_total 4.0",
            },
            lines,
        )
        self.assertNotIn("asyncio_signals does not export", stderr)

    def test_prometheus_fastapi_instrumentator(self):
        theirs = "Instrumentator().instrument(app).expose(app)"
        imports = "from prometheus_fastapi_instrumentator import Instrumentator"
        for script in (
            f"{imports}; {theirs}; import asyncio_signals; app = asyncio_signals.Signals(app)",
            f"import asyncio_signals; {imports}; {theirs}; app = asyncio_signals.Signals(app)",
            f"{imports}; {theirs}; import asyncio_signals; app.add_middleware(asyncio_signals.Signals)",
            f"import asyncio_signals; app.add_middleware(asyncio_signals.Signals); {imports}; {theirs}",
        ):
            with self.subTest(script):
                lines, stderr = self.lines(f"{script}\nshow(drive(app))")
                self.expect(
                    {
                        # Theirs, all of it.
                        f"{COUNT} / GET 2.0",
                        f"{COUNT} /gone GET 1.0",
                        "http_requests_total / GET 2xx 2.0",
                        "http_request_duration_highr_seconds_count 6.0",
                        # Ours, beside it.
                        "http_request_failures_total 3.0",
                        "active_requests 0.0",
                    },
                    lines,
                )
                self.assertFalse([line for line in lines if line.startswith(f"{COUNT} 5")])
                self.assertNotIn("asyncio_signals does not export", stderr)

    def test_a_histogram_by_hand(self):
        theirs = f"own = Histogram('http_request_duration_seconds', 'own'); own.observe(7)"
        for script in (
            f"{theirs}\nimport asyncio_signals\nshow(drive(asyncio_signals.Signals(app)))",
            f"import asyncio_signals\n{theirs}\nshow(drive(asyncio_signals.Signals(app)))",
            # After requests were observed, and pages made.
            f"""
import asyncio_signals
app = asyncio_signals.Signals(app)
assert "\\n{COUNT} 5.0" in drive(app)
{theirs}
show(drive(app))
""",
        ):
            with self.subTest(script):
                lines, stderr = self.lines(script)
                self.assertIn(f"{COUNT} 1.0", lines)
                self.assertIn("http_request_duration_seconds_sum 7.0", lines)
                self.assertNotIn("asyncio_signals does not export", stderr)

    def test_another_type_is_told(self):
        for theirs in (
            "Gauge('http_request_duration_seconds', 'own').set(7)",
            "Counter('active_requests', 'own').inc(7)",
            "Gauge('threadpool_tasks_started_total', 'own').set(7)",
        ):
            name = theirs.split("'")[1]
            for script in (
                f"{theirs}\nimport asyncio_signals",
                f"import asyncio_signals\n{theirs}",
            ):
                with self.subTest(script):
                    lines, stderr = self.lines(
                        f"{script}\nshow(drive(asyncio_signals.Signals(app)))"
                    )
                    self.assertTrue(any(line.endswith(" 7.0") for line in lines))
                    words = f"asyncio_signals does not export {name}: the registry has a "
                    self.assertEqual(stderr.count(words), 1, stderr)

    def test_with_several_workers(self):
        script = """
            from prometheus_fastapi_instrumentator import Instrumentator
            import asyncio_signals
            from prometheus_client import CollectorRegistry
            from prometheus_client.multiprocess import MultiProcessCollector
            app.add_middleware(asyncio_signals.Signals)
            Instrumentator().instrument(app)
            drive(app)
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
            show(generate_latest(registry).decode())
        """
        with tempfile.TemporaryDirectory() as directory:
            lines, _ = self.lines(script, PROMETHEUS_MULTIPROC_DIR=directory)
        self.assertIn(f"{COUNT} / GET 2.0", lines)
        self.assertIn("http_request_failures_total 3.0", lines)
        self.assertFalse([line for line in lines if line.startswith(f"{COUNT} 5")])


class Readme(unittest.TestCase):
    def test_what_it_shows_of_fastapi_is_enough(self):
        [shown] = README.read_text().split("\n```python\n")[1:]
        code = """
            page = drive(app, paths=("/", "/metrics", "/metrics/"))
            names = ("asyncio_event_loop_lag_seconds", "http_request_duration_seconds_count 1.0")
            assert all(f"\\n{name}" in page for name in names), page
        """
        python(APP + shown.split("```")[0] + textwrap.dedent(code))


class Startup(unittest.TestCase):
    def blocked(self, serve):
        """For how long the loop was blocked, by what `serve` prints once the service is started."""
        code = """
            import contextlib, time
            import asyncio_signals
            from starlette.testclient import TestClient

            def blocked():
                page = generate_latest().decode().splitlines()
                [line] = [line for line in page if line.startswith("blocking_duration_seconds_sum ")]
                return float(line.split()[1])
        """
        run = python(APP + textwrap.dedent(code) + textwrap.dedent(serve))
        return float(run.stdout)

    def test_what_blocks_the_loop_meanwhile_is_no_stall(self):
        seconds = self.blocked("""
            @contextlib.asynccontextmanager
            async def lifespan(app):
                await asyncio.sleep(0.1)
                time.sleep(1)
                yield

            with TestClient(asyncio_signals.Signals(FastAPI(lifespan=lifespan))):
                time.sleep(0.1)
                print(blocked())
        """)
        self.assertLess(seconds, 0.8)

    def test_an_app_that_knows_no_lifespan_is_watched_before_its_first_request(self):
        seconds = self.blocked("""
            async def bare(scope, receive, send):
                assert scope["type"] == "http"

            async def serve():
                with contextlib.suppress(AssertionError):
                    await asyncio_signals.Signals(bare)({"type": "lifespan"}, None, None)
                await asyncio.sleep(0.1)
                time.sleep(1)
                await asyncio.sleep(0.1)
                print(blocked())

            asyncio.run(serve())
        """)
        self.assertGreater(seconds, 0.8)


SERVICE = """
import asyncio, os, time
from prometheus_client import CollectorRegistry, make_asgi_app
from prometheus_client.multiprocess import MultiProcessCollector
import asyncio_signals

registry = CollectorRegistry()
MultiProcessCollector(registry)
metrics = make_asgi_app(registry)

async def service(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["path"] == "/block":
        time.sleep(4)
    if scope["path"] == "/kill":
        os.kill(os.getpid(), 9)
    await asyncio.to_thread(time.sleep, 0.01)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})

measured = asyncio_signals.Signals(service)

async def app(scope, receive, send):
    page = metrics if scope.get("path", "").startswith("/metrics") else measured
    await page(scope, receive, send)
"""


class Workers(unittest.TestCase):
    """Two workers behind one page, made of their files."""

    def test_who_is_gone_is_buried_by_one_of_them(self):
        code = """
            import os, pathlib
            import asyncio_signals

            files = pathlib.Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
            for name in ("gauge_livesum_{}.db", "gauge_livemax_{}.db", "counter_{}.db"):
                for pid in (os.getpid(), 4194305):
                    (files / name.format(pid)).touch()

            def kill(pid, signal):
                if pid != os.getpid():
                    (files / f"gauge_livesum_{pid}.db").unlink(missing_ok=True)  # the other one
                    raise ProcessLookupError

            os.kill = kill
            asyncio_signals.bury()
            left = sorted(file.name for file in files.iterdir())
            names = [f"{kind}_{os.getpid()}.db" for kind in ("gauge_livemax", "gauge_livesum")]
            assert left == sorted([f"counter_{os.getpid()}.db", "counter_4194305.db", *names]), left
        """
        with tempfile.TemporaryDirectory() as directory:
            python(code, PROMETHEUS_MULTIPROC_DIR=directory)

    def served(self, server, work):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, "workers.py").write_text(SERVICE)
            files = Path(directory, "files")
            files.mkdir()
            path = os.pathsep.join([directory, str(EXAMPLES)])
            environment = {
                **os.environ,
                "PYTHONPATH": path,
                "PROMETHEUS_MULTIPROC_DIR": str(files),
                "ASYNCIO_SIGNALS_HOLD_S": "3",
            }
            command = [sys.executable, "-m", *(word.format(port=port) for word in server)]
            process = subprocess.Popen(
                command,
                env=environment,
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                work(f"http://127.0.0.1:{port}")
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def get(self, url, timeout=10):
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.read().decode()

    def eventually(self, get, holds):
        end = time.monotonic() + 20
        while True:
            try:
                value = get()
                if holds(value):
                    return value
            except OSError:
                value = None
            self.assertLess(time.monotonic(), end, value)
            time.sleep(0.1)

    def check(self, url):
        pids = set()

        def both():
            pids.add(self.get(f"{url}/", timeout=1))
            return pids

        self.eventually(both, lambda pids: len(pids) == 2)
        lag = lambda page: page["asyncio_event_loop_lag_seconds"]
        metrics = lambda: samples(self.get(f"{url}/metrics/", timeout=1))
        # An answer may arrive before it is counted.
        calm = self.eventually(metrics, lambda page: page[COUNT] >= 2)
        self.assertGreaterEqual(calm["threadpool_tasks_started_total"], 2)
        self.assertEqual(
            calm["threadpool_tasks_started_total"], calm["threadpool_tasks_completed_total"]
        )
        self.assertEqual(calm["active_requests"], 0)
        self.assertLess(calm["asyncio_event_loop_lag_seconds"], 2)
        # One worker hangs; the page is made by the other one, or comes to it in time.
        threading.Thread(target=self.get, args=(f"{url}/block",)).start()
        time.sleep(1)
        hanging = self.eventually(metrics, lambda page: lag(page) > 0.5)
        self.assertEqual(hanging["active_requests"], 1)
        self.eventually(metrics, lambda page: lag(page) > 3.5 and page["active_requests"] == 0)
        # It is forgotten, and so is what a worker had in flight that was killed.
        self.eventually(metrics, lambda page: lag(page) < 2)
        with self.assertRaises(OSError):
            self.get(f"{url}/kill")
        self.eventually(metrics, lambda page: page["active_requests"] == 0)

    def test_uvicorn(self):
        server = "uvicorn --workers 2 --port {port} --log-level error workers:app".split()
        self.served(server, self.check)

    def test_gunicorn(self):
        server = "gunicorn -w 2 -k asgi -b 127.0.0.1:{port} workers:app".split()
        self.served(server, self.check)


if __name__ == "__main__":
    unittest.main()
