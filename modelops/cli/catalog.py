"""`modelops catalog`: what the packaged catalog knows of providers and models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from modelops import catalog
from modelops.catalog.records import CatalogModel, CatalogRates, CatalogTier, Preset
from modelops.cli import options, terminal
from modelops.resources.errors import ModelopsError


@click.group()
def command() -> None:
    """Show built-in presets, models and prices.

    The catalog is packaged; nothing is fetched. What a declaration says wins over it.
    """


@command.command("list")
@click.argument("preset", required=False, default="")
@options.output_format("text", "json")
def list_(preset: str, output_format: str) -> None:
    """List the presets, or the models known for one."""
    if preset and preset not in catalog.PRESETS:
        raise ModelopsError(
            f"there is no preset {preset!r}", f"known: {', '.join(catalog.PRESETS)}"
        )
    if output_format == "json":
        content = catalog.known(preset) if preset else dict(catalog.PRESETS)
        terminal.echo_json(content)
    else:
        click.echo("\n".join(_models(preset) if preset else _presets()))


@command.command(short_help="Show what is known of a model.")
@click.argument("model")
@options.output_format("text", "json")
def show(model: str, output_format: str) -> None:
    """Show a model at every provider that is known to offer it, or at one as PRESET/MODEL."""
    found = _find(model)
    if not found:
        near = sorted({name for p in catalog.PRESETS for name in catalog.nearest(p, model, 2)})
        hint = f"did you mean {' or '.join(near[:4])}?" if near else "declare its limits and price"
        raise ModelopsError(f"the catalog does not know {model!r}", hint)
    if output_format == "json":
        terminal.echo_json(found)
        return
    for name, entry in found.items():
        click.echo("\n".join([name, *_facts(entry)]))
    click.echo(f"catalog {catalog.VERSION}: {'; '.join(catalog.manifest().sources)}")


def _find(model: str) -> dict[str, CatalogModel]:
    """Return by PRESET/MODEL what is known; a name before the slash may be part of the model."""
    preset, _, name = model.partition("/")
    asked = [(preset, name)] if preset in catalog.PRESETS else []
    asked += [(preset, model) for preset in catalog.PRESETS]
    pairs = ((preset, name, catalog.find(preset, name)) for preset, name in asked)
    return {f"{preset}/{name}": entry for preset, name, entry in pairs if entry is not None}


def _presets() -> Iterator[str]:
    width = max(len(name) for name in catalog.PRESETS)
    for preset in catalog.PRESETS.values():
        count = len(catalog.names(preset.name))
        yield f"{preset.name:{width}}  {preset.protocol:9}  {count:4} models  {_where(preset)}"


def _where(preset: Preset) -> str:
    return preset.base_url or "declare base_url"


def _models(preset: str) -> Iterator[str]:
    models: Mapping[str, CatalogModel] = catalog.known(preset)
    if not models:
        yield f"no model of {preset} is known: it serves what it was started with"
    width = max((len(name) for name in models), default=0)
    for name, model in sorted(models.items()):
        price = f"{model.price.input:f} / {model.price.output:f}" if model.price else "unpriced"
        gone = "  deprecated" if model.deprecated else ""
        yield f"{name:{width}}  {model.type:9}  {price}{gone}".rstrip()


def _facts(model: CatalogModel) -> Iterator[str]:
    yield f"  type            {model.type}{', deprecated' if model.deprecated else ''}"
    yield f"  context window  {_number(model.context_window)}"
    yield f"  max output      {_number(model.max_output_tokens)}"
    yield f"  capabilities    {', '.join(model.capabilities or ()) or 'none known'}"
    if model.price is None:
        yield "  price           unknown: declare it, or it is reported as unpriced"
        return
    yield f"  price           {_rates(model.price)}"
    yield from _tiers(model.price.tiers, 4)
    for served in model.price.service_tiers:
        yield f"    service tier {served.tier}: {_rates(served)}"
        yield from _tiers(served.tiers, 6)
    for hours in model.price.hours:
        days = f" on {', '.join(hours.days)}" if hours.days else ""
        yield f"    {hours.from_} to {hours.to} UTC{days}: {_rates(hours)}"
        yield from _tiers(hours.tiers, 6)


def _tiers(tiers: Sequence[CatalogTier], indent: int) -> Iterator[str]:
    for tier in tiers:
        yield f"{'':{indent}}above {tier.above_input_tokens:,} input tokens: {_rates(tier)}"


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,} tokens"


def _rates(price: CatalogRates) -> str:
    names = CatalogRates.__struct_fields__
    rates = ((name.replace("_", " "), getattr(price, name)) for name in names)
    return ", ".join(f"{name} {rate:f}" for name, rate in rates if rate is not None)
