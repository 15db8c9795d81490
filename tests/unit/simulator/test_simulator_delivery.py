"""What a fault does to the bytes of an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simulator_calls import (
    ANTHROPIC,
    body,
    chat,
    events,
    headers,
    messages,
    payload,
    send,
    simulator,
    status,
    written,
)

from modelops.simulator.faults import Fault
from modelops.simulator.simulator import Exchange

OPENAI_URL = "/openai/chat/completions"


def spoiled(fault: Fault, *, stream: bool = False, **fields: Any) -> Exchange:
    sim = simulator()
    sim.faults.add(fault)
    return send(sim, OPENAI_URL, chat(stream=stream, **fields))


def whole(*, stream: bool) -> Exchange:
    return send(simulator(), OPENAI_URL, chat(stream=stream))


@pytest.mark.parametrize(
    ("status_code", "kind", "code"),
    [
        (429, "requests", "rate_limit_exceeded"),
        (402, "insufficient_quota", "credit_balance_exhausted"),
        (503, "server_error", "server_is_overloaded"),
        (418, "invalid_request_error", None),
    ],
)
def test_a_status_comes_in_openais_shape(status_code: int, kind: str, code: str | None) -> None:
    exchange = spoiled(Fault(status=status_code))
    assert status(exchange) == status_code
    error = body(exchange)["error"]
    assert (error["type"], error["code"]) == (kind, code)


def test_a_status_comes_in_anthropics_shape() -> None:
    sim = simulator()
    sim.faults.add(Fault(status=529, message="Too much"))
    exchange = send(sim, "/anthropic/v1/messages", messages(), ANTHROPIC)
    assert body(exchange)["error"] == {"type": "overloaded_error", "message": "Too much"}


def test_body_and_headers_are_those_given() -> None:
    given = Fault(status=429, body='{"x": 1}', headers={"retry-after": None, "x-more": "y"})
    exchange = spoiled(given)
    assert body(exchange) == {"x": 1}
    assert "retry-after" not in headers(exchange)
    assert headers(exchange)["x-more"] == "y"
    assert headers(spoiled(Fault(status=429)))["retry-after"] == "1"


@pytest.mark.parametrize("stream", [False, True])
def test_an_html_page_stands_in_for_the_answer(stream: bool) -> None:
    exchange = spoiled(Fault(kind="html"), stream=stream)
    assert status(exchange) == 502
    assert headers(exchange)["content-type"] == "text/html"
    assert b"<html>" in written(exchange)


def test_an_empty_answer_has_length_zero() -> None:
    exchange = spoiled(Fault(kind="empty"), stream=True)
    assert (status(exchange), headers(exchange)["content-length"]) == (200, "0")


def test_half_the_json_comes_in_complete_http() -> None:
    exchange = spoiled(Fault(kind="truncated_json"))
    text = written(exchange).partition(b"\r\n\r\n")[2]
    assert len(text) == int(headers(exchange)["content-length"])
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


def test_an_error_comes_inside_a_200() -> None:
    plain = spoiled(Fault(kind="error_in_200", status=429))
    assert status(plain) == 200
    assert body(plain)["error"]["code"] == "rate_limit_exceeded"
    streamed = events(spoiled(Fault(kind="error_in_200"), stream=True))
    assert [list(event) for event in streamed] == [["error"]]


def test_an_error_ends_a_stream_that_began() -> None:
    exchange = spoiled(Fault(kind="error_in_stream", after_events=2), stream=True)
    found = events(exchange)
    assert len(found) == 3
    assert "error" in found[-1]
    assert b"[DONE]" not in payload(exchange)
    assert exchange.entry is not None
    assert exchange.entry.tokens.output == 0


def test_anthropics_stream_error_is_a_named_event() -> None:
    sim = simulator()
    sim.faults.add(Fault(kind="error_in_stream", status=529, after_events=4))
    exchange = send(sim, "/anthropic/v1/messages", messages(stream=True), ANTHROPIC)
    assert payload(exchange).rpartition(b"event: ")[2].startswith(b"error\n")


def test_one_event_is_broken_or_huge_and_the_rest_is_there() -> None:
    usual = len(payload(whole(stream=True)))
    broken = payload(spoiled(Fault(kind="malformed_event"), stream=True))
    huge = payload(spoiled(Fault(kind="oversized_event", size=100_000), stream=True))
    assert b'data: {"broken": \n\n' in broken
    assert len(huge) == usual + 100_000


@pytest.mark.parametrize("stream", [False, True])
def test_no_usage_is_reported(stream: bool) -> None:
    exchange = spoiled(Fault(kind="no_usage"), stream=stream, stream_options={"include_usage": 1})
    assert b"usage" not in written(spoiled(Fault(kind="no_usage"), stream=stream))
    assert exchange.delivery.end == "finish"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["delay", "slow_head", "stall"])
def test_late_answers_are_whole(kind: Any, stream: bool) -> None:
    exchange = spoiled(Fault(kind=kind, delay_ms=250), stream=stream)
    assert written(exchange) == written(whole(stream=stream))
    assert 0.25 in exchange.delivery.steps
    assert exchange.delivery.end == "finish"


def test_a_paced_stream_waits_between_events() -> None:
    exchange = spoiled(Fault(kind="pace", delay_ms=10), stream=True)
    steps = exchange.delivery.steps
    assert steps[1::2] == (0.01,) * (len(steps) // 2)
    assert written(exchange) == written(whole(stream=True))


@pytest.mark.parametrize("delay", [0, 100])
@pytest.mark.parametrize("kind", ["hang", "close", "reset"])
def test_nothing_is_answered(kind: Any, delay: int) -> None:
    exchange = spoiled(Fault(kind=kind, delay_ms=delay))
    assert written(exchange) == b""
    assert exchange.delivery.end == kind
    assert exchange.entry is not None
    assert exchange.entry.status == 0


def test_a_stream_is_cut_after_its_events() -> None:
    exchange = spoiled(Fault(kind="cut", after_events=2), stream=True)
    assert len(exchange.delivery.steps) == 3
    assert exchange.delivery.end == "close"
    assert not written(exchange).endswith(b"0\r\n\r\n")


def test_a_body_is_cut_in_its_middle() -> None:
    exchange = spoiled(Fault(kind="cut"))
    sent = len(written(exchange).partition(b"\r\n\r\n")[2])
    assert 0 < sent < int(headers(exchange)["content-length"])


@pytest.mark.parametrize("stream", [False, True])
def test_chunks_break(stream: bool) -> None:
    exchange = spoiled(Fault(kind="malformed_chunk"), stream=stream)
    assert headers(exchange)["transfer-encoding"] == "chunked"
    assert written(exchange).endswith(b"zz\r\nbroken\r\n")


def test_a_stall_without_end_hangs() -> None:
    exchange = spoiled(Fault(kind="stall", after_events=1), stream=True)
    assert (len(exchange.delivery.steps), exchange.delivery.end) == (2, "hang")


def test_a_static_answer_is_sent_again_as_it_is() -> None:
    sim = simulator()
    asked = chat(model="static-5x10ms", stream=True)
    first, second = send(sim, OPENAI_URL, asked), send(sim, OPENAI_URL, asked)
    assert second.delivery is first.delivery
    assert first.delivery.steps.count(0.01) == len(first.delivery.steps) // 2
    assert second.entry is first.entry
    assert (first.number, second.number) == (1, 2)
