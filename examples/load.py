"""A small load, with nothing but Python: so many clients ask for each URL, for so long.

    python load.py --seconds 20 --clients 4 http://localhost:8000/
    python load.py http://localhost:8000/ http://localhost:8000/block@5

`@5` after a URL has one client ask for it every 5 seconds, instead of all of them all the time.
Exits with 1 if no request at all was answered with a status of 200.
"""

import argparse
import threading
import time
import urllib.request

answered = 0
lock = threading.Lock()


def ask(url):
    global answered
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            response.read()
    except OSError:
        return  # refused, cut off, or a status that says so
    with lock:
        answered += 1


def client(url, every, end):
    while time.monotonic() < end:
        began = time.monotonic()
        ask(url)
        if every:
            time.sleep(max(0.0, began + every - time.monotonic()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("urls", nargs="+", metavar="URL[@SECONDS]")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--clients", type=int, default=4)
    args = parser.parse_args()
    end = time.monotonic() + args.seconds
    threads = []
    for place in args.urls:
        url, _, every = place.partition("@")
        pace = float(every or 0)
        for _ in range(1 if every else args.clients):
            threads.append(threading.Thread(target=client, args=(url, pace, end), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{answered} requests answered")
    return 0 if answered else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit(130)
