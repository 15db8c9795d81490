"""What providers say back: neither the key nor the caller's words get into books or answers."""

from __future__ import annotations

import base64
from urllib.parse import quote

import msgspec
import pytest
from gateway_doubles import (
    ASK,
    ASK_STREAM,
    HELLO,
    Bench,
    FakeReply,
    FakeResponse,
    chain,
    completion,
    error,
    model,
    provider,
    settings,
    table,
    two_targets,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from modelops.gateway.call import Dialect, Endpoint
from modelops.gateway.redaction import hide, redact, spellings
from modelops.resources.resolved import Protocol

KEY = "key-of-provider/one"
"""What the doubles call provider `one` with: no pattern of keys fits it."""

SPELLED = {
    "plain": KEY,
    "percent": quote(KEY, safe=""),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "basic": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "urlsafe": base64.urlsafe_b64encode(f"me:{KEY}:you".encode()).decode(),
}
PROMPT = "the merger with Initech closes in spring"
TOLD = {"model": "pair", "messages": [{"role": "user", "content": PROMPT}]}


def seen(bench: Bench, reply: FakeReply) -> bytes:
    """Return everything that left the gateway: the answer, its headers, and the rows."""
    rows = msgspec.json.encode([*bench.recorder.begun, *bench.rows])
    return reply.body + repr(reply.headers).encode() + rows


def inner(spelled: str) -> bytes:
    """Return the middle of a spelling, which no neighbor decides."""
    return spelled[4:-8].encode() if len(spelled) > len(KEY) else spelled.encode()


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500])
@pytest.mark.parametrize("how", SPELLED)
async def test_an_echoed_key_goes_no_further(how: str, status: int) -> None:
    bench = Bench(two_targets(max_attempts=2))
    message = f"cannot serve you with {SPELLED[how]} here"
    bench.client.script("one", FakeResponse(status, error(message, code=SPELLED[how])))
    bench.client.script("two", FakeResponse(500, error("boom")))
    reply = await bench.ask(ASK)
    assert inner(SPELLED[how]) not in seen(bench, reply)
    assert b"cannot serve you" in reply.body, "the rest is still said"


@pytest.mark.parametrize(
    "said",
    [
        "The model `this-model-does-not-exist` was skipped by moderation",
        "moonshotai/kimi-k2: model_not_found",
        "no Llama-4-Maverick-17B-128E-Instruct-FP8, no claude-sonnet-4-5-20250929-thinking",
        "Invalid key: temperature. Unknown token: <|im_start|>",
    ],
)
def test_words_that_begin_as_keys_do_are_told(said: str) -> None:
    assert redact(said) == said


@pytest.mark.parametrize(
    "secret",
    [
        "0123456789abcdef0123456789abcdef",  # Azure, Mistral
        "550e8400-e29b-41d4-a716-446655440000",
        "0123456789abcdef0123456789abcdef.Secret0123456789",  # GLM
        "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1u",
        "tgp_v1_4f9Q2rT8wXy3Zb6Nc1Lm5Kj7Hg0Fd",
        "abcd-1234-efgh-56ab-ijkl-7890-mnop-12cd",
        "fw_4f9Q2rT8wXy3Zb6N",
        "ak-4f9Q2rT8wXy3Zb6N",
        "r8_4f9Q2rT8wXy3Zb6N",
        "csk-4f9Q2rT8wXy3Zb6N",
        "pplx-4f9Q2rT8wXy3Zb6N",
        "tgp_4f9Q2rT8wXy3Zb6N",
        "token: abcdefgh",
        "token=hunter2go",
        "password: correcthorse",
    ],
)
def test_what_looks_like_a_key_of_others_is_not(secret: str) -> None:
    shown = redact(f"rejected {secret} at once")
    assert secret[-8:] not in shown
    assert "[redacted]" in shown


async def test_a_page_that_is_no_json_does_not_tell_the_key() -> None:
    bench = Bench(two_targets(max_attempts=2))
    bench.client.script("one", FakeResponse(500, f"<p>{KEY} is overloaded</p>".encode()))
    bench.client.script("two", FakeResponse(500, error("boom")))
    reply = await bench.ask(ASK)
    assert KEY.encode() not in seen(bench, reply)


