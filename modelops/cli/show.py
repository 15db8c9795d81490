"""`modelops show`: what the store holds, with where each value came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from modelops.cli import options, stores, terminal
from modelops.operations.location import existing
from modelops.operations.show import find
from modelops.plan.render import phrases
from modelops.resources.addresses import order
from modelops.resources.resolved import (
    Agent,
    Chain,
    Model,
    Provider,
    Resource,
    Settings,
    Source,
)
from modelops.resources.state import encode
from modelops.store.protocol import Snapshot


@click.command()
@click.argument("address", required=False, default="")
@options.folder
@options.store
@options.output_format("text", "json")
@click.option("--revision", type=click.IntRange(min=1), help="Default: the newest.")
def command(
    address: str, folder: Path, store_url: str, output_format: str, revision: int | None
) -> None:
    """Show a resource, or all of them, as the store holds them.

    ADDRESS is as plans spell it: provider/openai, model/openai/gpt-4o, chain/production.
    """
    snapshot = stores.using(existing(store_url, folder), lambda store: store.snapshot(revision))
    if address:
        resource = find(snapshot, address)
        text = "\n".join(_fields(resource))
        shown: object = resource
    else:
        text = "\n".join(_list(snapshot))
        shown = {
            "store_id": snapshot.head.store_id,
            "config": snapshot.head.config,
            "environment": snapshot.head.environment,
            "revision": snapshot.head.revision,
            "digest": snapshot.head.digest,
            "resources": _ordered(snapshot),
        }
    if output_format == "json":
        terminal.echo_json(shown)
    else:
        click.echo(text)


def _ordered(snapshot: Snapshot) -> list[Resource]:
    return sorted(snapshot.state.values(), key=lambda item: order(item.address))


def _list(snapshot: Snapshot) -> Iterator[str]:
    """Yield one line for each resource, and the revision on the last."""
    width = max((len(address) for address in snapshot.state), default=0)
    for resource in _ordered(snapshot):
        yield f"{resource.address:<{width}}  {_gist(resource)}".rstrip()
    head = snapshot.head
    owner = f"{head.config} ({head.environment})" if head.environment else head.config
    number = phrases.counted(len(snapshot.state), "resource")
    yield f"Revision {head.revision}{f' of {owner}' if owner else ''}: {number}."


def _gist(resource: Resource) -> str:
    """Return what one would want to know of a resource first."""
    match resource:
        case Settings():
            return f"default chain {resource.default_chain or '(none)'}, {resource.timezone}"
        case Provider():
            off = "" if resource.enabled else ", disabled"
            return f"{resource.base_url}  {resource.protocol}{off}"
        case Model():
            price = resource.price
            return f"{resource.type}  " + (
                f"{price.input} in, {price.output} out" if price else "unpriced"
            )
        case Chain():
            return " -> ".join(target.model for target in resource.targets)
        case Agent():
            return f"chain {resource.chain or '(none)'}"


def _fields(resource: Resource) -> Iterator[str]:
    """Yield every field of a resource with its source, elements of lists on lines of their own."""
    sources = resource.sources
    values: dict[str, Any] = msgspec.json.decode(encode(resource))
    del values["kind"], values["sources"]
    width = max(len(name) for name in values)
    yield resource.address
    for name, value in values.items():
        label = f"{name.removesuffix('_ms'):<{width}}"
        source = f"  ({sources[name]})" if name in sources else ""
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                defaults = _defaults(sources, f"{name}[{next(iter(item.values()))}].")
                yield f"  {label}  {phrases.spell(name, item)}{source or defaults}"
                label = " " * width
        else:
            yield f"  {label}  {phrases.spell(name, value)}{source}"


def _defaults(sources: Mapping[str, Source], prefix: str) -> str:
    """Return which fields of a list's element are defaults, '' when none is."""
    names = [
        path.removeprefix(prefix).removesuffix("_ms")
        for path, source in sources.items()
        if path.startswith(prefix) and source == "default"
    ]
    return f"  (default: {', '.join(names)})" if names else ""
