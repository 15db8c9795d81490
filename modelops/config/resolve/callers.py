"""Who calls, resolved: agents, and the operators that the settings list."""

from __future__ import annotations

from modelops.config import prices
from modelops.config.declaration import Entry
from modelops.config.resolve.fill import Fill
from modelops.config.resolve.secrets import secret_form
from modelops.resources import declared, resolved


def resolve_settings(entry: Entry[declared.Settings]) -> resolved.Settings:
    """Return the settings resolved."""
    value = entry.value
    fill = Fill(entry.document.data)
    fill.fixed("timezone", "metering", "server_recipients", "operators")
    return resolved.Settings(
        config=value.config,
        default_chain=fill.default("default_chain", value.default_chain, ""),
        timezone=value.timezone,
        metering=value.metering,
        server_recipients=value.server_recipients,
        operators=tuple(
            resolved.Operator(operator=item.operator, role=item.role, keys=_keys(item.keys))
            for item in value.operators
        ),
        sources=fill.sources,
    )


def resolve_agent(entry: Entry[declared.Agent], default_chain: str) -> resolved.Agent:
    """Return an agent resolved; its chain is `default_chain` ( for none) unless it names one."""
    value = entry.value
    fill = Fill(entry.document.data)
    fill.fixed("keys", "credentials", "labels", "protected")
    chain = fill.default("chain", value.chain, default_chain)
    parameters = value.parameters
    for name in ("max_tokens", "temperature", "top_p"):
        fill.first(f"parameters.{name}", getattr(parameters, name))
    return resolved.Agent(
        agent=value.agent,
        display_name=fill.default("display_name", value.display_name, value.agent),
        chain=chain,
        allow=fill.default("allow", value.allow, (f"chain/{chain}",) if chain else ()),
        parameters=resolved.Parameters(
            max_tokens=parameters.max_tokens,
            temperature=None
            if parameters.temperature is None
            else prices.canonical(parameters.temperature),
            top_p=None if parameters.top_p is None else prices.canonical(parameters.top_p),
        ),
        keys=_keys(value.keys),
        credentials=tuple(
            resolved.Credential(provider=item.provider, api_key=secret_form(item.api_key))
            for item in value.credentials
        ),
        prefer=fill.default("prefer", value.prefer, ""),
        labels=value.labels,
        protected=value.protected,
        sources=fill.sources,
    )


def _keys(keys: tuple[declared.Key, ...]) -> tuple[resolved.Key, ...]:
    return tuple(
        resolved.Key(name=key.name, sha256=key.sha256, expires=key.expires or "") for key in keys
    )
