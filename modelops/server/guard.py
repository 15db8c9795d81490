"""The guard before every route that is neither open nor data plane.

A route states in `opt` what it requires: `role` (default viewer), and `agents=True` when an agent's
own key opens it too. Whoever was let in stands in the request's state as `caller`.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler

from modelops.server.access import admin_caller, require_role
from modelops.server.keys import Caller
from modelops.server.problems import AnyRequest
from modelops.server.runtime import Runtime


def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let a caller in, or raise AccessError."""
    runtime: Runtime = connection.app.state["runtime"]
    if runtime.on_wrong_listener(connection.scope["server"], admin=True):
        raise NotFoundException
    keyring = runtime.required().keyring  # while nothing is live, nobody's key is known
    scope = connection.scope
    caller = admin_caller(
        keyring, dict(scope["headers"]), scope["client"], runtime.clock.unix_us() / 1_000_000
    )
    if not (caller.kind == "agent" and handler.opt.get("agents")):
        require_role(caller, handler.opt.get("role", "viewer"))
    connection.scope["state"]["caller"] = caller


def caller_of(request: AnyRequest) -> Caller:
    """Return who the guard let in."""
    caller: Caller = request.scope["state"]["caller"]
    return caller
