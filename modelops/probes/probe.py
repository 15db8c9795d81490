"""Test one provider: name, connection, encryption, key, models, and if asked one real request.

Each step needs those before it. All but the last are free; a model list that is public says nothing
about the key, and then the test says that instead of a false "connected".
"""

from __future__ import annotations

import asyncio
import difflib
import ssl
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from msgspec.structs import replace

from modelops.probes import balance, calling, connection, offers, requests
from modelops.probes.record import Record
from modelops.probes.report import ModelCheck, ProbeError, Report, StepStatus, status_of
from modelops.probes.session import Session
from modelops.resources.resolved import Model, Provider
from modelops.secrets.secret import Secret


async def probe(
    provider: Provider,
    models: Sequence[Model],
    secret: Secret | None,
    *,
    key_fault: str = "",
    call: Model | None = None,
    started_at_us: int,
    tls: ssl.SSLContext | None = None,
    timer: Callable[[], float] = time.perf_counter,
) -> Report:
    """Return what a test of one provider finds; whatever goes wrong there is in it, not raised.

    `models` are checked against the provider's list. `key_fault` says why there is no secret.
    `call` is the model that one real request goes to, which costs a little; None for none.
    `tls` replaces the certificates this machine trusts.
    """
    session = Session(provider, secret, tls or await trusted())
    record = Record(provider, timer)
    checks = tuple(_unknown(model) for model in models)
    try:
        await _reach(record, session)
        listed = await _authenticate(record, session, provider, secret, key_fault)
        if reason := requests.unlisted(provider):
            record.skip("models", reason)
        else:
            checks = await _check_models(record, session, provider, models, listed)
        if call is None:
            record.skip("call", "only with --call (?call=true), for a declared model")
        else:
            checks = await _call(record, provider, call, secret, checks)
    except ProbeError:
        pass  # recorded; the steps after it are not reached
    finally:
        session.close()
    steps = record.steps()
    return Report(
        provider=provider.provider,
        origin=session.origin,
        status=status_of(steps),
        started_at_us=started_at_us,
        steps=steps,
        models=checks,
    )


async def list_models(
    provider: Provider, secret: Secret | None, *, tls: ssl.SSLContext | None = None
) -> tuple[offers.Offered, ...]:
    """Return what a provider offers; ProbeError says why that cannot be told."""
    session = Session(provider, secret, tls or await trusted())
    return offers.read(provider, await session.ask(requests.models(provider)))


async def trusted() -> ssl.SSLContext:
    """Return this machine's trusted certificates; reading them takes tens of milliseconds."""
    return await asyncio.to_thread(ssl.create_default_context)


async def _reach(record: Record, session: Session) -> None:
    place = session.place
    addresses = await record.run("dns", connection.resolve(place), _addresses)
    through = f"through {place.proxy_host}:{place.proxy_port}" if place.proxy_host else ""
    streams = await record.run("tcp", connection.connect(place, addresses), lambda _: through)
    session.keep(streams)
    if place.tls:
        await record.run("tls", connection.encrypt(place, streams, session.tls), str)
    else:
        record.skip("tls", "plain http")


async def _authenticate(
    record: Record, session: Session, provider: Provider, secret: Secret | None, key_fault: str
) -> Any:
    """Find out whether the key is good by the cheapest question that tells.

    Returns the model list where that was the question, else None.
    """
    question = requests.key(provider)
    if provider.auth == "none":
        record.skip("authentication", "no key needed")
    elif secret is None:
        error = ProbeError("key_missing", key_fault or "none is declared")
        record.fail("authentication", error)
        raise error
    elif question:
        await record.run("authentication", session.ask(question), balance.left)
    elif provider.key_test == "models":
        return await record.run("authentication", session.ask(requests.models(provider)))
    else:
        record.skip("authentication", "only a real request tells: --call")
    return None


async def _check_models(
    record: Record, session: Session, provider: Provider, models: Sequence[Model], listed: Any
) -> tuple[ModelCheck, ...]:
    offered = await record.run(
        "models", _offered(session, provider, listed), lambda found: f"{len(found)} listed"
    )
    names = offers.names_of(provider, offered)
    checks = tuple([await _check(session, provider, model, names) for model in models])
    missing = [check for check in checks if check.offer == "missing"]
    if missing:
        record.fail("models", _missing(provider, missing))
    return checks


async def _offered(session: Session, provider: Provider, listed: Any) -> tuple[offers.Offered, ...]:
    body = listed if listed is not None else await session.ask(requests.models(provider))
    return offers.read(provider, body)


async def _check(
    session: Session, provider: Provider, model: Model, names: Collection[str]
) -> ModelCheck:
    upstream = model.upstream_model
    if upstream in names or await _resolves(session, requests.one_model(provider, upstream)):
        return replace(_unknown(model), offer="offered")
    nearest = tuple(difflib.get_close_matches(upstream, sorted(names), n=3))
    return replace(_unknown(model), offer="missing", nearest=nearest)


async def _resolves(session: Session, question: str) -> bool:
    """Return whether a provider that can be asked for one name knows it, aliases included."""
    if not question:
        return False
    try:
        await session.ask(question)
    except ProbeError as error:
        if error.code in ("not_found", "model_missing"):
            return False
        raise
    return True


def _missing(provider: Provider, missing: Sequence[ModelCheck]) -> ProbeError:
    if len(missing) > 1:
        return ProbeError("models_missing", ", ".join(check.upstream_model for check in missing))
    check = missing[0]
    if provider.protocol == "ollama":
        return ProbeError("model_not_pulled", model=check.upstream_model)
    code = "model_missing" if check.nearest else "model_missing_no_guess"
    return ProbeError(code, model=check.upstream_model, nearest=" or ".join(check.nearest))


async def _call(
    record: Record,
    provider: Provider,
    model: Model,
    secret: Secret | None,
    checks: tuple[ModelCheck, ...],
) -> tuple[ModelCheck, ...]:
    called: StepStatus = "passed"
    try:
        await record.run("call", calling.call(provider, model, secret), str)
    except ProbeError:
        called = "failed"  # recorded; nothing comes after it
    return tuple(
        replace(check, called=called) if check.model == model.model else check for check in checks
    )


def _unknown(model: Model) -> ModelCheck:
    return ModelCheck(model=model.model, upstream_model=model.upstream_model, offer="unknown")


def _addresses(found: tuple[str, ...]) -> str:
    return found[0] + (f" and {len(found) - 1} more" if len(found) > 1 else "")
