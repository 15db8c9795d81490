"""Presets and models known by name: hosts, auth, limits, capabilities, prices, with their source.

`PRESETS` holds the providers, `find(preset, upstream_model)` a model, `VERSION` the date of the
data. Resolution reads it, and everything after that reads what resolution wrote down.
"""

from modelops.catalog.models import digest, find, known, manifest, names, nearest
from modelops.catalog.presets import PRESETS

VERSION = manifest().version
"""Date of the newest source, YYYY-MM-DD: what a plan names when a catalog value changed."""

__all__ = ["PRESETS", "VERSION", "digest", "find", "known", "manifest", "names", "nearest"]
