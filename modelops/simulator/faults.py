"""What goes wrong on purpose: what a fault is, which requests it meets, how it is written.

A fault comes by flag (`--fault 'anthropic:status=529,times=2'`), by a control call
(`POST /_simulator/faults`), or by the name of the model a request asks for: `sim-529` is a status,
`sim-hang` a kind, `sim-delay-500ms` a kind with its delay. Given faults are tried in the order in
which they were given, before the name of the model; one with `times` is gone after so many
requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from modelops.resources.errors import ModelopsError

Kind = Literal[
    "status",
    "html",
    "empty",
    "wrong_type",
    "truncated_json",
    "error_in_200",
    "error_in_stream",
    "malformed_event",
    "oversized_event",
    "no_usage",
    "delay",
    "slow_head",
    "pace",
    "hang",
    "close",
    "reset",
    "cut",
    "stall",
    "malformed_chunk",
]
"""What happens:

* status: an error answer with `status`, in the protocol's own shape unless `body` is given
* html: an error page as a proxy in front of the provider sends it (502 unless `status` is given)
* empty: status 200 with no body
* wrong_type: the right answer, as text/plain
* truncated_json: half the JSON of an answer, in complete HTTP; half the events of a stream
* error_in_200: status 200 whose body, or whose first event, is the error for `status`
* error_in_stream: the error for `status` after `after_events` events, then the end
* malformed_event: an event that is not JSON after `after_events` events
* oversized_event: an event of `size` bytes after `after_events` events
* no_usage: the right answer without any report of what it used
* delay: the right answer, `delay_ms` later
* slow_head: the head of the answer byte by byte, `delay_ms` apart
* pace: `delay_ms` between the events of a stream
* hang: no answer ever
* close: the connection ends without an answer
* reset: the connection is reset without an answer
* cut: the connection ends after `after_events` events, or in the middle of a body
* stall: nothing more after `after_events` events or half a body, for `delay_ms` or for ever
* malformed_chunk: broken chunked encoding after `after_events` events
"""

KINDS: tuple[Kind, ...] = get_args(Kind)


class Fault(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One thing that goes wrong, and for whom.

    `provider` and `model` '' mean any. `times` 0: until it is taken away. `delay_ms` also delays
    the answer of every kind that does not use it otherwise. A header with the value None is left
    out. `message` and `code` go into the protocol's own error shape, `body` replaces it.
    """

    kind: Kind = "status"
    provider: str = ""
    model: str = ""
    times: Annotated[int, Meta(ge=0)] = 0
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    message: str = ""
    code: str = ""
    body: str | None = None
    headers: Mapping[str, str | None] = {}
    after_events: Annotated[int, Meta(ge=0)] = 3
    delay_ms: Annotated[int, Meta(ge=0)] = 0
    size: Annotated[int, Meta(ge=1, le=1 << 28)] = 1 << 20

    def meets(self, provider: str, model: str) -> bool:
        """Return whether this fault is meant for a request."""
        return self.provider in {"", provider} and self.model in {"", model}


class Faults:
    """The faults in force."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._faults = [(fault, fault.times) for fault in faults]

    def __bool__(self) -> bool:
        return bool(self._faults)

    def add(self, fault: Fault) -> None:
        """Put a fault behind those in force."""
        self._faults.append((fault, fault.times))

    def clear(self) -> None:
        """Take every fault away."""
        self._faults.clear()

    def listed(self) -> list[Fault]:
        """Return the faults in force, `times` being how often each still happens."""
        return [msgspec.structs.replace(fault, times=left) for fault, left in self._faults]

    def take(self, provider: str, model: str) -> Fault | None:
        """Return the fault a request meets, and count it as having happened."""
        for index, (fault, left) in enumerate(self._faults):
            if not fault.meets(provider, model):
                continue
            if left == 1:
                del self._faults[index]
            elif left:
                self._faults[index] = (fault, left - 1)
            return fault
        return named(model)


_NAMED = re.compile(r"sim-(?:(\d{3})|([a-z0-9-]+?)(?:-(\d{1,7})ms)?)")


def named(model: str) -> Fault | None:
    """Return the fault that a model's name asks for, None when it asks for none."""
    found = _NAMED.fullmatch(model.rpartition("/")[2])
    if not found:
        return None
    status, kind, delay = found.groups()
    if status:
        return Fault(status=int(status)) if 200 <= int(status) <= 599 else None
    for known in KINDS:
        if kind.replace("-", "_") == known:
            return Fault(kind=known, delay_ms=int(delay or 0))
    return None


def parse(text: str) -> Fault:
    """Read a fault from a flag: `PROVIDER[/MODEL]:key=value,...`, `*` for any provider.

    A bare word among the values is the kind: `openai:hang`, `*:delay,delay_ms=200,times=3`.
    """
    whom, separator, rest = text.partition(":")
    if not separator or not rest:
        raise ModelopsError(
            f"--fault {text!r} does not read PROVIDER[/MODEL]:key=value,...",
            "for example: --fault anthropic:status=529,times=2",
        )
    provider, _, model = whom.partition("/")
    fields: dict[str, Any] = {"provider": "" if provider == "*" else provider, "model": model}
    for item in rest.split(","):
        key, given, value = item.partition("=")
        fields.update({key: value} if given else {"kind": key})
    return read(fields)


def read(fields: Any) -> Fault:
    """Read a fault from decoded JSON or from the texts of a flag."""
    try:
        return msgspec.convert(fields, Fault, strict=False)
    except msgspec.ValidationError as error:
        fields_known = ", ".join(Fault.__struct_fields__)
        raise ModelopsError(
            f"this is not a fault: {error}",
            f"fields are {fields_known}; kinds are {', '.join(KINDS)}",
        ) from None
