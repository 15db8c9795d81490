"""States: digests that depend on content alone, and content that reads back."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from resource_samples import model, price, settings

from modelops.resources import state
from modelops.resources.addresses import address, kind_of, split_model

SETTINGS = settings(config="c")
MODEL = model("p/org/m", upstream_model="m", sources={"b": "default", "a": "catalog"})


@given(st.decimals(min_value=0, max_value=10**6, allow_nan=False, places=6))
def test_content_reads_back_with_exact_decimals(value: Decimal) -> None:
    priced = msgspec.structs.replace(MODEL, price=price(value))
    back = state.decode(state.encode(priced))
    assert back == priced
    assert state.encode(back) == state.encode(priced)


def test_a_digest_does_not_depend_on_order() -> None:
    turned = msgspec.structs.replace(MODEL, sources={"a": "catalog", "b": "default"})
    assert state.digest(turned) == state.digest(MODEL)
    digests = {"b": "2", "a": "1"}
    assert state.state_digest(digests) == state.state_digest(dict(sorted(digests.items())))
    assert state.state_digest(digests) != state.state_digest({"a": "2", "b": "1"})


def test_content_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        state.decode(b'{"kind":"robot"}')


def test_a_state_is_looked_into_by_kind() -> None:
    full = state.by_address([SETTINGS, MODEL])
    assert state.settings(full) is SETTINGS
    assert state.settings({}) is None
    assert state.models(full) == {"p/org/m": MODEL}
    assert not state.providers(full)
    assert not state.chains(full)
    assert not state.agents(full)


def test_addresses() -> None:
    assert MODEL.address == "model/p/org/m"
    assert SETTINGS.address == address("config", "c")
    assert kind_of("model/p/org/m") == "model"
    assert split_model("p/org/m") == ("p", "org/m")
    with pytest.raises(ValueError, match="does not start with one of"):
        kind_of("models/x")
