"""Serving one protocol's clients from another protocol's targets, through the conversation.

Each protocol brings a client side (read requests, write answers) or a target side (write requests,
read answers); this joins any two. A stream is translated event by event as it arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.errors import Begun, invalid_answer_body
from modelops.gateway.protocols.adapter import Answer, NotAnAnswerError, Outgoing
from modelops.gateway.protocols.answers import decode_answer
from modelops.gateway.protocols.conversation import (
    ArgumentsDelta,
    Conversation,
    Event,
    Said,
    ToolBegun,
    ToolCall,
)
from modelops.gateway.protocols.parameters import takes_sampling
from modelops.gateway.protocols.passing import PassingStream
from modelops.gateway.table import Target
from modelops.metering.attempt import Usage
from modelops.metering.usage import UsageReader, whole_usage
from modelops.resources import resolved
from modelops.resources.resolved import Parameters

Read = TypeVar("Read")
"""An event as a target's stream is decoded to."""
Taken = TypeVar("Taken", contravariant=True)


class EventReader(Protocol[Taken]):
    """Reads a target's events into canonical ones."""

    def read(self, event: Taken) -> Iterable[Event]:
        """Return what an event says; NotAnAnswerError when it cannot be understood."""
        ...


class EventWriter(Protocol):
    """Writes canonical events as the client's."""

    def write(self, event: Event) -> bytes:
        """Return the bytes an event makes, which may wait for `end`."""
        ...

    def end(self, usage: Usage) -> bytes:
        """Return the last bytes of the stream, its end marker included."""
        ...


class ClientSide(Protocol):
    """A protocol as clients speak it."""

    def read_request(self, content: bytes) -> Conversation:
        """Read a request; CannotCarryError for whatever has no place in a conversation."""
        ...

    def write_answer(self, said: Said, body: Body) -> bytes:
        """Write a whole answer."""
        ...

    def writer(self, body: Body) -> EventWriter:
        """Return a writer for one stream."""
        ...


class TargetSide(Protocol[Read]):
    """A protocol as targets speak it."""

    protocol: resolved.Protocol

    def outgoing(
        self, conversation: Conversation, headers: Mapping[bytes, bytes], target: Target
    ) -> Outgoing:
        """Write a request; CannotCarryError for what the protocol has no word for."""
        ...

    def read_answer(self, document: dict[str, Any], usage: Usage) -> Said:
        """Read a whole answer; NotAnAnswerError when it is none."""
        ...

    def watcher(self) -> PassingStream[Read]:
        """Return what notes content, usage, errors and the end of one stream."""
        ...

    def reader(self) -> EventReader[Read]:
        """Return a reader for one stream."""
        ...


class Translation(Generic[Read]):
    """Implements `adapter.Adapter` between two protocols."""

    native = False

    def __init__(self, client: ClientSide, target: TargetSide[Read]) -> None:
        self._client = client
        self._target = target

    def outgoing(
        self,
        body: Body,
        headers: Mapping[bytes, bytes],
        target: Target,
        parameters: Parameters | None,
    ) -> Outgoing:
        """Return the request in the target's protocol."""
        conversation = body.conversation
        if not isinstance(conversation, Conversation):
            conversation = self._client.read_request(msgspec.json.encode(body.fields))
            body.conversation = conversation
        if parameters is not None:
            conversation = _with_parameters(conversation, parameters, target)
        return self._target.outgoing(conversation, headers, target)

    def answer(self, content: bytes, body: Body) -> Answer:
        """Read the target's answer and write the client's."""
        document = decode_answer(content)
        usage, tier = whole_usage(self._target.protocol, document)
        said = self._target.read_answer(document, usage)
        if _takes_one_call(body):
            said = _with_one_call(said)
        return Answer(self._client.write_answer(said, body), usage, tier, said.word)

    def stream(self, body: Body) -> TranslatedStream[Read]:
        """Return a reader that gives the client's bytes."""
        return TranslatedStream(
            self._target.watcher(),
            self._target.reader(),
            self._client.writer(body),
            one_call=_takes_one_call(body),
        )


class TranslatedStream(Generic[Read]):
    """Implements `adapter.StreamReader`; what it notes is what the target's watcher notes."""

    def __init__(
        self,
        watcher: PassingStream[Read],
        reader: EventReader[Read],
        writer: EventWriter,
        *,
        one_call: bool,
    ) -> None:
        self._watcher = watcher
        self._reader = reader
        self._writer = writer
        self._one_call = one_call
        self._kept = watcher.kept = []
        self.done = False
        self.end = b""
        self.failure: bytes | None = None
        self.failure_sent = False
        self.begun: Begun | None = None
        self.usage: UsageReader = watcher.usage

    @property
    def content(self) -> bool:
        """Whether something was said."""
        return self._watcher.content

    @property
    def working(self) -> bool:
        """Whether work began of which nothing may be seen for long."""
        return self._watcher.working

    @property
    def complete(self) -> bool:
        """Whether the answer came to its proper end."""
        return self._watcher.complete

    @property
    def finish_reason(self) -> str:
        """Why the answer ended, in the target's word."""
        return self._watcher.finish_reason

    @property
    def size(self) -> int:
        """Bytes of text so far."""
        return self._watcher.size

    def feed(self, piece: bytes) -> bytes:
        """Translate what came."""
        watcher = self._watcher
        watcher.feed(piece)
        out = self._translate()
        if watcher.done:
            self._finish()
        return out

    def close(self) -> bytes:
        """Translate what was left, and the end when the answer was whole."""
        self._watcher.close()
        out = self._translate()
        if self._watcher.complete:
            self._finish()
        return out

    def _translate(self) -> bytes:
        out = b""
        try:
            for event in self._kept:
                for said in self._reader.read(event):
                    if not (self._one_call and _of_a_further_call(said)):
                        out += self._writer.write(said)
        except NotAnAnswerError as error:
            out, self._watcher.failure = b"", invalid_answer_body(str(error))
        self._kept.clear()
        self.failure = self._watcher.failure
        return out

    def _finish(self) -> None:
        if not self.done and self.failure is None:
            self.done = True
            self.end = self._writer.end(self.usage.usage(complete=True))


def _takes_one_call(body: Body) -> bool:
    asked = body.conversation
    return isinstance(asked, Conversation) and asked.parallel_tools is False


def _with_one_call(said: Said) -> Said:
    """Return an answer without its further calls, for a client that asked for one at a time.

    Gemini and Ollama cannot be told so. The model asks for the others again when it has the result.
    """
    calls = [place for place, part in enumerate(said.parts) if isinstance(part, ToolCall)]
    kept = tuple(part for place, part in enumerate(said.parts) if place not in calls[1:])
    return msgspec.structs.replace(said, parts=kept)


def _of_a_further_call(event: Event) -> bool:
    return isinstance(event, ToolBegun | ArgumentsDelta) and event.index > 0


def _with_parameters(
    conversation: Conversation, parameters: Parameters, target: Target
) -> Conversation:
    """Add the agent's values for what the request leaves out, as far as the model takes them."""
    changes: dict[str, Any] = {}
    if conversation.max_tokens is None and parameters.max_tokens is not None:
        most = target.max_output_tokens or parameters.max_tokens
        changes["max_tokens"] = min(parameters.max_tokens, most)
    samples = takes_sampling(target)
    for name in ("temperature", "top_p"):
        value = getattr(parameters, name)
        if samples and value is not None and getattr(conversation, name) is None:
            changes[name] = float(value)
    return msgspec.structs.replace(conversation, **changes) if changes else conversation
