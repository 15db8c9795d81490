"""Tells the simulator what a revision declares, so that it offers that and nothing else.

Only of a server that was started with a simulator behind its providers. A test and a discovery then
find what they would find at providers that have every declared model.
"""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterable

import msgspec

from modelops.resources.resolved import Model

TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


def offer(simulator_url: str, models: Iterable[Model]) -> None:
    """Let the simulator offer these models; blocks for as long as it takes to say so."""
    offered: dict[str, list[str]] = {}
    for model in models:
        offered.setdefault(model.provider, []).append(model.upstream_model)
    try:
        for provider, names in offered.items():
            _post(f"{simulator_url}/_simulator/models", {"provider": provider, "models": names})
    except OSError as error:
        logger.warning("the simulator at %s was not told its models: %s", simulator_url, error)


def _post(url: str, content: dict[str, object]) -> None:
    request = urllib.request.Request(  # noqa: S310  # the simulator's, from the command line
        url, msgspec.json.encode(content), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        answer.read()
