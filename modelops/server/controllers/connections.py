"""`POST /api/providers/{provider}/test` and `/discover`: ask a provider, on an operator's word.

Only declared providers can be asked, with the key the server holds for them: no URL and no key
comes from a caller. The last result of every test is kept in the store.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
from litestar import post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter

from modelops.operations.discover import declaration, discover, patch
from modelops.operations.test import Subject, connection_reports, store_report, subject
from modelops.probes.discovery import Discovery
from modelops.probes.report import Report
from modelops.server.opener import Opener
from modelops.server.parts import Parts
from modelops.server.runtime import Runtime
from modelops.store.protocol import Snapshot

Call = Annotated[
    bool, QueryParameter(description="Also make one small real request, which may cost something.")
]


class DiscoveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider offers against what is declared.

    `yaml` declares what is new, `patch` is a diff that adds it to the file of the provider as
    `modelops dump` writes it; both are '' when nothing is.
    """

    found: Discovery
    yaml: str
    patch: str


@post("/providers/{provider:str}/test", status_code=200, opt={"role": "operator"})
async def check_connection(runtime: Parts, provider: FromPath[str], call: Call = False) -> Report:
    """Test a provider, free of charge unless `call` is set, and keep the result."""
    tested = await _subject(runtime, provider)
    (report,) = await connection_reports([tested], call=call, now_us=runtime.clock.unix_us)
    await store_report(runtime.store, report)
    return report


@post("/providers/{provider:str}/discover", status_code=200, opt={"role": "operator"})
async def discover_models(runtime: Parts, provider: FromPath[str]) -> DiscoveryAnswer:
    """Compare what a provider offers with what is declared."""
    asked = await _subject(runtime, provider)
    found = await discover(asked)
    return DiscoveryAnswer(found=found, yaml=declaration(asked, found), patch=patch(asked, found))


async def _subject(runtime: Runtime, provider: str) -> Subject:
    """Return a declared provider with the key the server has for it; 404 for any other."""
    live = runtime.required()
    if provider not in live.providers:
        raise NotFoundException(f"there is no provider {provider[:64]!r}; see /api/providers")
    declared = live.providers[provider]
    opener = Opener(
        Snapshot(head=live.head, state=live.state),
        await runtime.store.secrets(),
        Path(runtime.settings.state_directory),
        os.environ,
    )
    secret = opener(declared.address, "api_key") if declared.api_key else None
    return subject(
        live.state,
        provider,
        secret,
        key_fault=opener.errors.get(declared.address, ""),
        simulator_url=runtime.settings.simulator_url,
    )
