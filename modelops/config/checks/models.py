"""Models: declared twice, two defaults, prices."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
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

_DAY = 24 * 60
_Listed = resolved.Tier | resolved.Hours | resolved.ServiceTier


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what is wrong with models."""
    for entry in subject.declaration.providers.values():
        yield from _repeated(entry)
        provider = subject.resolution.providers.get(entry.value.provider)
        for index, model in enumerate(entry.value.models):
            wrong: list[Diagnostic] = []
            if model.price is not None:
                wrong.extend(_price(entry, model.price, ("models", index, "price")))
                yield from wrong
            resolution = subject.resolution.models.get(f"{entry.value.provider}/{model.model}")
            if resolution is not None:
                yield from _output(entry, index, resolution)
            if provider is not None and provider.enabled and resolution is not None:
                yield from _known(entry, index, resolution, comparable=not wrong)


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
    yield from _tiers(entry, price.tiers, (*path, "tiers"))
    yield from _service_tiers(entry, price.service_tiers, (*path, "service_tiers"))
    yield from _hours(entry, price.hours, (*path, "hours"))
    others: Mapping[str, Sequence[declared.ServiceTier | declared.Hours]] = {
        "service_tiers": price.service_tiers,
        "hours": price.hours,
    }
    for name, listed in others.items() if price.tiers else ():
        for index in [index for index, each in enumerate(listed) if not each.tiers]:
            message = "the price has tiers by length of the input, and these prices have none"
            hint = "give them tiers too, with the same prices where they do not rise"
            yield found(rules.PRICE_TIERS, entry.at(*path, name, index), message, hint)
    if price.reasoning_output is not None:
        yield from _without_reasoning(entry, price.tiers, (*path, "tiers"))
        for name, listed in others.items():
            yield from _without_reasoning(entry, listed, (*path, name))
            for index, each in enumerate(listed):
                yield from _without_reasoning(entry, each.tiers, (*path, name, index, "tiers"))


def _without_reasoning(
    entry: Entry[declared.Provider], listed: Sequence[prices.Declared], path: Path
) -> Iterator[Diagnostic]:
    """Yield what would price reasoning as other output, beside a price that does not."""
    for index, each in enumerate(listed):
        if each.reasoning_output is None:
            message = "the price has a reasoning_output, and these prices have none"
            hint = "give them one too, equal to their output where reasoning costs no more"
            yield found(rules.PRICE_REASONING, entry.at(*path, index), message, hint)


def _tiers(
    entry: Entry[declared.Provider], tiers: Sequence[declared.Tier], path: Path
) -> Iterator[Diagnostic]:
    above = 0
    for index, tier in enumerate(tiers):
        yield from _parts(entry, tier, (*path, index))
        if tier.above_input_tokens <= above:
            position = entry.at(*path, index, "above_input_tokens")
            message = f"this tier begins at {tier.above_input_tokens}, the one before at {above}"
            yield found(rules.PRICE_TIERS, position, message, "list tiers by rising bound")
        above = tier.above_input_tokens


def _output(
    entry: Entry[declared.Provider], index: int, model: resolved.Model
) -> Iterator[Diagnostic]:
    """Yield a price without that of the output, which only embeddings do not have."""
    if model.type == "chat" and "price.output" in model.sources:
        position = entry.at("models", index, "price")
        message = f"the price of {model.name} leaves out its output"
        hint = "write output: 0 if it is free; an embedding model is `type: embedding`"
        yield found(rules.PRICE_OUTPUT, position, message, hint)


def _service_tiers(
    entry: Entry[declared.Provider], tiers: Sequence[declared.ServiceTier], path: Path
) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, each in enumerate(tiers):
        yield from _parts(entry, each, (*path, index))
        yield from _tiers(entry, each.tiers, (*path, index, "tiers"))
        if each.tier in seen or each.tier in resolved.ORDINARY_TIERS:
            which = "has a price already" if each.tier in seen else "is ordinary service"
            message = f"the service tier {each.tier!r} {which}"
            hint = "" if each.tier in seen else "its price is that of the model"
            yield found(rules.PRICE_SERVICE_TIERS, entry.at(*path, index, "tier"), message, hint)
        seen.add(each.tier)


