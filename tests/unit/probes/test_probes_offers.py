from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from probes_support import provider

from modelops.probes import offers
from modelops.probes.offers import Offered, OfferedPrice
from modelops.probes.report import ProbeError

CASSETTES = Path(__file__).parents[3].parent / "shared" / "cassettes"

OPENROUTER = provider("https://openrouter.ai/api/v1", preset="openrouter")
GEMINI = provider("https://x.example/v1beta", preset="google", protocol="gemini")
AIHUBMIX = provider("https://aihubmix.com/v1", preset="aihubmix")
ANTHROPIC = provider("https://api.anthropic.com", preset="anthropic", protocol="anthropic")
OTHER = provider("https://llm.example/v1")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "name", "pricing", "prompt", "completion", "types", "architecture"]
            ),
            inner,
            max_size=4,
        )
    ),
)


def _recorded(path: str, ending: str) -> Any:
    file = CASSETTES / path
    if not file.exists():
        pytest.skip(f"no recorded traffic at {CASSETTES}")
    for exchange in yaml.safe_load(file.read_text("utf-8"))["interactions"]:
        if exchange["request"]["uri"].endswith(ending):
            body = exchange["response"]["body"]["string"]
            return msgspec.json.decode(gzip.decompress(body) if isinstance(body, bytes) else body)
    raise AssertionError(f"{path} has no request to {ending}")


def test_openrouter_as_recorded() -> None:
    body = _recorded("llm-openrouter/test_llm_openrouter/test_llm_models.yaml", "/models")
    found = {offer.model: offer for offer in offers.read(OPENROUTER, body)}
    assert found["anthropic/claude-sonnet-4"] == Offered(
        model="anthropic/claude-sonnet-4",
        context_window=1_000_000,
        max_output_tokens=64_000,
        capabilities=("vision", "documents", "tools", "reasoning"),
        price=OfferedPrice(
            input=Decimal(3),
            output=Decimal(15),
            cache_read=Decimal("0.3"),
            cache_write=Decimal("3.75"),
        ),
    )


def test_gemini_as_recorded() -> None:
    body = _recorded("llm-gemini/test_gemini/test_cli_gemini_models.yaml", "/models")
    found = {offer.model: offer for offer in offers.read(GEMINI, body)}
    assert found["gemini-2.5-flash"] == Offered(
        model="gemini-2.5-flash",
        type="chat",
        context_window=1_048_576,
        max_output_tokens=65_536,
        capabilities=("reasoning",),
    )
    assert {offer.type for offer in found.values()} <= {"chat", "embedding"}


def test_aihubmix_writes_numbers_as_text_and_prices_per_thousand() -> None:
    item = {
        "model_id": "gpt-5.6-luna",
        "types": "llm",
        "features": "thinking,tools,structured_outputs",
        "input_modalities": "text,image",
        "context_length": "1050000",
        "max_output": "128000",
        "pricing": {"input": 0.0002, "output": 0.0012, "cache_read": 0.00002},
    }
    (offer,) = offers.read(AIHUBMIX, {"data": [item, {"model_id": "sora", "types": "video"}]})
    assert offer == Offered(
        model="gpt-5.6-luna",
        type="chat",
        context_window=1_050_000,
        max_output_tokens=128_000,
        capabilities=("vision", "tools", "json", "reasoning"),
        price=OfferedPrice(input=Decimal("0.2"), output=Decimal("1.2"), cache_read=Decimal("0.02")),
    )


def test_anthropic_says_limits_and_capabilities() -> None:
    item = {
        "id": "claude-opus-5",
        "type": "model",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
        "capabilities": {"image_input": {"supported": True}, "pdf_input": {"supported": False}},
    }
    (offer,) = offers.read(ANTHROPIC, {"data": [item]})
    assert (offer.context_window, offer.max_output_tokens) == (1_000_000, 128_000)
    assert offer.capabilities == ("vision",)


def test_a_bare_list_says_only_names_and_what_they_give_away() -> None:
    body = {"data": [{"id": "text-embedding-3-small"}, {"id": "gpt-4o"}]}
    assert offers.read(OTHER, body) == (
        Offered(model="gpt-4o"),
        Offered(model="text-embedding-3-small", type="embedding"),
    )


def test_a_price_that_varies_is_no_price() -> None:
    item = {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}}
    (offer,) = offers.read(OPENROUTER, {"data": [item]})
    assert offer.price is None


@pytest.mark.parametrize("body", [None, [], {"data": {}}, {"error": "x"}, "text"])
def test_what_is_no_list_is_said_to_be_none(body: Any) -> None:
    if body == []:
        assert offers.read(OTHER, body) == ()
        return
    with pytest.raises(ProbeError, match="not_the_api"):
        offers.read(OTHER, body)


@given(st.lists(JSON, max_size=4))
def test_any_list_is_read(items: list[Any]) -> None:
    for declared in (OTHER, OPENROUTER, AIHUBMIX, GEMINI):
        assert len(offers.read(declared, {"data": items})) <= len(items)
