"""What a provider's error answer means: body codes first, then wording, then status.

What each means stands in `provider_errors`. Bodies are read defensively: `error` may be an object,
a string or an array, codes may be numbers, and what comes may be a CDN's HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from modelops.gateway.errors import INVALID_ANSWER, NOT_JSON
from modelops.gateway.failure import Failure, Kind
from modelops.gateway.provider_errors import (
    ANOTHER_THING,
    KIND_OF_CODE,
    KIND_OF_STATUS,
    SIZE_AND_LIMIT,
    WORDING,
)
from modelops.gateway.redaction import redact
from modelops.gateway.retry_after import duration, retry_after
from modelops.gateway.upstream.errors import (
    ClosedError,
    ConnectError,
    ConnectTimeoutError,
    DnsError,
    HeadTimeoutError,
    IdleTimeoutError,
    LocalError,
    MalformedError,
    ResetError,
    TlsError,
    TruncatedError,
    UpstreamError,
)

BODY_MAX = 1024 * 1024
"""Bytes of an error body that are read."""

_WORDING_STATUSES = frozenset({200, 400, 403, 404, 413, 422, 503})
"""Where the status alone does not say enough to stand against the wording."""

_HTML_IS_NO_ANSWER = frozenset({400, 403, 404, 405, 406})
"""Statuses that mean nothing about key, model or request when a CDN's page carries them."""


def classify_answer(
    status: int,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    unix_us: int,
    default_message: str = "",
) -> Failure:
    """Classify a response that is not a proper answer.

    `body` is the error as it came; it may stand in a 200 or in an event of a stream. Where a body
    with a good status holds no error, it may be a model's words: `default_message` stands for them.
    """
    fields = dict(headers)
    document = _decode(body)
    error = _error_object(document)
    codes = list(_codes(error, document))
    no_error = document is None or error is document
    if default_message and no_error:
        message = redact(default_message)
    else:
        message = redact(_message(error, document, body)) or f"status {status} without a message"
    reported = _status_in_body(error) if status < 300 else status
    kind = _kind(reported, codes, message, html=body.lstrip()[:1] == b"<")
    unusable = kind == "invalid_answer" and (no_error or INVALID_ANSWER in codes)
    wait = retry_after(fields, unix_us)
    if wait is None:
        wait = _retry_info(error)
    too_large = kind == "rate_limit" and _too_large(message)
    return Failure(
        kind=kind,
        status=status,
        code=codes[0] if codes else "",
        message=message,
        label=str(reported) if reported >= 300 else "error",
        retry_after=0.0 if too_large else wait,
        retryable=not too_large and fields.get(b"x-should-retry") != b"false",
        possibly_billed=unusable and 200 <= status < 300,
        body=body,
        error_codes=_error_codes(codes, error),
    )


def classify_exception(error: UpstreamError) -> Failure:
    """Classify the failure to get a response, or all of one."""
    kind, label = _EXCEPTIONS[type(error)]
    sent = isinstance(error, (HeadTimeoutError, IdleTimeoutError, TruncatedError))
    return Failure(kind=kind, message=redact(str(error)), label=label, possibly_billed=sent)


_EXCEPTIONS: Mapping[type[UpstreamError], tuple[Kind, str]] = {
    DnsError: ("connect", "dns"),
    ConnectError: ("connect", "connect"),
    LocalError: ("local", "local"),
    TlsError: ("connect", "tls"),
    ConnectTimeoutError: ("timeout", "connect-timeout"),
    HeadTimeoutError: ("timeout", "timeout"),
    IdleTimeoutError: ("timeout", "timeout"),
    ResetError: ("transient", "reset"),
    MalformedError: ("invalid_answer", "malformed"),
    TruncatedError: ("transient", "cut"),
    ClosedError: ("transient", "closed"),
}


def _kind(status: int, codes: list[str], message: str, *, html: bool) -> Kind:
    kind = _reported_kind(status, codes, message, html=html)
    # A caller who names what this provider does not keep, say a file, says nothing of the model.
    return "parameter" if kind == "model_gone" and ANOTHER_THING.search(message) else kind


