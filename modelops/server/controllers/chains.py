"""`/api/chains`: the failover chains, their targets in order."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from litestar import get

from modelops.resources.resolved import Capability, Chain
from modelops.server.live import Live
from modelops.server.pages import LIMIT_DEFAULT, Cursor, Limit, Page, page
from modelops.server.parts import Parts


class TargetView(msgspec.Struct, frozen=True, kw_only=True):
    """A target; `error` says why it is stepped over, '' when it is not. Times in milliseconds."""

    model: str
    max_retries: int
    timeout_ms: int
    answer_timeout_ms: int
    error: str


class ChainView(msgspec.Struct, frozen=True, kw_only=True):
    """A chain. `deadline_ms` bounds a whole request."""

    chain: str
    display_name: str
    aliases: Sequence[str]
    requires: Sequence[Capability]
    targets: Sequence[TargetView]
    deadline_ms: int
    max_duration_ms: int
    max_attempts: int
    default: bool


@get("/chains", sync_to_thread=False)
def list_chains(
    runtime: Parts, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[ChainView]:
    """Return all chains by name."""
    live = runtime.required()
    views = [_view(live, chain) for chain in live.chains.values()]
    return page(views, lambda view: view.chain, limit, cursor)


def _view(live: Live, chain: Chain) -> ChainView:
    return ChainView(
        chain=chain.chain,
        display_name=chain.display_name,
        aliases=chain.aliases,
        requires=chain.requires,
        targets=[
            TargetView(
                model=target.model,
                max_retries=target.max_retries,
                timeout_ms=target.timeout_ms,
                answer_timeout_ms=target.answer_timeout_ms,
                error=live.table.models[target.model].provider.error,
            )
            for target in chain.targets
        ],
        deadline_ms=chain.deadline_ms,
        max_duration_ms=chain.max_duration_ms,
        max_attempts=chain.max_attempts,
        default=chain.chain == live.table.default_chain,
    )
