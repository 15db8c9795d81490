"""How controllers are handed the worker they run in."""

from __future__ import annotations

from typing import Annotated

from litestar.params import Dependency

from modelops.server.runtime import Runtime

Parts = Annotated[Runtime, Dependency(skip_validation=True)]
"""The worker's parts, injected by the app as `runtime`."""
