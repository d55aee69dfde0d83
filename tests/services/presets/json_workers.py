"""A program that has its jobs done by processes of their own, and shows its raw state as one JSON document.

The document has the shape of schema_version 1: stages, queue, agents, cost, each built by itself, and
`null` where something cannot be had. Numbers of processes and their CPU ticks are those of the kernel.

    json_workers.py PORT [calm | hangs | killed | unnoticed | dormant | frozen | off | idle]
"""

import json
import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORKERS = 2
# Real work, and what a job does that waits for a lock which nobody gives back.
WORK = "import time\nend = time.process_time() + 0.15\nwhile time.process_time() < end: pass\n"
HANG = "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()\n"
# From the start on, in seconds, and how often a job comes.
ILL_AFTER = 3.0
EVERY = 0.25
COST = 0.002


class Program:
    def __init__(self, mode):
        self.mode = mode
        self.lock = threading.Lock()
        self.started = time.monotonic()
        self.counts = {"queued": 0, "running": 0, "done": 0, "failed": 0, "cancelled": 0}
        self.running = {}
        self.was_ill = False
        self.frozen = None

    def is_ill(self):
        return time.monotonic() - self.started > ILL_AFTER

    def bring(self):
        """A job comes, again and again."""
        number = 0
        while self.mode != "idle":
            time.sleep(EVERY)
            with self.lock:
                # Nobody asks for more than is done.
                if self.counts["queued"] < 5:
                    number += 1
                    self.counts["queued"] += 1

    def work(self, agent):
        """Takes jobs, one after the other."""
        run = 0
        while self.mode != "dormant" or not self.is_ill():
            with self.lock:
                takes = self.counts["queued"] > 0
                if takes:
                    self.counts["queued"] -= 1
                    self.counts["running"] += 1
            if not takes:
                time.sleep(0.02)
                continue
            run += 1
            self.do(agent, f"{agent}-{run}")

    def do(self, agent, run):
        falls_ill = agent == "reviewer" and self.is_ill() and not self.was_ill
        hangs = falls_ill and self.mode == "hangs"
        self.was_ill = self.was_ill or falls_ill
        process = subprocess.Popen([sys.executable, "-c", HANG if hangs else WORK])
        with self.lock:
            self.running[run] = (agent, process.pid, time.monotonic())
        if falls_ill and self.mode in ("killed", "unnoticed"):
            process.kill()
        code = process.wait()
        while falls_ill and self.mode == "unnoticed":
            time.sleep(1)
        with self.lock:
            del self.running[run]
            self.counts["running"] -= 1
            self.counts["done" if code == 0 else "failed"] += 1

    def document(self):
        if self.mode == "off":
            return {"schema_version": 1, "enabled": False}
        if self.frozen and self.is_ill():
            return self.frozen
        with self.lock:
            counts, running = dict(self.counts), dict(self.running)
        now = time.monotonic()
        agents = [
            {
                "agent": agent,
                "run_id": run,
                "job_id": None,
                "repo": "shop",
                "pid": pid,
                "runtime_s": round(now - since, 3),
                "model": None,
                "effort": None,
                "cpu_ticks": cpu_ticks(pid),
            }
            for run, (agent, pid, since) in running.items()
        ]
        document = {
            "schema_version": 1,
            "generated_at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "clk_tck": os.sysconf("SC_CLK_TCK"),
            "stages": [
                {
                    "work_item": "shop-7",
                    "stage": "review",
                    "age_in_stage_s": round(now - self.started, 1),
                    "repo": "shop",
                    "task_id": 7,
                }
            ],
            "queue": {
                "counts": counts,
                "depth": counts["queued"],
                "retries": {"total": 0, "max": 0},
                "breaker": None,
                "max_concurrency": WORKERS,
                "poll_interval": 0.02,
            },
            "agents": agents,
            "cost": {
                "running": [
                    {"run_id": it["run_id"], "agent": it["agent"], "cost_usd": None} for it in agents
                ],
                "aggregate": {"cost_usd": round(COST * counts["done"], 6), "input_tokens": 0},
            },
        }
        if self.mode == "frozen":
            self.frozen = document
        return document


def cpu_ticks(pid):
    """What the process has had of the CPU; `None` of one that is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(") ")[2].split()
        return int(fields[11]) + int(fields[12])
    except (OSError, IndexError, ValueError):
        return None


def main():
    program = Program(sys.argv[2] if len(sys.argv) > 2 else "calm")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(program.document()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    threads = [threading.Thread(target=program.bring, daemon=True)]
    for agent in ("coder", "reviewer"):
        threads.append(threading.Thread(target=program.work, args=(agent,), daemon=True))
    for thread in threads:
        thread.start()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()


main()
