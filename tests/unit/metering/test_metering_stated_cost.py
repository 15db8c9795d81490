"""What a provider says that a call cost, and how that splits."""

from __future__ import annotations

import math

import pytest
from usage_reading import read_usage

from modelops.metering.attempt import Usage


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


@pytest.mark.parametrize("absurd", [-0.5, "0.1", math.nan, 10**9])
def test_an_absurd_cost_is_flagged_and_not_kept(absurd: object) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": absurd}
    found = read_usage("openai", {"usage": usage})
    assert (found.source, found.provider_cost_pico) == ("invalid", None)
