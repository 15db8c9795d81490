"""What the gateway asks of a protocol: one adapter per client endpoint and target protocol.

An adapter makes the upstream request, reads the answer, and reads the stream as it flows. Whether
bytes pass as they are or are translated is its own affair: the failover loop cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.errors import Begun
from modelops.gateway.table import Target
from modelops.metering.attempt import Usage
from modelops.metering.usage import UsageReader
from modelops.resources.resolved import Parameters

TRACE = (b"traceparent", b"tracestate")
"""W3C trace context, which goes to every provider."""

SYSTEM_BETWEEN = (
    "a message of role 'system' in the middle of the conversation: that is not supported"
)
"""What few targets carry. Claude Code sends its request again without, when a 400 says it so
(`not supported` and `role 'system'`)."""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A request as a provider takes it. `headers` are finished lines that go with its own."""

    path: str
    headers: bytes
    body: bytes


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A whole answer: the body for the client, and what the books want to know."""

    body: bytes
    usage: Usage
    service_tier: str = ""
    finish_reason: str = ""


class CannotCarryError(Exception):
    """The target's protocol cannot express something in the request; the message names it."""


class NotAnAnswerError(Exception):
    """A body with a good status that holds an error, or nothing of use."""


class StreamReader(Protocol):
    """Reads a provider's stream and gives what the client is to see of it.

    `content`: something was said, so the answer is committed to. `working`: the provider reasons or
    searches, which is billed, but another target can still answer. `done`: the protocol's end
    marker came; `end` is what the client gets for it, with whatever came after. `complete`: the
    answer came to its proper end, marker or not. `failure`: an error event, as it came, or what is
    wrong with the stream; `failure_sent`: it went to the client. `size`: bytes of text so far.
    `begun`: what an error event goes on from, where the client's protocol numbers its events.
    """

    done: bool
    end: bytes
    failure: bytes | None
    failure_sent: bool
    usage: UsageReader

    @property
    def begun(self) -> Begun | None:
        """What an error event goes on from."""
        ...

    @property
    def content(self) -> bool:
        """Whether something was said."""
        ...

    @property
    def working(self) -> bool:
        """Whether work began of which nothing may be seen for long."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the answer came to its proper end."""
        ...

    @property
    def finish_reason(self) -> str:
        """Why the answer ended, in the provider's word."""
        ...

    @property
    def size(self) -> int:
        """Bytes of text so far."""
        ...

    def feed(self, piece: bytes) -> bytes:
        """Take what came and return what goes to the client, without the end marker."""
        ...

    def close(self) -> bytes:
        """Take the end of the body and return what still goes to the client."""
        ...


class Adapter(Protocol):
    """How a client endpoint is served by targets of one protocol.

    `native`: client and target speak the same, so a provider's error body passes as it came.
    """

    native: bool

    def outgoing(
        self,
        body: Body,
        headers: Mapping[bytes, bytes],
        target: Target,
        parameters: Parameters | None,
    ) -> Outgoing:
        """Return the upstream request; CannotCarryError when the target cannot take it.

        `parameters` are the agent's, for what the request leaves out.
        """
        ...

    def answer(self, content: bytes, body: Body) -> Answer:
        """Read a whole answer to a request; NotAnAnswerError when it is none."""
        ...

    def stream(self, body: Body) -> StreamReader:
        """Return a reader for one stream."""
        ...


def forwarded(headers: Mapping[bytes, bytes], names: tuple[bytes, ...]) -> bytes:
    """Return those of a client's headers that go upstream, as finished lines."""
    if headers.keys().isdisjoint(names):
        return b""
    return b"".join(
        b"%b: %b\r\n" % (name, value)
        for name in names
        if (value := headers.get(name)) is not None and b"\r" not in value and b"\n" not in value
    )
