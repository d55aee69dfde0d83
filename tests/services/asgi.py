"""A bare ASGI service without any instrumentation: `uvicorn --app-dir tests/services asgi:app`.

    /                answers at once
    /block?ms=N      sleeps so long on the loop, one function away from it
    /cpu?ms=N        computes so long on the loop
    /callbacks?ms=N  computes so long, and lets the loop have a turn every millisecond
    /await?ms=N      waits so long as it should
    /pool?ms=N       sleeps so long in the loop's default pool, which has 4 threads
    /truth           what the service knows of itself (`?reset` forgets it afterwards)
"""

import json
from urllib.parse import parse_qs

from truth import Truth, work

truth = Truth()


async def lifespan(receive, send):
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            truth.start()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["type"] != "http":
        return
    path, query = scope["path"], scope["query_string"].decode()
    body = b"done\n"
    if path == "/truth":
        body = json.dumps(truth.told()).encode()
        if query == "reset":
            truth.reset()
    else:
        truth.began()
        try:
            await work(path, float(parse_qs(query).get("ms", ["0"])[0]) / 1000)
        finally:
            truth.ended()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
