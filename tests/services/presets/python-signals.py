"""FastAPI with examples/asyncio_signals.py, as its first lines say: `python python-signals.py PORT`."""

import asyncio
import sys
import time
from pathlib import Path

import prometheus_client
import uvicorn
from fastapi import FastAPI

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "examples"))
import asyncio_signals

app = FastAPI()
app.add_middleware(asyncio_signals.Signals)
app.mount("/metrics", prometheus_client.make_asgi_app())


@app.get("/")
async def calm():
    await asyncio.sleep(0.005)
    return "done"


@app.get("/stall")
async def stall(s: float):
    time.sleep(s)  # on the loop  # noqa: ASYNC251
    return "done"


@app.get("/pool")
def pool(s: float = 0.3):
    time.sleep(s)  # in one of anyio's 40 threads
    return "done"


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
