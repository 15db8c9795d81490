"""docs/api.md lists every route of `/api`."""

from __future__ import annotations

import re
from pathlib import Path

from modelops.server.app import API_ROUTES

PAGE = Path(__file__).parents[3] / "docs" / "api.md"


def test_the_page_lists_every_route_with_its_role() -> None:
    listed = {
        (method, path): roles
        for method, path, roles in re.findall(
            r"^\| `([A-Z]+) (/api\S*)` \| ([a-z, ]+) \|", PAGE.read_text("utf-8"), re.MULTILINE
        )
    }
    served = {
        (method, "/api" + re.sub(r":\w+}", "}", path)): str(handler.opt.get("role", "viewer"))
        + (", agent" if handler.opt.get("agents") else "")
        for handler in API_ROUTES
        for path in handler.paths
        for method in handler.http_methods
    }
    assert listed == served
