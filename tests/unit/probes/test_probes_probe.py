from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from probes_support import Canned, model, provider

from modelops.probes.probe import list_models, probe
from modelops.probes.report import ProbeError, Report, Step
from modelops.resources.resolved import Model, Provider
from modelops.secrets.secret import Secret

KEY = Secret("sk-canary-4711-do-not-show")


async def _probe(
    target: Provider, *models: Model, secret: Secret | None = KEY, **options: Any
) -> Report:
    return await probe(target, models, secret, started_at_us=1, **options)


def _steps(report: Report) -> dict[str, str]:
    return {step.step: step.status for step in report.steps}


def _failed(report: Report) -> Step:
    (failed,) = [step for step in report.steps if step.status == "failed"]
    assert failed.diagnosis is not None
    assert "{" not in failed.diagnosis.message + failed.diagnosis.hint
    return failed


def _code(report: Report) -> str:
    diagnosis = _failed(report).diagnosis
    return diagnosis.code if diagnosis else ""


def _list(*names: str) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


async def test_all_free_steps_pass(canned: Canned) -> None:
    canned.json("/v1/models", _list("a", "b"))
    report = await _probe(provider(canned.url + "/v1"), model("a"))
    assert report.status == "connected"
    assert _steps(report) == {
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
    canned.json("/v1/models", _list("a"))
    await _probe(provider(canned.url + "/v1"), model("a"))
    assert [path for path, _ in canned.asked] == ["/v1/models"]
    headers = canned.asked[0][1]
    assert headers["authorization"] == f"Bearer {KEY.reveal()}"
    assert headers["host"] == f"127.0.0.1:{canned.port}"


async def test_latency_is_what_the_timer_says(canned: Canned) -> None:
    canned.json("/models", _list())
    ticks = iter(range(100))
    report = await _probe(provider(canned.url), timer=lambda: next(ticks) / 10)
    assert {step.latency_us for step in report.steps if step.status == "passed"} == {100_000}


async def test_an_unknown_host() -> None:
    report = await _probe(provider("https://no-such-host.invalid/v1"))
    assert report.status == "disconnected"
    assert _failed(report).step == "dns"
    assert _steps(report)["tcp"] == "skipped"


async def test_nothing_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        report = await _probe(provider(f"http://127.0.0.1:{unused.getsockname()[1]}"))
    assert report.status == "disconnected"
    assert _code(report) == "refused"


async def test_tls_is_spoken_and_named(
    tls_server: Callable[..., Any], trusting: ssl.SSLContext
) -> None:
    server = await tls_server()
    server.json("/models", _list())
    report = await _probe(provider(server.url), tls=trusting)
    assert report.status == "connected"
    assert report.steps[2].detail.startswith("TLSv1")


@pytest.mark.parametrize(
    ("host", "expired", "trusted", "code"),
    [
        ("127.0.0.1", True, True, "tls_expired"),
        ("other.example", False, True, "tls_hostname"),
        ("127.0.0.1", False, False, "tls_untrusted"),
    ],
)
async def test_certificates_are_checked(
    tls_server: Callable[..., Any],
    trusting: ssl.SSLContext,
    host: str,
    expired: bool,
    trusted: bool,
    code: str,
) -> None:
    server = await tls_server(host, expired=expired)
    context = trusting if trusted else ssl.create_default_context()
    report = await _probe(provider(server.url), tls=context)
    assert report.status == "disconnected"
    assert _code(report) == code
    assert server.asked == []  # the key never went out


async def _serving(greeting: bytes, *, wait: bool = False) -> asyncio.Server:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(10)
            writer.write(greeting)
            if wait:
                await reader.read()
        except ConnectionError:
            return  # the client hung up, as it should
        finally:
            writer.close()

    return await asyncio.start_server(greet, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("scheme", "greeting", "wait", "code"),
    [
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "tls_not_spoken"),
        ("https", b"", True, "tls_not_spoken"),
        ("http", b"220 mail.example ESMTP\r\n", False, "not_http"),
        ("http", b"", False, "cut_off"),
        ("http", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", True, "answer_timeout"),
        ("http", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", False, "cut_off"),
    ],
)
async def test_what_speaks_something_else_or_nothing(
    monkeypatch: pytest.MonkeyPatch, scheme: str, greeting: bytes, wait: bool, code: str
) -> None:
    monkeypatch.setattr("modelops.probes.connection.CONNECT_TIMEOUT", 0.1)
    monkeypatch.setattr("modelops.probes.session.ANSWER_TIMEOUT", 0.1)
    async with await _serving(greeting, wait=wait) as server:
        port = server.sockets[0].getsockname()[1]
        report = await _probe(provider(f"{scheme}://127.0.0.1:{port}"))
    assert _code(report) == code


async def test_an_answer_may_end_with_its_connection() -> None:
    async with await _serving(b'HTTP/1.1 200 OK\r\n\r\n{"data": []}') as server:
        report = await _probe(provider(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    assert report.status == "connected"


async def test_an_answer_is_bounded(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelops.probes.http.MAX_ANSWER", 100)
    canned.json("/models", _list(*"abcdefghijkl"))
    assert _code(await _probe(provider(canned.url))) == "not_the_api"


async def test_a_key_that_is_not_there(canned: Canned) -> None:
    report = await _probe(provider(canned.url), secret=None, key_fault="the variable is not set")
    failed = _failed(report)
    assert failed.step == "authentication"
    assert failed.diagnosis is not None
    assert failed.diagnosis.message == "there is no key: the variable is not set"
    assert failed.diagnosis.hint == "get one at https://acme.example/keys"
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
    report = await _probe(provider(canned.url))
    assert report.status == "error"
    assert _code(report) == code
    assert _steps(report)["models"] == "skipped"


async def test_a_key_is_never_repeated(canned: Canned) -> None:
    for status in (401, 403, 418, 500):
        canned.json("/models", {"error": {"message": f"key {KEY.reveal()} is bad"}}, status)
        report = await _probe(provider(canned.url))
        assert "canary" not in repr(report)
        assert "4711" not in repr(report)


async def test_a_redirect_is_not_followed(canned: Canned) -> None:
    canned.raw("/models", b"", 302, "text/html", "location: https://login.example/?t=1\r\n")
    report = await _probe(provider(canned.url))
    diagnosis = _failed(report).diagnosis
    assert diagnosis is not None
    assert diagnosis.message == "base_url is answered with a redirect to https://login.example/"
    assert len(canned.asked) == 1


async def test_a_web_page_is_not_an_api(canned: Canned) -> None:
    canned.raw("/models", b"<html>welcome</html>", 200, "text/html; charset=utf-8")
    report = await _probe(provider(canned.url))
    assert _code(report) == "not_the_api"


async def test_one_missing_model_is_named_with_its_like(canned: Canned) -> None:
    canned.json("/models", _list("gpt-4o", "gpt-4o-mini"))
    report = await _probe(provider(canned.url), model("gpt-4o"), model("gpt-4o-mni"))
    assert report.status == "error"
    assert [check.offer for check in report.models] == ["offered", "missing"]
    diagnosis = _failed(report).diagnosis
    assert diagnosis is not None
    assert diagnosis.message == "gpt-4o-mni is not offered"
    assert diagnosis.hint.startswith("did you mean gpt-4o-mini")


async def test_openrouter_is_asked_about_the_key_and_not_its_public_list(canned: Canned) -> None:
    canned.json("/api/v1/key", {"error": {"message": "No auth", "code": 401}}, 401)
    canned.json("/api/v1/models", _list("a"))
    target = provider(canned.url + "/api/v1", preset="openrouter", key_test="key_endpoint")
    assert _code(await _probe(target)) == "key_rejected"
    canned.json("/api/v1/key", {"data": {"limit": 10, "limit_remaining": 0}})
    assert _code(await _probe(target)) == "no_credit"
    canned.json("/api/v1/key", {"data": {"limit": 10, "limit_remaining": 7.5}})
    report = await _probe(target, model("a"))
    assert report.status == "connected"
    assert report.steps[3].detail == "7.50 USD left of the key's limit"


async def test_deepseek_tells_the_balance(canned: Canned) -> None:
    infos = [{"currency": "USD", "total_balance": "3.20"}]
    canned.json("/models", _list("deepseek-v4-flash"))
    canned.json("/user/balance", {"is_available": True, "balance_infos": infos})
    target = provider(canned.url, preset="deepseek", key_test="balance")
    assert (await _probe(target)).steps[3].detail == "balance 3.20 USD"
    canned.json("/user/balance", {"is_available": False, "balance_infos": infos})
    assert _code(await _probe(target)) == "no_credit"


async def test_a_public_list_is_no_proof_of_a_key(canned: Canned) -> None:
    canned.json("/api/v1/models", {"data": [{"model_id": "a", "types": "llm"}]})
    target = provider(canned.url + "/v1", preset="aihubmix", key_test="one_token")
    report = await _probe(target, model("a"))
    assert _steps(report)["authentication"] == "skipped"
    assert _steps(report)["models"] == "passed"


async def test_azure_lists_what_is_not_deployed(canned: Canned) -> None:
    target = provider(canned.url, preset="azure", key_test="one_token", auth="api-key")
    report = await _probe(target, model("my-deployment"))
    assert _steps(report)["models"] == "skipped"
    assert [check.offer for check in report.models] == ["unknown"]


async def test_anthropic_takes_more_names_than_it_lists(canned: Canned) -> None:
    canned.json("/v1/models", {"data": [{"id": "claude-sonnet-4-5-20250929"}]})
    canned.json("/v1/models/claude-latest", {"id": "claude-sonnet-4-5-20250929"})
    target = provider(canned.url, protocol="anthropic", auth="x-api-key")
    names = ("claude-sonnet-4-5", "claude-latest", "claude-sonnet-9")
    report = await _probe(target, *(model(name) for name in names))
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
    report = await _probe(target, model("gemini-2.5-flash"))
    assert report.status == "connected"
    assert canned.asked[0][1]["x-goog-api-key"] == KEY.reveal()


async def test_ollama_models_may_be_called_without_their_tag(canned: Canned) -> None:
    canned.json("/api/tags", {"models": [{"name": "qwen3:latest"}, {"name": "gpt-oss:20b"}]})
    target = provider(canned.url, protocol="ollama", auth="none", preset="ollama")
    report = await _probe(target, model("qwen3"), model("gpt-oss:20b"), secret=None)
    assert report.status == "connected"
    assert _steps(report)["authentication"] == "skipped"
    missing = _failed(await _probe(target, model("llama3.2"), secret=None)).diagnosis
    assert missing is not None
    assert missing.hint == "ollama pull llama3.2"


async def test_a_local_server_that_wants_a_key_says_so(canned: Canned) -> None:
    canned.json("/models", {"error": {"code": "invalid_api_key"}}, 401)
    report = await _probe(provider(canned.url, auth="none"), secret=None)
    assert _code(report) == "key_wanted"


async def test_listing_raises_what_is_wrong(canned: Canned) -> None:
    canned.json("/models", _list("b", "a"))
    found = await list_models(provider(canned.url), KEY)
    assert [offer.model for offer in found] == ["a", "b"]
    canned.json("/models", {"error": {"code": "invalid_api_key"}}, 401)
    with pytest.raises(ProbeError, match="key_rejected"):
        await list_models(provider(canned.url), KEY)


async def test_a_proxy_is_asked_to_connect(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", canned.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    report = await _probe(provider("https://llm.example/v1"))
    assert _code(report) == "proxy_refused"  # the canned server answers 404
    assert canned.asked[0][0] == "llm.example:443"
    assert KEY.reveal() not in repr(canned.asked)


async def test_tls_goes_through_a_proxy(
    tls_server: Callable[..., Any], trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await tls_server("llm.example")
    server.json("/v1/models", _list("a"))
    heads: list[bytes] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        onward, back = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, back), _pump(onward, writer))
        except ConnectionError:
            return  # the client is done
        finally:
            back.close()
            writer.close()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        report = await _probe(provider("https://llm.example/v1"), model("a"), tls=trusting)
    assert report.status == "connected", report
    assert report.steps[1].detail == f"through 127.0.0.1:{port}"
    assert heads[0].startswith(b"CONNECT llm.example:443 HTTP/1.1\r\n")
    assert KEY.reveal().encode() not in b"".join(heads)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()
