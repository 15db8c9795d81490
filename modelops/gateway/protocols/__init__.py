"""The wire protocols: which client endpoint can be served by which target protocol, and how."""

from __future__ import annotations

from collections.abc import Mapping

from modelops.gateway.call import Endpoint
from modelops.gateway.protocols.adapter import Adapter
from modelops.gateway.protocols.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from modelops.gateway.protocols.openai_chat import OpenAiChat
from modelops.gateway.protocols.openai_embeddings import OpenAiEmbeddings
from modelops.gateway.protocols.openai_responses import OpenAiResponses
from modelops.resources.resolved import Protocol

ADAPTERS: Mapping[tuple[Endpoint, Protocol], Adapter] = {
    ("/v1/chat/completions", "openai"): OpenAiChat(),
    ("/v1/embeddings", "openai"): OpenAiEmbeddings(),
    ("/v1/messages", "anthropic"): AnthropicMessages(),
    ("/v1/messages/count_tokens", "anthropic"): AnthropicCountTokens(),
    ("/v1/responses", "openai"): OpenAiResponses(),
}
"""How each pair is served. A pair that is missing is stepped over, and the answer says so."""

SPOKEN: frozenset[str] = frozenset(protocol for _, protocol in ADAPTERS)
"""Protocols that some endpoint can be served by; `plan` warns of targets of any other."""
