"""CPU per request and per streamed event, beside the floor, in one run on one core.

Every server runs on core 0, load and upstream on core 1, in short bursts that take turns, so that
the machine's drift meets all alike; figures are medians over rounds. CPU is process time of the
whole tree, never wall time, and a burst is over when its server rests: what it puts off, such as
rows for a database, counts. Run as `python -m benchmarks.gateway`; `--rivals FOLDER` measures what
`rivals/install.sh` put there beside them, `--also NAME,URL,PID,MODEL,KEY` any gateway that is
already running on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import rivals, servers
from benchmarks.servers import Server

STREAMS = 300

RESTS = 0.04
"""A server rests when it uses less than this share of a core: it looks around, no more."""

LOOK_S = 0.5
REST_WITHIN_S = 30.0


def load(server: Server, **plan: float) -> dict[str, float]:
    """Run the load program against a server, on its own core."""
    stream = bool(plan.get("streams"))
    given = {
        "host": server.host,
        "port": server.port,
        "request": servers.request(server, stream=stream),
        "connections": 32,
        "seconds": 3.0,
        **plan,
    }
    command = ["taskset", "-c", servers.LOAD_CORE, sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run([*command, json.dumps(given)], check=True, capture_output=True)
    return dict(json.loads(done.stdout))


def at_rest(server: Server) -> float:
    """Return the CPU seconds a server has used, once it rests."""
    until = time.monotonic() + REST_WITHIN_S
    used = servers.cpu_seconds(server.pid)
    while time.monotonic() < until:
        time.sleep(LOOK_S)
        before, used = used, servers.cpu_seconds(server.pid)
        if used - before <= RESTS * LOOK_S:
            break
    return used


def loading(upstream: int) -> float:
    """Return the CPU seconds of the upstream and of every load that has ended."""
    loads = resource.getrusage(resource.RUSAGE_CHILDREN)
    return servers.cpu_seconds(upstream) + loads.ru_utime + loads.ru_stime


def burst(server: Server, upstream: int, **plan: float) -> dict[str, float]:
    """Run one burst; return the load's figures, the server's CPU per unit, and the load's share."""
    before, load_before = servers.cpu_seconds(server.pid), loading(upstream)
    figures = load(server, **plan)
    figures["load_share"] = (loading(upstream) - load_before) / figures["seconds"]
    used = at_rest(server) - before
    figures["cpu_us"] = used / max(figures["count"], 1) * 1e6
    figures["per_s"] = figures["count"] / figures["seconds"]
    return figures


PLANS: dict[str, dict[str, float]] = {
    "32 connections": {},
    "1 connection": {"connections": 1},
    f"{STREAMS} paced streams": {"streams": STREAMS},
}


def measure(
    under_test: list[Server], upstream: int, rounds: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Return medians by kind of burst and server. One burst of each warms up, uncounted."""
    seen: dict[str, dict[str, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    for server in under_test:
        burst(server, upstream, seconds=1.0)
    for _ in range(rounds):
        for kind, plan in PLANS.items():
            for server in under_test:
                seen[kind][server.name].append(burst(server, upstream, **plan))
    for server in under_test:
        half = statistics.median(
            figures["per_s"] for figures in seen["32 connections"][server.name]
        )
        seen["open loop at half rate"][server.name].append(
            burst(server, upstream, rate=half / 2, connections=64)
        )
    return {
        kind: {
            name: {key: statistics.median(item[key] for item in rows) for key in rows[0]}
            for name, rows in by_server.items()
        }
        for kind, by_server in seen.items()
    }


def show(results: dict[str, dict[str, dict[str, float]]], under_test: list[Server]) -> None:
    """Print one Markdown table, ratios to the first server."""
    sys.stdout.write(
        "| load | server | CPU us per request or event | x floor | per s | p50 ms | p99 ms "
        "| failures | load core | resident MB |\n|---|---|---|---|---|---|---|---|---|---|\n"
    )
    for kind, by_server in results.items():
        floor = by_server[under_test[0].name]["cpu_us"]
        for server in under_test:
            row = by_server[server.name]
            sys.stdout.write(
                f"| {kind} | {server.name} | {row['cpu_us']:.0f} | {row['cpu_us'] / floor:.2f} "
                f"| {row['per_s']:.0f} | {row['p50_ms']:.2f} | {row['p99_ms']:.2f} "
                f"| {row['failures']:.0f} | {row['load_share']:.0%} "
                f"| {servers.resident_mb(server.pid):.0f} |\n"
            )


def other(text: str) -> Server:
    """Return the server that `--also` names."""
    name, url, pid, model, key = text.split(",")
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost") or parts.port is None:
        raise argparse.ArgumentTypeError("only a port on this machine's loopback can be measured")
    return Server(name, parts.hostname, parts.port, parts.path, int(pid), model, key)


def main() -> None:
    """Start what is needed, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rivals", type=Path)
    parser.add_argument("--also", type=other, action="append", default=[])
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream, upstream_pid = stack.enter_context(servers.simulator())
        ours = stack.enter_context(servers.modelops(folder, upstream))
        under_test = [
            stack.enter_context(servers.floor("floor, pyreqwest", "pyreqwest_app", upstream)),
            stack.enter_context(servers.floor("floor, own client", "own_app", upstream)),
            ours,
            ours._replace(name="modelops, OpenAI to Anthropic", model="translated"),
            *options.also,
        ]
        if options.rivals:
            started = rivals.running(options.rivals.resolve(), folder, upstream)
            under_test += stack.enter_context(started)
        show(measure(under_test, upstream_pid, options.rounds), under_test)


if __name__ == "__main__":
    main()
