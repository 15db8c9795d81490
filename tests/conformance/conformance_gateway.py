"""The row that the books of this project's gateway have of each exchange.

Whoever runs the vectors against another gateway replaces this file, and only this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, cast

import msgspec
import resource_samples as samples
from conformance_exchange import GIVEN, Exchange
from conformance_upstream import listening

from modelops.gateway.call import Call, Endpoint
from modelops.gateway.gateway import Gateway
from modelops.gateway.table import RoutingTable, compile_table
from modelops.gateway.upstream.http1 import Http1Client
from modelops.ledger.attempts import row
from modelops.metering.attempt import Attempt
from modelops.resources.resolved import Price
from modelops.resources.state import by_address

Row = dict[str, Any]

OF_THE_RUN = frozenset(
    [
        *("attempt_id", "request_id", "client_request_id"),
        *("started_at", "latency_ms", "first_content_ms"),
        *("agent", "user", "chain", "provider", "model", "revision"),
        "status",
    ]
)
"""Ids, times, who asked for what; `status` says of a request what `outcome` does of a call."""

NOT_KNOWN = (None, "")


class _Clock:
    """Time as it passes, on a day that does not."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def unix_us(self) -> int:
        return 1_790_000_000_000_000

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a call is not made twice")


class _Books:
    full = False

    def __init__(self) -> None:
        self.rows: list[Attempt] = []

    def begin(self, attempt: Attempt) -> None:
        """Only rows that have an end are looked at."""

    def record(self, attempt: Attempt) -> None:
        self.rows.append(attempt)


class _Client:
    """Takes whatever is answered."""

    gone = False

    def start(self, status: int, head: bytes, length: int | None = None) -> None:
        """Take the head."""

    def send(self, data: bytes) -> bool:
        return True

    async def ready(self, wait: float) -> bool:
        """Return at once: this client takes everything."""
        return True

    def finish(self, data: bytes = b"") -> None:
        """Take the end."""


async def rows(exchanges: Sequence[Exchange]) -> list[Row]:
    """Send each exchange's request down a chain of one target; return what the books show of it."""
    client = Http1Client()
    async with listening(exchanges) as url:
        found = [
            await _row(client, exchange, _table(exchange, f"{url}/{number}"))
            for number, exchange in enumerate(exchanges)
        ]
    await client.close()
    return found


async def _row(client: Http1Client, exchange: Exchange, table: RoutingTable) -> Row:
    books = _Books()
    random = Random(7)  # noqa: S311  it makes ids
    gateway = Gateway(table, client=client, recorder=books, clock=_Clock(), random=random)
    call = Call(
        endpoint=cast("Endpoint", exchange.asked),
        dialect="openai",
        body=exchange.request,
        headers={},
        agent="",
        request_id="0" * 32,
        received_at_us=0,
    )
    await gateway.answer(call, _Client())
    (attempt,) = books.rows
    shown: Row = msgspec.to_builtins(row(attempt))
    return {
        name: value
        for name, value in shown.items()
        if name not in OF_THE_RUN and value not in NOT_KNOWN
    }


def _table(exchange: Exchange, url: str) -> RoutingTable:
    kind = "embedding" if exchange.asked == "/v1/embeddings" else "chat"
    price = msgspec.convert({**GIVEN["price"], "tiers": ()}, Price) if exchange.priced else None
    return compile_table(
        1,
        by_address(
            [
                samples.provider("recorded", protocol=exchange.protocol, base_url=url, auth="none"),
                samples.model("recorded/m", type=kind, price=price),
                samples.chain("m", samples.target("recorded/m", max_retries=0)),
            ]
        ),
        lambda address, field: None,
    )
