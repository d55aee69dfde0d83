"""Records what the alert routes that `auditor serve` succeeds answer, as data for
tests/integration/alerts.rs.

    pip install aiohttp
    python3 tests/original/record_alerts.py alerting_routes.py > tests/original/alerts.json

The file of the routes is not here. What it imports for the checks themselves is put in its place: each
session says what the checks find, or that they raise, and then asks. The clock is one that a session
starts anew, a second later at each look.
"""

import asyncio
import importlib.util
import json
import logging
import sys
import types
from datetime import datetime, timedelta

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer


class Clock:
    looks = 0

    @classmethod
    def now(cls, zone):
        cls.looks += 1
        return datetime(2026, 11, 27, 15, 0, 0, 250000, zone) + timedelta(seconds=cls.looks)


def alert(kind, severity, category, agent, domain):
    return {
        "id": f"{kind}:{agent}", "severity": severity, "category": category, "agent": agent, "domain": domain,
        "title": f"{kind} of {agent}", "detail": "12 where 3 are allowed", "detected_at": "2026-11-27T14:00:00Z",
        "finding": {"value": 12, "limit": 3},
    }


MANY = [
    alert("stuck", "critical", "health", "api", "event_loop"),
    alert("stuck", "critical", "quality", "worker", "event_loop"),
    alert("dormant", "warning", "health", "worker", "requests"),
    alert("errors", "warning", "quality", "api", "requests"),
    alert("throughput", "info", "throughput", "api", "requests"),
    alert("recurring", "info", "failure_pattern", "worker", "event_loop"),
]
FILTERS = [
    "", "?severity=critical", "?severity=warning", "?severity=info", "?category=health", "?category=quality",
    "?category=throughput", "?category=failure_pattern", "?agent=api", "?agent=worker", "?agent=idle",
    "?domain=event_loop", "?domain=requests", "?domain=load", "?severity=critical&category=health",
    "?severity=info&agent=worker", "?severity=warning&category=quality&agent=api&domain=requests",
    "?severity=critical&category=throughput", "?severity=&category=&agent=&domain=", "?severity=&agent=api",
    "?severity=fatal", "?severity=CRITICAL", "?category=cost", "?agent=nobody", "?domain=nowhere",
    "?colour=red", "?severity=info&severity=critical",
]
REPORT = {"agent": "api", "status": "failing", "period_hours": 24, "rejections": 7}
LISTS = [f"/api/alerts{it}" for it in FILTERS]
SESSIONS = [
    ("before the first check", [(None, None, LISTS[:2] + LISTS[10:11])]),
    ("every filter", [(MANY, REPORT, ["/check"] + LISTS)]),
    ("nothing found", [([], REPORT, ["/check", LISTS[0]])]),
    ("nothing to report of what is stuck", [(MANY[:1], None, ["/check"])]),
    ("a check that raises keeps the alerts", [
        (MANY[:2], REPORT, ["/check"]), ("the database is locked", None, ["/check", LISTS[0], LISTS[1]]),
        (MANY[3:], None, ["/check", LISTS[0]]),
    ]),
    ("a first check that raises", [("no such table: reviews", None, ["/check", LISTS[0]])]),
    ("no failure to report", [([], None, [f"/api/failure-report/api{it}" for it in ("", "?hours=48", "?hours=1")])]),
]


def load(path, checks):
    """The module anew, as its store is its own."""
    stub = types.ModuleType("alerting")
    stub.run_all_checks, stub.generate_failure_report = checks.run, checks.report
    stub.format_alert_message = str
    sys.modules["alerting"] = stub
    spec = importlib.util.spec_from_file_location("alerting_routes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    Clock.looks = 0
    module.datetime = Clock
    return module


class Checks:
    found = reported = None

    def run(self, _connection):
        if isinstance(self.found, str):
            raise RuntimeError(self.found)
        return self.found

    def report(self, _connection, _agent, _hours=24):
        return self.reported


async def play(path, name, phases):
    checks = Checks()
    app = web.Application()
    load(path, checks).register_alerting_routes(app, lambda: None)
    steps = []
    async with TestClient(TestServer(app)) as client:
        for checks.found, checks.reported, requests in phases:
            for request in requests:
                answer = await client.get(request)
                steps.append({
                    "found": checks.found, "report": checks.reported, "request": request,
                    "status": answer.status, "body": await answer.json(),
                })
    return {"session": name, "steps": steps}


logging.disable()
sessions = [asyncio.run(play(sys.argv[1], name, phases)) for name, phases in SESSIONS]
print("[\n" + ",\n".join(json.dumps(it) for it in sessions) + "\n]")
