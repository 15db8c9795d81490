"""The routing table: a revision compiled to what the request road needs, immutable, swapped whole.

Everything that can be worked out once per revision is worked out here: addresses, header lines,
names and who answers to them. A request holds on to the table it began with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from modelops.gateway.access import Access, compile_access
from modelops.gateway.credential import Credential, credential, unusable_credential
from modelops.gateway.upstream.request import Origin, split_url
from modelops.metering.attempt import CostSource
from modelops.resources import defaults, resolved, state
from modelops.resources.durations import milliseconds
from modelops.resources.errors import ModelopsError
from modelops.resources.state import State
from modelops.secrets.secret import Secret

OpenSecret = Callable[[str, str], Secret | None]
"""Gives the opened key of an address and field; None when it is missing or does not open."""

DEFAULT_DEADLINE = milliseconds(defaults.DEADLINE) / 1000
DEFAULT_MAX_DURATION = milliseconds(defaults.MAX_DURATION) / 1000

SIMULATED_KEY = Secret("sent-to-the-simulator")


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as the gateway calls it. `prefix` is the path of its base URL."""

    name: str
    protocol: resolved.Protocol
    origin: Origin
    prefix: str
    auth: str
    credential: Credential
    enabled: bool
    aggregator: bool
    token_limit_field: resolved.TokenLimitField
    max_concurrent_requests: int
    simulated: bool

    @property
    def error(self) -> str:
        """Why chains step over it, '' when they do not."""
        return self.credential.error if self.enabled else "disabled"

    @property
    def usable(self) -> bool:
        """Whether it can be called with its own credential."""
        return self.enabled and not self.credential.error


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be called. `name` is provider/model; `upstream_json` its name as JSON."""

    name: str
    model: str
    upstream_model: str
    upstream_json: msgspec.Raw
    provider: Provider
    type: resolved.ModelType
    context_window: int | None
    max_output_tokens: int | None
    capabilities: frozenset[resolved.Capability] | None
    price: resolved.Price | None
    price_source: CostSource


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A target in its place in a chain. Times in seconds."""

    target: Target
    max_retries: int
    timeout: float
    answer_timeout: float


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Steps in the order in which they are tried; `name` '' for a model called by its own name."""

    name: str
    steps: tuple[Step, ...]
    deadline: float
    max_duration: float
    max_attempts: int


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A caller: what it may call, what it prefers, its own credentials by provider."""

    name: str
    chain: str
    prefer: str
    access: Access
    parameters: resolved.Parameters
    credentials: Mapping[str, Credential]


class RoutingTable(msgspec.Struct, frozen=True, kw_only=True):
    """One revision, compiled. Mappings are not to be changed.

    `chain_names` holds every chain by its name and by its aliases, `models` every model by
    provider/model, `bare` every model by the names it has at its provider.
    """

    revision: int
    default_chain: str
    metering: resolved.Metering
    providers: Mapping[str, Provider]
    models: Mapping[str, Target]
    bare: Mapping[str, tuple[Target, ...]]
    chains: Mapping[str, Chain]
    chain_names: Mapping[str, Chain]
    agents: Mapping[str, Agent]

    def models_for(self, agent: str) -> list[str]:
        """Return the names an agent may use as `model`: chains first, then provider/model."""
        caller = self.agents.get(agent)
        chains = [name for name in self.chains if caller is None or caller.access.chain(name)]
        models = [
            name
            for name, target in self.models.items()
            if target.provider.enabled and (caller is None or caller.access.model(name))
        ]
        return chains + models


def compile_table(
    revision: int, resources: State, open_secret: OpenSecret, *, simulator_url: str = ""
) -> RoutingTable:
    """Compile a revision's resources; ModelopsError when they do not fit together.

    A provider whose key is missing or does not open is kept, in error. With `simulator_url` every
    provider is found at `{simulator_url}/{provider}`, called with a dummy key.
    """
    providers = {
        name: _provider(provider, open_secret, simulator_url)
        for name, provider in state.providers(resources).items()
    }
    models = {name: _target(model, providers) for name, model in state.models(resources).items()}
    chains = {name: _chain(chain, models) for name, chain in state.chains(resources).items()}
    chain_names = {
        alias: chains[name]
        for name, chain in state.chains(resources).items()
        for alias in chain.aliases
    } | chains
    settings = state.settings(resources)
    return RoutingTable(
        revision=revision,
        default_chain=settings.default_chain if settings else "",
        metering=settings.metering if settings else "best_effort",
        providers=providers,
        models=models,
        bare=_bare_names(models),
        chains=chains,
        chain_names=chain_names,
        agents={
            name: _agent(agent, providers, open_secret)
            for name, agent in state.agents(resources).items()
        },
    )


