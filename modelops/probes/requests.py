"""What to ask a provider: for its models, and for whether the key is good, at no cost.

A model list tells about the key only where it is not public. OpenRouter and DeepSeek have another
question for that; AiHubMix and Azure have none, and there only one real request tells.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from modelops.resources.resolved import Provider
from modelops.secrets.secret import Secret

_LIST = {
    "openai": "/models",
    "anthropic": "/v1/models?limit=1000",
    "gemini": "/models?pageSize=1000",
    "ollama": "/api/tags",
}
_AIHUBMIX_LIST = "/api/v1/models"  # beside the API's /v1, not under it; says limits and prices


def models(provider: Provider) -> str:
    """Return the request target (path and query) that lists a provider's models."""
    if provider.preset == "aihubmix":
        return _root(provider) + _AIHUBMIX_LIST
    return _path(provider) + _LIST[provider.protocol]


def unlisted(provider: Provider) -> str:
    """Return why a provider's list does not tell what can be called, '' where it does."""
    return "lists base models, not deployments: --call tells" if provider.preset == "azure" else ""


def one_model(provider: Provider, upstream_model: str) -> str:
    """Return the request target that resolves one name, aliases too; '' where there is none.

    Anthropic takes more names than it lists, such as claude-3-5-haiku-latest.
    """
    if provider.protocol != "anthropic":
        return ""
    return f"{_path(provider)}/v1/models/{quote(upstream_model, safe='')}"


def key(provider: Provider) -> str:
    """Return the request target that tells about the key; '' where the model list does, or none."""
    if provider.key_test == "key_endpoint":
        return _path(provider) + "/key"
    return _root(provider) + "/user/balance" if provider.key_test == "balance" else ""


def headers(provider: Provider, secret: Secret | None) -> dict[str, str]:
    """Return the headers that carry the key, and what the protocol asks for besides."""
    found = {"user-agent": "modelops"}
    if provider.protocol == "anthropic":
        found["anthropic-version"] = "2023-06-01"
    if secret is not None and provider.auth == "bearer":
        found["authorization"] = f"Bearer {secret.reveal()}"
    elif secret is not None and provider.auth != "none":
        found[provider.auth] = secret.reveal()
    return found


def _path(provider: Provider) -> str:
    return urlsplit(provider.base_url).path


def _root(provider: Provider) -> str:
    return _path(provider).removesuffix("/v1")
