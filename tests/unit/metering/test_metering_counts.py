"""Counts that are none, or cannot be: flagged, not kept, whatever a provider sends."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from usage_reading import read_usage

from modelops.metering.attempt import NO_USAGE
from modelops.metering.usage import UsageReader
from modelops.resources.resolved import Protocol


@pytest.mark.parametrize("protocol", ["openai", "anthropic", "gemini", "ollama"])
def test_no_report_is_no_usage(protocol: Protocol) -> None:
    assert read_usage(protocol, {"usage": None, "usageMetadata": None}) == NO_USAGE


@pytest.mark.parametrize("absurd", [-1, "12", True, math.nan, math.inf, 1.5, 20_000_000, [3]])
def test_an_absurd_count_is_flagged_and_not_kept(absurd: object) -> None:
    found = read_usage("openai", {"usage": {"prompt_tokens": absurd, "completion_tokens": 3}})
    assert (found.source, found.input_tokens, found.output_tokens) == ("invalid", None, 3)


@pytest.mark.parametrize(
    ("details", "source", "read"),
    [
        ({"cached_tokens": 2.0}, "reported", 2),
        ({"cached_tokens": "2", "cache_write_tokens": 1}, "invalid", None),
        (["cached_tokens"], "reported", None),
        (7, "reported", None),
    ],
)
def test_details_are_counts_or_nothing(details: object, source: str, read: int | None) -> None:
    usage = {"prompt_tokens": 9.0, "completion_tokens": 3, "prompt_tokens_details": details}
    found = read_usage("openai", {"usage": usage})
    assert (found.source, found.input_tokens, found.output_tokens) == (source, 9, 3)
    assert found.cache_read_tokens == read


def test_more_cached_than_read_is_flagged() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 11},
    }
    found = read_usage("openai", {"usage": usage})
    assert (found.source, found.cache_read_tokens) == ("invalid", None)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "usage",
                    "message",
                    "response",
                    "x_groq",
                    "usageMetadata",
                    "prompt_tokens",
                    "input_tokens",
                    "output_tokens",
                    "total_tokens",
                    "prompt_tokens_details",
                    "cached_tokens",
                    "iterations",
                    "cache_creation",
                    "cache_creation_input_tokens",
                    "ephemeral_1h_input_tokens",
                    "promptTokenCount",
                    "eval_count",
                    "prompt_eval_count",
                    "cost",
                    "cost_details",
                    "output",
                    "type",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(
    st.sampled_from(["openai", "anthropic", "gemini", "ollama"]),
    st.lists(st.dictionaries(st.sampled_from(["usage", "message", "response"]), _JSON), max_size=3),
    st.booleans(),
)
def test_whatever_a_provider_sends_is_counted_sanely_or_flagged(
    protocol: Protocol, events: list[dict[str, Any]], complete: bool
) -> None:
    reader = UsageReader(protocol)
    for event in events:
        reader.feed(event)
    found = reader.usage(complete=complete)
    counts = (found.input_tokens, found.output_tokens, found.cache_read_tokens)
    assert all(count is None or count >= 0 for count in counts)
    parts = (found.cache_read_tokens, found.cache_write_tokens, found.cache_write_1h_tokens)
    if found.source in ("reported", "partial") and found.input_tokens is not None:
        assert sum(part or 0 for part in parts) <= found.input_tokens
