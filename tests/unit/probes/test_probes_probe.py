from __future__ import annotations

from typing import Any

import pytest
from probes_support import KEY, Canned, code_of, failed, listing, model, probed, provider, steps

from modelops.probes.probe import list_models
from modelops.probes.report import ProbeError


async def test_all_free_steps_pass(canned: Canned) -> None:
    canned.json("/v1/models", listing("a", "b"))
    report = await probed(provider(canned.url + "/v1"), model("a"))
    assert report.status == "connected"
    assert steps(report) == {
        "dns": "passed",
        "tcp": "passed",
        "tls": "skipped",
        "authentication": "passed",
        "models": "passed",
        "call": "skipped",
    }
    assert [check.offer for check in report.models] == ["offered"]
    assert report.origin == canned.url


async def test_one_question_answers_key_and_models_on_the_first_connection(canned: Canned) -> None:
    canned.json("/v1/models", listing("a"))
    await probed(provider(canned.url + "/v1"), model("a"))
    assert [path for path, _ in canned.asked] == ["/v1/models"]
    headers = canned.asked[0][1]
    assert headers["authorization"] == f"Bearer {KEY.reveal()}"
    assert headers["host"] == f"127.0.0.1:{canned.port}"


async def test_latency_is_what_the_timer_says(canned: Canned) -> None:
    canned.json("/models", listing())
    ticks = iter(range(100))
    report = await probed(provider(canned.url), timer=lambda: next(ticks) / 10)
    assert {step.latency_us for step in report.steps if step.status == "passed"} == {100_000}


async def test_a_key_that_is_not_there(canned: Canned) -> None:
    report = await probed(provider(canned.url), secret=None, key_fault="the variable is not set")
    step = failed(report)
    assert step.step == "authentication"
    assert step.diagnosis is not None
    assert step.diagnosis.message == "there is no key: the variable is not set"
    assert step.diagnosis.hint == (
        "set it where the test runs; get one at https://acme.example/keys"
    )
    assert canned.asked == []


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"error": {"message": f"Incorrect key: {KEY.reveal()}"}}, "key_rejected"),
        (
            400,
            {"error": {"status": "X", "details": [{"reason": "API_KEY_INVALID"}]}},
            "key_rejected",
        ),
        (429, {"error": {"type": "insufficient_quota"}}, "no_credit"),
        (429, {"error": {"code": "1302"}}, "rate_limited"),
        (403, {"error": {"code": "unsupported_country_region_territory"}}, "region_refused"),
        (403, {"error": {"message": "not your project"}}, "key_forbidden"),
        (404, {"error": "no route"}, "not_found"),
        (502, {}, "provider_down"),
    ],
)
async def test_answers_are_diagnosed(
    canned: Canned, status: int, body: dict[str, Any], code: str
) -> None:
    canned.json("/models", body, status)
    report = await probed(provider(canned.url))
    assert report.status == "error"
    assert code_of(report) == code
    assert steps(report)["models"] == "skipped"


async def test_a_key_is_never_repeated(canned: Canned) -> None:
    for status in (401, 403, 418, 500):
        canned.json("/models", {"error": {"message": f"key {KEY.reveal()} is bad"}}, status)
        report = await probed(provider(canned.url))
        assert "canary" not in repr(report)
        assert "4711" not in repr(report)


async def test_a_redirect_is_not_followed(canned: Canned) -> None:
    canned.raw("/models", b"", 302, "text/html", "location: https://login.example/?t=1\r\n")
    report = await probed(provider(canned.url))
    diagnosis = failed(report).diagnosis
    assert diagnosis is not None
    assert diagnosis.message == "base_url is answered with a redirect to https://login.example/"
    assert len(canned.asked) == 1


async def test_a_web_page_is_not_an_api(canned: Canned) -> None:
    canned.raw("/models", b"<html>welcome</html>", 200, "text/html; charset=utf-8")
    report = await probed(provider(canned.url))
    assert code_of(report) == "not_the_api"


async def test_one_missing_model_is_named_with_its_like(canned: Canned) -> None:
    canned.json("/models", listing("gpt-4o", "gpt-4o-mini"))
    report = await probed(provider(canned.url), model("gpt-4o"), model("gpt-4o-mni"))
    assert report.status == "error"
    assert [check.offer for check in report.models] == ["offered", "missing"]
    diagnosis = failed(report).diagnosis
    assert diagnosis is not None
    assert diagnosis.message == "gpt-4o-mni is not offered"
    assert diagnosis.hint.startswith("did you mean gpt-4o-mini")


