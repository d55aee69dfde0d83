"""The example service, started anew on the same socket whenever `/crash` has ended it.

    python crashing.py HOST PORT
"""

import os
import socket
import subprocess
import sys

import service


async def app(scope, receive, send):
    if scope["type"] == "http" and scope["path"] == "/crash":
        os._exit(1)
    await service.app(scope, receive, send)


if __name__ == "__main__":
    host, port = sys.argv[1:]
    listening = socket.create_server((host, int(port)))
    fd, directory = listening.fileno(), os.path.dirname(__file__)
    uvicorn = ["-m", "uvicorn", "--app-dir", directory, "--log-level", "critical"]
    while True:
        subprocess.run([sys.executable, *uvicorn, "--fd", str(fd), "crashing:app"], pass_fds=[fd])
