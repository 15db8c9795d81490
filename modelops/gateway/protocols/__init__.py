"""The wire protocols: which client endpoint can be served by which target protocol, and how."""

from __future__ import annotations

from collections.abc import Mapping

from modelops.gateway.call import Endpoint
from modelops.gateway.protocols.adapter import Adapter
from modelops.gateway.protocols.openai_chat import OpenAiChat
from modelops.resources.resolved import Protocol

ADAPTERS: Mapping[tuple[Endpoint, Protocol], Adapter] = {
    ("/v1/chat/completions", "openai"): OpenAiChat(),
}
"""How each pair is served. A pair that is missing is stepped over, and the answer says so."""

SPOKEN: frozenset[str] = frozenset(protocol for _, protocol in ADAPTERS)
"""Protocols that some endpoint can be served by; `plan` warns of targets of any other."""
