"""`/v1/messages/count_tokens` to Gemini's countTokens, which counts a whole request.

https://ai.google.dev/api/tokens: `generateContentRequest` holds system prompt and tools too.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.protocols.adapter import TRACE, Answer, NotAnAnswerError, Outgoing, forwarded
from modelops.gateway.protocols.answers import decode_answer
from modelops.gateway.protocols.anthropic.request import read_request
from modelops.gateway.protocols.gemini.reading import GeminiStream
from modelops.gateway.protocols.gemini.sides import method_path
from modelops.gateway.protocols.gemini.writing import write_request
from modelops.gateway.table import Target
from modelops.metering.attempt import NOTHING_USED
from modelops.resources.resolved import Parameters


class GeminiCountTokens:
    """Implements `adapter.Adapter` for counting, which costs nothing."""

    native = False

    def outgoing(
        self,
        body: Body,
        headers: Mapping[bytes, bytes],
        target: Target,
        parameters: Parameters | None,
    ) -> Outgoing:
        """Return the request as one to be counted."""
        conversation = read_request(msgspec.json.encode(body.fields))
        asked = {
            "model": f"models/{target.upstream_model}",
            **write_request(conversation, target),
        }
        content = msgspec.json.encode({"generateContentRequest": asked})
        return Outgoing(method_path(target, "countTokens"), forwarded(headers, TRACE), content)

    def answer(self, content: bytes, body: Body) -> Answer:
        """Return the count under the name Anthropic gives it."""
        counted = decode_answer(content).get("totalTokens")
        if type(counted) is not int:
            raise NotAnAnswerError("the answer has no totalTokens")
        return Answer(msgspec.json.encode({"input_tokens": counted}), NOTHING_USED)

    def stream(self, body: Body) -> GeminiStream:
        """Return a reader; a count is never streamed."""
        return GeminiStream()
