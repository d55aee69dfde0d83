"""A service that counts what it does itself: /slow waits in its loop, /pool in a thread of eight,
/truth says how many of these are under way. Prints its port. `fork` serves with two children."""

import asyncio
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

active = 0
pool = ThreadPoolExecutor(8)


async def answer(path):
    global active
    if path == "/truth":
        return str(active)
    active += 1
    try:
        if path == "/pool":
            await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 1)
        elif path == "/slow":
            await asyncio.sleep(3)
    finally:
        active -= 1
    return "done"


async def serve(reader, writer):
    try:
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            body = await answer(line.split()[1].decode())
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write((head + body).encode())
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main(listener):
    async with await asyncio.start_server(serve, sock=listener) as server:
        await server.serve_forever()


listener = socket.socket()
listener.bind(("127.0.0.1" if "local" in sys.argv else "0.0.0.0", 0))
listener.listen(200)
print(listener.getsockname()[1], flush=True)
if "fork" in sys.argv:
    children = [os.fork() for _ in range(1)]
    if children[0] and (second := os.fork()):
        signal.signal(signal.SIGTERM, lambda *_: [os.kill(pid, 9) for pid in (children[0], second)])
        print(children[0], second, flush=True)
        signal.pause()
        sys.exit()
asyncio.run(main(listener))