async def test_openrouter_is_asked_about_the_key_and_not_its_public_list(canned: Canned) -> None:
    canned.json("/api/v1/key", {"error": {"message": "No auth", "code": 401}}, 401)
    canned.json("/api/v1/models", listing("a"))
    target = provider(canned.url + "/api/v1", preset="openrouter", key_test="key_endpoint")
    assert code_of(await probed(target)) == "key_rejected"
    canned.json("/api/v1/key", {"data": {"limit": 10, "limit_remaining": 0}})
    assert code_of(await probed(target)) == "no_credit"
    canned.json("/api/v1/key", {"data": {"limit": 10, "limit_remaining": 7.5}})
    report = await probed(target, model("a"))
    assert report.status == "connected"
    assert report.steps[3].detail == "7.50 USD left of the key's limit"


async def test_deepseek_tells_the_balance(canned: Canned) -> None:
    infos = [{"currency": "USD", "total_balance": "3.20"}]
    canned.json("/models", listing("deepseek-v4-flash"))
    canned.json("/user/balance", {"is_available": True, "balance_infos": infos})
    target = provider(canned.url, preset="deepseek", key_test="balance")
    assert (await probed(target)).steps[3].detail == "balance 3.20 USD"
    canned.json("/user/balance", {"is_available": False, "balance_infos": infos})
    assert code_of(await probed(target)) == "no_credit"


async def test_a_public_list_is_no_proof_of_a_key(canned: Canned) -> None:
    canned.json("/api/v1/models", {"data": [{"model_id": "a", "types": "llm"}]})
    target = provider(canned.url + "/v1", preset="aihubmix", key_test="one_token")
    report = await probed(target, model("a"))
    assert steps(report)["authentication"] == "skipped"
    assert steps(report)["models"] == "passed"


async def test_azure_lists_what_is_not_deployed(canned: Canned) -> None:
    target = provider(canned.url, preset="azure", key_test="one_token", auth="api-key")
    report = await probed(target, model("my-deployment"))
    assert steps(report)["models"] == "skipped"
    assert [check.offer for check in report.models] == ["unknown"]


async def test_anthropic_takes_more_names_than_it_lists(canned: Canned) -> None:
    canned.json("/v1/models", {"data": [{"id": "claude-sonnet-4-5-20250929"}]})
    canned.json("/v1/models/claude-latest", {"id": "claude-sonnet-4-5-20250929"})
    target = provider(canned.url, protocol="anthropic", auth="x-api-key")
    names = ("claude-sonnet-4-5", "claude-latest", "claude-sonnet-9")
    report = await probed(target, *(model(name) for name in names))
    assert [check.offer for check in report.models] == ["offered", "offered", "missing"]
    assert [path for path, _ in canned.asked] == [
        "/v1/models",
        "/v1/models/claude-latest",
        "/v1/models/claude-sonnet-9",
    ]
    assert {headers["anthropic-version"] for _, headers in canned.asked} == {"2023-06-01"}
    assert {headers["x-api-key"] for _, headers in canned.asked} == {KEY.reveal()}


async def test_gemini_names_and_header(canned: Canned) -> None:
    canned.json("/v1beta/models", {"models": [{"name": "models/gemini-2.5-flash"}]})
    target = provider(canned.url + "/v1beta", protocol="gemini", auth="x-goog-api-key")
    report = await probed(target, model("gemini-2.5-flash"))
    assert report.status == "connected"
    assert canned.asked[0][1]["x-goog-api-key"] == KEY.reveal()


async def test_ollama_models_may_be_called_without_their_tag(canned: Canned) -> None:
    canned.json("/api/tags", {"models": [{"name": "qwen3:latest"}, {"name": "gpt-oss:20b"}]})
    target = provider(canned.url, protocol="ollama", auth="none", preset="ollama")
    report = await probed(target, model("qwen3"), model("gpt-oss:20b"), secret=None)
    assert report.status == "connected"
    assert steps(report)["authentication"] == "skipped"
    missing = failed(await probed(target, model("llama3.2"), secret=None)).diagnosis
    assert missing is not None
    assert missing.hint == "ollama pull llama3.2"


async def test_a_local_server_that_wants_a_key_says_so(canned: Canned) -> None:
    canned.json("/models", {"error": {"code": "invalid_api_key"}}, 401)
    report = await probed(provider(canned.url, auth="none"), secret=None)
    assert code_of(report) == "key_wanted"


async def test_listing_raises_what_is_wrong(canned: Canned) -> None:
    canned.json("/models", listing("b", "a"))
    found = await list_models(provider(canned.url), KEY)
    assert [offer.model for offer in found] == ["a", "b"]
    canned.json("/models", {"error": {"code": "invalid_api_key"}}, 401)
    with pytest.raises(ProbeError, match="key_rejected"):
        await list_models(provider(canned.url), KEY)
