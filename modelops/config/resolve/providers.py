"""A declared provider to a resolved one: facts of its preset, its URL in one spelling, its auth."""

from __future__ import annotations

from modelops import catalog
from modelops.catalog.records import Preset
from modelops.config import urls
from modelops.config.declaration import Entry
from modelops.config.resolve.fill import Fill
from modelops.config.resolve.secrets import secret_form
from modelops.resources import declared, resolved
from modelops.resources.resolved import Source


def preset_of(provider: declared.Provider) -> Preset | None:
    """Return the preset a provider is based on: the one it names, else the one of its name."""
    return catalog.PRESETS.get(provider.preset or provider.provider)


def resolve_provider(entry: Entry[declared.Provider]) -> resolved.Provider | None:
    """Return a provider resolved, or None when it does not say what it must."""
    value, preset = entry.value, preset_of(entry.value)
    known = preset or Preset(
        name="", display_name=value.provider, protocol="openai", base_url="", auth="none"
    )
    fill = Fill(entry.document.data)
    protocol = value.protocol or (preset.protocol if preset else None)
    base_url = value.base_url or known.base_url
    if protocol is None or not base_url or not _usable(base_url):
        return None
    origin: Source = "preset" if preset else "default"
    fill.fixed("enabled", "insecure", "labels", "protected")
    fill.first("preset", value.preset, ("default", known.name))
    fill.first("display_name", value.display_name, (origin, known.display_name))
    fill.first("protocol", value.protocol, (origin, protocol))
    fill.first("base_url", value.base_url, (origin, base_url))
    for name in ("aggregator", "token_limit_field", "key_test", "key_url", "docs_url"):
        fill.sources[name] = origin
    return resolved.Provider(
        provider=value.provider,
        preset=known.name,
        display_name=value.display_name or known.display_name,
        protocol=protocol,
        base_url=urls.normalized(base_url),
        auth=_auth(value, known.auth, origin, fill),
        api_key=secret_form(value.api_key),
        enabled=value.enabled,
        insecure=value.insecure,
        max_concurrent_requests=fill.default(
            "max_concurrent_requests", value.max_concurrent_requests, 0
        ),
        labels=value.labels,
        aggregator=known.aggregator,
        token_limit_field=known.token_limit_field,
        key_test=known.key_test,
        key_url=known.key_url,
        docs_url=known.docs_url,
        protected=value.protected,
        sources=fill.sources,
    )


def _usable(url: str) -> bool:
    try:
        urls.parse(url)
    except ValueError:
        return False
    return True


def _auth(value: declared.Provider, preset_auth: str, origin: Source, fill: Fill) -> str:
    """Return how the key is sent: a key where none is usual goes as a bearer token."""
    if isinstance(value.auth, declared.AuthHeader):
        return value.auth.header.lower()
    if value.auth is None and preset_auth == "none" and value.api_key is not None:
        return fill.default("auth", None, "bearer")
    return fill.first("auth", value.auth, (origin, preset_auth)) or "none"
