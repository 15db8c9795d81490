"""Error bodies as the providers' references and recorded traffic have them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probes_support import provider

from modelops.probes.classify import check, classify, error_codes
from modelops.probes.diagnosis import TABLE, diagnose
from modelops.probes.http import Answer
from modelops.probes.report import ProbeError
from modelops.secrets.secret import Secret

OPENAI_BILLING = {"error": {"type": "insufficient_quota", "code": "credit_balance_exhausted"}}
ANTHROPIC_LIMIT = {
    "type": "error",
    "error": {
        "type": "rate_limit_error",
        "details": {"error_code": "enforced_spend_limit_reached"},
    },
}
GEMINI_KEY = [
    {
        "error": {
            "code": 400,
            "status": "INVALID_ARGUMENT",
            "details": [{"reason": "API_KEY_INVALID"}],
        }
    }
]
GEMINI_REGION = {
    "error": {
        "status": "FAILED_PRECONDITION",
        "message": "User location is not supported for the API use.",
    }
}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, OPENAI_BILLING, "no_credit"),
        (429, {"error": {"code": "rate_limit_exceeded"}}, "rate_limited"),
        (400, {"error": {"message": "Your credit balance is too low"}}, "no_credit"),
        (402, {"type": "error", "error": {"type": "billing_error"}}, "no_credit"),
        (429, ANTHROPIC_LIMIT, "no_credit"),
        (401, {"type": "error", "error": {"type": "authentication_error"}}, "key_rejected"),
        (403, {"type": "error", "error": {"type": "permission_error"}}, "key_forbidden"),
        (529, {"type": "error", "error": {"type": "overloaded_error"}}, "provider_down"),
        (400, GEMINI_KEY, "key_rejected"),
        (400, GEMINI_REGION, "region_refused"),
        (400, {"error": {"code": "Arrearage"}}, "no_credit"),
        (401, {"error": {"code": "1002"}}, "key_rejected"),
        (429, {"error": {"code": "1113"}}, "no_credit"),
        (429, {"error": {"code": "1308"}}, "no_credit"),
        (403, {"error": {"code": "insufficient_user_quota"}}, "no_credit"),
        (404, {"error": {"code": "model_not_found"}}, "model_missing"),
        (404, {"error": {"code": "DeploymentNotFound"}}, "model_missing"),
        (200, {"error": {"code": 402, "message": "no credit"}}, "no_credit"),
        (200, {"error": {"message": "who knows"}}, "unexpected"),
        (418, {"detail": "teapot"}, "unexpected"),
    ],
)
def test_body_codes_come_before_statuses(status: int, body: Any, code: str) -> None:
    answer = Answer(status=status, headers={}, body=msgspec.json.encode(body))
    with pytest.raises(ProbeError, match=code):
        check(answer, Secret("k"))
    assert classify(status, msgspec.json.encode(body), None).code == code


@pytest.mark.parametrize(
    ("status", "code"), [(403, "not_the_api"), (401, "key_rejected"), (522, "provider_down")]
)
def test_a_page_instead_of_json(status: int, code: str) -> None:
    answer = Answer(status=status, headers={"content-type": "text/html"}, body=b"<html>")
    with pytest.raises(ProbeError, match=code) as raised:
        check(answer, Secret("k"))
    assert "text/html" in raised.value.detail


def test_json_whose_strings_are_no_text_is_none() -> None:
    assert classify(503, b'{"error":"\xff"}', None).code == "provider_down"


def test_a_good_answer_is_its_json() -> None:
    assert check(Answer(status=200, headers={}, body=b'{"a": 1}'), None) == {"a": 1}


def test_details_are_one_short_line_without_keys() -> None:
    message = f"moderation: bad key\nsk-proj-abcdefgh12345 and {'x' * 500}"
    body = msgspec.json.encode({"error": {"message": message}})
    detail = classify(418, body, Secret("another-key")).detail
    assert detail.startswith("418 moderation: bad key [key] and xxx")
    assert len(detail) == 160


@given(st.binary(max_size=60), st.integers(100, 599))
def test_any_answer_has_a_verdict(body: bytes, status: int) -> None:
    assert classify(status, body, None).code in TABLE


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["error", "details", "code"]), x),
    )
)
def test_codes_of_any_shape(body: Any) -> None:
    assert all(isinstance(code, str) for code in error_codes(body))


@pytest.mark.parametrize("code", TABLE)
def test_every_diagnosis_reads_whole(code: str) -> None:
    error = ProbeError(code, "DETAIL", model="MODEL", nearest="NEAREST")
    diagnosis = diagnose(error, provider("https://llm.example/v1"))
    assert diagnosis.code == code
    assert diagnosis.message
    assert not {"{", "}"} & set(diagnosis.message + diagnosis.hint)
