"""/metrics of two workers: the same from each, and never less than before."""

from __future__ import annotations

import http.client
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families
from server_process import Server, apply, eventually, serving, write_configuration

Figures = dict[tuple[str, ...], float]

SUCCESSES = ("modelops_requests_total", "status=success")


def scrape(server: Server) -> tuple[Figures, Figures]:
    """Return counters and gauges, on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found: tuple[Figures, Figures] = {}, {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(f"{name}={sample.labels[name]}" for name in sorted(sample.labels))
            found[family.type == "gauge"][sample.name, *labels] = sample.value
    return found


def counted(server: Server) -> float:
    """Return the requests that succeeded."""
    return scrape(server)[0].get(SUCCESSES, 0)


def test_the_same_from_both_workers_and_nothing_falls(tmp_path: Path, simulator_url: str) -> None:
    write_configuration(tmp_path, simulator_url)
    apply(tmp_path)
    with serving(tmp_path, "--workers", "2") as server:
        ask(server, 12)
        eventually(lambda: counted(server), 12)
        workers = server.children()
        answers = []
        for silent in workers:
            os.kill(silent, signal.SIGSTOP)
            answers.append(scrape(server))
            os.kill(silent, signal.SIGCONT)
        assert answers[0] == answers[1]
        assert answers[0][1]["modelops_workers",] == 2
        os.kill(workers[0], signal.SIGKILL)
        eventually(lambda: len(set(server.children()) - set(workers)), 1)
        ask(server, 3)
        eventually(lambda: not_below(answers[0][0], server), 15)
        assert server.stop() == 0
    with serving(tmp_path) as server:
        assert counted(server) == 15
        ask(server, 1)
        eventually(lambda: counted(server), 16)
        assert server.stop() == 0


def ask(server: Server, times: int) -> None:
    for _ in range(times):
        assert server.ask()[0] == 200


def not_below(before: Figures, server: Server) -> float:
    """Scrape, see that no counter has fallen, and return the requests that succeeded."""
    counters, _ = scrape(server)
    assert not [name for name, value in before.items() if counters.get(name, -1) < value]
    return counters[SUCCESSES]
