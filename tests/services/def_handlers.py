"""A FastAPI service whose handlers are `def`: anyio runs them in 40 threads. It exports nothing."""

import asyncio
import hashlib
import select
import socket
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


@app.get("/asks")
def asks(ms: float):
    """Waits for an answer with a timeout, as a client of HTTP does."""
    here, there = socket.socketpair()
    with here, there:
        poll = select.poll()
        poll.register(here, select.POLLIN)
        poll.poll(ms)


@app.get("/hash")
async def hashes(rounds: int):
    """Computes without the lock of the interpreter, in the loop's default pool."""
    await asyncio.to_thread(hashlib.pbkdf2_hmac, "sha512", b"x", b"y", rounds)
