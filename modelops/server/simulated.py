"""Tell the simulator which models the configuration declares.

It offers those and no others, so that a connection test or a discovery finds what it would find at
providers that have every declared model. Only a server started with a simulator does this.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

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
        _tell(simulator_url, offered)
    except (OSError, HTTPException) as error:
        logger.warning("the simulator at %s was not told its models: %s", simulator_url, error)


def _tell(simulator_url: str, offered: Mapping[str, Sequence[str]]) -> None:
    """Say it for one provider after the other, past any proxy."""
    parts = urlsplit(simulator_url)
    connection = HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    try:
        for provider, models in offered.items():
            content = msgspec.json.encode({"provider": provider, "models": models})
            connection.request("POST", f"{parts.path}/_simulator/models", content)
            connection.getresponse().read()
    finally:
        connection.close()
