"""Completes `/schema`: the data plane, and errors in the shape they really have.

Litestar describes only what it parses itself, and its own errors. Bodies of the data plane are
those of the APIs its paths stand for, and pass through; so they are described as objects, with a
pointer to whose they are.
"""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    OpenAPI,
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
    "415": "The body is compressed; or nobody has a key, and it is not application/json.",
    "429": "Every target was limited; see retry-after.",
    "500": "The gateway failed.",
    "502": "Every target failed.",
    "503": "Nothing is served, or this server is out of connections or of room for bodies.",
    "504": "The deadline ran out.",
}


def _object(required: list[str], **properties: OpenAPIType) -> Schema:
    return Schema(
        type=OpenAPIType.OBJECT,
        required=required,
        properties={name: Schema(type=kind) for name, kind in properties.items()},
    )


PROBLEM = OpenAPIResponse(
    description="What is wrong, and what to do next (RFC 9457).",
    content={
        "application/problem+json": OpenAPIMediaType(
            schema=_object(
                ["title", "status", "detail"],
                type=OpenAPIType.STRING,
                title=OpenAPIType.STRING,
                status=OpenAPIType.INTEGER,
                detail=OpenAPIType.STRING,
                hint=OpenAPIType.STRING,
                exit_code=OpenAPIType.INTEGER,
            )
        )
    },
)

DIALECT_ERROR = OpenAPIResponse(
    description="What is wrong, in OpenAI's or Anthropic's shape.",
    content={
        "application/json": OpenAPIMediaType(schema=_object(["error"], error=OpenAPIType.OBJECT))
    },
)


class CompletedSchema(JsonRenderPlugin):
    """Renders the schema when it is first asked for: few ask, and each start would take longer."""

    _rendered = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the schema as JSON; `openapi_schema` is what Litestar knows of it."""
        if not self._rendered:
            schema = request.app.openapi_schema
            complete(schema)
            self._rendered = self.render_json(request, schema.to_schema())
        return self._rendered


def complete(schema: OpenAPI) -> None:
    """Describe the data plane's routes, and every other route's errors."""
    paths = schema.paths
    if paths is None:
        raise TypeError("the app has no routes to describe")
    for path, item in paths.items():
        described = DIALECT_ERROR if path.startswith("/v1/") else PROBLEM
        for operation in (item.get, item.post):
            if operation is not None and operation.responses is not None:
                operation.responses.pop("400", None)
                operation.responses["default"] = described
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
