"""`/api/state` and `/api/apply`: the store as a deployer's command sees it through this server.

`modelops plan --store https://...` reads the state, `apply` sends what is to change. Sealed secrets
are part of the state: they open with the server's identity alone, and a plan compares them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import JSONBody, QueryParameter

from modelops.operations.apply_remote import apply_remote, in_environment
from modelops.operations.location import is_simulated
from modelops.operations.status import alive
from modelops.operations.usage import known_filters
from modelops.secrets import server_identity
from modelops.server.guard import caller_of
from modelops.server.parts import Parts
from modelops.server.problems import AnyRequest
from modelops.store import migrate
from modelops.store.books import Selection
from modelops.store.protocol import Revision
from modelops.store.remote import ApplyRequest, SentGroup, StateAnswer

BODY_MAX = 64 * 1024 * 1024

DEPLOYER = {"role": "deployer"}

Content = Annotated[
    bool, QueryParameter(description="Whether resources and sealed secrets are wanted too.")
]
Number = Annotated[int | None, QueryParameter(ge=0, description="A revision; default: the head.")]


@get("/state", opt=DEPLOYER)
async def get_state(
    runtime: Parts, content: Content = True, revision: Number = None
) -> StateAnswer:
    """Return where the store stands, the workers that run, and with content a whole revision."""
    store = runtime.store
    instances = tuple(alive(await store.instances(), runtime.clock.unix_us()))
    environment = runtime.settings.environment
    head = in_environment(await store.head(), environment)
    if revision is not None and revision > head.revision:
        raise NotFoundException(
            f"there is no revision {revision}; the store stands at {head.revision}"
        )
    if not content:
        return StateAnswer(
            head=head,
            instances=instances,
            simulated=is_simulated(runtime.settings.store_url),
        )
    snapshot = await store.snapshot(revision)
    return StateAnswer(
        head=in_environment(snapshot.head, environment),
        instances=instances,
        resources=tuple(snapshot.state.values()),
        secrets=tuple(await store.secrets()),
    )


@post("/state/usage", opt=DEPLOYER, status_code=200)
async def usage_sums(runtime: Parts, data: JSONBody[Selection]) -> Sequence[SentGroup]:
    """Return the sums a report is made of: a plan asks who still calls what it deletes."""
    wanted = msgspec.structs.replace(
        data, filters=known_filters({str(name): values for name, values in data.filters.items()})
    )
    groups = await runtime.store.usage(wanted)
    return await asyncio.to_thread(  # 2 us a group
        lambda: [
            SentGroup(key=group.key, start_us=group.start_us, sums=group.sums) for group in groups
        ]
    )


@post("/apply", opt=DEPLOYER, status_code=200, request_max_body_size=BODY_MAX)
async def apply(request: AnyRequest, runtime: Parts, data: JSONBody[ApplyRequest]) -> Revision:
    """Make a new revision, all or nothing: 409 when the store has moved on, 422 when refused."""
    await migrate(runtime.settings.store_url)
    caller = caller_of(request)
    settings = runtime.settings
    location = server_identity.location(Path(settings.state_directory), os.environ)
    return await apply_remote(
        runtime.store,
        data,
        caller.name,
        runtime.clock.unix_us(),
        environment=settings.environment,
        identity_file=None if settings.simulator_url else location,
    )
