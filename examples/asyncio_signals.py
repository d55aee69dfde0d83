"""The runtime signals of an asyncio service, named as default_metrics.yaml asks for them.

Needs prometheus_client, and a page made of its default registry. In FastAPI, all of it:

    app.add_middleware(asyncio_signals.Signals)
    app.mount("/metrics", prometheus_client.make_asgi_app())

Other ASGI apps (Starlette, Litestar, Quart, Django) by add_middleware too, or around the app:

    app = asyncio_signals.Signals(app, page="/metrics")

Anything else: call `asyncio_signals.install()` once in the running loop, and put
`with asyncio_signals.request():` around the handling of each request.

Requests: one fails whose handler raises or is cancelled, or that is answered with a status of
400 or more, and that for which `.failed = True` is set on what `with ... as` gives. The page of
metrics is no request of the service, nor is a WebSocket: a service that has nothing else wants
`evidence: {min_requests: 0}` in metrics.yaml, or request() around each message.

Threads: asyncio.to_thread, run_in_executor(None, ...) and anyio's, and so the `def` handlers of
FastAPI and Starlette, are seen by themselves. A pool of your own is, once you say

    pool = asyncio_signals.meter(ThreadPoolExecutor(8))

Names: nothing of this claims a name in the registry. Where another metric has one of these
names, whether it came before or after, that one is shown and ours is not; if it is of another
type, a warning says so. (http_request_duration_seconds of prometheus-fastapi-instrumentator
knows nothing above 1 s: let p99_latency ask http_request_duration_highr_seconds_bucket instead.
It also counts the page: say Instrumentator(excluded_handlers=["/metrics"]).)

Lag: asyncio_event_loop_lag_seconds is the worst since the same reader's page before, or what is
still going on. A reader is told by address and User-Agent (those who share both are one), and each
run of `auditor` has a User-Agent of its own: none takes a stall from another, and a run is not
shown those before it. What ended less than its own length ago is shown again, for the page before
may have come too late. The first page of a reader has what is going on. One that comes later than
HOLD_S after the page before has no lag: nobody knows what the reader has missed.

That holds for pages behind `Signals`. Of others, as start_http_server makes them, the reader is
not known, and a stall is shown for HOLD_S: no reader misses it that comes more often than that.
A healthy run is shown the stalls of a sick one that ended less than HOLD_S before it began, so
ASYNCIO_SIGNALS_HOLD_S=3 in the environment suits a service that only `auditor` scrapes, each
second.

Several workers: set PROMETHEUS_MULTIPROC_DIR to a directory that is empty at the start, and make
the page with prometheus_client's MultiProcessCollector. Readers are not known there either, and
another metric with one of these names has to exist when the service has started: what ours has
written until then stays on the page. What a worker does that is stopped as a whole (by C code or a
regular expression that keeps the GIL), or that died, is on no page. Without that variable, scrape
each worker by itself.
"""

import asyncio
import contextlib
import contextvars
import functools
import os
import sys
import threading
import time
import warnings
from collections import deque
from pathlib import Path

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

TICK_S = 0.02  # how often the loop's lag is measured
BLOCKING_S = 0.1  # a lag from which on it counts as blocked; asyncio's slow_callback_duration
# How long a stall is kept for the next page; has to exceed the scrape interval.
HOLD_S = float(os.environ.get("ASYNCIO_SIGNALS_HOLD_S", 70))
READERS = 100  # so many of those who came last are remembered
PUBLISH_S = 0.1  # how often the lag is published where pages are made of files
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
MULTIPROCESS = bool({"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"} & set(os.environ))


class Metric:
    """A metric outside the registry, where it is in nobody's way; a namesake there prevails."""

    def __init__(self, kind, name, text, **options):
        self.create = functools.partial(kind, name, text, registry=None, **options)
        self.kind, self.name, self.metric, self.has_warned = kind, name, None, False
        if not MULTIPROCESS:
            self.metric = self.create()

    def is_ours(self):
        """Whether no other metric has the name; with several workers, it exists from then on."""
        taken = getattr(REGISTRY, "_names_to_collectors", {})
        base = self.name.removesuffix("_total")
        names = (self.name, base, f"{base}_total", f"{base}_bucket", f"{base}_count")
        other = next((taken[name] for name in names if name in taken), None)
        if other is None:
            self.metric = self.metric or self.create()
        elif not isinstance(other, self.kind) and not self.has_warned:
            self.has_warned = True
            warnings.warn(
                f"asyncio_signals does not export {self.name}: the registry has a "
                f"{type(other).__name__} of that name, where a {self.kind.__name__} is asked for",
                RuntimeWarning,
                stacklevel=2,
            )
        return other is None

    def use(self, method, *args):
        # What is written to the files of several workers is on the page.
        if not MULTIPROCESS or self.is_ours():
            getattr(self.metric, method)(*args)


