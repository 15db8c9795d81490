"""`/api/revisions`: the store's history, newest first."""

from __future__ import annotations

from litestar import get
from litestar.exceptions import ValidationException

from modelops.resources import cursors
from modelops.server.pages import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor
from modelops.server.parts import Parts
from modelops.store.protocol import Revision


@get("/revisions")
async def list_revisions(
    runtime: Parts, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[Revision]:
    """Return revisions from the newest down; 503 while the store is away."""
    before = _revision(decode_cursor(cursor)) if cursor else None
    found = list(await runtime.store.revisions(limit + 1, before))
    shown = found[:limit]
    more = len(found) > limit
    return Page(items=shown, next_cursor=cursors.encode(str(shown[-1].revision)) if more else None)


def _revision(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise ValidationException("cursor: this is not the next_cursor of an answer")
    return int(text)
