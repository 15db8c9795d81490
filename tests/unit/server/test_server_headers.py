"""What the data plane makes of a request's headers."""

from __future__ import annotations

from typing import cast

from memory_store import MemoryStore
from server_support import ScriptedGateway, ask, make_runtime, serving, state


async def test_a_header_in_several_lines_is_one_list() -> None:
    runtime = make_runtime(MemoryStore(state()))
    lines = ["anthropic-beta: a", "x-one: 1", "Anthropic-Beta: b,c", "x-one: 1"]
    async with serving(runtime) as port:
        await ask(port, headers=lines)
    (call,) = cast("ScriptedGateway", runtime.gateway).calls
    assert call.headers[b"anthropic-beta"] == b"a, b,c"
    assert call.headers[b"x-one"] == b"1"
