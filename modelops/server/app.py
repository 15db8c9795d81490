"""The Litestar app of one worker: routes, guards, errors, wiring. No decision is made here."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp, Receive, Scope, Send

from modelops import __version__
from modelops.server.controllers import (
    agents,
    chains,
    connections,
    models,
    providers,
    remote_store,
    revisions,
    route,
    status,
    usage,
)
from modelops.server.cycle import Handler
from modelops.server.data_plane import as_asgi, data_plane
from modelops.server.guard import guard
from modelops.server.health import healthz, readyz
from modelops.server.metrics import metrics
from modelops.server.model_list import get_model, list_models
from modelops.server.openapi import CompletedSchema
from modelops.server.problems import answer_error, name_request
from modelops.server.runtime import Runtime

API_ROUTES = (
    providers.list_providers,
    providers.get_provider,
    connections.check_connection,
    connections.discover_models,
    models.list_models,
    chains.list_chains,
    agents.list_agents,
    revisions.list_revisions,
    usage.usage,
    usage.list_attempts,
    usage.export,
    remote_store.get_state,
    remote_store.usage_sums,
    remote_store.apply,
    status.get_status,
    route.route,
)


class Entrance:
    """What a worker serves.

    A data plane path in its usual spelling goes to its handler at once, which stands in `direct`:
    Litestar's routing and error handling would cost a tenth of the request, for what the handler
    does itself.
    """

    def __init__(self, app: ASGIApp, direct: Mapping[str, Handler]) -> None:
        self._app = app
        self.direct = direct

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer any other request."""
        return self._app(scope, receive, send)


def create_app(runtime: Runtime) -> Entrance:
    """Return what a worker serves, whose parts somebody else starts and stops."""
    return Entrance(create_litestar(runtime), data_plane(runtime))


def create_litestar(runtime: Runtime) -> Litestar:
    """Return the app with every route, guard and error handler."""
    return Litestar(
        route_handlers=[
            *(as_asgi(path, handler) for path, handler in data_plane(runtime).items()),
            list_models,
            get_model,
            healthz,
            readyz,
            metrics,
            Router("/api", route_handlers=API_ROUTES, guards=[guard]),
        ],
        dependencies={"runtime": Provide(lambda: runtime, sync_to_thread=False)},
        exception_handlers={Exception: answer_error},
        before_send=[name_request],
        logging_config=None,
        openapi_config=_openapi(),
        state=State({"runtime": runtime}),
    )


def _openapi() -> OpenAPIConfig:
    """Return the settings of `/schema`: JSON alone, since the pages load scripts from a CDN."""
    return OpenAPIConfig(
        title="modelops",
        version=__version__,
        description="Data plane under /v1, reports and operation under /api.",
        render_plugins=[CompletedSchema(path="/")],
        openapi_router=Router(
            "/schema", route_handlers=[], guards=[guard], include_in_schema=False
        ),
    )
