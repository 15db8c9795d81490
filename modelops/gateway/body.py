"""The client's body: decoded once and shallowly, every value kept as the bytes it came as.

What goes upstream is always encoded from these values. If a key occurs twice, the provider
therefore gets only the value that was checked: an allow list cannot be bypassed by naming two
models. Encoding costs a copy of the values, as putting another model's name in would.
"""

from __future__ import annotations

import msgspec

from modelops.gateway.call import Endpoint
from modelops.gateway.errors import GatewayError
from modelops.gateway.provider_state import FILE, STATE, names_provider_state
from modelops.gateway.text_size import text_bytes

Fields = dict[str, msgspec.Raw]

_SHALLOW = msgspec.json.Decoder(Fields)
_STRING = msgspec.json.Decoder(str | None)

TRUE = msgspec.Raw(b"true")
_FALSY = (b"false", b"null")


STREAMABLE: frozenset[Endpoint] = frozenset(
    {"/v1/chat/completions", "/v1/messages", "/v1/responses"}
)


class Body:
    """What the gateway reads of a request before it knows the target.

    `text_bytes` is its size in bytes without pictures and files, `received_at_us` Unix time.
    `conversation` is where a translation keeps what it read, for the next target. `stateful`: it
    names what only one provider keeps, an uploaded file or an earlier answer, so no other can
    serve it.
    """

    __slots__ = (
        "conversation",
        "endpoint",
        "fields",
        "model",
        "received_at_us",
        "stateful",
        "stream",
        "text_bytes",
    )

    def __init__(self, endpoint: Endpoint, content: bytes, received_at_us: int = 0) -> None:
        self.endpoint = endpoint
        self.received_at_us = received_at_us
        self.conversation: object = None
        self.fields = _decode(content)
        self.text_bytes = text_bytes(content)
        self.model = self.text("model")
        self.stream = endpoint in STREAMABLE and self._flag("stream")
        self.stateful = (
            endpoint == "/v1/responses"  # decoding its items costs less than a search for marks
            or content.find(FILE) >= 0  # `in` would try it as a number first
            or not STATE.isdisjoint(self.fields)
        ) and names_provider_state(content, self.fields)

    def text(self, name: str) -> str:
        """Return a string field, '' when it is absent or null; a 400 when it is something else."""
        raw = self.fields.get(name)
        if raw is None:
            return ""
        try:
            return _STRING.decode(raw) or ""
        except msgspec.DecodeError:
            raise _bad(f"{name!r} must be a string") from None

    def absent(self, name: str) -> bool:
        """Whether a field is left out, or null."""
        raw = self.fields.get(name)
        return raw is None or bytes(raw) == b"null"

    def _flag(self, name: str) -> bool:
        raw = self.fields.get(name)
        if raw is None:
            return False
        value = bytes(raw)
        if value != b"true" and value not in _FALSY:
            raise _bad(f"{name!r} must be true or false")
        return value == b"true"


def readable_fields(content: bytes) -> Fields:
    """Return the fields of a refused body; none if it is not a JSON object."""
    try:
        return _decode(content)
    except GatewayError:
        return {}


def _decode(content: bytes) -> Fields:
    try:
        if not content.isascii():
            content.decode()
        return _SHALLOW.decode(content)
    except UnicodeDecodeError as error:
        raise _bad(f"the body is not UTF-8: byte {error.start} does not belong there") from None
    except msgspec.ValidationError:
        raise _bad("the body must be a JSON object") from None
    except msgspec.DecodeError as error:
        raise _bad(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise _bad("the body is nested too deeply") from None


def _bad(message: str) -> GatewayError:
    return GatewayError(400, "invalid_body", message)
