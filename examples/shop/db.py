"""The shop's database, as a synchronous driver would have it."""

import time

QUERY_SECONDS = 1.2
ROWS = 8_000_000


def fetch_user(number):
    row = query(f"SELECT name FROM users WHERE id = {number}")
    return f"user {number}: {row}"


def query(sql):
    # The driver waits for its socket, and the loop with it.
    time.sleep(QUERY_SECONDS)
    return f"the answer to {sql}"


def report():
    total = sum(number * number for number in range(ROWS))
    return f"total {total}"
