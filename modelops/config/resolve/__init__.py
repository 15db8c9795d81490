"""Declared resources to resolved ones: nothing left open, and where each value came from.

What is written wins, then the preset and the catalog, then the defaults of the form.
"""

from __future__ import annotations

import msgspec

from modelops.config.declaration import Declaration
from modelops.config.resolve.callers import resolve_agent, resolve_settings
from modelops.config.resolve.chains import resolve_chain
from modelops.config.resolve.models import resolve_models
from modelops.config.resolve.providers import resolve_provider
from modelops.config.resolve.secrets import secret_sources
from modelops.resources import resolved
from modelops.resources.configuration import SecretSource
from modelops.resources.state import State, by_address


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """What could be resolved, by name (models by provider/model), and where secrets come from."""

    settings: resolved.Settings | None
    providers: dict[str, resolved.Provider]
    models: dict[str, resolved.Model]
    chains: dict[str, resolved.Chain]
    agents: dict[str, resolved.Agent]
    secrets: tuple[SecretSource, ...]

    def state(self) -> State:
        """Return all resources by address, kind by kind."""
        settings = (self.settings,) if self.settings else ()
        return by_address(
            [
                *settings,
                *self.providers.values(),
                *self.models.values(),
                *self.chains.values(),
                *self.agents.values(),
            ]
        )


def resolve(declaration: Declaration) -> Resolution:
    """Resolve what can be; a provider that lacks what it must say is left out with its models."""
    providers: dict[str, resolved.Provider] = {}
    models: dict[str, resolved.Model] = {}
    for name, entry in declaration.providers.items():
        provider = resolve_provider(entry)
        if provider is not None:
            providers[name] = provider
            for model in resolve_models(entry, provider):
                models.setdefault(model.name, model)
    settings = resolve_settings(declaration.settings) if declaration.settings else None
    default_chain = settings.default_chain if settings else ""
    return Resolution(
        settings=settings,
        providers=providers,
        models=models,
        chains={name: resolve_chain(entry) for name, entry in declaration.chains.items()},
        agents={
            name: resolve_agent(entry, default_chain) for name, entry in declaration.agents.items()
        },
        secrets=tuple(secret_sources(declaration, providers)),
    )
