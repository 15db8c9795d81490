"""The models the catalog knows, looked up by preset and the provider's own model id.

The data is generated (`scripts/refresh_catalog.py`) and packaged, one file per preset, so that
checking a configuration reads only the presets it uses and never the network. What is not in a
file is unknown, and unknown stays `None`: no name is ever taken for another that looks like it.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from modelops.catalog.presets import PRESETS
from modelops.catalog.records import CatalogModel, Manifest

DATA = Path(__file__).with_name("data")

_DATED = re.compile(r"(.+)-(?:20\d{6}|20\d\d-\d\d-\d\d)")


class _PresetFile(msgspec.Struct, frozen=True):
    """The form of one data file."""

    sources: tuple[str, ...]
    models: dict[str, CatalogModel]


def known(preset: str) -> Mapping[str, CatalogModel]:
    """Return every model known for a preset, by upstream id; none for an unknown preset."""
    return _load(preset) if preset in PRESETS else {}


def find(preset: str, upstream_model: str) -> CatalogModel | None:
    """Return what is known of a model, or None.

    An id that is not listed but ends in a date stands for the model without it, if the snapshots
    of that model which are listed all agree with it: gpt-4o has one that does not, and then only
    the listed ids are known.
    """
    listed = known(preset)
    model = listed.get(upstream_model)
    return model if model is not None else _by_alike_snapshots(listed, upstream_model)


def names(preset: str) -> tuple[str, ...]:
    """Return the ids of all models known for a preset, sorted."""
    return tuple(sorted(known(preset)))


def nearest(preset: str, name: str, n: int = 3) -> tuple[str, ...]:
    """Return at most `n` known ids that look like `name`, the most alike first."""
    return tuple(difflib.get_close_matches(name, names(preset), n=n, cutoff=0.6))


@cache
def manifest() -> Manifest:
    """Return what the packaged data is made of."""
    return msgspec.json.decode((DATA / "manifest.json").read_bytes(), type=Manifest)


@cache
def digest() -> str:
    """Return the SHA-256, in hex, of everything the catalog says: presets and models."""
    content = hashlib.sha256(msgspec.json.encode(tuple(PRESETS.values())))
    for path in sorted(DATA.glob("*.json")):
        content.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return content.hexdigest()


@cache
def _load(preset: str) -> dict[str, CatalogModel]:
    path = DATA / f"{preset}.json"
    if not path.exists():  # vllm serves whatever it was started with
        return {}
    return msgspec.json.decode(path.read_bytes(), type=_PresetFile).models


def _by_alike_snapshots(
    listed: Mapping[str, CatalogModel], upstream_model: str
) -> CatalogModel | None:
    base = _base(upstream_model)
    model = listed.get(base) if base else None
    if model is None:
        return None
    snapshots = [other for name, other in listed.items() if _base(name) == base]
    return model if snapshots and all(other == model for other in snapshots) else None


def _base(name: str) -> str:
    """Return a dated id without its date, '' for an id without one."""
    match = _DATED.fullmatch(name)
    return match[1] if match else ""
