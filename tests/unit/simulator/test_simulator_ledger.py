"""The ledger: exact totals, bounded entries, a line a request."""

from __future__ import annotations

import json
from pathlib import Path

from simulator_calls import body, chat, send, simulator

from modelops.simulator import ledger as ledgers
from modelops.simulator.ledger import Entry, Ledger
from modelops.simulator.wire import Tokens


def entry(number: int, **fields: str | int) -> Entry:
    known = {
        "number": number,
        "started_at_us": 1,
        "provider": "p",
        "endpoint": "chat/completions",
        "model": "m",
        "status": 200,
        "streamed": False,
        "tokens": Tokens(input=2, output=3),
        "request_id": "r",
        "client_request_id": "",
        "user": "",
    }
    return Entry(**{**known, **fields})  # type: ignore[arg-type]


def test_totals_stay_exact_when_entries_are_forgotten() -> None:
    ledger = Ledger()
    for number in range(ledgers.MAX_ENTRIES + 5):
        ledger.begin()
        ledger.end(entry(number))
    (total,) = ledger.totals.values()
    assert len(ledger.entries) == ledgers.MAX_ENTRIES
    assert (total.requests, total.output) == (ledgers.MAX_ENTRIES + 5, 3 * total.requests)


def test_outcomes_and_statuses_are_added_up_apart() -> None:
    ledger = Ledger()
    ledger.end(entry(1))
    ledger.end(entry(2, status=529))
    ledger.end(entry(3, outcome="client_gone"))
    assert len(ledger.totals) == 3


def test_a_line_is_written_for_every_exchange(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    ledger = Ledger(file)
    ledger.end(entry(1))
    ledger.end(entry(2))
    ledger.close()
    Ledger(file).close()
    assert [json.loads(line)["number"] for line in file.read_text().splitlines()] == [1, 2]


def test_the_control_call_shows_what_was_served_and_what_is_open() -> None:
    sim = simulator()
    sim.ended(send(sim, "/openai/chat/completions", chat()), "completed", 1)
    send(sim, "/openai/chat/completions", chat(model="sim-hang"))
    shown = body(send(sim, "/_simulator/ledger?limit=1", method="GET"))
    assert (shown["requests"], shown["open"]) == (1, 1)
    assert shown["entries"][0]["tokens"]["input"] == 2
    assert shown["totals"][0]["requests"] == 1


def test_a_cleared_ledger_still_counts_what_is_open() -> None:
    ledger = Ledger()
    ledger.begin()
    ledger.end(entry(1))
    ledger.begin()
    ledger.clear()
    assert (ledger.began, ledger.ended, len(ledger.entries)) == (1, 0, 0)
