"""Presets: the providers known by name, so that a declaration need not repeat where they are.

The facts are those of each provider's API reference (`docs_url`), read in November 2026. A
`base_url` is the one its endpoint is appended to: `/chat/completions` for `openai`, `/v1/messages`
for `anthropic`, `/models/{model}:generateContent` for `gemini`, `/api/chat` for `ollama`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from modelops.catalog.records import Preset
from modelops.resources.resolved import TokenLimitField

_NEWER_FIELD: TokenLimitField = "max_completion_tokens"
# OpenAI's and Azure's reasoning models answer max_tokens with a 400; Qwen, Groq and xAI call it
# deprecated. The others read only max_tokens, or either.

_ALL = (
    Preset(
        name="anthropic",
        display_name="Anthropic",
        protocol="anthropic",
        base_url="https://api.anthropic.com",
        auth="x-api-key",
        key_url="https://platform.claude.com/settings/keys",
        docs_url="https://platform.claude.com/docs",
    ),
    Preset(
        name="openai",
        display_name="OpenAI",
        protocol="openai",
        base_url="https://api.openai.com/v1",
        auth="bearer",
        token_limit_field=_NEWER_FIELD,
        key_url="https://platform.openai.com/api-keys",
        docs_url="https://platform.openai.com/docs",
    ),
    Preset(
        name="google",
        display_name="Google Gemini",
        protocol="gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        auth="x-goog-api-key",
        key_url="https://aistudio.google.com/apikey",
        docs_url="https://ai.google.dev/gemini-api/docs",
    ),
    Preset(
        name="ollama",
        display_name="Ollama",
        protocol="ollama",
        base_url="http://127.0.0.1:11434",
        auth="none",
        free=True,
        docs_url="https://docs.ollama.com",
    ),
    Preset(
        name="deepseek",
        display_name="DeepSeek",
        protocol="openai",
        base_url="https://api.deepseek.com",
        auth="bearer",
        key_test="balance",
        key_url="https://platform.deepseek.com/api_keys",
        docs_url="https://api-docs.deepseek.com",
    ),
    Preset(
        name="qwen",
        display_name="Qwen (Alibaba Model Studio)",
        protocol="openai",
        # Keys belong to one region; the others' hosts are in docs/catalog.md.
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        auth="bearer",
        token_limit_field=_NEWER_FIELD,
        key_url="https://modelstudio.console.alibabacloud.com/?tab=dashboard#/api-key",
        docs_url="https://www.alibabacloud.com/help/en/model-studio",
    ),
    Preset(
        name="glm",
        display_name="GLM (Z.AI)",
        protocol="openai",
        base_url="https://api.z.ai/api/paas/v4",
        auth="bearer",
        key_url="https://z.ai/manage-apikey/apikey-list",
        docs_url="https://docs.z.ai",
    ),
    Preset(
        name="openrouter",
        display_name="OpenRouter",
        protocol="openai",
        base_url="https://openrouter.ai/api/v1",
        auth="bearer",
        aggregator=True,
        key_test="key_endpoint",  # its model list is public and says nothing about the key
        key_url="https://openrouter.ai/settings/keys",
        docs_url="https://openrouter.ai/docs",
    ),
    Preset(
        name="aihubmix",
        display_name="AiHubMix",
        protocol="openai",
        base_url="https://aihubmix.com/v1",
        auth="bearer",
        aggregator=True,
        key_test="one_token",  # its model list is public and says nothing about the key
        key_url="https://aihubmix.com/token",
        docs_url="https://docs.aihubmix.com",
    ),
    Preset(
        name="mistral",
        display_name="Mistral",
        protocol="openai",
        base_url="https://api.mistral.ai/v1",
        auth="bearer",
        key_url="https://console.mistral.ai/api-keys",
        docs_url="https://docs.mistral.ai",
    ),
    Preset(
        name="groq",
        display_name="Groq",
        protocol="openai",
        base_url="https://api.groq.com/openai/v1",
        auth="bearer",
        token_limit_field=_NEWER_FIELD,
        key_url="https://console.groq.com/keys",
        docs_url="https://console.groq.com/docs",
    ),
    Preset(
        name="xai",
        display_name="xAI",
        protocol="openai",
        base_url="https://api.x.ai/v1",
        auth="bearer",
        token_limit_field=_NEWER_FIELD,
        key_url="https://console.x.ai",
        docs_url="https://docs.x.ai",
    ),
    Preset(
        name="azure",
        display_name="Azure OpenAI",
        protocol="openai",
        base_url="",  # https://RESOURCE.openai.azure.com/openai/v1
        auth="api-key",
        token_limit_field=_NEWER_FIELD,
        key_test="one_token",  # its list names base models, not the deployments one calls
        key_url="https://portal.azure.com",
        docs_url="https://learn.microsoft.com/azure/ai-foundry/openai",
    ),
    Preset(
        name="lm-studio",
        display_name="LM Studio",
        protocol="openai",
        base_url="http://127.0.0.1:1234/v1",
        auth="none",
        free=True,
        docs_url="https://lmstudio.ai/docs",
    ),
    Preset(
        name="vllm",
        display_name="vLLM",
        protocol="openai",
        base_url="http://127.0.0.1:8000/v1",
        auth="none",
        free=True,
        docs_url="https://docs.vllm.ai",
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})
"""Every preset by name."""
