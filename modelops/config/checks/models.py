"""Models: declared twice, two defaults, prices."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from modelops import catalog
from modelops.config import prices, rules
from modelops.config.checks.subject import Subject
from modelops.config.declaration import Entry
from modelops.config.diagnostics import found
from modelops.config.resolve.providers import preset_of
from modelops.config.yaml import Path
from modelops.resources import declared, resolved
from modelops.resources.configuration import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what is wrong with models."""
    for entry in subject.declaration.providers.values():
        yield from _repeated(entry)
        provider = subject.resolution.providers.get(entry.value.provider)
        for index, model in enumerate(entry.value.models):
            if model.price is not None:
                yield from _price(entry, model.price, ("models", index, "price"))
            resolution = subject.resolution.models.get(f"{entry.value.provider}/{model.model}")
            if provider is not None and provider.enabled and resolution is not None:
                yield from _known(entry, index, resolution)


def _repeated(entry: Entry[declared.Provider]) -> Iterator[Diagnostic]:
    seen: dict[str, int] = {}
    default: int | None = None
    for index, model in enumerate(entry.value.models):
        if model.model in seen:
            first = entry.at("models", seen[model.model], "model")
            message = f"model {model.model!r} is declared twice"
            position = entry.at("models", index, "model")
            yield found(rules.DUPLICATE_ADDRESS, position, message, f"first in {first}")
        seen.setdefault(model.model, index)
        if model.default and default is not None:
            first = entry.at("models", default, "default")
            message = "a provider has one default model, and this is a second"
            position = entry.at("models", index, "default")
            yield found(rules.TWO_DEFAULTS, position, message, f"the first is in {first}")
        if model.default and default is None:
            default = index


def _price(
    entry: Entry[declared.Provider], price: declared.Price, path: Path
) -> Iterator[Diagnostic]:
    yield from _parts(entry, price, path)
    above = 0
    for index, tier in enumerate(price.tiers):
        yield from _parts(entry, tier, (*path, "tiers", index))
        if tier.above_input_tokens <= above:
            position = entry.at(*path, "tiers", index, "above_input_tokens")
            message = f"this tier begins at {tier.above_input_tokens}, the one before at {above}"
            yield found(rules.PRICE_TIERS, position, message, "list tiers by rising bound")
        above = tier.above_input_tokens


def _parts(
    entry: Entry[declared.Provider], price: declared.Price | declared.Tier, path: Path
) -> Iterator[Diagnostic]:
    """Yield parts of a price that are out of range."""
    written = entry.document.value(path)
    for name in prices.PARTS:
        value: Decimal | None = getattr(price, name)
        if value is None:
            continue
        if isinstance(written, dict) and isinstance(written.get(name), str):
            message, hint = f"{name} is text, not a number", "write it without quotes"
            yield found(rules.PRICE_RANGE, entry.at(*path, name), message, hint)
        elif not prices.in_range(value):
            message = f"{name} is not a price: 0 to 1,000,000 USD per million, at most 12 decimals"
            yield found(rules.PRICE_RANGE, entry.at(*path, name), message)


def _known(
    entry: Entry[declared.Provider], index: int, model: resolved.Model
) -> Iterator[Diagnostic]:
    """Yield what nobody knows of a model, and what the catalog warns of."""
    preset = preset_of(entry.value)
    record = catalog.find(preset.name, model.upstream_model) if preset else None
    if model.price is None:
        nearest = (
            catalog.nearest(preset.name, model.upstream_model) if preset and not record else ()
        )
        hint = "write a price"
        if nearest:
            hint += f"; if the name is misspelt, the catalog knows {', '.join(nearest)}"
        message = f"{model.name} has no price, so its cost is not counted"
        yield found(rules.UNPRICED_MODEL, entry.at("models", index, "model"), message, hint)
    if record is not None and record.deprecated:
        message = f"{model.upstream_model} is deprecated, says the catalog of {catalog.VERSION}"
        yield found(rules.DEPRECATED_MODEL, entry.at("models", index, "model"), message)
