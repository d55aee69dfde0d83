"""FastAPI with fastapi-runtime-details-collector, as its README says: `python fastapi-runtime-details.py PORT`."""

import asyncio
import sys
import time
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi_runtime_details_collector import FastAPIRuntimeCollector, setup_lag_monitor
from prometheus_client import make_asgi_app


@asynccontextmanager
async def lifespan(_):
    task = setup_lag_monitor(FastAPIRuntimeCollector())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)
app.mount("/metrics", make_asgi_app())


@app.get("/")
async def calm():
    await asyncio.sleep(0.005)
    return "done"


@app.get("/stall")
async def stall(s: float):
    time.sleep(s)  # on the loop
    return "done"


@app.get("/pool")
def pool(s: float = 0.3):
    time.sleep(s)  # in one of anyio's 40 threads
    return "done"


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
