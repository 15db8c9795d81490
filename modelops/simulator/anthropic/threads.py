"""Message threads: conversations the server keeps, each under the id of its last answer.

A turn then brings only what is new
(https://platform.claude.com/docs/en/build-with-claude/message-threads; the words of the errors are
those of Anthropic's SDKs).
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.simulator.anthropic.request import Block, Message, Messages
from modelops.simulator.wire import Request, RequestError
from modelops.simulator.world import World

BETA = "message-threads-2026-08-12"


def whole(asked: Messages, request: Request, world: World) -> Messages:
    """Return a request with what its thread holds before it; RequestError without such a thread."""
    if not asked.thread:
        return asked
    if BETA not in request.headers.get("anthropic-beta", ""):
        raise RequestError("thread: Extra inputs are not permitted")
    if asked.thread.get("type") == "create":
        return asked
    if asked.system is not None or asked.tools is not None:
        raise RequestError("`system` and `tools` are the thread's: leave them out of a `continue`")
    kept = world.threads.get((request.provider, str(asked.thread.get("previous_message_id"))))
    if kept is None:
        raise RequestError(
            "No usable Thread state was found for `previous_message_id`. Replay the full "
            'conversation with `thread: {"type": "create"}` to start a new Thread.',
            status=404,
            error_code="thread_not_found",
        )
    messages = [*kept["messages"], *asked.messages]
    return msgspec.structs.replace(asked, **{**kept, "messages": messages})


def keep(asked: Messages, message: dict[str, Any], request: Request, world: World) -> None:
    """Keep a whole conversation with its answer."""
    said = Message("assistant", msgspec.convert(message["content"], list[Block]))
    fields = {"system": asked.system, "tools": asked.tools, "messages": [*asked.messages, said]}
    world.keep_thread(request.provider, message["id"], fields)
