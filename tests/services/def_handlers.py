"""A FastAPI service whose handlers are `def`: anyio runs them in 40 threads. It exports nothing."""

import asyncio
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def quick():
    return "done"


@app.get("/await")
async def waits(ms: float):
    await asyncio.sleep(ms / 1000)


@app.get("/pool")
def pool(ms: float):
    time.sleep(ms / 1000)