def _too_large(message: str) -> bool:
    """Whether one request is beyond what a minute allows: no wait helps it, others still fit."""
    found = SIZE_AND_LIMIT.search(message)
    return found is not None and int(found[2]) > int(found[1])


def _reported_kind(status: int, codes: list[str], message: str, *, html: bool) -> Kind:
    if 300 <= status < 400:
        return "invalid_answer"  # a redirect is never followed: it would carry the key elsewhere
    for code in codes:
        if (kind := KIND_OF_CODE.get(code.lower())) is not None:
            return kind
    if html and status in _HTML_IS_NO_ANSWER:
        return "invalid_answer"
    if status in _WORDING_STATUSES:
        for pattern, kind in WORDING:
            if pattern.search(message) and not (kind == "caller" and status >= 500):
                return kind
    if status in KIND_OF_STATUS:
        return KIND_OF_STATUS[status]
    if 400 <= status < 500:
        return "caller"
    return "transient" if status >= 500 else "invalid_answer"


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body[:BODY_MAX])
    except NOT_JSON:
        return None


def _error_object(document: Any) -> Any:
    """Return the error in a body: under `error`, in an array of one, or the body itself."""
    if isinstance(document, list):
        document = document[0] if document else None
    if isinstance(document, dict):
        error = document.get("error")
        if isinstance(error, list):
            error = error[0] if error else None
        if error:
            return error
    return document


def _codes(error: Any, document: Any) -> Iterator[str]:
    """Yield the codes of an error, the most telling first."""
    if isinstance(error, dict):
        details = error.get("details")
        if isinstance(details, dict):
            yield from _texts(details, "error_code")
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, dict):
                yield from _texts(detail, "reason")
                if "PerDay" in str(detail.get("violations", "")):
                    yield "insufficient_quota"  # a day's quota does not come back in a minute
        metadata = error.get("metadata")
        if isinstance(metadata, dict) and "flagged_input" in metadata:
            yield "content_policy_violation"  # OpenRouter's, with a 403 as for a key that may not
        yield from _texts(error, "code", "type", "status")
    if isinstance(document, dict) and document is not error:
        yield from _texts(document, "code", "type")


_CODE = re.compile(r"[A-Za-z0-9_.:$\[\]-]{1,64}")
"""What a code or the path of a parameter looks like; no sentence matches."""


def _error_codes(codes: list[str], error: Any) -> str:
    """Return the codes of an error, and the parameter it names, in one line."""
    named = [code for code in dict.fromkeys(codes) if _CODE.fullmatch(code)]
    param = error.get("param") if isinstance(error, dict) else None
    if isinstance(param, str) and _CODE.fullmatch(param):
        named.append(f"param {param}")
    return ", ".join(named)


def _texts(fields: dict[str, Any], *names: str) -> Iterator[str]:
    for name in names:
        value = fields.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            yield str(value)[:100]


def _message(error: Any, document: Any, body: bytes) -> str:
    if isinstance(error, str):
        return error
    for fields in (error, document):
        if isinstance(fields, dict):
            for name in ("message", "detail", "error"):
                value = fields.get(name)
                if value and isinstance(value, (str, list, dict)):
                    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = body[:4096].decode("utf-8", "replace")
    return re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)


def _status_in_body(error: Any) -> int:
    """Return the status an error inside a 200 gives itself (OpenRouter, Groq), else 200."""
    if isinstance(error, dict):
        for name in ("code", "status_code", "status"):
            value = error.get(name)
            if type(value) is int and 400 <= value < 600:
                return value
    return 200


def _retry_info(error: Any) -> float | None:
    """Return the wait Gemini asks for in a RetryInfo detail of the body."""
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        wait = duration(detail.get("retryDelay")) if isinstance(detail, dict) else None
        if wait is not None:
            return wait
    return None
