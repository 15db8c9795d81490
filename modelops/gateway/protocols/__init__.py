"""The wire protocols: which client endpoint can be served by which target protocol, and how."""

from __future__ import annotations

from collections.abc import Mapping

from modelops.gateway.call import Endpoint
from modelops.gateway.protocols.adapter import Adapter
from modelops.gateway.protocols.anthropic.messages import AnthropicCountTokens, AnthropicMessages
from modelops.gateway.protocols.anthropic.sides import AnthropicClient, AnthropicTarget
from modelops.gateway.protocols.embedding import EmbeddingTranslation
from modelops.gateway.protocols.gemini.counting import GeminiCountTokens
from modelops.gateway.protocols.gemini.embeddings import GeminiEmbeddings
from modelops.gateway.protocols.gemini.sides import GeminiTarget
from modelops.gateway.protocols.ollama.embeddings import OllamaEmbeddings
from modelops.gateway.protocols.ollama.sides import OllamaTarget
from modelops.gateway.protocols.openai.chat import OpenAiChat
from modelops.gateway.protocols.openai.embeddings import OpenAiEmbeddings
from modelops.gateway.protocols.openai.responses import OpenAiResponses
from modelops.gateway.protocols.openai.sides import OpenAiClient, OpenAiTarget
from modelops.gateway.protocols.translation import Translation
from modelops.resources.resolved import Protocol

ADAPTERS: Mapping[tuple[Endpoint, Protocol], Adapter] = {
    ("/v1/chat/completions", "openai"): OpenAiChat(),
    ("/v1/chat/completions", "anthropic"): Translation(OpenAiClient(), AnthropicTarget()),
    ("/v1/chat/completions", "gemini"): Translation(OpenAiClient(), GeminiTarget()),
    ("/v1/chat/completions", "ollama"): Translation(OpenAiClient(), OllamaTarget()),
    ("/v1/messages", "anthropic"): AnthropicMessages(),
    ("/v1/messages", "openai"): Translation(AnthropicClient(), OpenAiTarget()),
    ("/v1/messages", "gemini"): Translation(AnthropicClient(), GeminiTarget()),
    ("/v1/messages", "ollama"): Translation(AnthropicClient(), OllamaTarget()),
    ("/v1/messages/count_tokens", "anthropic"): AnthropicCountTokens(),
    ("/v1/messages/count_tokens", "gemini"): GeminiCountTokens(),
    ("/v1/responses", "openai"): OpenAiResponses(),
    ("/v1/embeddings", "openai"): OpenAiEmbeddings(),
    ("/v1/embeddings", "gemini"): EmbeddingTranslation(GeminiEmbeddings()),
    ("/v1/embeddings", "ollama"): EmbeddingTranslation(OllamaEmbeddings()),
}
"""How each pair is served. A pair that is missing is stepped over, and the answer says so."""
