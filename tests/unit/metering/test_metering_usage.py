"""What each provider's habit of counting becomes; figures are those of recorded answers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.metering.attempt import NO_USAGE, Usage
from modelops.metering.usage import UsageReader, embedding_usage, whole_usage
from modelops.resources.resolved import Protocol


def read_usage(protocol: Protocol, body: dict[str, Any]) -> Usage:
    """Return the usage of a whole answer, which is that of a stream of the one event."""
    usage, tier = whole_usage(protocol, body)
    reader = UsageReader(protocol)
    reader.feed(body)
    assert (reader.usage(complete=True), reader.service_tier) == (usage, tier)
    return usage


def test_openai_counts_cache_and_reasoning_inside() -> None:
    body = {
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 300,
            "total_tokens": 1300,
            "prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100},
            "completion_tokens_details": {"reasoning_tokens": 200},
        }
    }
    assert read_usage("openai", body) == Usage(
        source="reported",
        input_tokens=1000,
        output_tokens=300,
        cache_read_tokens=600,
        cache_write_tokens=100,
        reasoning_tokens=200,
    )


def test_reasoning_that_xai_leaves_out_of_the_output_counts() -> None:
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 1,
        "total_tokens": 303,
        "prompt_tokens_details": {"cached_tokens": 11},
        "completion_tokens_details": {"reasoning_tokens": 290},
        "cost_in_usd_ticks": 1466250,
    }
    found = read_usage("openai", {"usage": usage})
    assert (found.input_tokens, found.output_tokens, found.reasoning_tokens) == (12, 291, 290)
    assert found.provider_cost_pico == 146_625_000


def test_gemini_says_in_its_usage_at_which_tier_it_served() -> None:
    usage = {"promptTokenCount": 6, "candidatesTokenCount": 1, "serviceTier": "flex"}
    assert whole_usage("gemini", {"usageMetadata": usage})[1] == "flex"


def test_thoughts_that_gemini_hides_behind_the_total_count() -> None:
    usage = {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}
    assert read_usage("openai", {"usage": usage}).output_tokens == 74


def test_a_total_that_no_call_has_hides_no_reasoning() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 20_000_000}
    found = read_usage("openai", {"usage": usage})
    assert (found.source, found.input_tokens, found.output_tokens) == ("invalid", 100, 10)


def test_embeddings_have_no_output() -> None:
    found = read_usage("openai", {"usage": {"prompt_tokens": 8, "total_tokens": 8}})
    assert (found.input_tokens, found.output_tokens) == (8, 0)


def test_openrouter_says_what_it_cost_and_how_that_splits() -> None:
    usage = {
        "prompt_tokens": 3214,
        "completion_tokens": 100,
        "cost": 0.01355025,
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": 0.01355025,
            "upstream_inference_prompt_cost": 0.01205025,
            "upstream_inference_completions_cost": 0.0015,
        },
    }
    found = read_usage("openai", {"usage": usage})
    assert found.provider_cost_pico == 13_550_250_000
    assert found.provider_input_pico == 12_050_250_000


def test_openrouter_with_a_key_of_ones_own_adds_the_providers_bill() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "cost": 0.0001,
        "is_byok": True,
        "cost_details": {"upstream_inference_cost": 0.002},
    }
    found = read_usage("openai", {"usage": usage})
    assert (found.provider_cost_pico, found.provider_input_pico) == (2_100_000_000, None)


def test_the_providers_bill_for_a_key_of_ones_own_is_split_where_there_is_no_fee() -> None:
    usage = {
        "prompt_tokens": 9171,
        "completion_tokens": 113,
        "cost": 0,
        "is_byok": True,
        "cost_details": {
            "upstream_inference_cost": 0.0360795,
            "upstream_inference_prompt_cost": 0.0343845,
            "upstream_inference_completions_cost": 0.001695,
        },
    }
    found = read_usage("openai", {"usage": usage})
    assert found.provider_cost_pico == 36_079_500_000
    assert found.provider_input_pico == 34_384_500_000


@pytest.mark.parametrize("fee", [{"cost": 0}, {"cost": 0.0001}, {}])
@pytest.mark.parametrize("details", [None, {}, {"upstream_inference_cost": None}])
def test_the_fee_for_a_key_of_ones_own_is_not_the_whole_cost(
    fee: dict[str, float], details: object
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "is_byok": True, "cost_details": details}
    found = read_usage("openai", {"usage": {**usage, **fee}})
    assert found == Usage(source="partial", input_tokens=10, output_tokens=5)


@pytest.mark.parametrize(
    ("usage", "read", "written"),
    [
        ({"prompt_cache_hit_tokens": 40, "prompt_cache_miss_tokens": 60}, 40, None),
        ({"cached_tokens": 30}, 30, None),
        (
            {"prompt_tokens_details": {"cached_tokens": 5, "cache_creation_input_tokens": 20}},
            5,
            20,
        ),
    ],
    ids=["deepseek", "kimi", "qwen"],
)
def test_cache_counts_by_the_names_of_each_provider(
    usage: dict[str, Any], read: int, written: int | None
) -> None:
    found = read_usage("openai", {"usage": {"prompt_tokens": 100, "completion_tokens": 1, **usage}})
    assert (found.cache_read_tokens, found.cache_write_tokens) == (read, written)


def test_groq_reports_in_its_own_object() -> None:
    reader = UsageReader("openai")
    reader.feed({"choices": [{"delta": {"content": "hi"}}], "x_groq": {"id": "r"}})
    reader.feed({"choices": [], "x_groq": {"usage": {"prompt_tokens": 7, "completion_tokens": 3}}})
    assert reader.usage(complete=True).input_tokens == 7


def test_a_responses_stream_reports_with_its_last_event_and_lists_billed_calls() -> None:
    reader = UsageReader("openai")
    reader.feed({"type": "response.created", "response": {"usage": None, "output": []}})
    reader.feed({"type": "response.output_text.delta", "delta": "x"})
    reader.feed(
        {
            "type": "response.completed",
            "response": {
                "service_tier": "flex",
                "output": [{"type": "web_search_call"}, {"type": "message"}],
                "usage": {
                    "input_tokens": 50,
                    "input_tokens_details": {"cached_tokens": 20},
                    "output_tokens": 9,
                    "output_tokens_details": {"reasoning_tokens": 4},
                    "total_tokens": 59,
                },
            },
        }
    )
    assert reader.usage(complete=True) == Usage(
        source="reported",
        input_tokens=50,
        output_tokens=9,
        cache_read_tokens=20,
        reasoning_tokens=4,
        billed_tool_calls=1,
    )
    assert reader.service_tier == "flex"


def test_anthropic_counts_cache_beside_the_input_and_its_last_word_holds() -> None:
    reader = UsageReader("anthropic")
    start = {
        "input_tokens": 2050,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 400,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 1,
        "service_tier": "standard",
    }
    reader.feed({"type": "message_start", "message": {"usage": start}})
    reader.feed({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hi"}})
    assert reader.usage(complete=False).source == "partial"
    reader.feed(
        {
            "type": "message_delta",
            "usage": {
                "input_tokens": 31772,
                "output_tokens": 250,
                "cache_read_input_tokens": None,
                "server_tool_use": {"web_search_requests": 2},
            },
        }
    )
    assert reader.usage(complete=True) == Usage(
        source="reported",
        input_tokens=31772 + 30 + 400,
        output_tokens=250,
        cache_read_tokens=400,
        cache_write_tokens=10,
        cache_write_1h_tokens=20,
        billed_tool_calls=2,
    )
    assert reader.service_tier == "standard"


def test_anthropic_compaction_is_billed_too() -> None:
    compaction = {"input_tokens": 100, "output_tokens": 83, "cache_read_input_tokens": 55096}
    message = {"input_tokens": 181, "output_tokens": 8, "cache_read_input_tokens": 0}
    usage = {
        **message,
        "iterations": [{**compaction, "type": "compaction"}, {**message, "type": "message"}],
    }
    found = read_usage("anthropic", {"usage": usage})
    assert (found.input_tokens, found.output_tokens) == (100 + 55096 + 181, 91)
    assert found.cache_read_tokens == 55096


def test_a_compaction_that_is_listed_alone_comes_on_top() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "iterations": [{"type": "compaction", "input_tokens": 1_000, "output_tokens": 200}],
    }
    found = read_usage("anthropic", {"usage": usage})
    assert (found.source, found.input_tokens, found.output_tokens) == ("reported", 1_010, 205)


@pytest.mark.parametrize("kind", ["advisor_message", "fallback_message"])
def test_what_another_model_used_has_not_the_price_of_this_one(kind: str) -> None:
    own = {"type": "message", "input_tokens": 10, "output_tokens": 5}
    other = {"type": kind, "model": "claude-opus-5", "input_tokens": 800, "output_tokens": 500}
    usage = {"input_tokens": 10, "output_tokens": 5, "iterations": [own, other]}
    found = read_usage("anthropic", {"usage": usage})
    assert (found.source, found.input_tokens, found.output_tokens) == ("partial", 810, 505)


@pytest.mark.parametrize(
    ("words", "tier"),
    [
        ({"service_tier": "standard"}, "standard"),
        ({"service_tier": "standard", "speed": "standard", "inference_geo": "global"}, "standard"),
        ({"service_tier": "standard", "inference_geo": "not_available"}, "standard"),
        ({"service_tier": "standard", "inference_geo": "us"}, "us"),
        ({"service_tier": "standard", "speed": "fast", "inference_geo": "us"}, "fast-us"),
        ({"service_tier": "priority", "inference_geo": "us"}, "priority-us"),
        ({"speed": "fast"}, "fast"),
        ({"speed": 7, "inference_geo": None}, ""),
    ],
)
def test_anthropics_fast_mode_and_region_are_tiers_of_their_own(
    words: dict[str, Any], tier: str
) -> None:
    usage = {"input_tokens": 10, "output_tokens": 5, **words}
    assert whole_usage("anthropic", {"usage": usage})[1] == tier
    reader = UsageReader("anthropic")
    reader.feed({"type": "message_start", "message": {"usage": usage}})
    again = {"output_tokens": 7, "service_tier": words.get("service_tier")}
    reader.feed({"type": "message_delta", "usage": again})
    assert reader.service_tier == tier


def test_gemini_adds_thoughts_and_tool_prompts_and_its_last_chunk_wins() -> None:
    reader = UsageReader("gemini")
    reader.feed({"usageMetadata": {"promptTokenCount": 40, "totalTokenCount": 40}})
    reader.feed(
        {
            "usageMetadata": {
                "promptTokenCount": 29,
                "candidatesTokenCount": 15,
                "thoughtsTokenCount": 804,
                "toolUsePromptTokenCount": 6,
                "cachedContentTokenCount": 9,
            }
        }
    )
    assert reader.usage(complete=True) == Usage(
        source="reported",
        input_tokens=35,
        output_tokens=819,
        cache_read_tokens=9,
        reasoning_tokens=804,
    )


@pytest.mark.parametrize(
    ("protocol", "body"),
    [
        ("openai", {"usage": {"prompt_tokens": 100}}),
        ("openai", {"usage": {"completion_tokens": 10}}),
        ("openai", {"usage": {"output_tokens": 10, "total_tokens": 110}}),
        ("anthropic", {"usage": {"output_tokens": 10}}),
        ("anthropic", {"usage": {"iterations": [{"type": "compaction"}]}}),
        ("gemini", {"usageMetadata": {"candidatesTokenCount": 10}}),
        ("ollama", {"eval_count": 10}),
    ],
)
def test_the_counts_of_one_side_are_a_part_of_the_report(
    protocol: Protocol, body: dict[str, Any]
) -> None:
    assert read_usage(protocol, body).source == "partial"


def test_the_input_is_all_there_is_to_report_of_an_embedding() -> None:
    found = embedding_usage("openai", {"usage": {"prompt_tokens": 8}})
    assert (found.source, found.input_tokens, found.output_tokens) == ("reported", 8, 0)
    found = embedding_usage("openai", {"usage": {"prompt_tokens": 8, "cost": -1}})
    assert found.source == "invalid"


def test_gemini_without_candidates_answered_nothing() -> None:
    found = read_usage("gemini", {"usageMetadata": {"promptTokenCount": 5}})
    assert found.output_tokens == 0


def test_ollama_counts_in_its_last_object() -> None:
    reader = UsageReader("ollama")
    reader.feed({"message": {"content": "a"}, "done": False})
    assert reader.usage(complete=False) == NO_USAGE
    reader.feed({"done": True, "prompt_eval_count": 26, "eval_count": 290})
    assert reader.usage(complete=True) == Usage(
        source="reported", input_tokens=26, output_tokens=290
    )


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


@pytest.mark.parametrize("absurd", [-0.5, "0.1", math.nan, 10**9])
def test_an_absurd_cost_is_flagged_and_not_kept(absurd: object) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": absurd}
    found = read_usage("openai", {"usage": usage})
    assert (found.source, found.provider_cost_pico) == ("invalid", None)


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