@pytest.mark.parametrize("flowed", [(), (HELLO,)])
async def test_an_error_in_a_stream_does_not_tell_the_key(flowed: tuple[bytes, ...]) -> None:
    only = table(provider("one"), model("one/a"), chain("pair", "one/a"), settings("pair"))
    bench = Bench(only)
    event = b"data: " + error(f"no more for {KEY}") + b"\n\n"
    for _ in range(3):
        bench.client.script("one", FakeResponse(200, *flowed, event))
    reply = await bench.ask(ASK_STREAM)
    assert KEY.encode() not in seen(bench, reply)
    assert b"no more for [redacted]" in reply.body


@pytest.mark.parametrize("how", SPELLED)
async def test_headers_that_go_on_do_not_tell_the_key(how: str) -> None:
    bench = Bench(two_targets())
    told = [
        (name, f"for {SPELLED[how]}".encode())
        for name in (b"x-request-id", b"x-ratelimit-scope", b"anthropic-note", b"openai-project")
    ]
    bench.client.script("one", FakeResponse(200, completion(), headers=told))
    reply = await bench.ask(ASK)
    assert reply.status == 200
    assert inner(SPELLED[how]) not in seen(bench, reply)
    assert reply.headers["openai-project"].startswith("for "), "the rest is still said"


WORDS: dict[Protocol, tuple[bytes, bytes]] = {
    "openai": (
        (
            b'{"choices":[{"message":{"content":"hi"},"finish_reason":"KEY"}],'
            b'"usage":{"prompt_tokens":1,"completion_tokens":1},"service_tier":"KEY"}'
        ),
        (
            b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"KEY"}],'
            b'"usage":{"prompt_tokens":1,"completion_tokens":1},"service_tier":"KEY"}\n\n'
        ),
    ),
    "anthropic": (
        (
            b'{"content":[{"type":"text","text":"hi"}],"stop_reason":"KEY",'
            b'"usage":{"input_tokens":1,"output_tokens":1,"service_tier":"KEY"}}'
        ),
        (
            b'data: {"type":"content_block_delta","index":0,'
            b'"delta":{"type":"text_delta","text":"hi"}}\n\n'
            b'data: {"type":"message_delta","delta":{"stop_reason":"KEY"},'
            b'"usage":{"output_tokens":1,"service_tier":"KEY"}}\n\n'
            b'data: {"type":"message_stop"}\n\n'
        ),
    ),
    "gemini": (
        (
            b'{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"KEY"}],'
            b'"usageMetadata":{"promptTokenCount":1}}'
        ),
        (
            b'data: {"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"KEY"}],'
            b'"usageMetadata":{"promptTokenCount":1}}\n\n'
        ),
    ),
    "ollama": (
        b'{"message":{"content":"hi"},"done":true,"done_reason":"KEY","eval_count":1}',
        b'{"message":{"content":"hi"},"done":true,"done_reason":"KEY","eval_count":1}\n',
    ),
}
"""Whole answers and streams that say KEY where their protocol has a word of its own."""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", WORDS)
async def test_the_words_of_a_provider_do_not_bring_the_key_into_the_books(
    protocol: Protocol, stream: bool
) -> None:
    only = table(provider("one", protocol=protocol), model("one/a"), chain("pair", "one/a"))
    bench = Bench(only)
    content = WORDS[protocol][stream].replace(b"KEY", b"x" * 50 + KEY.encode())
    for _ in range(3):  # Gemini's words are known, and another one is no answer
        bench.client.script("one", FakeResponse(200, content))
    endpoint: Endpoint = "/v1/messages" if protocol == "anthropic" else "/v1/chat/completions"
    dialect: Dialect = "anthropic" if protocol == "anthropic" else "openai"
    asked = {**(ASK_STREAM if stream else ASK), "max_tokens": 9}
    reply = await bench.ask(asked, endpoint=endpoint, dialect=dialect)
    assert reply.status == (502 if protocol == "gemini" else 200)
    rows = msgspec.json.encode([*bench.recorder.begun, *bench.rows])
    assert b"key-of" not in rows, "not even its beginning, where a long word is cut"
    if protocol == "gemini":
        assert KEY.encode()[:6] not in reply.body


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_what_a_provider_says_is_booked_without_control_characters(status: int) -> None:
    """Postgres takes no text with a NUL, so that one such row would hold up all others."""
    only = table(provider("one"), model("one/a"), chain("pair", "one/a"))
    bench = Bench(only)
    content = (
        rb'{"service_tier":"a\u0000\u001bb","usage":{"prompt_tokens":1,"completion_tokens":1},'
        rb'"choices":[{"index":0,"finish_reason":"s\u0000",'
        rb'"message":{"role":"assistant","content":"hi"}}]}'
        if status == 200
        else rb'{"error":{"message":"no\u0000such\u0007thing","code":"c\u0000"}}'
    )
    for _ in range(9):
        bench.client.script("one", FakeResponse(status, content))
    await bench.ask(ASK)
    row = bench.rows[-1]
    assert (row.status, row.outcome) == (status, "success" if status == 200 else "failed")
    texts = [value for value in msgspec.structs.astuple(row) if isinstance(value, str)]
    assert all(text.isprintable() for text in texts), texts
    if status == 200:
        assert (row.service_tier, row.finish_reason) == ("a b", "s")
    if status == 500:
        assert row.message == "no such thing"


