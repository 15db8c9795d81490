"""What providers answer when they do not answer: the bodies of their documentation."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.gateway import classify
from modelops.gateway.classify import classify_answer, classify_exception
from modelops.gateway.errors import invalid_answer_body
from modelops.gateway.failure import POLICIES, Kind
from modelops.gateway.upstream import errors


def openai(message: str = "no", **fields: object) -> bytes:
    return msgspec.json.encode({"error": {"message": message, **fields}})


def anthropic(kind: str, message: str = "no", **fields: object) -> bytes:
    return msgspec.json.encode(
        {"type": "error", "error": {"type": kind, "message": message, **fields}}
    )


def gemini(code: int, status: str, *details: object, message: str = "no") -> bytes:
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return msgspec.json.encode({"error": error})


VLLM = (
    b'{"object":"error","message":"This model\'s maximum context length is 8",'
    b'"type":"BadRequestError","code":400}'
)
VLLM_NO_MODEL = (
    b'{"object":"error","message":"The model `x` does not exist.",'
    b'"type":"NotFoundError","code":404}'
)
CASES: list[tuple[str, int, bytes, Kind]] = [
    ("OpenAI bad key", 401, openai(code="invalid_api_key"), "credential"),
    ("OpenAI region", 403, openai(code="unsupported_country_region_territory"), "credential"),
    ("OpenAI no model", 404, openai(code="model_not_found"), "model_gone"),
    ("OpenAI no model on /responses", 400, openai(code="model_not_found"), "model_gone"),
    ("OpenAI context", 400, openai(code="context_length_exceeded"), "context_length"),
    ("OpenAI no conversation", 404, openai("Conversation with id 'conv_1' not found."),
     "parameter"),
    ("OpenAI no item", 404, openai(
        "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false. Try "
        "again with `store` set to true, or remove this item from your input.",
        type="invalid_request_error", param="input", code=None,
    ), "parameter"),
    ("OpenAI no file", 404, openai("No such File object: file-1", param="id"), "parameter"),
    ("OpenAI no store", 404, openai("Vector store with id ['vs_1'] not found."), "parameter"),
    ("OpenAI no model in words", 404, openai("The model `gpt-4.5` does not exist"), "model_gone"),
    ("OpenAI no such path", 404, openai("Invalid URL (POST /v1/responses)"), "model_gone"),
    ("OpenAI policy", 403, openai(code="content_policy_violation"), "caller"),
    ("OpenAI parameter", 400, openai(code="unsupported_parameter"), "parameter"),
    ("OpenAI value", 400, openai(code="unsupported_value"), "parameter"),
    ("OpenAI seal", 400, openai(code="invalid_encrypted_content"), "foreign_state"),
    ("DeepSeek reasoning", 400, openai(
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        type="invalid_request_error", code="invalid_request_error",
    ), "foreign_state"),
    ("DeepSeek thinking", 400, openai(
        "The `content[].thinking` in the thinking mode must be passed back to the API.",
    ), "foreign_state"),
    ("Kimi reasoning", 400, openai(
        "thinking is enabled but reasoning_content is missing in assistant tool call message at "
        "index 2",
    ), "foreign_state"),
    ("Groq reasoning", 400, openai(
        "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : "
        "property 'reasoning_content' is unsupported)]", type="invalid_request_error",
    ), "foreign_state"),
    ("Cerebras reasoning", 400, openai(
        "property 'messages.2.assistant.reasoning_content' is unsupported", code="wrong_api_format",
    ), "foreign_state"),
    ("Groq reasoning details", 400, openai(
        "'messages.3' : for 'role:assistant' the following must be satisfied[('messages.3' : "
        "property 'reasoning_details' is unsupported)]", type="invalid_request_error",
    ), "foreign_state"),
    ("Groq parameter", 400, openai("property 'store' is unsupported, did you mean 'stop'?"),
     "parameter"),
    ("Cerebras parameter", 400, openai("property 'reasoning' is unsupported"), "parameter"),
    ("OpenAI output", 400, openai(
        "max_tokens is too large: 100000. This model supports at most 16384 completion tokens, "
        "whereas you provided 100000.", param="max_tokens", code="invalid_value",
    ), "parameter"),
    ("OpenAI wrong value", 400, openai(code="invalid_value"), "caller"),
    ("OpenAI rate", 429, openai(type="tokens", code="rate_limit_exceeded"), "rate_limit"),
    ("OpenAI slow down", 429, openai(code="slow_down"), "rate_limit"),
    ("OpenAI slow down, formerly", 503, openai(code="slow_down"), "rate_limit"),
    ("OpenAI no credit", 429,
     openai(type="insufficient_quota", code="credit_balance_exhausted"), "quota"),
    ("OpenAI quota", 429, openai(type="insufficient_quota", code="insufficient_quota"), "quota"),
    ("OpenAI spend limit", 429, openai(code="project_spend_limit_exceeded"), "quota"),
    ("OpenAI broken", 500, openai(type="server_error"), "transient"),
    ("OpenAI busy", 503, openai(code="server_is_overloaded"), "transient"),
    ("Anthropic request", 400, anthropic("invalid_request_error"), "caller"),
    ("Anthropic too long", 400,
     anthropic("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
     "context_length"),
    ("Anthropic output", 400, anthropic(
        "invalid_request_error",
        "max_tokens: 99999 > 8192, which is the maximum allowed number of output tokens for claude",
    ), "parameter"),
    ("Anthropic credit", 400,
     anthropic("invalid_request_error", "Your credit balance is too low to use the API"), "quota"),
    ("Anthropic key", 401, anthropic("authentication_error"), "credential"),
    ("Anthropic billing", 402, anthropic("billing_error"), "quota"),
    ("Anthropic permission", 403, anthropic("permission_error"), "credential"),
    ("Anthropic no model", 404, anthropic("not_found_error"), "model_gone"),
    ("Anthropic no model in words", 404,
     anthropic("not_found_error", "model: claude-9"), "model_gone"),
    ("Anthropic no file", 404, anthropic("not_found_error", "File not found: file_1"),
     "parameter"),
    ("Anthropic size", 413, anthropic("request_too_large"), "caller"),
    ("Anthropic rate", 429, anthropic("rate_limit_error"), "rate_limit"),
    ("Anthropic spend limit", 429,
     anthropic("rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}),
     "quota"),
    ("Anthropic broken", 500, anthropic("api_error"), "transient"),
    ("Anthropic slow", 504, anthropic("timeout_error"), "transient"),
    ("Anthropic busy", 529, anthropic("overloaded_error"), "transient"),
    ("Gemini argument", 400, gemini(400, "INVALID_ARGUMENT"), "caller"),
    ("Gemini bad key", 400,
     gemini(400, "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}), "credential"),
    ("Gemini region", 400, gemini(400, "FAILED_PRECONDITION"), "quota"),
    ("Gemini permission", 403, gemini(403, "PERMISSION_DENIED"), "credential"),
    ("Gemini no model", 404, gemini(404, "NOT_FOUND"), "model_gone"),
    ("Gemini no model in words", 404, gemini(404, "NOT_FOUND", message=(
        "models/gemini-9 is not found for API version v1beta, or is not supported for "
        "generateContent."
    )), "model_gone"),
    ("Gemini rate", 429, gemini(429, "RESOURCE_EXHAUSTED", {"retryDelay": "34.4s"}), "rate_limit"),
    ("Gemini day's quota", 429, gemini(
        429, "RESOURCE_EXHAUSTED", {"violations": [{"quotaId": "RequestsPerDayPerProject"}]}
    ), "quota"),
    ("Gemini in an array", 503, b"[" + gemini(503, "UNAVAILABLE") + b"]", "transient"),
    ("Gemini too long", 400, gemini(
        400, "INVALID_ARGUMENT",
        message="The input token count (9) exceeds the maximum number of tokens allowed (8)."
    ), "context_length"),
    ("OpenRouter credits", 402, openai(code=402), "quota"),
    ("OpenRouter moderation", 403, openai(
        'openai/gpt-4o requires moderation. Your input was flagged for "violence"', code=403,
        metadata={"reasons": ["violence"], "flagged_input": "a fist", "provider_name": "OpenAI"},
    ), "caller"),
    ("OpenRouter moderation in other words", 403, openai(
        code=403, metadata={"reasons": ["violence"], "flagged_input": "a fist"},
    ), "caller"),
    ("OpenRouter guardrail", 403,
     openai("Request blocked: prompt injection patterns detected", code=403), "caller"),
    ("a server with an allow list", 403, openai("Request blocked by IP allow list"), "credential"),
    ("an account that is banned", 403,
     openai("Your account was flagged for potential abuse"), "credential"),
    ("a proxy that sheds load", 503, openai("Request blocked: requires moderation"), "transient"),
    ("OpenRouter key", 403, openai("Only management keys can do this", code=403), "credential"),
    ("OpenRouter images", 404,
     openai("No endpoints found that support image input", code=404), "unsupported"),
    ("OpenRouter tools", 404, openai(
        'No endpoints found that support tool use. Try disabling "get_date".', code=404
    ), "unsupported"),
    ("OpenRouter parameters", 404, openai(
        "No endpoints found that can handle the requested parameters. To learn more about provider "
        "routing, visit: https://openrouter.ai/docs/provider-routing", code=404
    ), "parameter"),
    ("OpenRouter providers", 404, openai(
        "No allowed providers are available for the selected model.", code=404
    ), "unsupported"),
    ("OpenRouter no model", 404, openai("No endpoints found for x/y.", code=404), "model_gone"),
    ("OpenRouter error in 200", 200, openai(code=502), "transient"),
    ("OpenRouter rate in 200", 200, openai(code=429), "rate_limit"),
    ("DeepSeek balance", 402, openai("Insufficient Balance"), "quota"),
    ("DeepSeek format", 400, openai(
        "This response_format type is unavailable now", code="invalid_request_error"
    ), "parameter"),
    ("DeepSeek output", 400, openai(
        "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"
    ), "parameter"),
    ("DeepSeek parameters", 422, openai(), "caller"),
    ("Qwen arrears", 400, openai(code="Arrearage"), "quota"),
    ("Qwen content", 400, openai(code="DataInspectionFailed"), "caller"),
    ("Qwen native", 403, b'{"code":"AccessDenied","message":"no","request_id":"1"}', "credential"),
    ("Qwen throttled", 429, openai(code="Throttling.RateQuota"), "rate_limit"),
    ("Qwen quota", 429, openai(code="insufficient_quota"), "quota"),
    ("GLM key", 401, openai(code="1002"), "credential"),
    ("GLM concurrency", 429, openai(code="1302"), "rate_limit"),
    ("GLM arrears", 429, openai(code="1113"), "quota"),
    ("GLM plan window", 429, openai(code="1308"), "quota"),
    ("GLM too long", 400, openai(code="1261"), "context_length"),
    ("AiHubMix wrong model", 503, openai("No available channel for model x"), "model_gone"),
    ("AiHubMix balance", 403, openai(code="insufficient_user_quota"), "quota"),
    ("Groq tool use", 400, openai(code="tool_use_failed"), "model_fault"),
    ("Groq tokens per minute", 413, openai(code="rate_limit_exceeded"), "rate_limit"),
    ("Groq capacity", 498, openai(), "rate_limit"),
    ("Azure deployment", 404, openai(code="DeploymentNotFound"), "model_gone"),
    ("Azure filter", 400, openai(code="content_filter"), "caller"),
    ("Ollama not pulled", 404, b'{"error":"model x not found, try pulling it"}', "model_gone"),
    ("vLLM flat", 400, VLLM, "context_length"),
    ("vLLM no model", 404, VLLM_NO_MODEL, "model_gone"),
    ("a framework's 404", 404, b'{"detail":"Not Found"}', "model_gone"),
    ("llama.cpp no such path", 404, openai(
        "File Not Found", type="not_found_error", code=404
    ), "model_gone"),
    ("a framework's words", 404, openai("Response not found", code=404), "model_gone"),
    ("llama.cpp", 400, openai(type="exceed_context_size_error", code=400), "context_length"),
    ("images", 400, openai("This model does not support image input"), "unsupported"),
    ("Cloudflare 5xx", 522, b"<!DOCTYPE html><html>timed out</html>", "transient"),
    ("a CDN's 403", 403, b"<html><h1>Access denied</h1></html>", "invalid_answer"),
    ("a wrong path", 404, b"<html>nginx</html>", "invalid_answer"),
    ("a redirect", 308, b"", "invalid_answer"),
    ("nothing at all", 503, b"", "transient"),
    ("408", 408, b"", "transient"),
    ("409", 409, b"", "transient"),
    ("425", 425, b"", "transient"),
    ("413 on size", 413, b"<html>413 Request Entity Too Large</html>", "caller"),
    ("broken JSON", 500, b'{"error": {"mess', "transient"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_bodies_before_statuses(status: int, body: bytes, kind: Kind) -> None:
    assert classify_answer(status, [], body, 0).kind == kind


def test_every_kind_has_its_policy_and_every_code_its_kind() -> None:
    assert set(POLICIES) == set(get_args(Kind))
    assert {kind for *_, kind in CASES} | {"connect", "timeout", "deadline", "local"} == set(
        POLICIES
    )


def test_waits_are_read_from_headers_and_bodies() -> None:
    body = gemini(429, "RESOURCE_EXHAUSTED", {"retryDelay": "34.4s"})
    assert classify_answer(429, [], body, 0).retry_after == 34.4
    assert classify_answer(429, [(b"retry-after", b"7")], body, 0).retry_after == 7


TOO_LARGE = (
    "Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, "
    "Requested 40000. The input or output tokens must be reduced in order to run successfully."
)
TOO_MANY = (
    "Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, "
    "Used 29000, Requested 4000. Please try again in 6s."
)


@pytest.mark.parametrize("status", [413, 429])
def test_a_request_larger_than_a_minute_allows_cools_nothing_and_is_not_repeated(
    status: int,
) -> None:
    headers = [(b"retry-after", b"20")]
    large, many = (
        classify_answer(
            status, headers, openai(words, type="tokens", code="rate_limit_exceeded"), 0
        )
        for words in (TOO_LARGE, TOO_MANY)
    )
    assert (large.kind, large.retry_after, large.retryable) == ("rate_limit", 0, False)
    assert (many.kind, many.retry_after, many.retryable) == ("rate_limit", 20, True)


def test_a_provider_may_forbid_retries() -> None:
    assert not classify_answer(500, [(b"x-should-retry", b"false")], b"", 0).retryable


def test_a_models_words_never_become_a_message() -> None:
    words = b'{"choices":[{"message":{"content":"my diary"}}]}'
    assert classify_answer(200, [], words, 0, "no answer").message == "no answer"
    assert classify_answer(200, [], words[:30], 0, "no answer").message == "no answer"
    assert classify_answer(200, [], openai("busy"), 0, "no answer").message == "busy"


def test_html_is_told_in_words() -> None:
    page = b"<html><style>b{}</style><body><h1>502</h1>\n Bad   gateway</body></html>"
    assert classify_answer(502, [], page, 0).message == "502 Bad gateway"


@given(st.integers(100, 599), st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["error", "code", "type", "message", "details", "status", "reason"]), inner
    ),
    max_leaves=9,
).map(msgspec.json.encode))  # fmt: skip
def test_no_body_is_too_strange(status: int, body: bytes) -> None:
    failure = classify_answer(status, [], body, 0)
    assert failure.kind in POLICIES
    assert len(failure.message) <= 300


def test_every_upstream_error_is_known() -> None:
    def leaves(parent: type[errors.UpstreamError]) -> list[type[errors.UpstreamError]]:
        children = parent.__subclasses__()
        return [leaf for child in children for leaf in leaves(child)] or [parent]

    known = set(leaves(errors.UpstreamError))
    assert known == set(classify._EXCEPTIONS)
    for error in known:
        assert classify_exception(error("why")).message == "why"


@pytest.mark.parametrize(
    ("status", "body", "billed"),
    [
        (200, b"", True),
        (200, b"<html>", True),
        (200, b'{"choices":[]}', True),
        (200, invalid_answer_body("a tool call is not a function"), True),
        (200, openai("sorry"), False),
        (200, VLLM, False),
        (307, b"", False),
        (503, b"<html>", False),
    ],
)
def test_a_good_answer_of_no_use_may_be_billed(status: int, body: bytes, billed: bool) -> None:
    assert classify_answer(status, [], body, 0, "of no use").possibly_billed is billed
