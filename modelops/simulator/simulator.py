"""One simulator: takes a request, finds its endpoint, lets faults happen, keeps the ledger.

Everything but the sockets: `http.py` hands in requests read whole, sends what comes back and says
how it ended. All of it is synchronous and single-threaded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from modelops.simulator import auth, control, errors, routes, static
from modelops.simulator.delivery import Delivery, deliver, paced, spoil
from modelops.simulator.faults import Fault, Faults
from modelops.simulator.ledger import Entry, Ledger, Outcome
from modelops.simulator.openai import habits
from modelops.simulator.routes import Route
from modelops.simulator.wire import (
    JSON_TYPE,
    Protocol,
    Request,
    RequestError,
    Response,
    Tokens,
    encode,
)
from modelops.simulator.world import World

REQUEST_ID_HEADERS: dict[Protocol, str] = {"openai": "x-request-id", "anthropic": "request-id"}
"""Where a protocol puts the id it gives a request; the others have none."""


class Exchange(msgspec.Struct, frozen=True):
    """A request that is being answered. `entry` None: it is no business of the ledger.

    `number` and `started_at_us` go into the entry when the exchange ends.
    """

    delivery: Delivery
    entry: Entry | None = None
    number: int = 0
    started_at_us: int = 0


class Simulator:
    """A provider of every name. `clock` returns Unix time in seconds."""

    def __init__(
        self,
        *,
        seed: int = 0,
        faults: Sequence[Fault] = (),
        ledger_file: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.world = World(seed, clock)
        self.faults = Faults(faults)
        self.ledger = Ledger(ledger_file)
        self._shelf = static.Shelf()

    def exchange(
        self, method: str, url: bytes, headers: Mapping[str, str], body: bytes
    ) -> Exchange:
        """Return how a request is answered; `url` is its path and query as they were sent."""
        prebuilt = self._shelf.find(url, body)
        if prebuilt is not None and not self.faults:
            return self._begin(prebuilt.delivery, prebuilt.entry)
        request = routes.parse(method, url, headers, body)
        if request.provider == control.PROVIDER:
            response = control.respond(self.world, self.faults, self.ledger, request)
            return Exchange(deliver(response, None))
        endpoint, response = self._answer(request)
        fault = self.faults.take(request.provider, response.model)
        if fault is not None:
            response = spoil(response, fault)
        delivery = deliver(response, fault)
        fixed = static.shape(response.model) if response.status == 200 else None
        if fixed and response.frames is not None and fixed[1] and fault is None:
            delivery = Delivery(steps=paced(delivery.steps, fixed[1]))
        entry = _entry(request, endpoint, response, delivery, fault)
        if fixed and fault is None:
            self._shelf.keep(url, body, static.Prebuilt(entry, delivery))
        return self._begin(delivery, entry)

    def ended(self, exchange: Exchange, outcome: Outcome, events: int) -> None:
        """Take note of how an exchange ended, and after how many pieces."""
        if exchange.entry is None:
            return
        elapsed = self._now_us() - exchange.started_at_us
        self.ledger.end(
            msgspec.structs.replace(
                exchange.entry,
                number=exchange.number,
                started_at_us=exchange.started_at_us,
                duration_us=max(0, elapsed),
                outcome=outcome,
                events=events,
            )
        )

    def close(self) -> None:
        """Close the ledger's file."""
        self.ledger.close()

    def _begin(self, delivery: Delivery, entry: Entry) -> Exchange:
        return Exchange(delivery, entry, self.ledger.begin(), self._now_us())

    def _now_us(self) -> int:
        return int(self.world.clock() * 1e6)

    def _answer(self, request: Request) -> tuple[str, Response]:
        request_id = self.world.new_id("req_")
        endpoint = request.path
        protocol = routes.spoken(request)
        try:
            route = routes.find(request)
            endpoint, protocol = route.endpoint, route.protocol
            response = self._handled(route, request)
        except RequestError as error:
            response = Response(
                protocol=protocol,
                status=error.status,
                headers={"content-type": JSON_TYPE, **errors.headers(protocol, error.status)},
                body=encode(errors.refusal(protocol, error, request_id)),
            )
        header = REQUEST_ID_HEADERS.get(response.protocol)
        named = {header: request_id} if header else {}
        return endpoint, msgspec.structs.replace(
            response, request_id=request_id, headers={**response.headers, **named}
        )

    def _handled(self, route: Route, request: Request) -> Response:
        keyless = route.protocol == "ollama" or habits.habit_of(request.provider).keyless
        auth.check(route.protocol, request, required=not keyless)
        return route.handler(request, self.world)


def _entry(
    request: Request, endpoint: str, response: Response, delivery: Delivery, fault: Fault | None
) -> Entry:
    headers = request.headers
    answered = any(isinstance(step, bytes) for step in delivery.steps)
    return Entry(
        provider=request.provider,
        endpoint=endpoint,
        model=response.model,
        status=response.status if answered else 0,
        streamed=response.frames is not None,
        fault=fault.kind if fault else "",
        tokens=response.tokens if answered else Tokens(),
        request_id=response.request_id,
        client_request_id=headers.get("x-client-request-id") or headers.get("x-request-id", ""),
        user=response.user,
    )
