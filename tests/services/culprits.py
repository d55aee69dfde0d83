"""Calls that hold an event loop, each one function away from the coroutine, and calm neighbours.

    python -m uvicorn --app-dir tests/services culprits:app --port 8000

`/sleep`, `/cpu`, `/lock`, `/query`, `/requests` and `/json` hold the loop for
`?ms=` milliseconds (300), and `/mix` for one of the first five, in turn. `/calm`, `/pool`, `/await`
and `/callbacks` take as long and hold nothing. `/truth` tells the longest that a ticker was late.
"""

import asyncio
import itertools
import json
import sys
import time
from urllib.parse import parse_qs

import culprits_db as db

TURNS = itertools.count()
MIXED = ("/sleep", "/cpu", "/lock", "/query", "/requests")
WORST = 0.0


async def tick():
    """Keeps the longest that a sleep of 5 ms took too long, in seconds."""
    global WORST
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.005)
        WORST = max(WORST, time.monotonic() - before - 0.005)


def spin(left):
    """A chain of callbacks of a millisecond each: busy, but never in one of them for long."""
    done = asyncio.get_event_loop().create_future()

    def step(left):
        end = time.perf_counter() + 0.001
        while time.perf_counter() < end:
            pass
        if left > 0:
            asyncio.get_event_loop().call_soon(step, left - 1)
        elif not done.done():
            done.set_result(None)

    step(left)
    return done


async def answer_for(path, ms):
    """Does what the path stands for, and returns what to answer."""
    global WORST
    if path == "/mix":
        path = MIXED[next(TURNS) % len(MIXED)]
    if path == "/sleep":
        db.fetch_user(ms)
    elif path == "/cpu":
        db.count_primes(ms)
    elif path == "/lock":
        db.write_locked(ms)
    elif path == "/query":
        db.slow_query(ms)
    elif path == "/requests":
        db.ask_upstream(ms)
    elif path == "/json":
        db.dump_report(ms)
    elif path == "/pool":
        await asyncio.get_event_loop().run_in_executor(None, time.sleep, ms / 1000)
    elif path == "/await":
        await asyncio.sleep(ms / 1000)
    elif path == "/callbacks":
        await spin(ms)
    elif path == "/truth":
        worst, WORST = WORST, 0.0
        return {"max_lag_seconds": worst, "python": sys.version.split()[0]}
    return {"path": path}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "http":
        query = parse_qs(scope["query_string"].decode())
        answer = await answer_for(scope["path"], int(query.get("ms", ["300"])[0]))
        body = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def lifespan(receive, send):
    ticker = None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            db.prepare()
            ticker = asyncio.ensure_future(tick())
            await send({"type": "lifespan.startup.complete"})
        else:
            ticker.cancel()
            await send({"type": "lifespan.shutdown.complete"})
            return
