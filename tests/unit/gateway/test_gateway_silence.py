"""Streams that are at work before they say a word, and how those of Responses break off."""

from __future__ import annotations

import msgspec
import pytest
from gateway_doubles import Bench, FakeResponse, chain, model, provider, table, two_targets

from modelops.gateway.table import RoutingTable
from modelops.gateway.upstream.errors import TruncatedError, UpstreamError


def responses_event(kind: str, **fields: object) -> bytes:
    """Return one event of a responses stream."""
    data = msgspec.json.encode({"type": kind, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("web_search_call", False), ("mcp_call", False), ("code_interpreter_call", False),
        ("reasoning", False), ("message", True), ("function_call", True),
    ],
)  # fmt: skip
async def test_a_response_that_is_at_work_in_silence_is_waited_for(
    kind: str, *, held: bool
) -> None:
    bench = Bench(two_targets(max_attempts=2))
    begun = responses_event("response.created", response={"id": "r1"})
    added = responses_event("response.output_item.added", item={"type": kind})
    said = responses_event("response.output_text.delta", delta="hi")
    done = responses_event("response.completed", response={"id": "r1", "output": []})
    bench.client.script("one", FakeResponse(200, begun, added, 59.0, said, done, delay=5.0))
    bench.client.script("two", FakeResponse(200, said, done))
    asked = {"model": "pair", "input": "hi", "stream": True}
    reply = await bench.ask(asked, endpoint="/v1/responses")
    assert reply.headers["x-modelops-target"] == ("two/b" if held else "one/a")
    assert len(bench.client.requests) == (2 if held else 1)


@pytest.mark.parametrize(
    ("silent", "pause", "outcome", "first_us"),
    [
        (200.0, 1.0, "success", 200_000_000),
        (331.0, 1.0, "failed", None),
        (200.0, 61.0, "failed", 200_000_000),
    ],
)
async def test_work_may_be_silent_as_long_as_an_answer_may_take_and_words_may_not(
    silent: float, pause: float, outcome: str, first_us: int | None
) -> None:
    bench = Bench(two_targets())
    added = responses_event("response.output_item.added", item={"type": "reasoning"})
    said = responses_event("response.output_text.delta", delta="hi")
    done = responses_event("response.completed", response={"id": "r1", "output": []})
    bench.client.script("one", FakeResponse(200, added, silent, said, pause, done))
    asked = {"model": "pair", "input": "hi", "stream": True}
    reply = await bench.ask(asked, endpoint="/v1/responses")
    assert [(row.outcome, row.first_content_us) for row in bench.rows] == [(outcome, first_us)]
    assert reply.body.startswith(added)
    assert reply.body.endswith(done) is (outcome == "success")


REASONS = responses_event("response.output_item.added", item={"type": "reasoning"})
FAILED = responses_event(
    "response.failed", response={"error": {"code": "server_error", "message": "sorry"}}
)


@pytest.mark.parametrize(
    "broken",
    [[FAILED], [TruncatedError("cut")], [29.0, FAILED], []],
    ids=["error", "cut", "late", "end"],
)
async def test_work_that_fails_before_a_word_is_made_good_by_another_target(
    broken: list[bytes | float | UpstreamError],
) -> None:
    bench = Bench(two_targets(max_attempts=2))
    said = responses_event("response.output_text.delta", delta="hi")
    done = responses_event("response.completed", response={"id": "r1", "output": []})
    bench.client.script("one", FakeResponse(200, REASONS, *broken))
    bench.client.script("two", FakeResponse(200, said, done))
    asked = {"model": "pair", "input": "hi", "stream": True}
    reply = await bench.ask(asked, endpoint="/v1/responses")
    assert reply.body == said + done
    assert [row.outcome for row in bench.rows] == ["failed", "success"]
    assert bench.rows[0].usage.source == "none", "what it thought may be billed"


async def test_a_response_that_breaks_off_ends_with_the_protocols_own_error_event() -> None:
    bench = Bench(two_targets())
    created = {"id": "r1", "status": "in_progress", "error": None, "model": "a"}
    begun = responses_event("response.created", response=created)
    said = responses_event("response.output_text.delta", delta="hi")
    bench.client.script("one", FakeResponse(200, begun, said, TruncatedError("cut")))
    asked = {"model": "pair", "input": "hi", "stream": True}
    reply = await bench.ask(asked, endpoint="/v1/responses")
    assert reply.body.startswith(begun + said + b"event: error\ndata: ")
    ends = reply.body.removeprefix(begun + said).split(b"\n\n")[:-1]
    names, events = zip(*(end.split(b"\ndata: ") for end in ends), strict=True)
    assert names == (b"event: error", b"event: response.failed")
    told, failed = map(msgspec.json.decode, events)
    assert (told["type"], told["sequence_number"]) == ("error", 2)
    assert told["error"]["code"] == "stream_interrupted"
    assert (failed["type"], failed["sequence_number"]) == ("response.failed", 3)
    reason = {"code": "stream_interrupted", "message": told["error"]["message"]}
    assert failed["response"] == created | {"status": "failed", "error": reason}


def messages_event(kind: str, **fields: object) -> bytes:
    """Return one event of a messages stream."""
    data = msgspec.json.encode({"type": kind, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def two_claudes() -> RoutingTable:
    """Return the table of a chain `pair` of two targets that speak the Anthropic protocol."""
    return table(
        provider("one", protocol="anthropic", auth="x-api-key"),
        provider("two", protocol="anthropic", auth="x-api-key"),
        model("one/a"),
        model("two/b"),
        chain("pair", "one/a", "two/b", max_attempts=2),
    )


async def test_a_thought_that_fails_is_made_good_by_another_target() -> None:
    bench = Bench(two_claudes())
    block = messages_event("content_block_start", index=0, content_block={"type": "thinking"})
    failed = messages_event("error", error={"type": "overloaded_error", "message": "sorry"})
    said = messages_event("content_block_delta", delta={"type": "text_delta", "text": "hi"})
    stop = messages_event("message_stop")
    bench.client.script("one", FakeResponse(200, block, failed))
    bench.client.script("two", FakeResponse(200, said, stop))
    asked = {"model": "pair", "max_tokens": 9, "messages": [], "stream": True}
    reply = await bench.ask(asked, endpoint="/v1/messages", dialect="anthropic")
    assert reply.body == said + stop


@pytest.mark.parametrize(("kind", "calls"), [("thinking", 1), ("text", 2)])
async def test_a_thought_that_is_not_shown_is_waited_for(kind: str, calls: int) -> None:
    bench = Bench(two_claudes())
    block = messages_event("content_block_start", index=0, content_block={"type": kind})
    said = messages_event("content_block_delta", delta={"type": "text_delta", "text": "hi"})
    stop = messages_event("message_stop")
    bench.client.script("one", FakeResponse(200, block, 59.0, said, stop, delay=5.0))
    bench.client.script("two", FakeResponse(200, said, stop))
    asked = {"model": "pair", "max_tokens": 9, "messages": [], "stream": True}
    await bench.ask(asked, endpoint="/v1/messages", dialect="anthropic")
    assert len(bench.client.requests) == calls
