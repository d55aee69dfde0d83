"""FastAPI with transparent-fastapi, as its README says: `python transparent-fastapi.py PORT`."""

import asyncio
import sys
import time

import uvicorn
from fastapi import FastAPI
from transparent_fastapi import install

app = FastAPI()
install(app)


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


@app.get("/pool")
def pool(s: float = 0.3):
    time.sleep(s)  # in one of anyio's 40 threads
    return "done"


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
