"""A small shop that exports nothing: an async service as most of them are.

    pip install uvicorn
    uvicorn --app-dir examples/shop app:app

    /          answers at once
    /users/7   reads a user, by a driver that waits on the event loop
    /reports   computes something on the event loop
"""

import asyncio

import db


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path.startswith("/users/"):
        body = db.fetch_user(int(path.rsplit("/", 1)[1]))
    elif path == "/reports":
        body = db.report()
    else:
        await asyncio.sleep(0.01)
        body = "the shop is open"
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode() + b"\n"})
