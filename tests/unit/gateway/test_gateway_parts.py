"""The small parts of the road: bodies, ids, waits, redaction, callers, events, tables."""

from __future__ import annotations

from random import Random
from uuid import UUID

import msgspec
import pytest
from gateway_doubles import agent, chain, model, provider, settings, state, table
from hypothesis import given
from hypothesis import strategies as st

from modelops.gateway.body import Body
from modelops.gateway.call import Call
from modelops.gateway.caller import client_request_id, user_of
from modelops.gateway.errors import GatewayError, error_body, error_event
from modelops.gateway.ids import new_id
from modelops.gateway.protocols import sse
from modelops.gateway.redaction import redact
from modelops.gateway.retry_after import duration, retry_after
from modelops.gateway.table import compile_table
from modelops.gateway.upstream.request import Origin, split_url
from modelops.resources import resolved
from modelops.resources.errors import ModelopsError
from modelops.secrets.secret import Secret


def body(content: bytes) -> Body:
    return Body("/v1/chat/completions", content)


# Bodies


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b"[]", "JSON object"),
        (b'{"model": "a"', "not JSON"),
        (b'{"model": 7}', "'model' must be a string"),
        (b'{"stream": "yes"}', "'stream' must be true or false"),
        (b'{"model": "\xff"}', "not UTF-8: byte 11"),
        (b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_bad_bodies_are_a_400_that_says_why(content: bytes, message: str) -> None:
    with pytest.raises(GatewayError, match=message) as caught:
        body(content)
    assert caught.value.status == 400


def test_of_a_key_that_stands_twice_the_one_checked_is_the_one_sent() -> None:
    twice = body(b'{"model":"cheap","messages":[],"model":"dear"}')
    assert twice.model == "dear"
    assert msgspec.json.encode(twice.fields) == b'{"model":"dear","messages":[]}'


def test_values_keep_their_bytes() -> None:
    odd = b'{"seed":12345678901234567890123,"t":1.10,"x":{"a" : [ 1 ]}}'
    assert msgspec.json.encode(body(odd).fields) == odd


# Ids, waits


@given(st.integers(0, 2**48 * 1000 - 1), st.integers(0, 2**32))
def test_ids_are_uuids_of_version_7_in_order_of_time(unix_us: int, seed: int) -> None:
    chance = Random(seed)  # noqa: S311  chance that repeats itself
    text = new_id(unix_us, chance)
    made = UUID(text)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == unix_us // 1000
    assert text < new_id(unix_us + 1000, chance) or unix_us // 1000 == 2**48 - 1


NOON = 1_795_262_400_000_000  # 2026-11-21T12:00:00Z


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({b"retry-after": b"7"}, 7.0),
        ({b"retry-after": b"1.5"}, 1.5),
        ({b"retry-after-ms": b"250", b"retry-after": b"1"}, 0.25),
        ({b"x-ms-retry-after-ms": b"250"}, 0.25),
        ({b"retry-after": b"Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({b"retry-after": b"Sat, 21 Nov 2026 11:00:30 GMT"}, None),
        ({b"retry-after": b"-3"}, None),
        ({b"retry-after": b"0"}, None),
        ({b"retry-after-ms": b"0", b"retry-after": b"1"}, 1.0),
        ({b"retry-after-ms": b"-5", b"retry-after": b"7"}, 7.0),
        ({b"retry-after": b"1e9"}, 86_400.0),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_spellings(headers: dict[bytes, bytes], seconds: float) -> None:
    assert retry_after(headers, NOON) == seconds


@given(st.binary(max_size=40))
def test_no_retry_after_is_too_strange(value: bytes) -> None:
    found = retry_after({b"retry-after": value}, NOON)
    assert found is None or 0 < found <= 86_400


def test_durations_of_gemini() -> None:
    assert duration("34.4s") == 34.4
    assert [duration(odd) for odd in ("34", "s", "x s", "0s", None, 3)] == [None] * 6


# Redaction


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcDEF123456", "sk-ant-api03-xyz_ABC-123", "AIzaSyA1234567890abcdefgh",
        "gsk_abcdef123456", "xai-abcdef123456", "mo_dev_0123456789abcdef",
        "Bearer abc.def.ghi", "api_key=hunter2hunter2", "key: 0123456789",
        "0123456789abcdef0123456789abcdef", "https://x.test/?key=AIzaSyA123456789",
    ],
)  # fmt: skip
def test_keys_do_not_survive(secret: str) -> None:
    shown = redact(f"Incorrect credentials: {secret}. Look again.")
    tail = secret.split()[-1].split("=")[-1]
    assert tail not in shown
    assert "[redacted]" in shown
    assert "Look again" in shown


@given(st.text(max_size=10_000))
def test_messages_are_one_bounded_line(text: str) -> None:
    shown = redact(text)
    assert len(shown) <= 300
    assert "\n" not in shown


# Callers


def call(headers: dict[bytes, bytes] | None = None) -> Call:
    return Call(
        endpoint="/v1/messages", dialect="anthropic", body=b"", headers=headers or {},
        agent="", request_id="1", received_at_us=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "user"),
    [
        (b"{}", ""),
        (b'{"user":"u1"}', "u1"),
        (b'{"user":"u1","safety_identifier":"s1"}', "s1"),
        (b'{"metadata":{"user_id":"m1"}}', "m1"),
        (b'{"metadata":{"user_id":"user_0a_account_11-22_session_33-44"}}', "11-22"),
        (
            b'{"metadata":{"user_id":"{\\"account_uuid\\":\\"a1\\",\\"session_id\\":\\"s\\"}"}}',
            "a1",
        ),
        (b'{"metadata":{"user_id":7}}', ""),
        (b'{"metadata":"x","user":7}', ""),
    ],
)
def test_the_user_a_request_names(content: bytes, user: str) -> None:
    assert user_of(call(), body(content).fields) == user


