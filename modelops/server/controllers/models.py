"""`/api/models`: every model of every provider, with limits, capabilities and prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import QueryParameter

from modelops.metering.cost_tier import CostTier, cost_tier
from modelops.resources.resolved import Capability, ModelType, Price
from modelops.server.live import Live
from modelops.server.pages import LIMIT_DEFAULT, Cursor, Limit, Page, page
from modelops.server.parts import Parts

Search = Annotated[
    str,
    QueryParameter(max_length=200, description="Only models whose name or provider holds this."),
]


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A model as clients may call it: `name` is provider/model.

    Limits, capabilities and price are null when nobody knows them. Prices are decimal strings,
    USD per million tokens; `cost_tier` sums them up. `chains` lists the chains it is a target of.
    """

    name: str
    provider: str
    model: str
    upstream_model: str
    type: ModelType
    context_window: int | None
    max_output_tokens: int | None
    capabilities: Sequence[Capability] | None
    price: Price | None
    cost_tier: CostTier | None
    default: bool
    usable: bool
    chains: Sequence[str]


@get("/models", sync_to_thread=False)
def list_models(
    runtime: Parts, search: Search = "", limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[ModelView]:
    """Return models by name, those that match `search` (upper and lower case alike)."""
    live = runtime.required()
    wanted = search.casefold()
    names = [
        name
        for name, model in live.models.items()
        if wanted in name.casefold() or wanted in model.upstream_model.casefold()
    ]
    names_page = page(names, str, limit, cursor)
    return Page(
        items=[model_view(live, name) for name in names_page.items],
        next_cursor=names_page.next_cursor,
    )


def model_view(live: Live, name: str) -> ModelView:
    """Return what is shown of a model."""
    model = live.models[name]
    return ModelView(
        name=name,
        provider=model.provider,
        model=model.model,
        upstream_model=model.upstream_model,
        type=model.type,
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        capabilities=model.capabilities,
        price=model.price,
        cost_tier=cost_tier(model.price),
        default=model.default,
        usable=live.table.models[name].provider.usable,
        chains=[
            chain.chain
            for chain in live.chains.values()
            if any(target.model == name for target in chain.targets)
        ],
    )
