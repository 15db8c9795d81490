"""`/api/providers`: what is declared of each provider, and whether this worker can use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from modelops.operations.status import ProviderState
from modelops.operations.test import last_reports
from modelops.probes.report import Report, Status
from modelops.resources.resolved import Protocol
from modelops.server.controllers.models import ModelView, model_view
from modelops.server.controllers.status import current
from modelops.server.live import Live
from modelops.server.pages import LIMIT_DEFAULT, Cursor, Limit, Page, page
from modelops.server.parts import Parts
from modelops.server.runtime import Runtime
from modelops.store.protocol import StoreError


class ProviderView(msgspec.Struct, frozen=True, kw_only=True):
    """A provider. `api_key` says where its key is, never what it is; '' when it has none.

    `masked_key` is the end of it, '' when the server has none. `error` says why chains step over
    it, '' when they do not. `connection` is what its last test found, at `tested_at_us` (Unix time;
    0 when it was never tested); `health` is what live traffic tells, as in `/api/status`.
    """

    provider: str
    display_name: str
    preset: str
    protocol: Protocol
    base_url: str
    auth: str
    api_key: str
    masked_key: str
    kind: Literal["direct", "aggregator"]
    enabled: bool
    usable: bool
    error: str
    connection: Status
    tested_at_us: int
    health: ProviderState
    models: int
    key_url: str
    docs_url: str
    labels: Mapping[str, str]


class ProviderDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A provider with its models, and the report of its last connection test."""

    provider: ProviderView
    models: Sequence[ModelView]
    tested: Report | None


@get("/providers")
async def list_providers(
    runtime: Parts, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[ProviderView]:
    """Return all providers by name."""
    live = runtime.required()
    tested, health = await _tested(runtime), await _health(runtime)
    views = [_view(live, name, tested.get(name), health.get(name)) for name in live.providers]
    return page(views, lambda view: view.provider, limit, cursor)


@get("/providers/{provider:str}")
async def get_provider(runtime: Parts, provider: FromPath[str]) -> ProviderDetail:
    """Return one provider with its models; 404 when it is not declared."""
    live = runtime.required()
    if provider not in live.providers:
        raise NotFoundException(f"there is no provider {provider[:64]!r}; see /api/providers")
    models = [model_view(live, name) for name in sorted(live.models) if _owns(provider, name)]
    report = (await _tested(runtime)).get(provider)
    health = (await _health(runtime)).get(provider)
    return ProviderDetail(
        provider=_view(live, provider, report, health), models=models, tested=report
    )


async def _tested(runtime: Runtime) -> Mapping[str, Report]:
    """Return the last connection tests; none while the store is away: it is not asked then."""
    if runtime.store_error:
        return {}
    try:
        return await last_reports(runtime.store)
    except StoreError:
        return {}


async def _health(runtime: Runtime) -> Mapping[str, ProviderState]:
    """Return what live traffic tells of each provider, over all workers."""
    return {each.provider: each.state for each in (await current(runtime)).providers}


def _view(
    live: Live, name: str, tested: Report | None, health: ProviderState | None
) -> ProviderView:
    """Return what is shown of a provider; one so new that no status has it is idle."""
    declared = live.providers[name]
    compiled = live.table.providers[name]
    return ProviderView(
        provider=name,
        display_name=declared.display_name,
        preset=declared.preset,
        protocol=declared.protocol,
        base_url=declared.base_url,
        auth=declared.auth,
        api_key=declared.api_key,
        masked_key=live.key_masks.get(declared.address, ""),
        kind="aggregator" if declared.aggregator else "direct",
        enabled=declared.enabled,
        usable=compiled.usable,
        error=live.secret_errors.get(declared.address, compiled.error),
        connection=tested.status if tested else "untested",
        tested_at_us=tested.started_at_us if tested else 0,
        health=health or "idle",
        models=sum(_owns(name, model) for model in live.models),
        key_url=declared.key_url,
        docs_url=declared.docs_url,
        labels=declared.labels,
    )


def _owns(provider: str, model: str) -> bool:
    return model.startswith(f"{provider}/")
