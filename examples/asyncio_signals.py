"""The runtime signals of an asyncio service, named as default_metrics.yaml asks for them.

ASGI (FastAPI, Starlette, Litestar, Quart, Django):

    app = asyncio_signals.Signals(app)

Anything else: call `asyncio_signals.install()` once in the running loop, and put
`with asyncio_signals.request():` around the handling of each request.

Needs prometheus_client, and a /metrics page for each process (with several workers, scrape
each of them). Only work for asyncio.to_thread and run_in_executor(None, …) is seen in the
thread pool: anyio, and so a `def` handler of FastAPI, brings threads of its own.
"""

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import Counter, Gauge, Histogram

TICK_S = 0.02  # how often the loop's lag is measured
BLOCKING_S = 0.1  # a lag from which on it counts as blocked; asyncio's slow_callback_duration
HOLD_S = 60  # how long the worst lag is shown, at least; has to exceed the scrape interval
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

LATENCY = Histogram("http_request_duration_seconds", "Duration of requests.", buckets=BUCKETS)
ACTIVE = Gauge("active_requests", "Requests in flight.")
LAG = Gauge("asyncio_event_loop_lag_seconds", "Worst lag of the event loop of late.")
BLOCKING_EVENTS = Counter("blocking_events_total", "How often the event loop was blocked.")
BLOCKING = Histogram("blocking_duration_seconds", "For how long it was.", buckets=BUCKETS)
WAIT = Histogram("threadpool_queue_wait_seconds", "Time tasks wait for a thread.", buckets=BUCKETS)
STARTED = Counter("threadpool_tasks_started_total", "Tasks handed to the thread pool.")
COMPLETED = Counter("threadpool_tasks_completed_total", "Tasks the thread pool is done with.")


class MeteredExecutor(ThreadPoolExecutor):
    """A thread pool that knows how long its tasks wait, and how many are not done."""

    def submit(self, fn, /, *args, **kwargs):
        submitted = time.perf_counter()

        def task():
            WAIT.observe(time.perf_counter() - submitted)
            return fn(*args, **kwargs)

        future = super().submit(task)
        STARTED.inc()
        future.add_done_callback(lambda _: COMPLETED.inc())
        return future


async def watch():
    """Measures by how much a timer of the loop is late, for as long as the loop runs."""
    loop = asyncio.get_running_loop()
    before, worst, since = 0.0, 0.0, loop.time()
    while True:
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        now = loop.time()
        lag = max(0.0, now - due)
        if lag > BLOCKING_S:
            BLOCKING_EVENTS.inc()
            BLOCKING.observe(lag)
        if now - since > HOLD_S:
            before, worst, since = worst, 0.0, now
        worst = max(worst, lag)
        LAG.set(max(before, worst))


def install(max_workers=None):
    """Starts to measure the running loop, and gives it a metered default executor."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(MeteredExecutor(max_workers))
    return loop.create_task(watch(), name="asyncio_signals")  # keep it, or it may be collected


@contextlib.contextmanager
def request():
    """One request: it counts as active, and its duration is observed."""
    started = time.perf_counter()
    ACTIVE.inc()
    try:
        yield
    finally:
        ACTIVE.dec()
        LATENCY.observe(time.perf_counter() - started)


class Signals:
    """ASGI middleware; it measures the loop that it is first called in."""

    def __init__(self, app, max_workers=None):
        self.app, self.max_workers, self.watcher = app, max_workers, None

    async def __call__(self, scope, receive, send):
        if self.watcher is None:
            self.watcher = install(self.max_workers)
        with request() if scope["type"] == "http" else contextlib.nullcontext():
            await self.app(scope, receive, send)
