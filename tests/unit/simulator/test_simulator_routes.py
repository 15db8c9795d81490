"""Paths, keys, models and control calls."""

from __future__ import annotations

from typing import Any

import pytest
from simulator_calls import ANTHROPIC, OPENAI, body, chat, messages, send, simulator, status


@pytest.mark.parametrize("base", ["", "/v1", "/api/v1", "/openai/v1", "/compatible-mode/v1"])
def test_a_base_path_may_stand_before_the_endpoint(base: str) -> None:
    assert status(send(simulator(), f"/p{base}/chat/completions", chat())) == 200


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/openai/v1/v1/chat/completions", 404),
        ("POST", "/openai/nothing", 404),
        ("GET", "/openai/chat/completions", 405),
        ("GET", "/", 404),
        ("GET", "/_simulator/nothing", 404),
    ],
)
def test_other_paths_are_refused(method: str, path: str, expected: int) -> None:
    exchange = send(simulator(), path, method=method)
    assert status(exchange) == expected
    assert "error" in body(exchange)


@pytest.mark.parametrize(
    ("path", "headers", "expected", "part"),
    [
        ("/openai/models", {}, 401, "didn't provide an API key"),
        ("/openai/models", {"authorization": "Basic x"}, 401, "didn't provide an API key"),
        ("/openai/models", {"authorization": "Bearer bad-key"}, 401, "Incorrect API key"),
        ("/azure/models", {"api-key": "k"}, 200, ""),
        ("/ollama/models", {}, 200, ""),
        ("/vllm/models", {}, 200, ""),
        ("/our-own/models", {}, 200, ""),
        ("/our-own/models", {"authorization": "Bearer bad"}, 401, "Incorrect API key"),
        ("/anthropic/v1/models", {"anthropic-version": "x"}, 401, "x-api-key header is required"),
        ("/a/v1/models", {**ANTHROPIC, "x-api-key": "bad"}, 401, "invalid x-api-key"),
        ("/a/v1/models", {"anthropic-version": "x", "authorization": "Bearer k"}, 200, ""),
    ],
)
def test_a_key_is_asked_for_as_the_protocol_does(
    path: str, headers: dict[str, str], expected: int, part: str
) -> None:
    exchange = send(simulator(), path, headers=headers, method="GET")
    assert status(exchange) == expected
    assert part in str(body(exchange))


def test_a_key_is_never_repeated() -> None:
    exchange = send(simulator(), "/o/models", None, {"authorization": "Bearer bad-xyz"}, "GET")
    assert "bad-xyz" not in str(exchange)


def test_a_provider_offers_what_was_declared_and_nothing_else() -> None:
    sim = simulator()
    declared = {"provider": "openai", "models": ["gpt-4o", "gpt-4o-mini"]}
    send(sim, "/_simulator/models", declared)
    listed = body(send(sim, "/openai/v1/models", method="GET"))
    assert [model["id"] for model in listed["data"]] == ["gpt-4o", "gpt-4o-mini"]
    missing = send(sim, "/openai/chat/completions", chat(model="gpt-9"))
    assert (status(missing), body(missing)["error"]["code"]) == (404, "model_not_found")
    assert status(send(sim, "/other/chat/completions", chat(model="gpt-9"))) == 200
    assert body(send(sim, "/openai/models/gpt-4o", method="GET"))["id"] == "gpt-4o"
    assert status(send(sim, "/openai/models/gpt-9", method="GET")) == 404


def test_an_undeclared_provider_lists_what_it_was_asked_for() -> None:
    sim = simulator()
    send(sim, "/openai/chat/completions", chat())
    assert body(send(sim, "/openai/models", method="GET"))["data"][0]["id"] == "gpt-4o"


def test_anthropics_list_comes_in_pages() -> None:
    sim = simulator()
    send(sim, "/_simulator/models", {"provider": "a", "models": ["c1", "c2", "c3"]})
    first = body(send(sim, "/a/v1/models?limit=2", None, ANTHROPIC, "GET"))
    assert (first["has_more"], first["last_id"]) == (True, "c2")
    rest = body(send(sim, "/a/v1/models?limit=2&after_id=c2", None, ANTHROPIC, "GET"))
    assert ([model["id"] for model in rest["data"]], rest["has_more"]) == (["c3"], False)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"model": 1}', b'{"model": "m"}', b"\xff"])
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/o/chat/completions", OPENAI),
        ("/o/embeddings", OPENAI),
        ("/a/v1/messages", ANTHROPIC),
        ("/_simulator/models", {}),
    ],
)
def test_a_body_that_is_no_request_is_refused(
    path: str, headers: dict[str, str], data: bytes
) -> None:
    assert status(send(simulator(), path, data, headers)) == 400


@pytest.mark.parametrize("data", [b"", b"[]", b'{"kind": "explode"}', b'{"colour": "red"}'])
def test_a_body_that_is_no_fault_is_refused(data: bytes) -> None:
    assert status(send(simulator(), "/_simulator/faults", data)) == 400


def test_a_fault_that_is_none_is_told_what_there_is() -> None:
    hint = body(send(simulator(), "/_simulator/faults", {"hang": True}))["hint"]
    assert "kind, provider, model, times" in hint
    assert "stall" in hint


def test_deep_json_is_refused() -> None:
    assert status(send(simulator(), "/o/chat/completions", b"[" * 100_000)) == 400


def test_a_fault_is_for_a_declared_provider_once_any_is() -> None:
    sim = simulator()
    fault = {"provider": "NAME", "status": 529}
    assert status(send(sim, "/_simulator/faults", fault)) == 200
    send(sim, "/_simulator/models", {"provider": "openai", "models": ["gpt-4o"]})
    refused = send(sim, "/_simulator/faults", fault)
    assert (status(refused), body(refused)["error"]) == (
        400,
        "there is no provider 'NAME', only openai",
    )
    assert status(send(sim, "/_simulator/faults", {**fault, "provider": "openai"})) == 200
    assert status(send(sim, "/_simulator/faults", {"status": 529})) == 200


def test_faults_come_and_go_by_control_call() -> None:
    sim = simulator()
    given: dict[str, Any] = {"provider": "a", "status": 529, "times": 3}
    send(sim, "/_simulator/faults", given)
    listed = body(send(sim, "/_simulator/faults", method="GET"))["faults"]
    assert (listed[0]["status"], listed[0]["times"]) == (529, 3)
    assert status(send(sim, "/a/v1/messages", messages(), ANTHROPIC)) == 529
    send(sim, "/_simulator/faults", method="DELETE")
    assert status(send(sim, "/a/v1/messages", messages(), ANTHROPIC)) == 200
