"""Providers: presets, where they are, and how their keys travel."""

from __future__ import annotations

from collections.abc import Iterator

from modelops import catalog
from modelops.config import rules, urls
from modelops.config.checks.subject import Subject
from modelops.config.declaration import Entry
from modelops.config.diagnostics import did_you_mean, found
from modelops.config.resolve.providers import preset_of
from modelops.resources import resolved
from modelops.resources.addresses import kind_of
from modelops.resources.configuration import Diagnostic
from modelops.resources.declared import AuthHeader, Provider

FORBIDDEN_HEADERS = frozenset(
    {"connection", "content-length", "content-type", "cookie", "host", "transfer-encoding"}
)
"""Headers that carry a request itself, so that no key can go there."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what is wrong with single providers."""
    lent = {
        credential.provider
        for agent in subject.declaration.agents.values()
        for credential in agent.value.credentials
    }
    unread = any(kind_of(address) == "agent" for address in subject.declaration.broken)
    for name, entry in subject.declaration.providers.items():
        yield from _complete(entry)
        yield from _auth(entry)
        provider = subject.resolution.providers.get(name)
        if provider is not None:
            yield from _key(entry, provider, lent=name in lent, unread=unread)


def _complete(entry: Entry[Provider]) -> Iterator[Diagnostic]:
    """Yield what must be written and is not, or is no preset or URL."""
    value, preset = entry.value, preset_of(entry.value)
    if value.preset is not None and preset is None:
        message = f"there is no preset {value.preset!r}"
        hint = did_you_mean(value.preset, catalog.PRESETS) or (
            f"one of {', '.join(catalog.PRESETS)}; or none, with protocol and base_url"
        )
        yield found(rules.UNKNOWN_PRESET, entry.at("preset"), message, hint)
        return
    missing = [] if value.protocol or preset else ["protocol"]
    if not value.base_url and (preset is None or not preset.base_url):
        missing.append("base_url")
    if missing:
        why = (
            f"preset {preset.name!r} knows none"
            if preset
            else f"{value.provider!r} is not a preset"
        )
        message = f"{' and '.join(missing)} must be written: {why}"
        hint = "" if preset else did_you_mean(value.provider, catalog.PRESETS)
        yield found(rules.INCOMPLETE_PROVIDER, entry.at("provider"), message, hint)
    if value.base_url:
        try:
            urls.parse(value.base_url)
        except ValueError as error:
            message = f"base_url cannot be used: {error}"
            yield found(rules.BAD_URL, entry.at("base_url"), message)


def _auth(entry: Entry[Provider]) -> Iterator[Diagnostic]:
    auth = entry.value.auth
    if isinstance(auth, AuthHeader) and auth.header.lower() in FORBIDDEN_HEADERS:
        message = f"a key cannot be sent as {auth.header}"
        yield found(rules.BAD_VALUE, entry.at("auth", "header"), message)
    if auth == "none" and entry.value.api_key is not None:
        message = "api_key is declared, and auth is none: it would never be sent"
        hint = "write auth: bearer, or remove the key"
        yield found(rules.UNUSED_KEY, entry.at("api_key", key=True), message, hint)


def _key(
    entry: Entry[Provider], provider: resolved.Provider, *, lent: bool, unread: bool
) -> Iterator[Diagnostic]:
    """Yield what is wrong with where the key goes.

    `lent` says that agents bring their own, `unread` that some might, in files with errors.
    """
    if provider.api_key or lent:
        plain = provider.base_url.startswith("http:") and not urls.is_loopback(provider.base_url)
        if plain and not provider.insecure:
            field = "base_url" if entry.value.base_url else "provider"
            message = f"a key would go to {provider.base_url} in clear"
            hint = "use https, or write insecure: true"
            yield found(rules.INSECURE_URL, entry.at(field), message, hint)
    elif provider.auth != "none" and provider.enabled and not unread:
        message = f"no api_key is declared, and {provider.provider} takes one"
        hint = provider.key_url and f"get one at {provider.key_url}"
        yield found(rules.MISSING_KEY, entry.at("provider"), message, hint)
