"""What the names of models say, in the spellings of vendors, aggregators and deployments."""

from __future__ import annotations

import msgspec
import pytest
from gateway_doubles import model, provider, table

from modelops.gateway.body import Body
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.protocols.models import (
    always_thinks,
    claude_version,
    least_effort,
    most_effort,
    samples,
)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("claude-3-opus-20240229", (3, 0)), ("claude-3-5-sonnet-20241022", (3, 5)),
        ("claude-sonnet-4-20250514", (4, 0)), ("claude-haiku-4-5-20251001", (4, 5)),
        ("claude-opus-4-5@20251101", (4, 5)), ("anthropic/claude-opus-4.7", (4, 7)),
        ("us.anthropic.claude-opus-4-6-v1", (4, 6)), ("claude-sonnet-5", (5, 0)),
        ("claude-opus-5-5", (5, 5)), ("anthropic/claude-4.7-opus", (4, 7)),
        ("claude-mythos-preview", (99, 0)), ("claude-opus-latest", (99, 0)),
        ("claude-3-5-sonnet-latest", (3, 5)), ("deepseek-v4-pro", None), ("gpt-5.6", None),
        ("Claude-Opus-4.7", (4, 7)), ("claude_opus_4_7", (4, 7)), ("claude-opus4.7", (4, 7)),
        ("claude-opus-47", (4, 7)), ("claude-35-haiku", (3, 5)), ("claude-opus-10", (10, 0)),
        ("anthropic.claude-v2:1", (2, 0)), ("Claude_Sonnet_Latest", (99, 0)),
        ("claude-opus-20250514", None),
    ],
)  # fmt: skip
def test_versions_are_read_from_names(name: str, version: tuple[int, int] | None) -> None:
    assert claude_version(name) == version


def test_models_that_always_think_are_known_in_every_spelling() -> None:
    assert always_thinks("Claude_Fable_5")
    assert not always_thinks("claude-opus-5")


@pytest.mark.parametrize(
    ("name", "takes", "least", "most"),
    [
        ("gpt-35-turbo", True, None, "high"), ("gpt-3.5-turbo-16k", True, None, "high"),
        ("gpt-4-0613", True, None, "high"), ("gpt-4o-2024-08-06", True, None, "high"),
        ("gpt-5", False, "minimal", "high"), ("GPT-5", False, "minimal", "high"),
        ("gpt5", False, "minimal", "high"), ("my-gpt-5", False, "minimal", "high"),
        ("openai/gpt-5-2025-08-07", False, "minimal", "high"),
        ("gpt-5-chat-latest", True, None, "high"), ("gpt-5-codex", False, None, "high"),
        ("gpt-5.1", True, "none", "high"), ("gpt_5_1", True, "none", "high"),
        ("gpt-5.1-codex-max", True, None, "xhigh"), ("gpt-5.2", True, "none", "xhigh"),
        ("gpt-5.10-mini", True, "none", "xhigh"), ("gpt-5.2-pro", True, None, "xhigh"),
        ("o3", False, "low", "high"), ("openai/O4-mini", False, "low", "high"),
        ("o3-pro", False, None, "high"), ("o200", True, None, "high"),
        ("gpt-oss-120b", True, None, "high"), ("deepseek-chat", True, None, "high"),
        ("claude-opus-4-7", False, None, "high"),
    ],
)  # fmt: skip
def test_what_an_openai_model_takes(
    name: str, *, takes: bool, least: str | None, most: str
) -> None:
    assert (samples(name), least_effort(name), most_effort(name)) == (takes, least, most)


@pytest.mark.parametrize("asked", ["xhigh", "max"])
@pytest.mark.parametrize(("name", "sent"), [("gpt-5.1", "high"), ("gpt-5.2", "xhigh")])
def test_an_effort_goes_no_higher_than_the_model_takes(asked: str, name: str, sent: str) -> None:
    target = table(provider("one"), model("one/m", upstream_model=name)).models["one/m"]
    target = msgspec.structs.replace(target, capabilities=None)
    thinking = {"thinking": {"type": "adaptive"}, "output_config": {"effort": asked}}
    messages = [{"role": "user", "content": "hi"}]
    request = {"model": "m", "max_tokens": 9000, "messages": messages, **thinking}
    body = Body("/v1/messages", msgspec.json.encode(request))
    outgoing = ADAPTERS["/v1/messages", "openai"].outgoing(body, {}, target, None)
    assert msgspec.json.decode(outgoing.body)["reasoning_effort"] == sent
