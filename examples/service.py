"""A small asyncio service to try `auditor` on: well behaved, or sick on request.

    pip install uvicorn prometheus_client
    uvicorn --app-dir examples service:app

    /         waits 10 ms without blocking
    /block    sleeps 1.2 s on the event loop, as a synchronous database driver does
    /pool     sleeps 0.25 s in a thread pool, which has two threads
    /metrics  what Prometheus reads
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import make_asgi_app

import asyncio_signals

metrics = make_asgi_app()
pool = asyncio_signals.meter(ThreadPoolExecutor(max_workers=2))


async def service(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"].startswith("/metrics"):
        await metrics(scope, receive, send)
        return
    match scope["path"]:
        case "/block":
            time.sleep(1.2)
        case "/pool":
            await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0.25)
        case _:
            await asyncio.sleep(0.01)
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"done\n"})


app = asyncio_signals.Signals(service)
