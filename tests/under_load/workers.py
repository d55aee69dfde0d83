"""The example service, of whose workers one is held up for good by its first request."""

import os
import time

import service

state = {}


def is_sick():
    """Whether this is the worker that was asked first of all."""
    if "sick" not in state:
        try:
            os.close(os.open(os.environ["SICK_WORKER"], os.O_CREAT | os.O_EXCL))
            state["sick"] = True
        except FileExistsError:
            state["sick"] = False
    return state["sick"]


async def app(scope, receive, send):
    is_request = scope["type"] == "http" and not scope["path"].startswith("/metrics")
    if is_request and "SICK_WORKER" in os.environ and is_sick():
        time.sleep(3)
    await service.app(scope, receive, send)
