"""Writing down calls: a row of the books for each, and what its end says of the target's health."""

from __future__ import annotations

import msgspec

from modelops.gateway.body import readable_fields
from modelops.gateway.call import Call
from modelops.gateway.caller import client_request_id, user_of
from modelops.gateway.context import Context, Services
from modelops.gateway.credential import Credential
from modelops.gateway.errors import GatewayError
from modelops.gateway.failure import Failure
from modelops.gateway.ids import new_id
from modelops.gateway.protocols.adapter import Answer, StreamReader
from modelops.gateway.redaction import SPELLED_MIN, one_line, redact
from modelops.gateway.table import Step
from modelops.metering.attempt import NO_USAGE, NOTHING_USED, Attempt, Cost, Outcome, Usage
from modelops.metering.cost import cost, estimate

WORD_MAX = 64
"""Characters of a finish reason or a service tier; none that a provider documents is longer."""


class AttemptRecorder:
    """One call, from its start to its row: the first of the four endings counts, later ones do not.

    `status` is the provider's, `answer` or `reader` what was read of its answer, kept for its usage
    even if it cannot be used.
    """

    __slots__ = (
        "_begun",
        "_context",
        "_credential",
        "_ended",
        "_position",
        "_step",
        "answer",
        "first_content_us",
        "reader",
        "started",
        "started_us",
        "status",
    )

    def __init__(self, context: Context, step: Step, position: int, credential: Credential) -> None:
        clock = context.services.clock
        self._context = context
        self._step = step
        self._position = position
        self._credential = credential
        self.started = clock.monotonic()
        self.started_us = clock.unix_us()
        self.status = 0
        self.answer: Answer | None = None
        self.reader: StreamReader | None = None
        self.first_content_us: int | None = None
        self._ended = False
        self._begun = self._interrupted()
        context.services.recorder.begin(self._begun)
        context.services.health.breaker(step.target).start(self.started)

    def elapsed_us(self) -> int:
        """Return the microseconds since the call began."""
        return int((self._context.services.clock.monotonic() - self.started) * 1e6)

    def committed(self) -> None:
        """Note that the first content of a stream is there, the first time it is said."""
        if self.first_content_us is None:
            self.first_content_us = self.elapsed_us()

    def succeeded(self) -> None:
        """Record success."""
        if self._ended:
            return
        context = self._context
        context.services.health.succeeded(
            self._step.target,
            self._credential,
            context.call.endpoint,
            began=self.started,
            now=context.services.clock.monotonic(),
        )
        self._end("success")

    def failed(self, failure: Failure) -> None:
        """Record a failure that the client has not seen; the row waits for what follows.

        An error answer used nothing unless it reports otherwise. A call that was sent and not
        answered may be billed all the same, and so may an answer that broke off or is of no use:
        its usage is what was reported, else unknown, not 0.
        """
        if self._ended:
            return
        self._context.trail.append(f"{self._step.target.name}={failure.label}")
        self._learn(failure)
        self._ended = True
        said = self.reader is not None and (self.reader.content or self.reader.working)
        broke_off = self.status and not failure.status
        billed = self.answer or failure.possibly_billed or said or broke_off
        usage = self._usage() if billed else NOTHING_USED
        message = failure.stored_message
        self._context.pending = self._row("failed", usage, failure.kind, message, final=False)

    def failed_mid_stream(self, failure: Failure) -> None:
        """Record a failure after the client began to receive the answer."""
        if self._ended:
            return
        self._learn(failure)
        self._end("failed", failure.kind, failure.stored_message)

    def aborted(self, outcome: Outcome, error_class: str = "") -> None:
        """Record that the client left or the call was aborted."""
        if self._ended:
            return
        self._context.services.health.breaker(self._step.target).abandon(self.started)
        self._end(outcome, error_class)

    def _learn(self, failure: Failure) -> None:
        context = self._context
        context.services.health.failed(
            self._step.target,
            self._credential,
            context.call.endpoint,
            failure,
            began=self.started,
            now=context.services.clock.monotonic(),
        )

    def _end(self, outcome: Outcome, error_class: str = "", message: str = "") -> None:
        self._ended = True
        row = self._row(outcome, self._usage(), error_class, message, final=True)
        self._context.services.recorder.record(row)

    def _usage(self) -> Usage:
        if self.answer is not None:
            return self.answer.usage
        if self.reader is not None:
            return self.reader.usage.usage(complete=self.reader.complete)
        return NO_USAGE

    def _service_tier(self) -> str:
        streamed = self.reader.usage.service_tier if self.reader is not None else ""
        return self._word(streamed or (self.answer.service_tier if self.answer is not None else ""))

    def _finish_reason(self) -> str:
        read = self.reader or self.answer  # of a stream of no use, the answer is its last event
        return self._word(read.finish_reason) if read is not None else ""

    def _word(self, said: str) -> str:
        """Return a value of the provider's as the books keep it: short, and without its key."""
        if len(said) >= SPELLED_MIN:  # what is shorter holds no key
            said = self._credential.hide(said.encode()).decode()[:WORD_MAX]
        return said if said.isprintable() else one_line(said)

    def _interrupted(self) -> Attempt:
        """Return the row as it will stand if the end of the call is never seen."""
        context = self._context
        return msgspec.structs.replace(
            context.route.rows[self._position],
            attempt_id=new_id(self.started_us, context.services.random),
            request_id=context.call.request_id,
            client_request_id=context.client_request_id,
            started_at_us=self.started_us,
            user=context.user,
            number=context.number,
            stream=context.body.stream,
            cost=self._estimate(NO_USAGE),
        )

    def _row(
        self, outcome: Outcome, usage: Usage, error_class: str, message: str, *, final: bool
    ) -> Attempt:
        """Return the row. What the provider says it cost stands, however little else it reports.

        Else without a full usage report the cost is NULL, beside an estimate.
        """
        target = self._step.target
        tier = self._service_tier()
        if usage.priced:
            price = cost(
                usage,
                target.price,
                target.price_source,
                service_tier=tier,
                started_at_us=self.started_us,
            )
        else:
            price = self._estimate(usage, tier)
        return msgspec.structs.replace(
            self._begun,
            service_tier=tier,
            usage=usage,
            cost=price,
            latency_us=self.elapsed_us(),
            first_content_us=self.first_content_us,
            outcome=outcome,
            status=self.status,
            error_class=error_class,
            message=message,
            finish_reason=self._finish_reason(),
            final=final,
        )

    def _estimate(self, usage: Usage, service_tier: str = "") -> Cost:
        target = self._step.target
        return estimate(
            usage,
            target.price,
            target.price_source,
            request_bytes=self._context.body.text_bytes,
            answer_bytes=self._answer_bytes(),
            service_tier=service_tier,
            started_at_us=self.started_us,
        )

    def _answer_bytes(self) -> int:
        """Return the bytes of what was said so far; vectors are not billed."""
        if self.reader is not None:
            return self.reader.size
        vectors = self._context.call.endpoint == "/v1/embeddings"
        return len(self.answer.body) if self.answer is not None and not vectors else 0


def refused_row(
    services: Services,
    call: Call,
    revision: int,
    error: GatewayError,
    context: Context | None = None,
) -> Attempt:
    """Return the row of a request that reached no provider; the code of `error` says why."""
    now_us = services.clock.unix_us()
    fields = context.body.fields if context else readable_fields(call.body)
    return Attempt(
        attempt_id=new_id(now_us, services.random),
        request_id=call.request_id,
        client_request_id=client_request_id(call),
        started_at_us=call.received_at_us,
        revision=revision,
        agent=call.agent,
        user=user_of(call, fields),
        chain=context.chain.name if context else "",
        position=-1,
        number=0,
        endpoint=call.endpoint,
        stream=context.body.stream if context else False,
        usage=NOTHING_USED,
        latency_us=max(0, now_us - call.received_at_us),
        outcome="refused",
        error_class=error.code,
        message=redact(error.message),
        final=True,
    )
