"""What the gateway is handed with a request, and what it answers and records through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from modelops.metering.attempt import Attempt

Endpoint = Literal[
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/responses",
    "/v1/embeddings",
]
Dialect = Literal["openai", "anthropic"]
"""The shape errors and model lists take for a caller."""

Headers = Sequence[tuple[bytes, bytes]]

REQUEST_ID: Mapping[Dialect, bytes] = {"openai": b"x-request-id", "anthropic": b"request-id"}
"""Where the official SDKs look for the id of an answer or an error."""


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One client request, read whole. Header names are lower case; `agent` '' is nobody's.

    `headers` holds the values of each name as one list. `received_at_us` is Unix time.
    """

    endpoint: Endpoint
    dialect: Dialect
    body: bytes
    headers: Mapping[bytes, bytes]
    agent: str
    request_id: str
    received_at_us: int


def header_lines(headers: Headers) -> bytes:
    """Return headers as finished lines, each ended by CRLF; ValueError when one holds its own."""
    return join_lines([b"%b: %b\r\n" % header for header in headers])


def join_lines(lines: Sequence[bytes]) -> bytes:
    """Return header lines as one piece; ValueError when one holds a line break before its end."""
    joined = b"".join(lines)
    if len(joined.splitlines()) != len(lines):
        raise ValueError("a header holds a line break")
    return joined


class Reply(Protocol):
    """The way back to the client. `start` is called once, then `send` any number of times.

    A client that has gone away cancels the task that answers it; so does a server that ends.
    """

    @property
    def gone(self) -> bool:
        """Whether the client has gone away."""
        ...

    def start(self, status: int, head: bytes, length: int | None = None) -> None:
        """Take status and finished header lines: they go with the first piece of the body.

        `length` is the body's in bytes, None when it is not known yet.
        """
        ...

    def send(self, data: bytes) -> bool:
        """Send a piece of the body at once.

        Returns whether the client's connection can take more; else `ready` is to be awaited before
        the next: a slow client slows the upstream.
        """
        ...

    async def ready(self, wait: float) -> bool:
        """Return once the client's connection can take more; False after `wait` seconds."""
        ...

    def finish(self, data: bytes = b"") -> None:
        """Send the last piece of the body, if any, and end it."""
        ...


class Recorder(Protocol):
    """Where attempts go. Its methods never wait and never raise."""

    @property
    def full(self) -> bool:
        """Whether there is no room for another row."""
        ...

    def begin(self, attempt: Attempt) -> None:
        """Note that a call is about to be sent.

        The attempt is the row it becomes if its end is never recorded: outcome `interrupted`.
        """
        ...

    def record(self, attempt: Attempt) -> None:
        """Take one finished attempt into the books."""
        ...


class Clock(Protocol):
    """Time as the gateway sees it."""

    def monotonic(self) -> float:
        """Return seconds that only ever rise."""
        ...

    def unix_us(self) -> int:
        """Return Unix time in microseconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
