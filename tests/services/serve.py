"""Serves an ASGI application on any Python from 3.8 on, with nothing but what comes with it:
`python serve.py HOST PORT FILE`, where FILE defines `app`.
"""

import asyncio
import importlib.util
import os
import sys


async def client(app, reader, writer):
    """Answers requests without a body, one after the other."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            path, _, query = target.partition("?")
            scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode()}
            body = b""

            async def send(message):
                nonlocal body
                body += message.get("body", b"")

            await app(scope, None, send)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            if b"connection: close" in head.lower():
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has gone
    finally:
        writer.close()


async def main(host, port, path):
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = await asyncio.start_server(lambda r, w: client(module.app, r, w), host, int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
