"""Show: one resource of what a revision of the store holds."""

from __future__ import annotations

import difflib

from modelops.resources.errors import ModelopsError
from modelops.resources.resolved import Resource
from modelops.store.protocol import Snapshot


def find(snapshot: Snapshot, address: str) -> Resource:
    """Return one resource; ModelopsError naming the nearest addresses when it is not there."""
    resource = snapshot.state.get(address)
    if resource is None:
        near = difflib.get_close_matches(address, snapshot.state, n=3)
        raise ModelopsError(
            f"revision {snapshot.head.revision} holds no {address}",
            f"did you mean {', '.join(near)}?" if near else "modelops show lists what there is",
        )
    return resource
