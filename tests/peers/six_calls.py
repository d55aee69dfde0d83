"""Six calls that hold an event loop, each in a function that a coroutine calls, as an ASGI service:
`uvicorn --app-dir tests/peers six_calls:app`, with a path a call.

Each holds it for about SECONDS; `/mix` does one after the other. `/calm` does it well, and nobody
should say anything of it. The lines at fault are marked `held: NAME`.
"""

import asyncio
import json
import os
import socketserver
import sqlite3
import tempfile
import threading
import time

SECONDS = 0.6
CALLS = ["sleep", "cpu", "lock", "query", "requests", "json"]


def fetch_user():
    time.sleep(SECONDS)  # held: sleep


def count_words():
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        set(sorted("a few words " * 500))  # held: cpu


def save_order():
    connection = sqlite3.connect(database, timeout=SECONDS)
    try:
        connection.execute("INSERT INTO orders VALUES (1)")  # held: lock
    except sqlite3.OperationalError:
        pass  # another one has the database all the time
    finally:
        connection.close()


def list_orders():
    connection = sqlite3.connect(":memory:")
    text = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT max(i) FROM n"
    connection.execute(text, (rows,)).fetchall()  # held: query
    connection.close()


def ask_partner():
    requests.get(partner, timeout=10)  # held: requests


def render_report():
    return json.dumps(records)  # held: json


WORK = dict(zip(CALLS, [fetch_user, count_words, save_order, list_orders, ask_partner, render_report]))


async def handle(name):
    if name in WORK:
        WORK[name]()
    elif name == "mix":
        for call in PREPARED:
            WORK[call]()
            await asyncio.sleep(0.15)
    elif name == "calm":
        await asyncio.sleep(SECONDS)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await handle(scope["path"].strip("/"))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done\n"})


# Below: what the calls need, made before the service answers: of those that CALLS names, if it is
# set in the environment.


def seconds_of(call, *args):
    began = time.perf_counter()
    call(*args)
    return time.perf_counter() - began


class Partner(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(4096)
        time.sleep(SECONDS)
        self.request.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def prepare(names):
    global database, rows, partner, records, requests, holder
    if "lock" in names:
        database = os.path.join(tempfile.mkdtemp(), "orders.db")
        holder = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        holder.execute("CREATE TABLE orders (id INTEGER)")
        holder.execute("BEGIN EXCLUSIVE")
    if "query" in names:
        rows = 300_000
        rows = int(rows * SECONDS / seconds_of(list_orders))
    if "requests" in names:
        import requests

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Partner)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        partner = "http://127.0.0.1:%d/" % server.server_address[1]
    if "json" in names:
        record = {"id": 12345, "name": "a name", "tags": ["a", "b", "c"], "price": 12.5}
        records = [record] * 20_000
        records = [record] * int(20_000 * SECONDS / seconds_of(render_report))


PREPARED = os.environ.get("CALLS", ",".join(CALLS)).split(",")
prepare(PREPARED)
