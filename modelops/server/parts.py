"""How controllers are handed the worker they run in."""

from __future__ import annotations

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from modelops.server.runtime import Runtime

Parts = NamedDependency[SkipValidation[Runtime]]
"""The worker's parts, injected by the app as `runtime`."""
