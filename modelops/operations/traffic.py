"""Who is being called: what the safety gate asks before something is deleted."""

from __future__ import annotations

from collections.abc import Collection

from modelops.resources.addresses import KINDS, address, kind_of
from modelops.resources.times import DAY_US
from modelops.store.books import Selection, SumsStore


async def calls_of_last_day(
    store: SumsStore, addresses: Collection[str], now_us: int
) -> dict[str, int]:
    """Return how many attempts each of these had in the last 24 hours, where it had any."""
    kinds = {kind_of(item) for item in addresses}
    calls: dict[str, int] = {}
    for kind in KINDS:
        if kind == "config" or kind not in kinds:
            continue
        selection = Selection(since_us=now_us - DAY_US, until_us=now_us, by=(kind,))
        for group in await store.usage(selection):
            calls[address(kind, *group.key)] = group.sums.attempts
    return {item: calls[item] for item in addresses if calls.get(item)}
