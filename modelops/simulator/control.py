"""The control calls of the simulator, under `/_simulator`.

GET    /_simulator/faults     the faults in force
POST   /_simulator/faults     one more, as JSON (faults.py has the fields)
DELETE /_simulator/faults     none any more
GET    /_simulator/ledger     totals and the newest entries (?limit=, 1000 unless told)
DELETE /_simulator/ledger     start counting anew
POST   /_simulator/models     {"provider": ..., "models": [...]}: what a provider offers
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.resources.errors import ModelopsError
from modelops.simulator import faults as fault_form
from modelops.simulator.faults import Faults
from modelops.simulator.ledger import MAX_ENTRIES, Ledger
from modelops.simulator.wire import JSON_TYPE, Request, RequestError, Response, encode, read
from modelops.simulator.world import World

PROVIDER = "_simulator"
"""The first segment of control paths, where others have the provider."""

USUAL_ENTRIES = 1_000


class Offer(msgspec.Struct, forbid_unknown_fields=True):
    """What a provider offers."""

    provider: str
    models: list[str]


def respond(world: World, faults: Faults, ledger: Ledger, request: Request) -> Response:
    """Answer a control call."""
    try:
        status, value = 200, _done(world, faults, ledger, request)
    except ModelopsError as error:
        status, value = 400, {"error": error.message, "hint": error.hint}
    except RequestError as error:
        status, value = error.status, {"error": error.message}
    return Response(
        protocol="openai", status=status, headers={"content-type": JSON_TYPE}, body=encode(value)
    )


def _done(world: World, faults: Faults, ledger: Ledger, request: Request) -> Any:
    match request.method, request.path:
        case "GET", "faults":
            return {"faults": faults.listed()}
        case "POST", "faults":
            fault = fault_form.read(read(request, dict[str, Any]))
            world.need_provider(fault.provider)
            faults.add(fault)
            return {"faults": faults.listed()}
        case "DELETE", "faults":
            faults.clear()
            return {"faults": []}
        case "GET", "ledger":
            return _ledger(ledger, request)
        case "DELETE", "ledger":
            ledger.clear()
            return _ledger(ledger, request)
        case "POST", "models":
            offer = read(request, Offer)
            world.offer(offer.provider, offer.models)
            return offer
        case method, path:
            raise RequestError(f"no control call {method} /{PROVIDER}/{path}", status=404)


def _ledger(ledger: Ledger, request: Request) -> dict[str, Any]:
    limit = request.query.get("limit", str(USUAL_ENTRIES))
    if not limit.isdecimal():
        raise RequestError("limit must be a number of entries")
    newest = list(ledger.entries)[-min(int(limit), MAX_ENTRIES) :] if int(limit) else []
    return {
        "requests": ledger.ended,
        "open": ledger.began - ledger.ended,
        "totals": list(ledger.totals.values()),
        "entries": newest,
    }
