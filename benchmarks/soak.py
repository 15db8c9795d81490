"""Memory over many requests: a thousand open streams, and 200,000 requests one after another.

The server runs on core 0, load and upstream on core 1. Resident size is that of its whole process
tree. Run as `python -m benchmarks.soak`; ends with 1 where a bound is broken. Streams have pauses
of 100 ms between events, as models do that write ten words a second.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import servers
from benchmarks.servers import Server

STREAMS = 1000
STREAMS_MB = 250.0
"""Bound on the resident size while the streams are open, in 10**6 bytes."""

REQUESTS = 200_000
SETTLED = 20_000
"""Requests after which every cache is full: what grows later is a leak."""

GROWTH_MB = 0.5
"""Runs differ by 0.1, and a bare pass-through grows by 0.04; a cache that fills takes more."""

BURST_S = 5.0
SAMPLE_S = 0.25


def start_load(server: Server, request: str, **plan: float) -> subprocess.Popen[bytes]:
    """Start the load program on its core."""
    given = {"host": server.host, "port": server.port, "request": request, **plan}
    command = ["taskset", "-c", servers.LOAD_CORE, sys.executable, "-m", "benchmarks.load"]
    return subprocess.Popen([*command, json.dumps(given)], stdout=subprocess.PIPE)


def finish(load: subprocess.Popen[bytes]) -> dict[str, float]:
    """Return the figures of a load that has run."""
    written, _ = load.communicate()
    if load.returncode:
        raise RuntimeError(f"the load ended with {load.returncode}")
    return dict(json.loads(written))


def open_streams(server: Server) -> bool:
    """Open the streams, print the largest resident size, and return whether it is in bound."""
    request = servers.request(server, stream=True, model="quiet")
    load = start_load(server, request, streams=STREAMS, connections=STREAMS, seconds=0.0)
    largest = 0.0
    while load.poll() is None:
        largest = max(largest, servers.resident_mb(server.pid))
        time.sleep(SAMPLE_S)
    figures = finish(load)
    sys.stdout.write(
        f"{STREAMS} open streams: {largest:.0f} MB (bound {STREAMS_MB:.0f}), "
        f"{figures['count']:.0f} events, gap p50 {figures['p50_ms']:.0f} ms, "
        f"p99 {figures['p99_ms']:.0f} ms, {figures['failures']:.0f} failures\n"
    )
    return largest <= STREAMS_MB and not figures["failures"]


def many_requests(server: Server, total: int) -> bool:
    """Send requests in bursts, print the size after each, and return whether it stopped growing."""
    request = servers.request(server, stream=False)
    sent, failures, settled, last = 0.0, 0.0, 0.0, 0.0
    sys.stdout.write("| requests | resident MB | anonymous MB |\n|---|---|---|\n")
    while sent < total:
        figures = finish(start_load(server, request, connections=32, seconds=BURST_S))
        sent += figures["count"]
        failures += figures["failures"]
        last = servers.anonymous_mb(server.pid)
        if sent >= SETTLED and not settled:
            settled = last
        sys.stdout.write(f"| {sent:,.0f} | {servers.resident_mb(server.pid):.1f} | {last:.1f} |\n")
        sys.stdout.flush()
    sys.stdout.write(
        f"after the first {SETTLED:,}: {last - settled:+.1f} MB anonymous, "
        f"{failures:.0f} failures\n"
    )
    return last - settled <= GROWTH_MB and not failures


def main() -> int:
    """Run both; 0 when both hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.simulator() as (upstream, _),
        servers.modelops(Path(folder), upstream) as server,
    ):
        steady = many_requests(server, options.requests)
        return 0 if open_streams(server) and steady else 1


if __name__ == "__main__":
    sys.exit(main())
