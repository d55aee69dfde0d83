"""A Celery worker with celery-exporter beside it, and a Redis of their own; and its load.

    python celery_app.py PORT                     /metrics at PORT; Redis at PORT + 1
    python celery_app.py PORT SECONDS RATE TAKES  asks for so long for RATE tasks a second, of TAKES s each

Needs redis-server, and from PyPI prometheus-exporter-celery, which is danihodovic/celery-exporter.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from celery import Celery

# The worker imports this file too.
port = int(os.environ.setdefault("CELERY_APP_PORT", sys.argv[1]))
broker = f"redis://127.0.0.1:{port + 1}/0"
app = Celery("celery_app", broker=broker)
app.conf.worker_send_task_events = True


@app.task(name="work", ignore_result=True)
def work(takes):
    time.sleep(takes)


def serve():
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    redis = f"redis-server --bind 127.0.0.1 --port {port + 1} --save".split()
    worker = ["-m", "celery", "-A", "celery_app", "worker", "--concurrency=2", "--loglevel=ERROR"]
    exporter = ["-c", "from src.cli import cli; cli()", f"--broker-url={broker}", f"--port={port}"]
    commands = [*redis, ""], [sys.executable, *worker], [sys.executable, *exporter]
    with tempfile.TemporaryDirectory() as empty:
        parts = [subprocess.Popen(command, cwd=empty) for command in commands]
        try:
            while all(part.poll() is None for part in parts):
                time.sleep(0.1)
        finally:
            for part in parts:
                part.terminate()
            for part in parts:
                part.wait()


def load(seconds, rate, takes):
    begin, sent = time.monotonic(), 0
    while (now := time.monotonic() - begin) < seconds:
        if sent <= now * rate:
            work.delay(takes)
            sent += 1
        else:
            time.sleep(0.002)
    print(f"{sent} tasks sent")


if __name__ == "__main__":
    if rest := sys.argv[2:]:
        load(*map(float, rest))
    else:
        serve()
