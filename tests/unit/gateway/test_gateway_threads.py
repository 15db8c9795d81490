"""Message threads: one provider keeps them, and the client is told when it has to do without."""

from __future__ import annotations

import msgspec
import pytest
from gateway_doubles import (
    Bench,
    FakeReply,
    FakeResponse,
    chain,
    model,
    provider,
    settings,
    story,
    table,
)

TABLE = table(
    provider("claude", protocol="anthropic"), provider("other", protocol="anthropic"),
    provider("gpt"),
    model("claude/opus"), model("claude/haiku"), model("gpt/4o"), model("other/opus"),
    chain("mixed", "claude/opus", "gpt/4o"), chain("back", "gpt/4o", "claude/opus"),
    chain("copies", "claude/opus", "other/opus"), chain("sizes", "claude/opus", "claude/haiku"),
    chain("translated", "gpt/4o"),
    settings("mixed"),
)  # fmt: skip
ANSWER = msgspec.json.encode({
    "id": "msg_2", "type": "message", "role": "assistant", "model": "opus",
    "stop_reason": "end_turn", "content": [{"type": "text", "text": "hi"}],
    "usage": {"input_tokens": 1, "output_tokens": 1},
})  # fmt: skip
CREATE = {"type": "create"}
CONTINUE = {"type": "continue", "previous_message_id": "msg_1"}
THREADLESS: object = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


def asked(name: str, thread: dict[str, str]) -> dict[str, object]:
    said = [{"role": "user", "content": "and now?"}]
    return {"model": name, "max_tokens": 9, "messages": said, "thread": thread}


async def ask(bench: Bench, name: str, thread: dict[str, str]) -> FakeReply:
    return await bench.ask(asked(name, thread), endpoint="/v1/messages", dialect="anthropic")


def refusal(status: int, code: str) -> FakeResponse:
    kind = "not_found_error" if status == 404 else "invalid_request_error"
    error = {"type": kind, "message": "No usable Thread", "details": {"error_code": code}}
    return FakeResponse(status, msgspec.json.encode({"type": "error", "error": error}))


@pytest.mark.parametrize("thread", [CREATE, CONTINUE])
@pytest.mark.parametrize("name", ["mixed", "back", "copies"])
async def test_a_thread_goes_as_it_is_to_a_target_that_speaks_the_protocol(
    name: str, thread: dict[str, str]
) -> None:
    bench = Bench(TABLE)
    bench.client.script("claude", FakeResponse(200, ANSWER))
    reply = await ask(bench, name, thread)
    assert (reply.status, reply.body) == (200, ANSWER)
    sent = msgspec.json.decode(bench.client.requests[-1].body)
    assert sent == {**asked(name, thread), "model": "opus"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "thread_not_found"),
        (400, "thread_already_continued"),
        (400, "thread_continue_in_flight"),
        (400, "thread_unsupported_request"),
        (400, "thread_fingerprint_mismatch"),
    ],
)
async def test_what_is_wrong_with_a_thread_is_told_as_it_came_and_cools_nothing(
    status: int, code: str
) -> None:
    bench = Bench(TABLE)
    bench.client.script("claude", refusal(status, code), FakeResponse(200, ANSWER))
    reply = await ask(bench, "mixed", CONTINUE)
    assert (reply.status, reply.body) == (status, refusal(status, code).pieces[0])
    assert story(await ask(bench, "mixed", CREATE)) == "claude/opus=200"


@pytest.mark.parametrize("thread", [CREATE, CONTINUE])
async def test_where_no_target_keeps_threads_the_client_is_told_to_do_without(
    thread: dict[str, str],
) -> None:
    reply = await ask(Bench(TABLE), "translated", thread)
    assert (reply.status, reply.error()["details"]) == (400, THREADLESS)
    assert "gpt/4o: it cannot carry `thread`" in reply.error()["message"]


@pytest.mark.parametrize(
    ("name", "thread", "stepped_over"),
    [
        ("mixed", CREATE, "gpt/4o=cannot-carry"),
        ("mixed", CONTINUE, "gpt/4o=cannot-carry"),
        ("copies", CONTINUE, "other/opus=cannot-carry"),
    ],
)
async def test_a_thread_is_given_up_where_its_provider_is_down_and_another_target_is_left(
    name: str, thread: dict[str, str], stepped_over: str
) -> None:
    bench = Bench(TABLE)
    bench.client.script("claude", *[FakeResponse(529, b"{}")] * 3)
    reply = await ask(bench, name, thread)
    assert (reply.status, reply.error()["details"]) == (400, THREADLESS)
    assert story(reply).endswith(stepped_over)
    assert {request.origin.host for request in bench.client.requests} == {"claude.test"}
    assert "claude/opus: transient" in reply.error()["message"]


async def test_another_model_that_does_not_take_a_thread_over_ends_it() -> None:
    bench = Bench(TABLE)
    mismatch = refusal(400, "thread_fingerprint_mismatch")
    bench.client.script("claude", *[FakeResponse(529, b"{}")] * 3, mismatch)
    reply = await ask(bench, "sizes", CONTINUE)
    assert (reply.status, reply.error()["details"]) == (400, THREADLESS)


async def test_without_another_target_the_failure_is_the_answer() -> None:
    bench = Bench(TABLE)
    bench.client.script("claude", *[FakeResponse(529, b"{}")] * 9)
    for name in ("claude/opus", "sizes"):
        reply = await ask(bench, name, CREATE)
        assert (reply.status, "details" in reply.error()) == (502, False)