def direct(target: Target) -> Chain:
    """Return the chain of one that a model called by its own name runs through."""
    step = Step(
        target=target,
        max_retries=defaults.MAX_RETRIES,
        timeout=defaults.TIMEOUT_MS / 1000,
        answer_timeout=DEFAULT_DEADLINE,
    )
    return Chain(
        name="",
        steps=(step,),
        deadline=DEFAULT_DEADLINE,
        max_duration=DEFAULT_MAX_DURATION,
        max_attempts=1 + defaults.SPARE_ATTEMPTS,
    )


def _provider(provider: resolved.Provider, open_secret: OpenSecret, simulator_url: str) -> Provider:
    simulated = bool(simulator_url)
    url = f"{simulator_url}/{provider.provider}" if simulated else provider.base_url
    origin, prefix = split_url(url)
    if simulated:
        own = credential(origin, provider.auth, SIMULATED_KEY)
    elif provider.auth == "none":
        own = credential(origin, provider.auth, None)
    elif not provider.api_key:
        own = unusable_credential("it has no api_key; declare one, or `auth: none`")
    else:
        own = _opened(origin, provider.auth, open_secret(provider.address, "api_key"))
    return Provider(
        name=provider.provider,
        protocol=provider.protocol,
        origin=origin,
        prefix=prefix,
        auth=provider.auth,
        credential=own,
        enabled=provider.enabled,
        aggregator=provider.aggregator,
        token_limit_field=provider.token_limit_field,
        max_concurrent_requests=provider.max_concurrent_requests,
        simulated=simulated,
    )


def _opened(origin: Origin, auth: str, key: Secret | None, agent: str = "") -> Credential:
    if key is None:
        return unusable_credential(
            "its api_key is missing or does not open: /readyz and the log say why"
        )
    return credential(origin, auth, key, agent)


def _target(model: resolved.Model, providers: Mapping[str, Provider]) -> Target:
    if model.provider not in providers:
        raise ModelopsError(f"{model.address} belongs to a provider that is not in the revision")
    return Target(
        name=model.name,
        model=model.model,
        upstream_model=model.upstream_model,
        upstream_json=msgspec.Raw(msgspec.json.encode(model.upstream_model)),
        provider=providers[model.provider],
        type=model.type,
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        capabilities=None if model.capabilities is None else frozenset(model.capabilities),
        price=model.price,
        price_source=model.price_source,
    )


def _chain(chain: resolved.Chain, models: Mapping[str, Target]) -> Chain:
    missing = [target.model for target in chain.targets if target.model not in models]
    if missing:
        raise ModelopsError(
            f"{chain.address} has a target that is not in the revision: {missing[0]}"
        )
    return Chain(
        name=chain.chain,
        steps=tuple(
            Step(
                target=models[target.model],
                max_retries=target.max_retries,
                timeout=target.timeout_ms / 1000,
                answer_timeout=target.answer_timeout_ms / 1000,
            )
            for target in chain.targets
        ),
        deadline=chain.deadline_ms / 1000,
        max_duration=chain.max_duration_ms / 1000,
        max_attempts=chain.max_attempts,
    )


def _agent(
    agent: resolved.Agent, providers: Mapping[str, Provider], open_secret: OpenSecret
) -> Agent:
    return Agent(
        name=agent.agent,
        chain=agent.chain,
        prefer=agent.prefer,
        access=compile_access(agent.allow),
        parameters=agent.parameters,
        credentials={
            name: _own_credential(agent, name, provider, open_secret)
            for name in (item.provider for item in agent.credentials)
            if (provider := providers.get(name)) is not None
        },
    )


def _own_credential(
    agent: resolved.Agent, name: str, provider: Provider, open_secret: OpenSecret
) -> Credential:
    if provider.simulated:
        return provider.credential
    key = open_secret(agent.address, f"credentials[{name}].api_key")
    return _opened(provider.origin, provider.auth, key, agent.agent)


def _bare_names(models: Mapping[str, Target]) -> dict[str, tuple[Target, ...]]:
    """Index models by what clients may call them without a provider; exact names come first."""
    names: dict[str, list[Target]] = {}
    for target in models.values():
        names.setdefault(target.model, []).append(target)
    for target in models.values():
        owners = names.setdefault(target.upstream_model, [])
        if all(owner.provider is not target.provider for owner in owners):
            owners.append(target)
    return {name: tuple(targets) for name, targets in names.items()}
