"""What a provider offers against what is declared of it: new, gone, and changed limits and prices.

Pure. A provider's own list wins over any catalog where it says something; where it says nothing,
nothing is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from modelops import catalog
from modelops.probes.offers import Offered, names_of
from modelops.resources.resolved import Model, ModelType, Provider

_FACTS = ("type", "context_window", "max_output_tokens")
_RATES = ("input", "output", "cache_read", "cache_write")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about a declared model on which declaration and provider differ, as text.

    `declared` is '' for a fact nobody knew. `source` says where it came from: declared, default,
    preset or catalog.
    """

    model: str
    field: str
    declared: str
    offered: str
    source: str


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider offers against what is declared; `new` are offers, `gone` declared names."""

    provider: str
    offered: int
    new: tuple[Offered, ...]
    gone: tuple[str, ...]
    changed: tuple[Change, ...]


def compare(provider: Provider, models: Sequence[Model], offers: Sequence[Offered]) -> Discovery:
    """Return the differences, in the order of the declaration and of the offers."""
    names = names_of(provider, offers)
    by_name = {name: offer for offer in offers for name in names_of(provider, (offer,))}
    declared = names_of(provider, [Offered(model=model.upstream_model) for model in models])
    return Discovery(
        provider=provider.provider,
        offered=len(offers),
        new=tuple(o for o in offers if not names_of(provider, (o,)) & declared),
        gone=tuple(m.model for m in models if m.upstream_model not in names),
        changed=tuple(
            change
            for model in models
            if model.upstream_model in by_name
            for change in _changes(model, by_name[model.upstream_model])
        ),
    )


def infer_type(provider: Provider, offer: Offered) -> ModelType:
    """Return what a model does: as its list says, else the catalog, else it is taken to chat."""
    if offer.type is not None:
        return offer.type
    known = catalog.find(provider.preset, offer.model)
    return known.type if known else "chat"


def _changes(model: Model, offer: Offered) -> Iterable[Change]:
    for field in _FACTS:
        declared, offered = getattr(model, field), getattr(offer, field)
        if offered is not None and declared != offered:
            yield _change(model, field, declared, offered)
    if offer.price is None:
        return
    for rate in _RATES:
        offered = getattr(offer.price, rate)
        declared = getattr(model.price, rate) if model.price else None
        if offered is not None and declared != offered:
            yield _change(model, f"price.{rate}", declared, offered)


def _change(
    model: Model, field: str, declared: str | int | Decimal | None, offered: str | int | Decimal
) -> Change:
    whole = field.partition(".")[0]
    return Change(
        model=model.model,
        field=field,
        declared="" if declared is None else _text(declared),
        offered=_text(offered),
        source=model.sources.get(field) or model.sources.get(whole) or "declared",
    )


def _text(value: str | int | Decimal) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
