"""`/v1/chat/completions` to targets that speak the OpenAI protocol: bytes pass.

What changes on the way up: the model's name, the name of the token limit (providers differ),
what the agent sets for requests that leave it out, and that a stream reports its usage. On the way
down only that report is taken out again, for a client that did not ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from modelops.gateway.body import Body, Fields
from modelops.gateway.errors import GatewayError, invalid_answer_body
from modelops.gateway.protocols.adapter import Answer, NotAnAnswerError, Outgoing, forwarded
from modelops.gateway.protocols.answers import decode_as, text_size
from modelops.gateway.protocols.parameters import fill_in
from modelops.gateway.protocols.passing import PassingStream
from modelops.gateway.table import Target
from modelops.metering.usage import whole_usage
from modelops.resources.resolved import Parameters

FORWARDED = (b"traceparent", b"tracestate", b"openai-beta", b"http-referer", b"x-title")
"""Client headers that are forwarded. Credentials and unknown headers are not."""

TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")

_LABELS = frozenset({"role", "channel"})
"""Fields of a delta that are not content: Groq writes the channel of gpt-oss beside every word."""

BROKEN = "error"
"""OpenRouter's finish reason of an answer whose provider failed
(https://openrouter.ai/docs/api/reference/errors-and-debugging)."""

_USAGE_NULL = (b',"usage":null', b', "usage": null', b',"usage": null')
_DECODE = msgspec.json.Decoder().decode


class _Choice(msgspec.Struct, gc=False):
    finish_reason: Any = None
    error: Any = None


class _Completion(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    error: Any = None
    usage: Any = None
    service_tier: Any = None
    x_groq: Any = None


_DECODE_COMPLETION = msgspec.json.Decoder(_Completion).decode


class Chunk(msgspec.Struct, gc=False):
    """What is looked at of a chat.completion.chunk, whatever its types."""

    id: Any = None
    model: Any = None
    choices: Any = None
    error: Any = None
    usage: Any = UNSET
    service_tier: Any = None
    x_groq: Any = None


_DECODE_CHUNK = msgspec.json.Decoder(Chunk).decode


class OpenAiChat:
    """Implements `adapter.Adapter`."""

    native = True

    def outgoing(
        self,
        body: Body,
        headers: Mapping[bytes, bytes],
        target: Target,
        parameters: Parameters | None,
    ) -> Outgoing:
        """Return the request with the target's names in it."""
        fields = dict(body.fields)
        fields["model"] = target.upstream_json
        _name_token_limit(fields, target.provider.token_limit_field)
        fill_in(
            fields,
            body,
            parameters,
            target,
            limit_names=TOKEN_LIMITS,
            limit_name=target.provider.token_limit_field,
        )
        if body.stream:
            fields["stream_options"] = _with_usage(fields.get("stream_options"))
        return Outgoing(
            target.provider.prefix + "/chat/completions",
            forwarded(headers, FORWARDED),
            msgspec.json.encode(fields),
        )

    def answer(self, content: bytes, body: Body) -> Answer:
        """Look for usage, and for an error despite a good status."""
        document = decode_as(_DECODE_COMPLETION, content)
        if document.error:
            raise NotAnAnswerError("the answer holds an error")
        if document.choices is None:
            raise NotAnAnswerError("the answer has no choices")
        reason = ""
        for choice in document.choices:
            if choice.error or choice.finish_reason == BROKEN:
                raise NotAnAnswerError("a choice holds an error")
            reason = reason or str(choice.finish_reason or "")
        usage, tier = whole_usage("openai", msgspec.structs.asdict(document))
        return Answer(content, usage, tier, reason)

    def stream(self, body: Body) -> OpenAiChatStream:
        """Return a reader that hides the usage report unless the client asked for one."""
        return OpenAiChatStream(hide_usage=not asks_for_usage(body))


class OpenAiChatStream(PassingStream[Chunk]):
    """Reads chat.completion.chunk events."""

    def __init__(self, *, hide_usage: bool) -> None:
        super().__init__("openai", _DECODE_CHUNK)
        self._hide_usage = hide_usage

    def ends(self, data: bytes) -> bool:
        """Whether this is `[DONE]`."""
        return data.startswith(b"[DONE]")

    def see(self, event: Chunk, data: bytes, frame: bytes) -> bytes:
        """Note content, finish reason, usage and errors of one chunk."""
        choices = event.choices
        for choice in choices if type(choices) is list else ():
            if type(choice) is not dict:
                continue
            delta = choice.get("delta")
            if type(delta) is dict:
                for name, value in delta.items():
                    if value and name not in _LABELS:
                        self.content = True
                        self.size += len(value) if type(value) is str else text_size(value)
            if reason := choice.get("finish_reason"):
                if reason == BROKEN and not event.error:
                    self.failure = invalid_answer_body("a choice holds an error")
                    return b""
                self.content = True
                self.finish_reason = str(reason)
        if event.error:
            self.failure = data
        if type(event.service_tier) is str:
            self.usage.service_tier = event.service_tier  # not every provider repeats it at the end
        if event.usage is UNSET and event.x_groq is None:
            return frame
        return self._report(event, frame)

    def _report(self, event: Chunk, frame: bytes) -> bytes:
        """Note a usage report; return the frame without one that only the gateway asked for.

        One on a chunk with choices is the provider's habit: DeepSeek, Mistral and GLM report on the
        last of these whether asked or not.
        """
        if event.usage or event.x_groq:
            self.usage.feed(msgspec.structs.asdict(event))
        if not self._hide_usage or event.usage is UNSET:
            return frame
        if event.usage:
            return frame if event.choices else b""
        for spelling in _USAGE_NULL:
            at = frame.rfind(spelling)  # it stands at the end, or near it
            if at >= 0:
                return frame[:at] + frame[at + len(spelling) :]
        return frame


def asks_for_usage(body: Body) -> bool:
    """Whether the client asked for the usage report of a stream."""
    return _stream_options(body.fields.get("stream_options")).get("include_usage") is True


def _stream_options(raw: msgspec.Raw | None) -> dict[str, Any]:
    if raw is None:
        return {}
    options = _DECODE(raw)
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise GatewayError(400, "invalid_body", "'stream_options' must be an object")
    return options


def _with_usage(raw: msgspec.Raw | None) -> msgspec.Raw:
    if raw is None:
        return _ASK_FOR_USAGE
    return msgspec.Raw(msgspec.json.encode({**_stream_options(raw), "include_usage": True}))


_ASK_FOR_USAGE = msgspec.Raw(b'{"include_usage":true}')


def _name_token_limit(fields: Fields, wanted: str) -> None:
    """Send the token limit under the one name the provider reads."""
    for name in TOKEN_LIMITS:
        value = fields.pop(name) if name != wanted and name in fields else None
        if value is not None and _is_null(fields.get(wanted)) and not _is_null(value):
            fields[wanted] = value


def _is_null(raw: msgspec.Raw | None) -> bool:
    return raw is None or bytes(raw) == b"null"
