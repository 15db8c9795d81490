from __future__ import annotations

from decimal import Decimal

from probes_support import model, provider
from resource_samples import price

from modelops.probes.discovery import compare, infer_type
from modelops.probes.offers import Offered, OfferedPrice

OPENROUTER = provider("https://openrouter.ai/api/v1", provider="openrouter", preset="openrouter")
PRICE = price(3, output=Decimal(15), cache_read=Decimal("0.3"))


def test_new_and_gone() -> None:
    found = compare(
        OPENROUTER, [model("kept"), model("lost")], [Offered(model="added"), Offered(model="kept")]
    )
    assert [offer.model for offer in found.new] == ["added"]
    assert found.gone == ("lost",)
    assert found.offered == 2
    assert found.changed == ()


def test_upstream_names_are_what_is_compared() -> None:
    declared = model("sonnet", upstream_model="claude-sonnet-4-5-20250929")
    found = compare(OPENROUTER, [declared], [Offered(model="claude-sonnet-4-5-20250929")])
    assert (found.new, found.gone) == ((), ())


def test_ollama_tags_may_be_left_out() -> None:
    ollama = provider("http://127.0.0.1:11434", protocol="ollama")
    found = compare(ollama, [model("qwen3")], [Offered(model="qwen3:latest")])
    assert (found.new, found.gone) == ((), ())


def test_an_anthropic_alias_is_not_gone_and_its_snapshot_not_new() -> None:
    anthropic = provider("https://api.anthropic.com", protocol="anthropic")
    offer = Offered(model="claude-opus-4-5-20251101")
    found = compare(anthropic, [model("claude-opus-4-5")], [offer])
    assert (found.new, found.gone) == ((), ())


def test_changed_facts_say_where_the_declared_value_is_from() -> None:
    declared = model(
        "m",
        context_window=128_000,
        max_output_tokens=4096,
        price=PRICE,
        sources={"context_window": "catalog", "price.cache_read": "default"},
    )
    offer = Offered(
        model="m",
        context_window=200_000,
        max_output_tokens=4096,
        price=OfferedPrice(input=Decimal("2.5"), output=Decimal(15), cache_read=Decimal("0.25")),
    )
    found = compare(OPENROUTER, [declared], [offer])
    assert [(c.field, c.declared, c.offered, c.source) for c in found.changed] == [
        ("context_window", "128000", "200000", "catalog"),
        ("price.input", "3", "2.5", "declared"),
        ("price.cache_read", "0.3", "0.25", "default"),
    ]


def test_an_unpriced_model_that_has_a_price_is_a_change() -> None:
    price = OfferedPrice(input=Decimal(1), output=Decimal(2))
    found = compare(OPENROUTER, [model("m")], [Offered(model="m", price=price)])
    assert [(c.field, c.declared) for c in found.changed] == [
        ("price.input", ""),
        ("price.output", ""),
    ]


def test_silence_is_not_a_change() -> None:
    found = compare(OPENROUTER, [model("m", context_window=1, price=PRICE)], [Offered(model="m")])
    assert found.changed == ()


def test_a_type_comes_from_the_list_the_catalog_or_the_default() -> None:
    google = provider("https://x.example/v1beta", preset="google")
    assert infer_type(google, Offered(model="x", type="embedding")) == "embedding"
    assert infer_type(google, Offered(model="gemini-embedding-001")) == "embedding"
    assert infer_type(google, Offered(model="never-heard-of")) == "chat"
