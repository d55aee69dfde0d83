"""The calls that hold the loop of `culprits.py`, away from its coroutines."""

import json
import socketserver
import sqlite3
import tempfile
import threading
import time

try:
    import requests
except ImportError:
    requests = None

UPSTREAM = None
FILE = None
BIG = [{"id": number, "name": "user %d" % number, "tags": ["a", "b"]} for number in range(20_000)]


class Upstream(socketserver.StreamRequestHandler):
    """Answers as late as it is asked to: `/MS`."""

    def handle(self):
        path = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        time.sleep(int(path.strip("/")) / 1000)
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")


def prepare():
    """The server and the database that the calls need."""
    global UPSTREAM, FILE
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="upstream", daemon=True).start()
    UPSTREAM = "http://127.0.0.1:%d/" % server.server_address[1]
    FILE = tempfile.NamedTemporaryFile(suffix=".sqlite")
    with sqlite3.connect(FILE.name) as database:
        database.execute("CREATE TABLE users (id INTEGER)")


def fetch_user(ms):
    time.sleep(ms / 1000)
    return {"id": 1}


def count_primes(ms):
    end = time.perf_counter() + ms / 1000
    found, number = 0, 2
    while time.perf_counter() < end:
        found += all(number % divisor for divisor in range(2, int(number**0.5) + 1))
        number += 1
    return found


def write_locked(ms):
    holder = sqlite3.connect(FILE.name, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    writer = sqlite3.connect(FILE.name, timeout=ms / 1000)
    try:
        writer.execute("INSERT INTO users VALUES (1)")
    except sqlite3.OperationalError:
        pass
    finally:
        writer.close()
        holder.close()


def slow_query(ms):
    rows = ms * 6_000
    database = sqlite3.connect(":memory:")
    database.execute(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) SELECT sum(n) FROM c",
        (rows,),
    ).fetchone()
    database.close()


def ask_upstream(ms):
    return requests.get(UPSTREAM + str(ms)).text


def dump_report(ms):
    end = time.perf_counter() + ms / 1000
    size = 0
    while time.perf_counter() < end:
        size += len(json.dumps(BIG))
    return size
