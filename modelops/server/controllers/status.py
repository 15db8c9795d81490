"""`/api/status`: what is live where and what is broken, from whichever worker answers."""

from __future__ import annotations

from litestar import get

from modelops.operations.status import Status, build, status
from modelops.server.instance import row
from modelops.server.parts import Parts
from modelops.server.runtime import Runtime
from modelops.store.protocol import StoreError


@get("/status")
async def get_status(runtime: Parts) -> Status:
    """Return the status over all workers; while the store is away, as this one knows it."""
    return await current(runtime)


async def current(runtime: Runtime) -> Status:
    """Return what `/api/status` does."""
    now_us = runtime.clock.unix_us()
    error = runtime.store_error
    if not error:
        try:
            found = await status(
                runtime.store, now_us, asked=row(runtime), store_error=runtime.heartbeat_error
            )
        except StoreError as failure:
            error = failure.message
        else:
            if found.revision or runtime.live is None:
                return found
            error = runtime.heartbeat_error  # the store is gone, which the next look at it will say
    live = runtime.required()
    own = [row(runtime)]
    return build(live.head, None, live.providers, own, now_us, tested={}, store_error=error)
