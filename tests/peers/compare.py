"""Who notices six calls that hold an event loop, and who names the line?

    python3 tests/peers/compare.py --auditor target/release/auditor

Makes a virtual environment under target/peers, runs each call beside each peer and beside
`auditor --probe --start`, and prints a table in Markdown. `--verbose` shows what each one said.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PACKAGES = {"blockbuster": "1.5.29", "pyleak": "0.2.0", "aiocop": "1.2.1"}
SERVED_BY = ["uvicorn==0.54.0", "requests==2.34.2"]
CALLS = {
    "sleep": "`time.sleep`",
    "cpu": "a loop that computes",
    "lock": "a locked SQLite",
    "query": "a slow query",
    "requests": "`requests.get`",
    "json": "a big `json.dumps`",
}
# What a project has to change: in its service, or in its tests.
PEERS = {
    "blockbuster": "a context around the code or the test; the call is refused (raises)",
    "pyleak": "a context around the code or the test",
    "aiocop": "four calls at the start, and a callback that tells",
    "asyncio_debug": "`PYTHONASYNCIODEBUG=1`, and somebody who reads the log",
    "auditor": "nothing",
}


def environment():
    """A Python that has the peers, and nothing of this machine's own."""
    directory = ROOT / "target" / "peers"
    python = directory / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    packages = [f"{name}=={version}" for name, version in PACKAGES.items()]
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *packages, *SERVED_BY], check=True)
    return python


def line_of(call):
    """The number of the line that holds the loop."""
    lines = (HERE / "six_calls.py").read_text().splitlines()
    [number] = [i for i, line in enumerate(lines, 1) if line.endswith(f"# held: {call}")]
    return number


def beside_peer(python, peer, call):
    command = [python, HERE / "watched.py", peer, call]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if run.returncode:
        sys.exit(f"{peer} on {call}: {run.stderr}")
    said = run.stdout.strip()
    if not said:
        return "no", said
    # As tracebacks, and as the others write it.
    place = rf'six_calls\.py(", line |:){line_of(call)}\b' if call in CALLS else "$^"
    return ("line" if re.search(place, said) else "noticed"), said


def beside_auditor(python, auditor, call):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = f"{python} -m uvicorn --app-dir {HERE} --log-level warning six_calls:app"
    server += f" --host 127.0.0.1 --port {address.rpartition(':')[2]}"
    load = [sys.executable, ROOT / "examples" / "load.py", "--seconds", "6", f"http://{address}/{call}@1.5"]
    command = [auditor, "--probe", f"http://{address}/", "--start", server, "--blame", "require"]
    command += ["--output-format", "json", "--fail-on-critical", "--", *load]
    with tempfile.TemporaryDirectory() as directory:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=120, cwd=directory,
            env={**os.environ, "CALLS": call if call in CALLS else "", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    try:
        report = json.loads(run.stdout)
    except ValueError:
        sys.exit(f"auditor on {call}: exit code {run.returncode}: {run.stderr}")
    if run.returncode == 3:
        print(f"auditor on {call}: no verdict: {run.stderr.strip()}", file=sys.stderr)
    culprits = report.get("culprits") or []
    said = json.dumps({"exit_code": run.returncode, "culprits": culprits, "stalls": report.get("stalls")})
    if call not in CALLS:
        return ("noticed" if run.returncode or culprits else "no"), said
    if culprits and culprits[0]["file"].endswith("six_calls.py") and culprits[0]["line"] == line_of(call):
        return "line", said
    return ("noticed" if run.returncode == 1 or report.get("stalls") else "no"), said


def word(kinds):
    """What came of the rounds of one call."""
    words = {"line": "the line", "noticed": "noticed", "no": "–"}
    found = [kind for kind in words if kind in kinds]
    if len(found) == 1:
        return words[found[0]]
    return ", ".join(f"{words[kind]} ({kinds.count(kind)} of {len(kinds)})" for kind in found)


def table(results):
    titles = {peer: f"{peer} {PACKAGES.get(peer, '')}".strip() for peer in PEERS}
    titles["asyncio_debug"] = "asyncio's debug mode"
    rows = [["", *titles.values()], ["---"] * (len(PEERS) + 1)]
    for call, title in [*CALLS.items(), ("calm", "a slow `await`: nothing to tell")]:
        rows.append([title, *(word(results[peer, call]) for peer in PEERS)])
    # In every round, or it does not count.
    found = lambda peer, kinds: sum(set(results[peer, call]) <= set(kinds) for call in CALLS)
    rows.append(["noticed", *(f"{found(peer, ('line', 'noticed'))}/6" for peer in PEERS)])
    rows.append(["named the line", *(f"{found(peer, ('line',))}/6" for peer in PEERS)])
    rows.append(["what has to be changed", *PEERS.values()])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--auditor", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    python = environment()
    results = {}
    for call in [*CALLS, "calm"]:
        for peer in PEERS:
            for _ in range(args.rounds):
                if peer == "auditor":
                    kind, said = beside_auditor(python, args.auditor.resolve(), call)
                else:
                    kind, said = beside_peer(python, peer, call)
                results.setdefault((peer, call), []).append(kind)
                print(f"{call}, {peer}: {kind}", file=sys.stderr)
                if args.verbose:
                    print(said, file=sys.stderr)
    print(table(results))


if __name__ == "__main__":
    main()
