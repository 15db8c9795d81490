"""Exports are read by their columns, and a file that is none of them is said to be none."""

from __future__ import annotations

from datetime import date

import pytest

from modelops.ledger.invoices import Billed, Credit, Key, read
from modelops.resources.errors import ModelopsError

DAY = date(2026, 11, 20)
PLAIN = "day,model,input_tokens,output_tokens,cost_usd\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            PLAIN + "2026-11-20,gpt-4o,100,20,0.5\n2026-11-20,gpt-4o,1,2,$0.000000000001\n",
            {Key(DAY, "gpt-4o"): Billed(101, 22, 500_000_000_001)},
        ),
        (
            (
                "\ufeffstart_time,end_time,start_time_iso,end_time_iso,project_id,"
                "num_model_requests,user_id,api_key_id,model,batch,service_tier,input_tokens,"
                "output_tokens,input_cached_tokens,input_uncached_tokens\n"
                "1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,proj_1,"
                "10.0,user-1,key_1,gpt-4o-2024-08-06,FALSE,default,59200.0,10646.0,5760.0,53440.0\n"
                "1795219200,1795305600,2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,,,,,,,,,"
                ",,\n"
            ),
            {Key(DAY, "gpt-4o-2024-08-06"): Billed(59_200, 10_646, None)},
        ),
        (
            (
                "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,"
                "model,input_tokens\n"
                "1,2,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,p,1,embed,7\n"
            ),
            {Key(DAY, "embed"): Billed(7, 0, None)},
        ),
        (
            (
                "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,"
                "usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
                "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
                "usage_output_tokens,web_search_count,inference_geo,speed\n"
                "2026-11-20,claude-sonnet-4-5-20250929,ci,Default,standard,\u2264 200k,1,2,3,4,5,0,"
                "not_available,\n"
            ),
            {Key(DAY, "claude-sonnet-4-5-20250929"): Billed(10, 5, None)},
        ),
        (
            (
                "date,model,model_permaslug,endpoint_id,provider_name,usage,byok_usage_inference,"
                "requests,prompt_tokens,completion_tokens,reasoning_tokens\n"
                "2026-11-20 00:00:00,openai/gpt-4o,openai/gpt-4o-2024-08-06,e,OpenAI,0.25,0.5,2,"
                "7,8,0\n"
            ),
            {Key(DAY, "openai/gpt-4o"): Billed(7, 8, 750_000_000_000)},
        ),
        (
            (
                "generation_id,created_at,cost_total,cost_web_search,cost_cache,"
                "tokens_prompt,tokens_completion,tokens_reasoning,model_permaslug,provider_name\n"
                "gen-1,2026-11-20 23:59:59.9,0.25,0,0,7,8,1,openai/gpt-4o,OpenAI\n"
            ),
            {Key(DAY, "openai/gpt-4o"): Billed(7, 8, 250_000_000_000)},
        ),
    ],
    ids=[
        "plain",
        "openai",
        "openai embeddings",
        "anthropic",
        "openrouter activity",
        "openrouter generations",
    ],
)
def test_an_export_is_added_up_by_day_and_model(text: str, expected: dict[Key, Billed]) -> None:
    found = read(text)
    assert (found.billed, found.credits) == (expected, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "these columns: none"),
        ("song,artist\na,b\n", "these columns: song, artist"),
        (PLAIN, "no line below its header"),
        (
            "start_time,end_time,start_time_iso,end_time_iso\n1,2,2026-11-20T00:00,2026-11-21T00:00\n",
            "these columns: start_time, end_time, start_time_iso, end_time_iso",
        ),
        (PLAIN + "2026-11-20,gpt-4o,1.5,2,3\n", "input_tokens is '1.5'"),
        (PLAIN + "2026-11-20,gpt-4o,1\n", "line 2 has more or fewer cells"),
        (PLAIN + "2026-11-20,gpt-4o,1,2,3,4\n", "line 2 has more or fewer cells"),
        (PLAIN + "2026-11-20,,1,2,3\n", "line 2 names no model"),
        (PLAIN + "tomorrow,gpt-4o,1,2,3\n", "line 2: 'tomorrow' is not a day"),
        (PLAIN + "9999-12-31,gpt-4o,1,2,3\n", "line 2: '9999-12-31' is not a day"),
        (PLAIN + "1969-12-31,gpt-4o,1,2,3\n", "line 2: '1969-12-31' is not a day"),
        (PLAIN + "0001-01-01T00:00:00+05:00,gpt-4o,1,2,3\n", "is not a day"),
        (PLAIN + "2026-11-20,gpt-4o,-1,2,3\n", "input_tokens is '-1'"),
        (PLAIN + "2026-11-20,gpt-4o,1,1e3,3\n", "output_tokens is '1e3'"),
        (PLAIN + "2026-11-20,gpt-4o,1,2,NaN\n", "cost_usd is 'NaN'"),
        (PLAIN + "2026-11-20,gpt-4o,1,2,-1e999999\n", "cost_usd is '-1e999999'"),
        ("day,model,input_tokens,input_tokens,output_tokens,cost_usd\n", "'input_tokens' is there"),
        (PLAIN + "2026-11-20,gpt-4o,1,2,1e999999\n", "cost_usd is '1e999999'"),
        (PLAIN + '"2026-11-20"x,gpt-4o,1,2,3\n', "what follows line 1 is not CSV"),
    ],
)
def test_a_file_of_another_shape_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ModelopsError, match=message.replace("$", r"\$")):
        read(text)


