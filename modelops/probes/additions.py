"""Models that were discovered, as additions to the text of a provider's file.

Only what is new is written: the user's comments, order and layout stay as they are, so that a sync
is a diff one can review. What the catalog says of a model anyway is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelops import catalog
from modelops.catalog.records import CatalogModel
from modelops.config import yaml
from modelops.config.document import Document
from modelops.config.emit import Value, emit
from modelops.probes.discovery import infer_type
from modelops.probes.offers import Offered, OfferedPrice
from modelops.resources import patterns
from modelops.resources.errors import ModelopsError
from modelops.resources.resolved import Provider
from modelops.secrets.sops.splice import Span, spans

_DASH = re.compile(r"[ ]*-[ ]+")

Entry = Mapping[str, Value]
"""One item of `models:`, as it is written."""


def declarable(offers: Sequence[Offered]) -> tuple[Offered, ...]:
    """Return the offers whose names a declaration can hold."""
    return tuple(offer for offer in offers if re.match(patterns.MODEL, offer.model))


def entry(provider: Provider, offer: Offered) -> Entry:
    """Return the declaration of a model: its name, and the facts resolution would get wrong."""
    known = catalog.find(provider.preset, offer.model) or CatalogModel()
    written: dict[str, Value] = {"model": offer.model}
    kind = infer_type(provider, offer)
    if kind != known.type:
        written["type"] = kind
    for field in ("context_window", "max_output_tokens", "capabilities"):
        offered = getattr(offer, field)
        # A list often names a few capabilities of many, so it only stands in for the catalog.
        settled = field == "capabilities" and known.capabilities is not None
        if offered is not None and not settled and offered != getattr(known, field):
            written[field] = offered
    if offer.price is not None and not _same_price(offer.price, known):
        written["price"] = _price(offer.price)
    return written


def snippet(entries: Sequence[Entry]) -> str:
    """Return the entries as the YAML of a `models:` key, '' for none."""
    if not entries:
        return ""
    return f"models:\n{_items(entries, '  ')}"


def with_models(text: str, file: str, entries: Sequence[Entry]) -> str:
    """Return the text of a provider's file with these models after its own.

    ModelopsError says why that cannot be done, with nothing changed.
    """
    before = yaml.load_text(text, file)
    if before.sops is not None and before.sops.get("mac_only_encrypted") is not True:
        raise ModelopsError(
            f"{file}: sops guards the whole file, so a change beside it would break its MAC",
            "add the models with `sops edit`, or encrypt with mac_only_encrypted: true",
        )
    breaks = "\r\n" if "\r\n" in text else "\n"
    offset, addition = _place(text, file, entries)
    changed = text[:offset] + addition.replace("\n", breaks) + text[offset:]
    after = yaml.load_text(changed, file)
    if after.diagnostics or not _only_added(before, after, entries):
        raise ModelopsError(f"{file}: the models cannot be added", _by_hand(entries))
    return changed


def _only_added(before: Document, after: Document, entries: Sequence[Entry]) -> bool:
    """Return whether a file says what it said before, and the entries besides."""
    if not isinstance(before.data, dict):
        return False
    models = [*(before.data.get("models") or []), *_plain(entries)]
    return after.data == {**before.data, "models": models} and after.sops == before.sops


def _place(text: str, file: str, entries: Sequence[Entry]) -> tuple[int, str]:
    """Return where in the text to put which lines."""
    known = spans(text)
    last = _last_item(known)
    if last is not None:
        start = text.rfind("\n", 0, last.start) + 1
        dash = _DASH.fullmatch(text[start : last.start])
        if last.flow or dash is None:
            raise ModelopsError(f"{file}: models are not a list of lines", _by_hand(entries))
        indent = " " * dash[0].index("-")
        end = text.find("\n", last.end)
        if end < 0:
            return len(text), f"\n{_items(entries, indent)}"
        return end + 1, _items(entries, indent)
    if ("models",) in known:
        raise ModelopsError(f"{file}: models is an empty list", _by_hand(entries))
    sops = known.get(("sops",))
    offset = sops.key_start if sops else len(text)
    ended = "" if not offset or text[offset - 1] == "\n" else "\n"
    return offset, ended + snippet(entries)


def _last_item(known: Mapping[tuple[str | int, ...], Span]) -> Span | None:
    count = 0
    while ("models", count) in known:
        count += 1
    return known[("models", count - 1)] if count else None


def _items(entries: Sequence[Entry], indent: str) -> str:
    lines = []
    for item in entries:
        first, *rest = emit(item).splitlines()
        lines.append(f"{indent}- {first}\n")
        lines += [f"{indent}  {line}\n" for line in rest]
    return "".join(lines)


def _by_hand(entries: Sequence[Entry]) -> str:
    return f"write them yourself:\n{snippet(entries)}"


def _plain(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the entries as the loader reads them: lists for tuples."""
    return [
        {name: list(value) if isinstance(value, tuple) else value for name, value in item.items()}
        for item in entries
    ]


def _same_price(offered: OfferedPrice, known: CatalogModel) -> bool:
    """Return whether the catalog has these rates; it may know more than the list."""
    price = known.price
    if price is None or (price.input, price.output) != (offered.input, offered.output):
        return False
    pairs = ((offered.cache_read, price.cache_read), (offered.cache_write, price.cache_write))
    return all(rate is None or rate == other for rate, other in pairs)


def _price(offered: OfferedPrice) -> dict[str, Value]:
    rates: dict[str, Value] = {"input": offered.input, "output": offered.output}
    if offered.cache_read is not None:
        rates["cache_read"] = offered.cache_read
    if offered.cache_write is not None:
        rates["cache_write"] = offered.cache_write
    return rates
