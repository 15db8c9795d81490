"""Which pairs of endpoint and protocol there are."""

from __future__ import annotations

from typing import get_args

import pytest

from modelops.gateway.protocols import ADAPTERS
from modelops.resources.resolved import Protocol


@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/v1/messages"])
def test_every_protocol_that_can_be_declared_is_spoken(endpoint: str) -> None:
    """So a plan has no need to warn of targets that chat could not reach."""
    assert {spoken for served, spoken in ADAPTERS if served == endpoint} == set(get_args(Protocol))
