"""What a service itself knows of its loop: a ticker on it, and counts of its requests.

Not for `auditor`, which looks at the service from outside: for the tests, which compare.
"""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

# How often the ticker wants to run, and from which lag on it keeps one as a stall; seconds.
TICK = 0.005
STALL = 0.1
# Threads of the pool that `to_thread` and `run_in_executor(None, ...)` use.
THREADS = 4


class Truth:
    def __init__(self):
        self.pool = None
        self.ticker = None
        self.active = 0
        self.reset()

    def reset(self):
        self.max_lag = 0.0
        self.stalls = []
        self.peak = self.active
        self.waiting_peak = 0

    def start(self):
        """Once, on the running loop."""
        if self.ticker is None:
            self.pool = ThreadPoolExecutor(THREADS)
            loop = asyncio.get_running_loop()
            loop.set_default_executor(self.pool)
            self.ticker = loop.create_task(self.tick())

    async def tick(self):
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            lag, last = now - last - TICK, now
            self.max_lag = max(self.max_lag, lag)
            self.waiting_peak = max(self.waiting_peak, self.waiting())
            if lag >= STALL:
                self.stalls.append({"ended": time.time(), "seconds": lag})

    def waiting(self):
        """Tasks that no thread has taken yet."""
        return self.pool._work_queue.qsize()

    def began(self):
        self.active += 1
        self.peak = max(self.peak, self.active)

    def ended(self):
        self.active -= 1

    def told(self):
        """Durations in seconds, instants as Unix time."""
        return {
            "pid": os.getpid(),
            "max_lag": self.max_lag,
            "stalls": self.stalls,
            "active": self.active,
            "active_peak": self.peak,
            "pool_threads": THREADS,
            "pool_waiting": self.waiting(),
            "pool_waiting_peak": self.waiting_peak,
        }


def block(seconds):
    time.sleep(seconds)  # blocks the loop


def compute(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:  # computes on the loop
        sum(range(1000))


async def work(path, seconds):
    """What the routes do, whichever framework they are of."""
    if path == "/block":
        block(seconds)
    elif path == "/cpu":
        compute(seconds)
    elif path == "/callbacks":
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            compute(0.001)
            await asyncio.sleep(0)
    elif path == "/await":
        await asyncio.sleep(seconds)
    elif path == "/pool":
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, seconds)
