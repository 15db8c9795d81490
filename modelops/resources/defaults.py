"""Default limits of a request: of a chain, and of a model called by its own name."""

from __future__ import annotations

MAX_RETRIES = 2
TIMEOUT_MS = 60_000
TIMEOUT_OF_SEVERAL_MS = 30_000
DEADLINE = "300s"
MAX_DURATION = "30m"
SPARE_ATTEMPTS = 3
"""Attempts that a request may make beyond one for each target."""
