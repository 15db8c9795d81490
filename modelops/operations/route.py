"""Route: what a request with this name would run through, without making one.

Asked of a store, the answer is what the configuration says; only a running server knows which
targets are open, cooling or without a key, so a server's store is asked through its `/api/route`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from modelops.gateway.call import Endpoint
from modelops.gateway.errors import GatewayError
from modelops.gateway.explain import Explanation, explain
from modelops.gateway.table import compile_table
from modelops.resources.errors import ModelopsError
from modelops.secrets.secret import Secret
from modelops.store.protocol import ConfigStore
from modelops.store.remote import RemoteStore

ENDPOINT: Endpoint = "/v1/chat/completions"

_UNREAD = Secret("not-read")
"""Stands for every key: whether one opens is the server's to know, not a command's."""

Short = Annotated[str, msgspec.Meta(max_length=300)]


class RouteQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request in mind. `model` '' names none; `agent` '' is nobody's.

    `prefer` is what x-modelops-prefer would say, `input_tokens` the size of the prompt.
    """

    model: Short = ""
    agent: Short = ""
    prefer: Short = ""
    endpoint: Endpoint = ENDPOINT
    input_tokens: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 0


async def route(store: ConfigStore | RemoteStore, question: RouteQuestion) -> Explanation:
    """Return what a name stands for; ModelopsError when it stands for nothing."""
    if isinstance(store, RemoteStore):
        return await store.ask("POST", "/api/route", question, Explanation)
    snapshot = await store.snapshot()
    if not snapshot.head.revision:
        raise ModelopsError("nothing has been applied yet", "modelops apply")
    table = compile_table(snapshot.head.revision, snapshot.state, lambda _address, _field: _UNREAD)
    try:
        return explain(
            table,
            question.model,
            agent=question.agent,
            prefer=question.prefer,
            endpoint=question.endpoint,
            input_tokens=question.input_tokens,
        )
    except GatewayError as error:
        raise ModelopsError(error.message, "modelops show lists what there is") from error
