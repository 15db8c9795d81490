"""`/v1/responses` to targets that speak the OpenAI protocol: bytes pass.

The stream has typed events and no `[DONE]`: `response.completed` (or `incomplete`) ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.errors import Begun, GatewayError
from modelops.gateway.protocols.adapter import Answer, NotAnAnswerError, Outgoing, forwarded
from modelops.gateway.protocols.answers import decode_answer, decode_object, text_size
from modelops.gateway.protocols.openai.chat import FORWARDED
from modelops.gateway.protocols.parameters import fill_in
from modelops.gateway.protocols.passing import PassingStream
from modelops.gateway.table import Target
from modelops.metering.usage import whole_usage
from modelops.resources.resolved import Parameters

_ENDS = frozenset({"response.completed", "response.incomplete"})
_FAILURES = frozenset({"error", "response.failed"})
_EMPTY_AT_START = frozenset({"message", "function_call", "custom_tool_call"})
"""Items whose first piece follows at once: until then another target can still answer."""

_LIMIT = "max_output_tokens"


_NO_BACKGROUND = GatewayError(
    400,
    "unsupported_feature",
    "`background` is not supported: an answer cannot be fetched later through this gateway; "
    "leave it out, and use `stream` for long answers",
)


class OpenAiResponses:
    """Implements `adapter.Adapter`."""

    native = True

    def outgoing(
        self,
        body: Body,
        headers: Mapping[bytes, bytes],
        target: Target,
        parameters: Parameters | None,
    ) -> Outgoing:
        """Return the request with the target's model in it; GatewayError for `background`."""
        if bytes(body.fields.get("background", b"")) == b"true":
            raise _NO_BACKGROUND
        fields = {**body.fields, "model": target.upstream_json}
        fill_in(fields, body, parameters, target, limit_names=(_LIMIT,), limit_name=_LIMIT)
        return Outgoing(
            target.provider.prefix + "/responses",
            forwarded(headers, FORWARDED),
            msgspec.json.encode(fields),
        )

    def answer(self, content: bytes, body: Body) -> Answer:
        """Look for usage, and for an error despite a good status."""
        document = decode_answer(content)
        if not isinstance(document.get("output"), list):
            raise NotAnAnswerError("the answer has no output")
        usage, tier = whole_usage("openai", document)
        return Answer(content, usage, tier, str(document.get("status") or ""))

    def stream(self, body: Body) -> OpenAiResponsesStream:
        """Return a reader for one stream."""
        return OpenAiResponsesStream()


class OpenAiResponsesStream(PassingStream[dict[str, Any]]):
    """Reads response.created to response.completed."""

    def __init__(self) -> None:
        super().__init__("openai", decode_object)
        self._number = 0
        self._created = b""

    @property
    def begun(self) -> Begun:
        """What an error event in this stream goes on from."""
        return Begun(self._number, self._created)

    def see(self, event: dict[str, Any], data: bytes, frame: bytes) -> bytes:
        """Note content, status, usage and errors of one event."""
        self._number += 1
        kind = str(event.get("type") or "")
        if kind.endswith(".delta"):
            self.content = True
            self.size += text_size(event.get("delta"))
        elif kind in _ENDS:
            self.usage.feed(event)
            self.finish_reason = kind.removeprefix("response.")
            self.content = self.done = True
            self.end = frame
            return b""
        elif kind in _FAILURES or event.get("error"):
            self.failure = _error_of(event, data)
        elif kind == "response.output_item.added":
            self.working |= _at_work(event.get("item"))
        elif kind == "response.created":
            self.usage.service_tier = _tier_of(event)  # all there is of it if the stream is cut
            self._created = data if isinstance(event.get("response"), dict) else b""
        return frame


def _at_work(item: Any) -> bool:
    """Whether an item that begins is work already: reasoning, or a tool of the provider's own.

    Both are billed, and either may be silent for minutes.
    """
    return isinstance(item, dict) and item.get("type") not in _EMPTY_AT_START


def _tier_of(event: dict[str, Any]) -> str:
    """Return the service tier of the response in an event, '' where it names none."""
    response = event.get("response")
    tier = response.get("service_tier") if isinstance(response, dict) else None
    return tier if isinstance(tier, str) else ""


def _error_of(event: dict[str, Any], data: bytes) -> bytes:
    """Return the error in an event: `response.failed` holds it in its response."""
    response = event.get("response")
    error = response.get("error") if isinstance(response, dict) else None
    return msgspec.json.encode({"error": error}) if error else data
