"""FastAPI with prometheus-fastapi-instrumentator, as its README says: `python fastapi-instrumentator.py PORT`."""

import asyncio
import sys
import time

import uvicorn
from fastapi import FastAPI
from prometheus_fastapi_instrumentator import Instrumentator

app = FastAPI()
Instrumentator(excluded_handlers=["/metrics"]).instrument(app).expose(app)


@app.get("/")
async def calm():
    await asyncio.sleep(0.005)
    return "done"


@app.get("/health")
async def health():
    return "well"


@app.get("/stall")
async def stall(s: float):
    time.sleep(s)  # on the loop
    return "done"


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
