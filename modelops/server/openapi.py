"""Adds the data plane to `/schema`: Litestar describes only what it parses itself.

Bodies are those of the APIs the paths stand for, and pass through; so they are described as
objects, with a pointer to whose they are.
"""

from __future__ import annotations

from litestar import Litestar
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    PathItem,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType

from modelops.server.data_plane import ROUTES, Route

STATUSES = {
    "200": "The answer, or a stream of events when the request asks for one.",
    "400": "The request is wrong.",
    "401": "No key, or one that is not good here.",
    "403": "This agent may not call that model.",
    "404": "There is no such model or chain.",
    "405": "Another method than POST.",
    "408": "The body arrived too slowly.",
    "413": "The body is larger than 64 MiB.",
    "429": "Every target was limited; see retry-after.",
    "500": "The gateway failed.",
    "502": "Every target failed.",
    "503": "Nothing is served.",
    "504": "The deadline ran out.",
}


def add_data_plane(app: Litestar) -> None:
    """Describe the data plane's routes in the app's schema."""
    paths = app.openapi_schema.paths
    if paths is None:
        raise TypeError("the app has no routes to describe")
    for route in ROUTES:
        paths[route.endpoint] = PathItem(post=_operation(route))


def _operation(route: Route) -> Operation:
    body = {"application/json": OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT))}
    whose = "Anthropic" if route.dialect == "anthropic" else "OpenAI"
    return Operation(
        operation_id=route.endpoint.strip("/").replace("/", "_"),
        summary=f"{whose}'s {route.endpoint}",
        description=f"Body and answer are those of {whose}'s API; `model` may name a chain.",
        request_body=RequestBody(content=body, required=True),
        responses={
            status: OpenAPIResponse(description=text, content=body)
            for status, text in STATUSES.items()
        },
    )
