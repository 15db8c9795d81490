"""What an HTTP answer says of key, credit and provider. Body codes come before status codes.

Providers disagree on statuses: no credit is a 402, a 429, a 403 or a 400, a bad key of Gemini's a
400, and an answer of 200 may hold an error. Codes are those of the providers' error references.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from modelops.probes.http import Answer
from modelops.probes.report import ProbeError
from modelops.secrets.secret import Secret

_NO_CREDIT = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "enforced_spend_limit_reached",
        "billing_error",
        "billing_not_active",
        "insufficient_user_quota",
        "arrearage",
        "insufficient_balance",
        "1113",  # GLM: account in arrears
        "1308",  # GLM: the plan's window is used up, likewise 1309 and 1310
        "1309",
        "1310",
    }
)
_BAD_KEY = frozenset(
    {
        "invalid_api_key",
        "invalidapikey",
        "authentication_error",
        "api_key_invalid",
        "unauthenticated",
        "1000",  # GLM: 1000 to 1004
        "1001",
        "1002",
        "1003",
        "1004",
    }
)
_REGION = frozenset({"unsupported_country_region_territory"})
_NO_MODEL = frozenset({"model_not_found", "deploymentnotfound", "model_not_exist"})
_REGION_TEXT = re.compile(r"location is not supported|country.{0,40}not supported", re.IGNORECASE)
_CREDIT_TEXT = re.compile(
    r"credit balance is too low|insufficient balance|no credit", re.IGNORECASE
)
_SECRET_LIKE = re.compile(r"\b(?:(?:sk|pk|gsk|xai|mo)[-_*]|AIza)[-_A-Za-z0-9*]{7,}")

_DETAIL_MAX = 160


def check(answer: Answer, secret: Secret | None) -> Any:
    """Return the JSON of a good answer; ProbeError when it says something is wrong.

    `secret` is the key that was sent: some providers repeat it in their errors.
    """
    body = _json(answer.body)
    code = _verdict(answer, body)
    if code == "key_rejected" and secret is None:
        code = "key_wanted"
    if code:
        raise ProbeError(code, _detail(answer, body, secret))
    return body


def classify(status: int, body: bytes, secret: Secret | None) -> ProbeError:
    """Return what an error answer means; for answers that came through an SDK."""
    answer = Answer(status=status, headers={}, body=body)
    content = _json(body)
    return ProbeError(_verdict(answer, content) or "unexpected", _detail(answer, content, secret))


def error_codes(body: Any) -> set[str]:
    """Return every code an error body names, in lower case, whatever its shape."""
    if isinstance(body, list) and body:  # Gemini wraps some errors in an array
        body = body[0]
    if not isinstance(body, dict):
        return set()
    error = body.get("error")
    places = [body, error] if isinstance(error, dict) else [body]
    for place in list(places):
        details = place.get("details")
        places += [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []
        places += [details] if isinstance(details, dict) else []
    names = ("code", "type", "status", "reason", "error_code")
    found = {str(place[name]).lower() for place in places for name in names if place.get(name)}
    return found - {"error"}


def _verdict(answer: Answer, body: Any) -> str:
    """Return the diagnosis code of an answer, '' for a good one."""
    failed = answer.status >= 400 or (isinstance(body, dict) and bool(body.get("error")))
    if failed and body is not None:
        said = _by_body(error_codes(body), _message(body))
        if said:
            return said
    if answer.status >= 300 or failed:
        return _by_status(answer.status, body)
    return "" if body is not None else "not_the_api"


def _by_body(codes: set[str], message: str) -> str:
    for known, verdict in (
        (_NO_CREDIT, "no_credit"),
        (_BAD_KEY, "key_rejected"),
        (_REGION, "region_refused"),
        (_NO_MODEL, "model_missing"),
    ):
        if codes & known:
            return verdict
    if _REGION_TEXT.search(message):
        return "region_refused"
    return "no_credit" if _CREDIT_TEXT.search(message) else ""


def _by_status(status: int, body: Any) -> str:
    exact = {
        401: "key_rejected",
        402: "no_credit",
        403: "key_forbidden",
        404: "not_found",
        429: "rate_limited",
    }
    if 300 <= status < 400:
        return "redirected"
    if status >= 500:
        return "provider_down"
    if body is None and status != 429:
        return "not_the_api" if status not in (401, 402, 404) else exact[status]
    return exact.get(status, "unexpected")


def _detail(answer: Answer, body: Any, secret: Secret | None) -> str:
    """Return the evidence in one short line, with the key and anything like one taken out."""
    if 300 <= answer.status < 400:
        text = answer.headers.get("location", "nowhere").partition("?")[0]
    elif body is None:
        text = f"{answer.status} {_kind(answer)}"
    else:
        text = f"{answer.status} {' '.join(_message(body).split())}".strip()
    if secret is not None:
        text = text.replace(secret.reveal(), "[key]")
    text = _SECRET_LIKE.sub("[key]", text)
    return text if len(text) <= _DETAIL_MAX else text[: _DETAIL_MAX - 3] + "..."


def _message(body: Any) -> str:
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or "")
    return str(error or body.get("message") or "")


def _kind(answer: Answer) -> str:
    return f"{answer.headers.get('content-type', 'no content type').partition(';')[0]}, not JSON"


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
