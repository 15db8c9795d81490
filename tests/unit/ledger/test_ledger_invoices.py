"""Exports are read by their columns, and a file that is none of them is said to be none."""

from __future__ import annotations

from datetime import date

import pytest

from modelops.ledger.invoices import Billed, Key, read
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
                "\ufeffstart_time_iso,end_time_iso,model,num_model_requests,input_tokens,"
                "input_cached_tokens,output_tokens\n"
                "2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,gpt-4o,3,100,40,20\n"
            ),
            {Key(DAY, "gpt-4o"): Billed(100, 20, None)},
        ),
        (
            (
                "usage_date_utc,model_version,usage_input_tokens_no_cache,"
                "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,"
                "usage_input_tokens_cache_read,usage_output_tokens\n"
                "2026-11-20,claude-sonnet-4-5-20250929,1,2,3,4,5\n"
            ),
            {Key(DAY, "claude-sonnet-4-5-20250929"): Billed(10, 5, None)},
        ),
        (
            (
                "date,model,usage,requests,prompt_tokens,completion_tokens,reasoning_tokens\n"
                "2026-11-20,openai/gpt-4o,0.25,2,7,8,0\n"
            ),
            {Key(DAY, "openai/gpt-4o"): Billed(7, 8, 250_000_000_000)},
        ),
        (
            (
                "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,model_permaslug\n"
                "gen-1,2026-11-20 23:59:59.9,0.25,7,8,openai/gpt-4o\n"
            ),
            {Key(DAY, "openai/gpt-4o"): Billed(7, 8, 250_000_000_000)},
        ),
    ],
    ids=["plain", "openai", "anthropic", "openrouter activity", "openrouter generations"],
)
def test_an_export_is_added_up_by_day_and_model(text: str, expected: dict[Key, Billed]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "these columns: none"),
        ("song,artist\na,b\n", "these columns: song, artist"),
        (PLAIN, "no line below its header"),
        (PLAIN + "2026-11-20,gpt-4o,1\n", "line 2 has more or fewer cells"),
        (PLAIN + "2026-11-20,gpt-4o,1,2,3,4\n", "line 2 has more or fewer cells"),
        (PLAIN + "2026-11-20,,1,2,3\n", "line 2 names no model"),
        (PLAIN + "tomorrow,gpt-4o,1,2,3\n", "line 2: 'tomorrow' is not a day"),
        (PLAIN + "2026-11-20,gpt-4o,-1,2,3\n", "input_tokens is '-1'"),
        (PLAIN + "2026-11-20,gpt-4o,1,1e3,3\n", "output_tokens is '1e3'"),
        (PLAIN + "2026-11-20,gpt-4o,1,2,NaN\n", "cost_usd is 'NaN'"),
        (PLAIN + "2026-11-20,gpt-4o,1,2,-3\n", "cost_usd is '-3'"),
        (PLAIN + "2026-11-20,gpt-4o,1,2,1e999999\n", "cost_usd is '1e999999'"),
        (PLAIN + '"2026-11-20"x,gpt-4o,1,2,3\n', "what follows line 1 is not CSV"),
    ],
)
def test_a_file_of_another_shape_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ModelopsError, match=message.replace("$", r"\$")):
        read(text)
