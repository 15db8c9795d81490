"""What each provider's habit of counting becomes; figures are those of recorded answers."""

from __future__ import annotations

from typing import Any

import pytest
from usage_reading import read_usage

from modelops.metering.attempt import NO_USAGE, Usage
from modelops.metering.usage import UsageReader, embedding_usage, whole_usage
from modelops.resources.resolved import Protocol


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


@pytest.mark.parametrize("written", ["flex", "FLEX"])
def test_gemini_says_in_its_usage_at_which_tier_it_served(written: str) -> None:
    usage = {"promptTokenCount": 6, "candidatesTokenCount": 1, "serviceTier": written}
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


def test_the_last_word_on_a_speed_counts() -> None:
    reader = UsageReader("anthropic")
    started = {"input_tokens": 10, "speed": "fast", "inference_geo": "us"}
    reader.feed({"type": "message_start", "message": {"usage": started}})
    ended = {"output_tokens": 7, "speed": "standard", "inference_geo": "global"}
    reader.feed({"type": "message_delta", "usage": ended})
    assert reader.service_tier == ""


def test_a_speed_that_another_provider_names_is_no_tier() -> None:
    body = {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "speed": "120 tok/s"}}
    assert whole_usage("openai", body)[1] == ""


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
    assert embedding_usage("ollama", {"prompt_eval_count": 8}).source == "reported"
    assert embedding_usage("ollama", {}) == NO_USAGE


def test_what_an_embedding_cost_with_a_key_of_the_callers_own_is_not_known() -> None:
    report = {"prompt_tokens": 8, "is_byok": True, "cost": 0}
    found = embedding_usage("openai", {"usage": report})
    assert (found.source, found.input_tokens, found.output_tokens) == ("partial", 8, 0)


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