def test_the_header_names_the_user_before_the_body() -> None:
    told = call({b"x-modelops-user": b"boss\x07", b"x-request-id": b"r" * 500})
    assert user_of(told, body(b'{"user":"u1"}').fields) == "boss"
    assert client_request_id(told) == "r" * 128


# Events


@given(st.lists(st.sampled_from(["data: a", ": c", "event: e\ndata: b", "data: x\ndata: y"]),
                max_size=8), st.sampled_from(["\n", "\r\n", "\r"]), st.data())  # fmt: skip
def test_frames_are_the_same_however_they_are_cut(
    events: list[str], newline: str, data: st.DataObject
) -> None:
    whole = "".join(event.replace("\n", newline) + newline * 2 for event in events).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    splitter = sse.Splitter()
    frames: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        if start < end:
            frames += splitter.feed(whole[start:end])
    assert b"".join(frames) + splitter.rest == whole
    assert frames == sse.Splitter().feed(whole)


def test_events_have_data() -> None:
    assert sse.data_of(b"data: x\n\n") == b"x"
    assert sse.data_of(b"event: ping\r\ndata: {}\r\n\r\n") == b"{}"
    assert sse.data_of(b"data:x\ndata: y\rdata\n\n") == b"x\ny\n"
    assert sse.data_of(b": keep-alive\ndatum: x\n\n") == b""


def test_an_endless_event_is_refused() -> None:
    splitter = sse.Splitter()
    for _ in range(16):
        splitter.feed(b"x" * (1 << 20))
    with pytest.raises(sse.FrameTooLargeError):
        splitter.feed(b"x")


# Errors


def test_errors_speak_the_callers_dialect() -> None:
    error = GatewayError(404, "model_not_found", "no such model")
    assert msgspec.json.decode(error_body("openai", error, "r1")) == {
        "error": {
            "message": "no such model", "type": "invalid_request_error", "param": None,
            "code": "model_not_found",
        }
    }  # fmt: skip
    told = msgspec.json.decode(error_body("anthropic", error, "r1"))
    assert told["error"]["type"] == "not_found_error"
    assert told["request_id"] == "r1"
    assert error_event("anthropic", error, "r1").startswith(b"event: error\ndata: {")


# Tables


def test_where_providers_are() -> None:
    assert split_url("https://x.test/v1/") == (Origin("x.test", 443, tls=True), "/v1")
    assert split_url("http://[::1]:99")[0].authority == "[::1]:99"
    assert Origin("x.test", 443, tls=True).authority == "x.test"
    for bad in ("ftp://x", "x.test", "https://"):
        with pytest.raises(ValueError, match="not an http"):
            split_url(bad)


def test_how_keys_are_sent() -> None:
    sent = {
        auth: table(provider("one", auth=auth, protocol="anthropic")).providers["one"]
        for auth in ("bearer", "x-api-key", "api-key", "none")
    }
    assert b"authorization: Bearer key-of-provider/one\r\n" in sent["bearer"].credential.headers
    assert b"x-api-key: key-of-provider/one\r\n" in sent["x-api-key"].credential.headers
    assert b"api-key: key-of-provider/one\r\n" in sent["api-key"].credential.headers
    assert b"key-of" not in sent["none"].credential.headers
    assert "key-of" not in repr(sent)


@pytest.mark.parametrize("key", ["line\r\nbreak", "caf\xe9", "zero\x00"])
def test_a_key_that_no_header_may_carry_puts_its_provider_in_error(key: str) -> None:
    compiled = compile_table(1, state(provider("one")), lambda *_: Secret(key))
    assert not compiled.providers["one"].usable
    assert key not in compiled.providers["one"].error


def test_a_key_that_does_not_open_puts_its_provider_in_error() -> None:
    compiled = compile_table(1, state(provider("one")), lambda *_: None)
    assert "does not open" in compiled.providers["one"].error
    assert compiled.providers["one"].protocol == "openai"


def test_the_simulator_stands_behind_every_provider_with_a_dummy_key() -> None:
    compiled = table(
        provider("one", api_key="", base_url="https://one.test/v1/deep"),
        provider("two", enabled=False),
        model("one/a"),
        agent("dev", credentials=(resolved.Credential(provider="one", api_key="sealed"),)),
        simulator_url="http://127.0.0.1:99",
    )
    one = compiled.providers["one"]
    assert (one.origin, one.prefix) == (Origin("127.0.0.1", 99, tls=False), "/one")
    assert one.usable
    assert one.simulated
    assert compiled.agents["dev"].credentials["one"] is one.credential
    assert b"key-of" not in one.credential.headers
    assert compiled.providers["two"].error == "disabled"


def test_a_revision_that_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ModelopsError, match="not in the revision"):
        table(model("one/a"))
    with pytest.raises(ModelopsError, match="not in the revision"):
        table(chain("pair", "one/a"), settings())