@pytest.mark.parametrize("cell", ["700", "checked by Ann"])
def test_a_column_without_a_name_counts_for_nothing(cell: str) -> None:
    assert read(f",{PLAIN}{cell},2026-11-20,b,1,2,3\n").billed == {
        Key(DAY, "b"): Billed(1, 2, 3 * 10**12)
    }


def test_a_day_without_use_is_a_day_of_the_file() -> None:
    columns = "start_time_iso,model,num_model_requests,input_tokens,output_tokens"
    found = read(f"{columns}\n2026-11-20T00:00:00+00:00,,,,\n")
    assert (found.days, found.billed) == ({DAY}, {})


def test_an_empty_cost_is_not_known_and_one_below_0_is_a_credit() -> None:
    lines = "2026-11-20,a,1,2,\n2026-11-20,b,1,2,0\n2026-11-20,,0,0,-$1.5\n"
    found = read(PLAIN + lines)
    assert found.billed == {Key(DAY, "a"): Billed(1, 2, None), Key(DAY, "b"): Billed(1, 2, 0)}
    assert found.credits == [Credit(line=4, day="2026-11-20", model="", cost_usd="-1.5")]
    activity = (
        "date,model,usage,byok_usage_inference,prompt_tokens,completion_tokens\n"
        "2026-11-20,a,0.25,,1,2\n2026-11-20,b,,0.5,1,2\n"
    )
    assert [each.cost_pico for each in read(activity).billed.values()] == [250 * 10**9, None]


@pytest.mark.parametrize(
    ("whole", "parts", "expected"), [(5, (2, 3), 5), (5, (0, 0), 5), (0, (2, 3), 5), (2, (2, 3), 5)]
)
def test_what_is_written_to_the_cache_counts_once(
    whole: int, parts: tuple[int, int], expected: int
) -> None:
    head = "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_output_tokens"
    writes = [f"usage_input_tokens_cache_write{kind}" for kind in ("", "_5m", "_1h")]
    line = f"2026-11-20,claude,100,7,{whole},{parts[0]},{parts[1]}"
    found = read(f"{head},{','.join(writes)}\n{line}\n")
    assert found.billed == {Key(DAY, "claude"): Billed(100 + expected, 7, None)}
