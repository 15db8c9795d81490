from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probes_support import provider

from modelops.config import yaml
from modelops.probes.additions import Entry, declarable, entry, snippet, with_models
from modelops.probes.offers import Offered, OfferedPrice
from modelops.resources.errors import ModelopsError

OPENAI = provider("https://api.openai.com/v1", provider="openai", preset="openai")
NEW: list[Entry] = [{"model": "gpt-new", "context_window": 1000}]

BLOCK = """\
# yaml-language-server: $schema=../schema/provider.schema.json
provider: openai
models:   # what we use
  - model: gpt-4o   # pinned

  # the small one
  - model: gpt-4o-mini
    default: true   # for tests
# the end
protected: true
"""


def test_models_are_added_below_the_last_and_nothing_else_changes() -> None:
    assert with_models(BLOCK, "openai.yaml", NEW) == BLOCK.replace(
        "    default: true   # for tests\n",
        "    default: true   # for tests\n  - model: gpt-new\n    context_window: 1000\n",
    )


ADDED = "  - model: gpt-new\n    context_window: 1000\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("provider: a\n", f"provider: a\nmodels:\n{ADDED}"),
        ("provider: a", f"provider: a\nmodels:\n{ADDED}"),
        ("models:\n  - model: b", f"models:\n  - model: b\n{ADDED}"),
        ("models:\n  -  {model: b}\nx: 1\n", f"models:\n  -  {{model: b}}\n{ADDED}x: 1\n"),
        ("models:\n- model: b\n", "models:\n- model: b\n" + ADDED.replace("\n  ", "\n")[2:]),
        (
            "provider: a\r\nmodels:\r\n  - model: b\r\n",
            f"provider: a\nmodels:\n  - model: b\n{ADDED}".replace("\n", "\r\n"),
        ),
        (
            "provider: a\nsops:\n  mac_only_encrypted: true\n",
            f"provider: a\nmodels:\n{ADDED}sops:\n  mac_only_encrypted: true\n",
        ),
    ],
)
def test_wherever_models_stand(text: str, expected: str) -> None:
    assert with_models(text, "a.yaml", NEW) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("provider: a\nmodels: [{model: b}]\n", "not a list of lines"),
        ("provider: a\nmodels: []\n", "empty list"),
        ("provider: a\nsops:\n  version: 3.11.0\n", "break its MAC"),
    ],
)
def test_what_cannot_be_done_says_what_to_write(text: str, reason: str) -> None:
    with pytest.raises(ModelopsError, match=reason) as raised:
        with_models(text, "a.yaml", NEW)
    assert "MAC" in reason or "- model: gpt-new" in raised.value.hint


def test_what_the_catalog_says_anyway_is_left_out() -> None:
    assert entry(OPENAI, Offered(model="gpt-4o")) == {"model": "gpt-4o"}
    assert entry(OPENAI, Offered(model="gpt-4o", type="chat", context_window=128_000)) == {
        "model": "gpt-4o"
    }
    price = OfferedPrice(input=Decimal("2.5"), output=Decimal(10))
    assert entry(OPENAI, Offered(model="gpt-4o", price=price)) == {"model": "gpt-4o"}


def test_what_the_provider_says_otherwise_is_written() -> None:
    price = OfferedPrice(input=Decimal(2), output=Decimal(8), cache_read=Decimal("0.2"))
    offer = Offered(model="gpt-4o", context_window=256_000, price=price)
    assert entry(OPENAI, offer) == {
        "model": "gpt-4o",
        "context_window": 256_000,
        "price": {"input": Decimal(2), "output": Decimal(8), "cache_read": Decimal("0.2")},
    }


def test_an_unknown_model_is_written_whole() -> None:
    offer = Offered(model="new-embed", type="embedding", context_window=8192, capabilities=())
    assert entry(OPENAI, offer) == {
        "model": "new-embed",
        "type": "embedding",
        "context_window": 8192,
        "capabilities": (),
    }


def test_names_that_cannot_be_declared_are_left_out() -> None:
    offers = (Offered(model="a/b:free"), Offered(model="~latest"), Offered(model="two words"))
    assert [offer.model for offer in declarable(offers)] == ["a/b:free"]


def test_a_snippet_is_yaml() -> None:
    text = snippet([{"model": "a:b", "price": {"input": Decimal("0.1"), "output": 1}}])
    assert yaml.load_text(text, "x").data == {
        "models": [{"model": "a:b", "price": {"input": Decimal("0.1"), "output": 1}}]
    }


NAMES = st.from_regex(r"[A-Za-z0-9._:@/+-]{1,20}", fullmatch=True)


@given(
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    st.sampled_from([BLOCK, "provider: a\n", "models:\n- model: b", BLOCK.replace("\n", "\r\n")]),
)
def test_any_names_survive_and_no_line_is_lost(names: list[str], text: str) -> None:
    changed = with_models(text, "a.yaml", [{"model": name} for name in names])
    data = yaml.load_text(changed, "a.yaml").data
    assert isinstance(data, dict)
    assert [item["model"] for item in data["models"]][-len(names) :] == names
    lines = iter(changed.splitlines())
    assert all(line in lines for line in text.splitlines())  # each, in the same order
