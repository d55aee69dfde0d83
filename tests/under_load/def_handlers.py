"""A FastAPI service whose handlers are `def`: anyio runs them in 40 threads, unless told otherwise."""

import time

import asyncio_signals
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

app = FastAPI()
app.add_middleware(asyncio_signals.Signals)


@app.get("/")
def quick():
    time.sleep(0.01)


@app.get("/slow")
def slow():
    time.sleep(1.5)


@app.get("/metrics")
async def metrics():
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