async def test_what_follows_an_error_in_a_stream_does_not_tell_the_key() -> None:
    bench = Bench(table(provider("one"), model("one/a"), chain("pair", "one/a")))
    event = b"data: " + error("broken") + b"\n\n"
    after = b"data: [DONE]\n\ndata: " + error(KEY) + b"\n\n"
    bench.client.script("one", FakeResponse(200, HELLO, event + after))
    reply = await bench.ask(ASK_STREAM)
    assert b"broken" in reply.body
    assert KEY.encode() not in seen(bench, reply)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8), st.binary())
def test_a_key_is_found_wherever_base64_puts_it(key: str, before: bytes) -> None:
    assume(key not in "[redacted]")
    assert key.encode() not in hide(b"say " + key.encode(), spellings(key))
    encoded = base64.b64encode(before + key.encode())
    assert hide(encoded, spellings(key)) != encoded


def test_a_word_is_no_key() -> None:
    assert hide(b"ollama is busy", spellings("ollama")) == b"ollama is busy"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_value"),
        (400, "context_length_exceeded"),
        (400, "invalid_api_key"),
        (400, "json_validate_failed"),
        (413, "request_too_large"),
        (422, "content_filter"),
        (400, PROMPT),
        (400, ""),
    ],
)
async def test_the_books_hold_no_prompt_that_an_error_quotes(status: int, code: str) -> None:
    bench = Bench(two_targets(max_attempts=2))
    body = error(f"Invalid prompt: '{PROMPT}'", code=code, type="bad", param="messages[0].content")
    bench.client.script("one", FakeResponse(status, body))
    bench.client.script("two", FakeResponse(status, body))
    reply = await bench.ask(TOLD)
    assert PROMPT in reply.error()["message"], "the caller knows its own words"
    assert b"merger" not in msgspec.json.encode(bench.rows)
    expected = [code] if code and code != PROMPT else []
    assert bench.rows[0].message == ", ".join([*expected, "bad", "param messages[0].content"])


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": PROMPT, "content": "hi"}],
        [{"role": "user", "content": [{"type": PROMPT}]}],
        [{"role": "user", "content": [{"type": "text", "text": "hi", "odd": PROMPT}]}],
    ],
)
async def test_a_refusal_names_what_it_cannot_carry_without_its_value(messages: object) -> None:
    bench = Bench(table(provider("one", protocol="gemini"), model("one/a")))
    reply = await bench.ask({"model": "one/a", "messages": messages})
    assert reply.status == 400
    assert "it cannot carry `messages[0]" in reply.error()["message"].replace("[...]", "[0]")
    assert b"merger" not in msgspec.json.encode(bench.rows)


async def test_an_error_without_a_code_is_noted_by_its_status() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(400, f"cannot read {PROMPT}".encode()))
    await bench.ask(TOLD)
    assert [row.message for row in bench.rows] == ["400"]
