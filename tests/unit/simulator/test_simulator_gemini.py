"""Gemini's generateContent without sockets: usage, streams, signatures, refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simulator_calls import body, events, payload, send, simulator, status

from modelops.simulator import tokens
from modelops.simulator.faults import Fault
from modelops.simulator.simulator import Exchange, Simulator

KEY = {"x-goog-api-key": "key"}
HELLO = [{"role": "user", "parts": [{"text": "Hello there"}]}]
TOOLS = [
    {
        "functionDeclarations": [
            {
                "name": "get_weather",
                "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
            }
        ]
    }
]
CALL = [{"role": "user", "parts": [{"text": "call get_weather"}]}]


def post(
    asked: dict[str, Any],
    verb: str = "generateContent",
    model: str = "gemini-2.0-flash",
    sim: Simulator | None = None,
) -> Exchange:
    return send(sim or simulator(), f"/google/v1beta/models/{model}:{verb}", asked, KEY)


def test_a_plain_answer_and_its_usage() -> None:
    answered = body(post({"contents": HELLO}))
    candidate = answered["candidates"][0]
    assert candidate["finishReason"] == "STOP"
    usage = answered["usageMetadata"]
    assert usage["promptTokenCount"] == 2
    assert usage["candidatesTokenCount"] == tokens.count(candidate["content"]["parts"][0]["text"])
    assert "thoughtsTokenCount" not in usage


def test_thoughts_are_counted_beside_the_candidates_and_hidden() -> None:
    answered = body(post({"contents": HELLO}, model="gemini-2.5-flash"))
    usage = answered["usageMetadata"]
    assert len(answered["candidates"][0]["content"]["parts"]) == 1
    assert (
        usage["totalTokenCount"]
        == 2 + usage["candidatesTokenCount"] + (usage["thoughtsTokenCount"])
    )


def test_thoughts_are_shown_or_switched_off_on_demand() -> None:
    shown = {"thinkingConfig": {"includeThoughts": True}}
    parts = body(post({"contents": HELLO, "generationConfig": shown}, model="gemini-2.5-pro"))[
        "candidates"
    ][0]["content"]["parts"]
    assert [part.get("thought", False) for part in parts] == [True, False]
    off = {"thinking_config": {"thinking_budget": 0}}
    answered = body(post({"contents": HELLO, "generation_config": off}, model="gemini-2.5-pro"))
    assert "thoughtsTokenCount" not in answered["usageMetadata"]


def test_a_stream_reports_growing_usage_and_ends_like_a_plain_answer() -> None:
    plain = body(post({"contents": HELLO}))
    exchange = send(
        simulator(),
        "/google/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse",
        {"contents": HELLO},
        KEY,
    )
    assert payload(exchange).count(b"\r\n\r\n") == len(events(exchange))
    chunks = events(exchange)
    text = "".join(part["text"] for c in chunks for part in c["candidates"][0]["content"]["parts"])
    assert text == plain["candidates"][0]["content"]["parts"][0]["text"]
    counts = [chunk["usageMetadata"]["totalTokenCount"] for chunk in chunks]
    assert counts == sorted(counts)
    assert chunks[-1]["usageMetadata"] == plain["usageMetadata"]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_stream_without_alt_is_one_array() -> None:
    chunks = json.loads(payload(post({"contents": HELLO}, "streamGenerateContent")))
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_call_of_gemini_3_wants_its_signature_back() -> None:
    sim = simulator()
    model = "gemini-3-pro-preview"
    asked = {"contents": CALL, "tools": TOOLS}
    turn = body(post(asked, model=model, sim=sim))["candidates"][0]["content"]
    assert turn["parts"][0]["functionCall"] == {"name": "get_weather", "args": {"city": "text"}}
    told = {"functionResponse": {"name": "get_weather", "response": {"result": "sunny"}}}
    answered = {"role": "user", "parts": [told]}
    good = post({"contents": [*CALL, turn, answered]}, model=model, sim=sim)
    text = body(good)["candidates"][0]["content"]["parts"][0]["text"]
    assert text.endswith("get_weather: sunny")
    for changed, part in ((None, "missing"), ("forged", "not valid")):
        call = {**turn["parts"][0], "thoughtSignature": changed or ""}
        refused = post(
            {"contents": [*CALL, {"role": "model", "parts": [call]}, answered]}, model=model
        )
        assert status(refused) == 400
        assert part in body(refused)["error"]["message"]
    unsigned = {**turn["parts"][0], "thoughtSignature": "skip_thought_signature_validator"}
    history = [*CALL, {"role": "model", "parts": [unsigned]}, answered]
    assert status(post({"contents": history}, model=model)) == 200


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({}, "contents is not specified"),
        ({"contents": [{"role": "assistant", "parts": []}]}, "valid role"),
        (
            {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {}}}]}]},
            "number of function response parts",
        ),
        ({"contents": "x"}, "Invalid request body"),
    ],
)
def test_requests_gemini_refuses(asked: dict[str, Any], part: str) -> None:
    refused = body(post(asked))["error"]
    assert (refused["code"], refused["status"]) == (400, "INVALID_ARGUMENT")
    assert part in refused["message"]


def test_a_bad_key_is_a_400_and_no_key_a_403() -> None:
    url = "/google/v1beta/models/gemini-2.0-flash:generateContent"
    bad = send(simulator(), url, {"contents": HELLO}, {"x-goog-api-key": "bad"})
    error = body(bad)["error"]
    assert (status(bad), error["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    none = send(simulator(), url, {"contents": HELLO}, {})
    assert (status(none), body(none)["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_a_rate_limit_says_in_the_body_when_to_come_back() -> None:
    sim = simulator()
    sim.faults.add(Fault(status=429))
    error = body(post({"contents": HELLO}, sim=sim))["error"]
    assert error["status"] == "RESOURCE_EXHAUSTED"
    assert error["details"][0]["retryDelay"] == "1s"


def test_counting_agrees_with_using() -> None:
    asked = {"contents": HELLO, "systemInstruction": {"parts": [{"text": "Be brief."}]}}
    counted = body(post({"generateContentRequest": asked}, "countTokens"))["totalTokens"]
    assert counted == body(post(asked))["usageMetadata"]["promptTokenCount"] == 5


def test_texts_are_embedded_one_by_one_or_together() -> None:
    one = {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 4}
    single = body(post(one, "embedContent"))["embedding"]["values"]
    several = body(post({"requests": [one, one]}, "batchEmbedContents"))["embeddings"]
    assert [single, single] == [each["values"] for each in several]


def test_models_come_in_pages() -> None:
    sim = simulator()
    send(sim, "/_simulator/models", {"provider": "google", "models": ["a", "b", "c"]})
    first = body(send(sim, "/google/v1beta/models?pageSize=2", None, KEY, "GET"))
    assert [model["name"] for model in first["models"]] == ["models/a", "models/b"]
    token = first["nextPageToken"]
    rest = send(sim, f"/google/v1beta/models?pageSize=2&pageToken={token}", None, KEY, "GET")
    assert [model["name"] for model in body(rest)["models"]] == ["models/c"]
    assert "nextPageToken" not in body(rest)
