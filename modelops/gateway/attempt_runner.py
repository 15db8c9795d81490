"""One call to one target: send, read, decide when the answer is committed to.

Nothing goes to the client before the first content of a stream or the end of a whole answer, so
until then every failure, an error inside a 200 included, can still be made good by another target.
Afterwards the stream is the client's: what goes wrong ends it with an error event.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec

from modelops.gateway.attempt_recorder import AttemptRecorder
from modelops.gateway.call import REQUEST_ID, join_lines
from modelops.gateway.candidates import Candidate
from modelops.gateway.classify import BODY_MAX, classify_answer, classify_exception
from modelops.gateway.context import MOMENT, Context
from modelops.gateway.errors import GatewayError, error_event
from modelops.gateway.failure import Failure
from modelops.gateway.flow import Flow
from modelops.gateway.protocols.adapter import NotAnAnswerError, Outgoing, StreamReader
from modelops.gateway.protocols.answers import reported
from modelops.gateway.upstream.client import Response
from modelops.gateway.upstream.errors import IdleTimeoutError, UpstreamError
from modelops.gateway.upstream.request import Request

ANSWER_MAX = 128 * 1024 * 1024
"""Bytes of an answer that is not streamed: a large batch of embeddings."""

HELD_BYTES = 256 * 1024
"""Most of a stream that is held back until its first content. Pieces are not counted: providers
send a comment every second or so while a request is queued."""

IDLE_SECONDS = 60.0
"""Longest silence within a flowing stream."""

DRAIN_SECONDS = 0.5
"""How long to wait for the end of a body after the end marker, to keep the connection."""

FULL_TRY = 0.9
"""How much of its `timeout` a target must have had for a timeout to be laid to it."""

_NO_EVENT = "the stream holds something that is not an event"
"""The message for an answer that cannot be decoded and does not itself say what went wrong."""

_NOT_READ = Failure(kind="timeout", message="it was read too slowly", label="slow-client")
"""Why a stream ends whose client has not taken it within its `max_duration`."""

_ENDING = Failure(kind="transient", message="the server is shutting down", label="shutdown")
"""Why a stream ends that runs when the server has waited long enough for it."""

_PASSED_HEADERS = frozenset({b"request-id", b"x-request-id", b"x-generation-id"})
_PASSED_PREFIXES = (b"x-ratelimit-", b"anthropic-", b"openai-")
_JSON = b"content-type: application/json\r\n"
_STREAM = (
    b"content-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\n"
    b"x-accel-buffering: no\r\n"
)


class AttemptRunner:
    """Runs one attempt of a request; `run` returns None once the request is answered."""

    __slots__ = ("_adapter", "_attempt", "_candidate", "_context", "_outgoing")

    def __init__(self, context: Context, candidate: Candidate, outgoing: Outgoing) -> None:
        self._context = context
        self._candidate = candidate
        self._adapter = candidate.adapter
        self._outgoing = outgoing
        self._attempt = AttemptRecorder(
            context, candidate.step, candidate.position, candidate.credential
        )

    async def run(self, bound: float) -> Failure | None:
        """Make the call; `bound` is the seconds until first content, or the whole answer."""
        attempt = self._attempt
        response: Response | None = None
        failure: Failure | None
        try:
            response = await self._context.services.client.send(self._request(), bound)
            attempt.status = response.status
            end = attempt.started + bound
            if not 200 <= response.status < 300:
                failure = await self._refused(response, end)
            elif self._context.body.stream:
                failure = await self._stream(response, end)
            else:
                content = response.whole()
                if content is None:
                    content = await self._content(response, end, ANSWER_MAX)
                failure = self._whole(response, content)
        except UpstreamError as error:
            failure = self._laid_to(classify_exception(error))
        except asyncio.CancelledError:
            attempt.aborted("cancelled" if self._context.reply.gone else "interrupted")
            raise
        except BaseException:
            attempt.aborted("failed", "internal")
            raise
        finally:
            if response is not None:
                response.close()
        if failure is not None:
            attempt.failed(failure)
        return failure

    def _laid_to(self, failure: Failure) -> Failure:
        """Return a timeout as the deadline's own where that left the target no full try."""
        step, context = self._candidate.step, self._context
        if failure.kind != "timeout" or context.left() > MOMENT:
            return failure
        due = step.timeout if context.body.stream else min(step.timeout, step.answer_timeout)
        had = self._attempt.elapsed_us() / 1e6
        if had >= FULL_TRY * min(due, context.chain.deadline):
            return failure
        return msgspec.structs.replace(failure, kind="deadline")

    def _request(self) -> Request:
        provider = self._candidate.step.target.provider
        return Request(
            provider.origin,
            self._outgoing.path,
            self._candidate.credential.headers + self._outgoing.headers,
            self._outgoing.body,
        )

    async def _refused(self, response: Response, end: float) -> Failure:
        try:
            content = await self._content(response, end, BODY_MAX)
        except UpstreamError:
            content = b""  # the status has to do
        return self._classify(response, content)

    # An answer that is not streamed

    def _whole(self, response: Response, content: bytes) -> Failure | None:
        try:
            answer = self._adapter.answer(content, self._context.sent)
        except NotAnAnswerError as error:
            return self._useless(response, content, str(error))
        self._attempt.answer = answer
        self._attempt.succeeded()
        reply = self._context.reply
        head = self._head(response) + _JSON
        reply.start(response.status, head, len(answer.body))
        reply.finish(answer.body)
        return None

    # A stream

    async def _stream(self, response: Response, end: float) -> Failure | None:
        reader = self._attempt.reader = self._adapter.stream(self._context.sent)
        held: list[bytes] = []
        size = 0
        while not reader.content and size <= HELD_BYTES:
            try:
                piece = await response.read(self._remaining(end))
            except IdleTimeoutError:
                if not reader.working:
                    raise
                break  # the work is billed: it is waited for rather than paid for twice
            held.append(reader.feed(piece) if piece else reader.close())
            size += len(held[-1])
            if reader.failure is not None:
                return self._useless(response, reader.failure, _NO_EVENT)
            if not piece and not reader.content:
                return self._classify(response, b"", "the stream ended without content")
        if reader.content:
            self._attempt.committed()
        self._context.reply.start(response.status, self._head(response) + _STREAM)
        await self._flow(response, reader, b"".join(held))
        return None

    async def _flow(self, response: Response, reader: StreamReader, out: bytes) -> None:
        """Pass a committed stream on to its end; the row is written before the end marker goes."""
        reply = self._context.reply
        flow = Flow(reader, reply.send, self._candidate.credential.hide)
        last = self._attempt.started + self._context.chain.max_duration
        cut: Failure | None = None
        more = flow.pass_on(out)
        while not flow.ended:
            try:
                if not (more or await reply.ready(last - self._context.services.clock.monotonic())):
                    cut = _NOT_READ
                    break
                if not reader.size:
                    more = await self._wait_for_words(response, flow, last)
                    if reader.content:
                        self._attempt.committed()
                    continue
                if await response.flow(flow.take, IDLE_SECONDS, self._remaining(last)):
                    flow.close()
                more = False
            except UpstreamError as error:
                cut = classify_exception(error)
                break
            except asyncio.CancelledError:
                if not reply.gone:
                    reply.send(flow.rest + self._finish(reader, _ENDING))
                    reply.finish()
                raise
        reply.send(flow.rest + self._finish(reader, cut))
        if reader.done:
            with contextlib.suppress(UpstreamError):
                reader.end = b""
                reader.feed(await response.read(DRAIN_SECONDS))
            reply.send(reader.end)
        reply.finish()

    async def _wait_for_words(self, response: Response, flow: Flow, last: float) -> bool:
        """Pass on a piece of a stream that reasons or searches and has said nothing yet.

        It may be silent for as long as an answer that is not streamed may take.
        """
        idle = max(IDLE_SECONDS, self._candidate.step.answer_timeout)
        piece = await response.read(min(idle, self._remaining(last)))
        if piece:
            return flow.take([piece])
        flow.close()
        return True

    def _finish(self, reader: StreamReader, cut: Failure | None) -> bytes:
        """Write the row of a stream that is over and return its last bytes."""
        if reader.failure is None and reader.complete:
            self._attempt.succeeded()
            return reader.end
        if reader.failure is not None:
            failure = self._classify(None, reader.failure, _NO_EVENT)
        else:
            failure = cut or Failure(kind="transient", message="the connection ended", label="cut")
        if failure is _NOT_READ:
            self._attempt.aborted("cancelled")  # the provider did nothing wrong
        elif failure is _ENDING:
            self._attempt.aborted("interrupted")
        else:
            self._attempt.failed_mid_stream(failure)
        hide = self._candidate.credential.hide
        if reader.failure_sent:
            return hide(reader.end)
        call = self._context.call
        message = f"the stream of {self._candidate.step.target.name} broke off: {failure.message}"
        error = GatewayError(502, "stream_interrupted", message)
        return hide(error_event(call.dialect, error, call.request_id, reader.begun))

    # Reading

    def _remaining(self, end: float) -> float:
        remaining = end - self._context.services.clock.monotonic()
        if remaining <= 0:
            raise IdleTimeoutError("the time for this answer is over")
        return remaining

    async def _content(self, response: Response, end: float, most: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while size <= most and (piece := await response.read(self._remaining(end))):
            pieces.append(piece)
            size += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _useless(self, response: Response, content: bytes, default_message: str) -> Failure:
        """Return the failure of an answer that cannot be used; the usage it reports is booked."""
        protocol = self._candidate.step.target.provider.protocol
        self._attempt.answer = reported(protocol, self._context.call.endpoint, content)
        return self._classify(response, content, default_message)

    def _classify(
        self, response: Response | None, content: bytes, default_message: str = ""
    ) -> Failure:
        headers: Sequence[tuple[bytes, bytes]] = response.headers if response is not None else ()
        unix_us = self._context.services.clock.unix_us()
        hide = self._candidate.credential.hide
        default_message = hide(default_message.encode()).decode()
        return classify_answer(
            self._attempt.status, headers, hide(content), unix_us, default_message
        )

    def _head(self, response: Response) -> bytes:
        """Return the provider's headers that go on, and those that say how the answer came."""
        context, candidate = self._context, self._candidate
        context.trail.append(f"{candidate.step.target.name}={response.status}")
        named, own_id = REQUEST_ID[context.call.dialect], True
        passed: list[bytes] = []
        for name, value in response.headers:
            if name in _PASSED_HEADERS or name.startswith(_PASSED_PREFIXES):
                passed.append(b"%b: %b\r\n" % (name, value))
                own_id = own_id and name != named
        if own_id:
            passed.append(b"%b: %b\r\n" % (named, context.call.request_id.encode()))
        return candidate.credential.hide(join_lines(passed)) + context.head(candidate)