# Only the workers that live have a present; an older prometheus_client knows no such maximum.
LIVE_MAX = "livemax" if "livemax" in getattr(Gauge, "_MULTIPROC_MODES", ()) else "max"

LATENCY = Metric(
    Histogram, "http_request_duration_seconds", "Duration of requests.", buckets=BUCKETS
)
FAILURES = Metric(Counter, "http_request_failures_total", "Requests that failed.")
ACTIVE = Metric(Gauge, "active_requests", "Requests in flight.", multiprocess_mode="livesum")
LAG = Metric(
    Gauge,
    "asyncio_event_loop_lag_seconds",
    "Worst lag since the page before, unless that is too long ago.",
    multiprocess_mode=LIVE_MAX,
)
BLOCKING_EVENTS = Metric(Counter, "blocking_events_total", "How often the loop was blocked.")
BLOCKING = Metric(
    Histogram, "blocking_duration_seconds", "For how long it was.", buckets=BUCKETS
)
WAIT = Metric(
    Histogram, "threadpool_queue_wait_seconds", "Time tasks wait for a thread.", buckets=BUCKETS
)
STARTED = Metric(Counter, "threadpool_tasks_started_total", "Tasks handed to a thread pool.")
COMPLETED = Metric(Counter, "threadpool_tasks_completed_total", "Tasks a pool is done with.")
METRICS = (LATENCY, FAILURES, ACTIVE, BLOCKING_EVENTS, BLOCKING, WAIT, STARTED, COMPLETED)


class Lags:
    """The lags of late, as far as a page may have to tell of them."""

    def __init__(self):
        self.late, self.lock = deque(), threading.Lock()  # (when, lag), each lag below the last

    def note(self, now, lag):
        with self.lock:
            while self.late and self.late[-1][1] <= lag:
                self.late.pop()
            self.late.append((now, lag))
            while now - self.late[0][0] > HOLD_S:
                self.late.popleft()

    def worst(self, now, since=0.0, reach=HOLD_S):
        """The worst that ended after `since`, and within `reach` seconds or its own length."""
        with self.lock:
            ended = ((now - when, lag) for when, lag in self.late if when >= since)
            return next((lag for age, lag in ended if age <= max(reach, lag)), 0.0)


class Watch:
    """Measures by how much a timer of a loop is late, for as long as the loop runs."""

    running = []

    def __init__(self, loop):
        self.loop, self.lags, self.due = loop, Lags(), time.monotonic() + TICK_S
        self.running.append(self)
        self.task = loop.create_task(self.run(), name="asyncio_signals")

    async def run(self):
        try:
            while True:
                self.due = time.monotonic() + TICK_S
                await asyncio.sleep(TICK_S)
                now = time.monotonic()
                lag = max(0.0, now - self.due)
                self.lags.note(now, lag)
                if lag > BLOCKING_S:
                    BLOCKING_EVENTS.use("inc")
                    BLOCKING.use("observe", lag)
        finally:
            self.running.remove(self)

    def worst(self, now, *span):
        """The worst of the lags, or the one that is still going on."""
        return max(self.lags.worst(now, *span), now - self.due)


class Page:
    """Shows our metrics on the registry's page."""

    reader = contextvars.ContextVar("reader", default=None)

    def __init__(self):
        self.readers, self.lock = {}, threading.Lock()  # when each had its first page and its last

    def describe(self):
        return []  # the names that it claims

    def collect(self):
        for metric in METRICS:
            if metric.is_ours():
                yield from metric.metric.collect()
        # Where no loop is watched, none is calm.
        if watches() and LAG.is_ours():
            yield from self.lag()

    def lag(self):
        with self.lock:  # of two pages at once, each shows its own
            span = self.span(self.reader.get(), time.monotonic())
            if not MULTIPROCESS and span:
                LAG.metric.set(worst_lag(*span))
            [family] = LAG.metric.collect()
            if not span:
                family.samples.clear()
            return [family]

    def span(self, reader, now):
        """Now, since when this reader comes, and how far back its page reaches; if that is known."""
        first, last = self.readers.pop(reader, (now, now))
        is_late = now - last > HOLD_S
        self.readers[reader] = now if is_late else first, now
        if len(self.readers) > READERS:
            del self.readers[next(iter(self.readers))]
        return None if is_late else (now, first, HOLD_S if reader is None else now - last)


REGISTRY.register(Page())


def watches():
    return [watch for watch in list(Watch.running) if watch.loop.is_running()]


def worst_lag(*span):
    return max((watch.worst(*span) for watch in watches()), default=0.0)


