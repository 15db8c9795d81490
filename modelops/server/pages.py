"""Lists as `/api` answers them: `{items, next_cursor}`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter

from modelops.resources import cursors

Item = TypeVar("Item")

LIMIT_DEFAULT = 100
LIMIT_MAX = 1000

Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="Most items of one page.")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=1000, description="`next_cursor` of the page before.")
]


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """A page of a list; `next_cursor` is null on the last one."""

    items: Sequence[Item]
    next_cursor: str | None


def page(
    items: Sequence[Item], key: Callable[[Item], str], limit: int, cursor: str | None
) -> Page[Item]:
    """Return the page after `cursor` of items, which are put in the order of their keys."""
    after = decode_cursor(cursor) if cursor else None
    rest = sorted((item for item in items if after is None or key(item) > after), key=key)
    shown = rest[:limit]
    more = len(rest) > limit
    return Page(items=shown, next_cursor=cursors.encode(key(shown[-1])) if more else None)


def decode_cursor(cursor: str) -> str:
    """Return the key a cursor stands for; ValidationException (400) when it is none."""
    try:
        return cursors.decode(cursor)
    except ValueError:
        raise ValidationException("cursor: this is not the next_cursor of an answer") from None