def _hours(
    entry: Entry[declared.Provider], hours: Sequence[declared.Hours], path: Path
) -> Iterator[Diagnostic]:
    taken: set[tuple[resolved.Day, int]] = set()
    for index, each in enumerate(hours):
        yield from _parts(entry, each, (*path, index))
        yield from _tiers(entry, each.tiers, (*path, index, "tiers"))
        first, last = _minute(each.from_), _minute(each.to)
        minutes = [minute % _DAY for minute in range(first, last + _DAY * (last < first))]
        moments = {(day, minute) for day in each.days or resolved.DAYS for minute in minutes}
        wrong, hint = "", ""
        if not minutes:
            wrong, hint = "is empty", "a whole day is 00:00 to 12:00 and 12:00 to 00:00"
        elif moments & taken:
            wrong, hint = "overlaps with one before", "leave no minute to two prices"
        elif any(each.from_ == other.from_ for other in hours[:index]):
            # A plan knows hours by when they begin, so two of other days are no two in it.
            wrong = "begins at the same time as one before"
            hint = "write one entry with the days of both, or begin this one a minute later"
        if wrong:
            message = f"{each.from_} to {each.to} {wrong}"
            position = entry.at(*path, index, "from")
            yield found(rules.PRICE_HOURS, position, message, hint)
        taken |= moments


def _minute(time_of_day: str) -> int:
    return int(time_of_day[:2]) * 60 + int(time_of_day[3:])


def _parts(
    entry: Entry[declared.Provider], price: prices.Declared, path: Path
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
    entry: Entry[declared.Provider], index: int, model: resolved.Model, *, comparable: bool
) -> Iterator[Diagnostic]:
    """Yield what nobody knows of a model, and what the catalog warns of.

    A price that is wrong in itself is not `comparable`: it may be no number, or one without end.
    """
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
    elif comparable and record and record.price and "price" not in model.sources:
        differences = list(_differences(model, *prices.resolve(record.price)))
        if differences:
            message = f"the price of {model.name} is not the catalog's: {'; '.join(differences)}"
            hint = "leave the price out to take the catalog's"
            yield found(rules.PRICE_DIFFERS, entry.at("models", index, "price"), message, hint)
    if record is not None and record.deprecated:
        message = f"{model.upstream_model} is deprecated, says the catalog of {catalog.VERSION}"
        yield found(rules.DEPRECATED_MODEL, entry.at("models", index, "model"), message)


def _differences(
    model: resolved.Model, known: resolved.Price, filled: Container[str]
) -> Iterator[str]:
    """Yield each part in which a price differs from the catalog's, with both figures.

    A part that both leave out follows from others, so it says nothing of its own.
    """
    written = model.price
    if written is None:
        return
    for name in prices.PARTS:
        ours, theirs = getattr(written, name), getattr(known, name)
        path = f"price.{name}"
        if ours != theirs and not (path in model.sources and path in filled):
            ours, theirs = ("none" if rate is None else f"{rate:f}" for rate in (ours, theirs))
            yield f"{name} {ours}, catalog {theirs}"
    named = {each.tier for each in known.service_tiers}
    listed: Mapping[str, tuple[Sequence[_Listed], Sequence[_Listed]]] = {
        "tiers": (written.tiers, known.tiers),
        "hours": (written.hours, known.hours),
        "service_tiers": (
            [each for each in written.service_tiers if each.tier in named],
            known.service_tiers,
        ),
    }
    for name, sides in listed.items():
        ours, theirs = ([_shown(each) for each in side] for side in sides)
        if set(ours) != set(theirs):
            yield f"{name} {', '.join(ours) or 'none'}, catalog {', '.join(theirs) or 'none'}"


def _shown(rates: _Listed) -> str:
    """Return when rates apply, and each of them that does not follow from the input's."""
    match rates:
        case resolved.Tier():
            when = f"above {rates.above_input_tokens} "
        case resolved.Hours():
            when = f"{rates.from_} to {rates.to} "
            when += f"on {'/'.join(rates.days)} " if rates.days else ""
        case resolved.ServiceTier():
            when = f"{rates.tier} "
    figures = f"{rates.input:f}/{rates.output:f}"
    for part in prices.PARTS[2:]:
        rate: Decimal | None = getattr(rates, part)
        if rate is not None and (rate != rates.input or part == "reasoning_output"):
            figures += f" {part} {rate:f}"
    tiers = () if isinstance(rates, resolved.Tier) else rates.tiers
    return when + figures + (f" ({', '.join(map(_shown, tiers))})" if tiers else "")