def publish():
    """Writes the lag to this worker's file, also while its loop hangs."""
    while watches():
        LAG.use("set", worst_lag(time.monotonic()))
        time.sleep(PUBLISH_S)


def bury():
    """Removes what workers that are gone have left of their present: requests in flight, lag."""
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("gauge_live*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)  # another worker may do so too
        except PermissionError:
            pass  # it lives, as somebody else


def install():
    """Starts to measure the running loop and its threads, if that has not been done."""
    loop = asyncio.get_running_loop()
    if any(watch.loop is loop for watch in Watch.running):
        return
    for metric in (LAG, *METRICS):
        metric.is_ours()
    Watch(loop)
    meter_loop(loop)
    if "anyio" in sys.modules:
        meter_anyio()
    if MULTIPROCESS:
        bury()
        threading.Thread(target=publish, name="asyncio_signals", daemon=True).start()


class Task:
    """A function on its way through a thread pool: it waits, and then it runs."""

    def __init__(self, fn):
        self.fn, self.submitted, self.began = fn, time.perf_counter(), False
        self.once = threading.Lock()
        STARTED.use("inc")

    def __call__(self, *args, **kwargs):
        self.began = True
        WAIT.use("observe", time.perf_counter() - self.submitted)
        try:
            return self.fn(*args, **kwargs)
        finally:
            self.done()

    def done(self, _future=None):
        if self.once.acquire(blocking=False):
            COMPLETED.use("inc")

    def left(self, _future=None):
        """Nobody waits for it any more; if it has not begun, it never will."""
        if not self.began:
            self.done()


def meter(executor):
    """Sees the tasks of a pool of threads too."""
    submit = executor.submit

    def metered(fn, /, *args, **kwargs):
        task = fn if isinstance(fn, Task) else Task(fn)
        try:
            future = submit(task, *args, **kwargs)
        except BaseException:  # the pool is shut down
            task.done()
            raise
        future.add_done_callback(task.done)
        return future

    executor.submit = metered
    return executor


def meter_loop(loop):
    """Sees the tasks of the loop's default executor, whichever that is."""
    run = loop.run_in_executor

    def run_in_executor(executor, fn, *args):
        if executor is not None:
            return run(executor, fn, *args)
        task = Task(fn)
        try:
            future = run(None, task, *args)
        except BaseException:
            task.done()
            raise
        future.add_done_callback(task.left)
        return future

    loop.run_in_executor = run_in_executor


def meter_anyio():
    """Sees the tasks of anyio's worker threads, which wait for a token of a limiter."""
    from anyio import to_thread

    run = to_thread.run_sync
    if hasattr(run, "sees_threads"):
        return  # of another loop before this one

    @functools.wraps(run)
    async def run_sync(fn, *args, **options):
        task = Task(fn)
        try:
            return await run(task, *args, **options)
        finally:
            task.left()

    run_sync.sees_threads = True
    to_thread.run_sync = run_sync


class Request:
    """A request that is handled."""

    failed = False


@contextlib.contextmanager
def request():
    """One request: it counts as active, its duration is observed, and whether it failed."""
    it, started = Request(), time.perf_counter()
    ACTIVE.use("inc")
    try:
        yield it
    except BaseException:
        it.failed = True
        raise
    finally:
        ACTIVE.use("dec")
        LATENCY.use("observe", time.perf_counter() - started)
        if it.failed:
            FAILURES.use("inc")


def agent(scope):
    return next((value for name, value in scope["headers"] if name == b"user-agent"), b"")


class Signals:
    """ASGI middleware; `page` is the path of the page of metrics."""

    def __init__(self, app, page="/metrics"):
        self.app, self.page = app, page

    def is_page(self, scope):
        # An app that is mounted, or has a root_path, may find that before the path.
        roots = "", scope.get("root_path", ""), getattr(self.app, "root_path", "")
        return scope["path"].rstrip("/") in [root.rstrip("/") + self.page for root in roots]

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.start(scope, receive, send)
            return
        install()
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.is_page(scope):
            Page.reader.set((*(scope.get("client") or ())[:1], agent(scope)))
            await self.app(scope, receive, send)
            return
        with request() as it:

            async def answer(message):
                if message["type"] == "http.response.start" and message["status"] >= 400:
                    it.failed = True
                await send(message)

            await self.app(scope, receive, answer)

    async def start(self, scope, receive, send):
        """What blocks the loop while the service starts is no stall: nobody asks it yet."""

        async def started(message):
            if message["type"] == "lifespan.startup.complete":
                install()
            await send(message)

        try:
            await self.app(scope, receive, started)
        finally:
            install()  # an app that knows no lifespan is there at once
