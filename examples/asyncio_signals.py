"""The runtime signals of an asyncio service, named as default_metrics.yaml asks for them.

ASGI (FastAPI, Starlette, Litestar, Quart, Django), around the app or by add_middleware:

    app = asyncio_signals.Signals(app)

Anything else: call `asyncio_signals.install()` once in the running loop, and put
`with asyncio_signals.request():` around the handling of each request. An exception counts it as
failed, and so does `.failed = True` on what `with ... as` gives.

Needs prometheus_client, and a /metrics page made of its default registry.

Threads: asyncio.to_thread, run_in_executor(None, ...) and anyio's, and so the `def` handlers of
FastAPI and Starlette, are seen by themselves. A pool of your own is, once you say

    pool = asyncio_signals.meter(ThreadPoolExecutor(8))

Names: nothing of this claims a name in the registry. Where another metric has one of these
names, whether it came before or after, that one is shown and ours is not; if it is of another
type, a warning says so. (http_request_duration_seconds of prometheus-fastapi-instrumentator
knows nothing above 1 s: let p99_latency ask http_request_duration_highr_seconds_bucket instead.)

Lag: asyncio_event_loop_lag_seconds is the worst since the page before, or what is still going on.
Each reader, told by address and User-Agent, has pages of its own: it meets every stall at any
interval up to HOLD_S, nobody takes one from it, and none is older than its last page. So a run
is not shown the stalls of the run before. (One of more than LATE_S stays for as long again as it
took, for the page after it may have come too late.) That holds for pages behind `Signals`. Of
others, as start_http_server makes them, the reader is not known: a stall is shown for KEEP_S at
least, or for twice the slowest rhythm of pages within RHYTHM_S, if that is longer. A slow reader
who comes while a quick one is there already may then miss stalls in this gauge, unless KEEP_S is
its interval. blocking_events_total and blocking_duration_seconds count on and miss none.

Several workers: set PROMETHEUS_MULTIPROC_DIR to a directory that is empty at the start, and make
the page with prometheus_client's MultiProcessCollector. It is not known there when a page is
made, so the lag stays for HOLD_S: ASYNCIO_SIGNALS_HOLD_S=3 in the environment suits a service
that only `auditor` scrapes, each second. Without that variable, scrape each worker by itself.
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

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

TICK_S = 0.02  # how often the loop's lag is measured
BLOCKING_S = 0.1  # a lag from which on it counts as blocked; asyncio's slow_callback_duration
KEEP_S = 2  # how long a stall is shown, at least, to readers who are not known
# How long a stall is kept for the next page; has to exceed the scrape interval.
HOLD_S = float(os.environ.get("ASYNCIO_SIGNALS_HOLD_S", 70))
LATE_S = 3  # from which lag on the reader may have given up the page before it came
RHYTHM_S = 300  # how long a rhythm of pages is remembered
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
    Gauge, "asyncio_event_loop_lag_seconds", "Worst lag of late.", multiprocess_mode=LIVE_MAX
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

    def worst(self, now, reach, reading=0.0):
        """The worst that ended within `reach` seconds, for one who is `reading` for so long."""

        def counts(age, lag):
            return age <= reach or (lag > LATE_S and age <= min(lag, reading))

        with self.lock:
            return next((lag for when, lag in self.late if counts(now - when, lag)), 0.0)


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

    def worst(self, now, *reach):
        """The worst of the lags, or the one that is still going on."""
        return max(self.lags.worst(now, *reach), now - self.due)


class Reader:
    """Knows when it was given pages, and so how far back the next one has to reach."""

    def __init__(self, is_known):
        self.is_known, self.first, self.last = is_known, None, None
        self.gaps, self.rhythm, self.learned = deque(maxlen=7), 0.0, 0.0

    def reach(self, now):
        """How far back a page reaches that is made now, and since when it reads: in seconds."""
        if self.last is None or now - self.last > HOLD_S:
            self.first = self.last = now
        gap, self.last = now - self.last, now
        if not self.is_known:
            self.learn(now, gap)
            gap = min(max(KEEP_S, 2 * self.rhythm, gap), HOLD_S)
        return gap, now - self.first

    def learn(self, now, gap):
        self.gaps.append(gap)
        if len(self.gaps) == self.gaps.maxlen:
            # Pauses between two runs are longer, and rare.
            rhythm = sorted(self.gaps)[-3]
            if rhythm >= self.rhythm or now - self.learned > RHYTHM_S:
                self.rhythm, self.learned = rhythm, now


class Page:
    """Shows our metrics on the registry's page."""

    reader = contextvars.ContextVar("reader", default=None)

    def __init__(self):
        self.readers, self.lock = {}, threading.Lock()

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
            if not MULTIPROCESS:
                now = time.monotonic()
                LAG.metric.set(worst_lag(now, *self.reach(now)))
            return LAG.metric.collect()

    def reach(self, now):
        name = self.reader.get()
        self.readers = {it: r for it, r in self.readers.items() if now - r.last <= RHYTHM_S}
        return self.readers.setdefault(name, Reader(name is not None)).reach(now)


REGISTRY.register(Page())


def watches():
    return [watch for watch in list(Watch.running) if watch.loop.is_running()]


def worst_lag(now, *reach):
    return max((watch.worst(now, *reach) for watch in watches()), default=0.0)


def publish():
    """Writes the lag to this worker's file, also while its loop hangs."""
    while watches():
        LAG.use("set", worst_lag(time.monotonic(), HOLD_S))
        time.sleep(PUBLISH_S)


def bury():
    """Removes what workers that are gone have left of their present: requests in flight, lag."""
    from prometheus_client import multiprocess

    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    for name in os.listdir(directory):
        pid = name.removesuffix(".db").rpartition("_")[2]
        if name.startswith("gauge_live") and pid.isdigit():
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                multiprocess.mark_process_dead(pid)
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
    """ASGI middleware. The page of metrics, at `page`, is no request of the service."""

    def __init__(self, app, page="/metrics"):
        self.app, self.page = app, page

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.start(scope, receive, send)
            return
        install()
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].rstrip("/") == self.page:
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
