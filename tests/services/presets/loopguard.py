"""FastAPI with fastapi-loopguard, its metrics switched on: `python loopguard.py PORT`."""

import asyncio
import sys
import time

import uvicorn
from fastapi import FastAPI, Response
from fastapi_loopguard import LoopGuardConfig, LoopGuardMiddleware
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

app = FastAPI()
app.add_middleware(
    LoopGuardMiddleware,
    config=LoopGuardConfig(prometheus_enabled=True, enforcement_mode="log"),
)


@app.get("/metrics")
async def metrics():
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@app.get("/")
async def calm():
    await asyncio.sleep(0.005)
    return "done"


@app.get("/stall")
async def stall(s: float):
    time.sleep(s)  # on the loop
    return "done"


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
