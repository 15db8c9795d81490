"""Reading stored content, whatever form it was written in.

Content carries the version of the resolved form. An older one is brought up to date here, on
reading, never in place: revisions are immutable.
"""

from __future__ import annotations

import msgspec

from modelops.resources.resolved import Resource
from modelops.resources.state import FORM, decode
from modelops.store.protocol import StoreDamagedError, StoreNewerError


def read(form: int, content: str, address: str) -> Resource:
    """Return the resource that this content of this form holds."""
    if form > FORM:
        raise StoreNewerError(
            f"{address} was written by a newer modelops (form {form}, this one reads {FORM})",
            "install that version or a later one",
        )
    try:
        return decode(content)
    except msgspec.MsgspecError as error:
        raise StoreDamagedError(
            f"{address} cannot be read from the store: {error}", "restore a backup of the store"
        ) from error
