"""Streams: what fails before the first content, what after it, and what a client sees of either."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from gateway_doubles import (
    ASK_STREAM,
    DONE,
    HELLO,
    ROLE,
    STOP,
    USAGE,
    WORLD,
    Bench,
    FakeReply,
    FakeResponse,
    chunk,
    error,
    two_targets,
)

from modelops.gateway.body import Body
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.upstream.errors import (
    TruncatedError,
)
from modelops.metering.attempt import NO_USAGE

NO_JSON = b'data: {"choices":[],"usage":{"cost":NaN}}\n\n'


async def test_a_stream_passes_and_hides_the_usage_that_was_not_asked_for() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(200, ROLE, HELLO, WORLD, STOP, USAGE, DONE))
    reply = await bench.ask(ASK_STREAM)
    assert reply.body == ROLE + HELLO + WORLD + STOP + DONE
    assert reply.pieces == [ROLE + HELLO, WORLD, STOP, DONE], "each event as it came"
    assert reply.rows_at == [0, 0, 0, 1], "the row is written before the end marker goes"
    assert b'"stream_options":{"include_usage":true}' in bench.client.requests[0].body
    (row,) = bench.rows
    assert (row.outcome, row.finish_reason, row.usage.output_tokens) == ("success", "stop", 5)
    assert row.first_content_us is not None


async def test_a_service_tier_is_booked_that_stands_before_the_usage_only() -> None:
    bench = Bench(two_targets())
    asked, served = chunk({}, service_tier="auto"), chunk({"content": "Hi"}, service_tier="flex")
    bench.client.script("one", FakeResponse(200, asked, served, STOP, USAGE, DONE))
    await bench.ask(ASK_STREAM)
    assert bench.rows[0].service_tier == "flex", "the last that was named"


def test_the_channel_beside_a_word_is_not_counted_as_words() -> None:
    body = Body("/v1/chat/completions", msgspec.json.encode(ASK_STREAM))
    reader = ADAPTERS["/v1/chat/completions", "openai"].stream(body)
    reader.feed(chunk({"role": "assistant", "channel": "analysis"}))
    assert (reader.content, reader.size) == (False, 0)
    reader.feed(chunk({"reasoning": "Hmm,", "channel": "analysis"}))
    assert (reader.content, reader.size) == (True, 4)


async def test_a_client_that_can_take_no_more_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[int] = []

    def send(reply: FakeReply, data: bytes) -> bool:
        reply.pieces.append(data)
        return False

    async def ready(reply: FakeReply, _wait: float) -> bool:
        waited.append(len(reply.pieces))
        return True

    monkeypatch.setattr(FakeReply, "send", send)
    monkeypatch.setattr(FakeReply, "ready", ready)
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(200, HELLO, WORLD, WORLD, STOP, DONE))
    reply = await bench.ask(ASK_STREAM)
    assert reply.body == HELLO + WORLD + WORLD + STOP + DONE
    assert waited == [1, 2, 3, 4], "after each piece, before the next is taken"


async def test_a_client_that_does_not_read_holds_its_stream_no_longer_than_it_may_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    async def never(_reply: FakeReply, wait: float) -> bool:
        waits.append(wait)
        return False

    monkeypatch.setattr(FakeReply, "send", lambda reply, data: bool(reply.pieces.append(data)))
    monkeypatch.setattr(FakeReply, "ready", never)
    bench = Bench(two_targets(max_duration_ms=90_000))
    answer = FakeResponse(200, 30.0, HELLO, WORLD, STOP, DONE)
    bench.client.script("one", *[answer for _ in range(6)])
    reply = await bench.ask(ASK_STREAM)
    assert waits == [60.0], "what is left of max_duration"
    assert answer.closed
    assert reply.finished
    assert b"stream_interrupted" in reply.pieces[-1]
    (row,) = bench.rows
    assert (row.outcome, row.final) == ("cancelled", True)
    for _ in range(5):
        answer.pieces = [HELLO, WORLD, STOP, DONE]
        await bench.ask(ASK_STREAM)
    assert len(bench.client.requests) == 6, "its provider is not blamed"


async def test_an_answer_that_was_whole_before_its_client_stalled_has_one_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def taken_until_the_last_word(reply: FakeReply, _wait: float) -> bool:
        return reply.pieces[-1] != STOP

    monkeypatch.setattr(FakeReply, "send", lambda reply, data: bool(reply.pieces.append(data)))
    monkeypatch.setattr(FakeReply, "ready", taken_until_the_last_word)
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(200, HELLO, STOP, USAGE, DONE))
    await bench.ask(ASK_STREAM)
    assert [(row.outcome, row.final) for row in bench.rows] == [("success", True)]


async def test_a_stream_shows_the_usage_that_was_asked_for() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(200, ROLE + HELLO + STOP + USAGE + DONE))
    reply = await bench.ask({**ASK_STREAM, "stream_options": {"include_usage": True}})
    assert reply.body == ROLE + HELLO + STOP + USAGE + DONE


@pytest.mark.parametrize(
    "failure",
    [
        FakeResponse(200, ROLE, b'data: {"error":{"message":"overloaded","code":503}}\n\n'),
        FakeResponse(200, b'event: error\ndata: {"error":{"message":"no"}}\n\n'),
        FakeResponse(200, ROLE, TruncatedError("cut")),
        FakeResponse(200, ROLE, 100.0),
        FakeResponse(200, ROLE),
        FakeResponse(200, b""),
        FakeResponse(200, error("no stream here")),
        FakeResponse(200, b"<html>"),
        FakeResponse(200, b"data: {broken\n\n"),
        FakeResponse(200, b'data: {"choices":["\xff"]}\n\n'),
        FakeResponse(200, b"data: ", *[b"x" * 1_000_000 for _ in range(17)]),
    ],
)
async def test_until_the_first_content_a_stream_can_be_made_good(failure: FakeResponse) -> None:
    bench = Bench(two_targets(max_attempts=2))
    bench.client.script("one", failure)
    bench.client.script("two", FakeResponse(200, HELLO, STOP, DONE))
    reply = await bench.ask(ASK_STREAM)
    assert reply.body == HELLO + STOP + DONE
    assert [row.outcome for row in bench.rows] == ["failed", "success"]


@pytest.mark.parametrize(
    ("stream", "source", "message"),
    [
        (HELLO * 4 + STOP + NO_JSON, "none", "the stream holds something that is not an event"),
        (ROLE + NO_JSON, "none", "the stream holds something that is not an event"),
        (HELLO + b'data: {"error":{"message":"sorry"}}\n\n', "none", "sorry"),
        (
            HELLO + STOP + USAGE + NO_JSON,
            "reported",
            "the stream holds something that is not an event",
        ),
        (b'data: {"error":{"message":"sorry"}}\n\n', "free", "sorry"),
    ],
)
async def test_what_a_stream_said_before_it_failed_may_be_billed(
    stream: bytes, source: str, message: str
) -> None:
    bench = Bench(two_targets(max_attempts=2))
    bench.client.script("one", FakeResponse(200, stream))
    bench.client.script("two", FakeResponse(200, HELLO, STOP, DONE))
    await bench.ask(ASK_STREAM)
    row = bench.rows[0]
    assert (row.outcome, row.status, row.message) == ("failed", 200, message)
    if source == "none":
        assert (row.usage, row.cost.total_pico) == (NO_USAGE, None)
        seen = len("Hello") * stream.count(b"Hello")
        asked = len(msgspec.json.encode(ASK_STREAM))
        assert row.cost.estimate_pico == -(-asked // 4) * 1_000_000 + -(-seen // 4) * 2_000_000
    else:
        used = 10 * 1_000_000 + 5 * 2_000_000 if source == "reported" else 0
        assert (row.usage.source, row.cost.total_pico) == ("reported", used)


@pytest.mark.parametrize("end", [TruncatedError("cut"), 100.0, b""])
async def test_a_stream_that_breaks_off_ends_with_an_error_event(end: object) -> None:
    bench = Bench(two_targets())
    pieces = [HELLO, end] if end else [HELLO]
    bench.client.script("one", FakeResponse(200, *pieces))
    reply = await bench.ask(ASK_STREAM)
    assert reply.status == 200
    assert reply.body.startswith(HELLO)
    assert b'"code":"stream_interrupted"' in reply.body[len(HELLO) :]
    assert reply.finished
    (row,) = bench.rows
    assert (row.outcome, row.cost.total_pico) == ("failed", None)
    assert row.cost.estimate_pico


async def test_a_stream_that_flows_for_too_long_is_ended() -> None:
    bench = Bench(two_targets(max_duration_ms=10_000))
    bench.client.script("one", FakeResponse(200, HELLO, *(4.0, WORLD) * 5))
    reply = await bench.ask(ASK_STREAM)
    assert reply.body.startswith(HELLO + WORLD * 2 + b'data: {"error"')
    (row,) = bench.rows
    assert (row.error_class, row.latency_us) == ("timeout", 10_000_000)
    assert "the time for this answer is over" in row.message


async def test_a_providers_own_error_event_is_passed_on() -> None:
    bench = Bench(two_targets())
    event = b'data: {"error":{"message":"upstream gave up","code":502}}\n\n'
    bench.client.script("one", FakeResponse(200, HELLO, event))
    reply = await bench.ask(ASK_STREAM)
    assert reply.body == HELLO + event
    assert (bench.rows[0].outcome, bench.rows[0].message) == ("failed", "upstream gave up")


async def test_a_stream_without_its_end_marker_is_whole_when_it_gave_its_reason() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(200, HELLO, STOP))
    reply = await bench.ask(ASK_STREAM)
    assert reply.body == HELLO + STOP
    assert bench.rows[0].outcome == "success"


async def test_held_events_are_bounded() -> None:
    bench = Bench(two_targets())
    padded = chunk({"role": "assistant"}, p="x" * 10_000)
    bench.client.script("one", FakeResponse(200, *[padded] * 80, HELLO, STOP, DONE))
    reply = await bench.ask(ASK_STREAM)
    assert reply.status == 200
    assert len(reply.pieces) > 50


async def test_comments_commit_to_nothing() -> None:
    bench = Bench(two_targets())
    waiting = [b": OPENROUTER PROCESSING\n\n"] * 200
    failed = b"data: " + error("upstream is down", code=502) + b"\n\n"
    bench.client.script("one", *[FakeResponse(200, *waiting, failed) for _ in range(3)])
    bench.client.script("two", FakeResponse(200, *waiting, HELLO, STOP, DONE))
    reply = await bench.ask(ASK_STREAM)
    assert reply.headers["x-modelops-target"] == "two/b"
    assert reply.body.endswith(HELLO + STOP + DONE)


@pytest.mark.parametrize(("gone", "outcome"), [(True, "cancelled"), (False, "interrupted")])
async def test_a_cancelled_call_is_booked_with_what_it_used(
    gone: bool, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that left cancels it, and so does a server that ends: that says so to the client."""
    ends: list[bytes] = []
    monkeypatch.setattr(FakeReply, "gone", gone)
    monkeypatch.setattr(FakeReply, "finish", lambda reply: ends.append(reply.body))
    bench = Bench(two_targets())
    stuck = asyncio.Event()

    class Stuck(FakeResponse):
        async def read(self, wait: float) -> bytes:
            if self.pieces:
                return await super().read(wait)
            stuck.set()
            await asyncio.Event().wait()
            return b""

    response = Stuck(200, HELLO)
    bench.client.script("one", response)
    task = asyncio.create_task(bench.ask(ASK_STREAM))
    await stuck.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (row,) = bench.rows
    assert (row.outcome, row.final, row.error_class) == (outcome, True, "")
    assert [b"stream_interrupted" in end for end in ends] == [True] * (not gone)
    assert row.cost.estimate_pico
    assert response.closed
