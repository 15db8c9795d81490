"""The first journey: YAML, plan, apply, serve, and one answer that failed over, in the books.

The official SDK is the client, real processes stand behind it, and the simulator's own ledger says
what really happened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from e2e_programs import (
    Running,
    eventually,
    fail,
    heal,
    ledger,
    request,
    run,
    running,
)
from in_process import call

HELLO: Any = [{"role": "user", "content": "Hello there"}]
FAILED_OVER = "openai/gpt-4o=529, openai/gpt-4o=529, second/big=200"


@pytest.fixture
def healthy(program: Running) -> Running:
    heal(program)
    return program


@pytest.fixture
def client(healthy: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{healthy.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_an_answer_comes_through_the_chain(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="main", messages=HELLO)
    answered = raw.parse()
    assert answered.choices[0].message.content is not None
    assert answered.choices[0].message.content.endswith("You wrote: Hello there")
    assert raw.headers["x-modelops-target"] == "openai/gpt-4o"
    assert raw.headers["x-modelops-attempts"] == "openai/gpt-4o=200"
    assert raw.headers["x-modelops-revision"] == "1"
    assert "x-modelops-fallback" not in raw.headers


def test_the_second_target_answers_when_the_first_is_down(
    healthy: Running, client: openai.OpenAI
) -> None:
    fail(healthy, provider="openai", status=529)
    raw = client.chat.completions.with_raw_response.create(model="main", messages=HELLO)
    assert raw.parse().model == "big"
    assert raw.headers["x-modelops-target"] == "second/big"
    assert raw.headers["x-modelops-attempts"] == FAILED_OVER
    assert raw.headers["x-modelops-fallback"] == "true"


def test_a_stream_fails_over_before_its_first_word(healthy: Running, client: openai.OpenAI) -> None:
    fail(healthy, provider="openai", kind="error_in_200", status=503)
    raw = client.chat.completions.with_raw_response.create(
        model="main", messages=HELLO, stream=True
    )
    chunks = list(raw.parse())
    assert chunks[-1].choices[0].finish_reason == "stop"
    attempts = raw.headers["x-modelops-attempts"]
    assert attempts.endswith("second/big=200")
    assert attempts.count("openai/gpt-4o") == 2


def test_a_stream_reports_usage_only_when_asked(client: openai.OpenAI) -> None:
    plain = list(client.chat.completions.create(model="main", messages=HELLO, stream=True))
    asked = list(
        client.chat.completions.create(
            model="main", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert all(chunk.usage is None for chunk in plain)
    assert asked[-1].usage is not None
    assert len(asked) == len(plain) + 1


def test_a_chain_whose_targets_all_fail_says_why(healthy: Running, client: openai.OpenAI) -> None:
    fail(healthy, status=500)
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="main", messages=HELLO)
    assert caught.value.status_code == 502
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert "second/big" in caught.value.message


def test_the_books_agree_with_the_providers_ledger(
    healthy: Running, client: openai.OpenAI, module_configuration: Path
) -> None:
    fail(healthy, provider="openai", status=529, times=2)
    for stream in (False, True):
        answer = client.chat.completions.create(model="main", messages=HELLO, stream=stream)
        if stream:
            for _ in answer:
                pass
    served = ledger(healthy)
    assert served["open"] == 0
    store = f"sqlite:///{module_configuration}/.modelops/simulated.db"

    def report() -> dict[str, Any]:
        ended = call("usage", "--by", "model", "--store", store, "--format", "json")
        assert ended.returncode == 0, ended.stderr
        decoded: dict[str, Any] = json.loads(ended.stdout)
        return decoded

    books = eventually(report, lambda seen: bool(seen["totals"]["attempts"] == served["requests"]))
    for row in books["rows"]:
        totals = [
            total
            for total in served["totals"]
            if f"{total['provider']}/{total['model']}" == row["key"]["model"]
        ]
        assert row["attempts"] == sum(total["requests"] for total in totals)
        assert row["input_tokens"] == sum(total["input"] for total in totals)
        assert row["output_tokens"] == sum(total["output"] for total in totals)
        assert row["simulated"] == row["attempts"]
    assert {row["key"]["model"] for row in books["rows"]} == {"openai/gpt-4o", "second/big"}


def test_the_api_reports_the_same_as_the_command(healthy: Running, client: openai.OpenAI) -> None:
    client.chat.completions.create(model="second/big", messages=HELLO)
    served = ledger(healthy)["requests"]
    _, seen = eventually(
        lambda: request(f"{healthy.url}/api/usage?by=model"),
        lambda answer: bool(answer[1]["totals"]["attempts"] == served),
    )
    assert {row["key"]["model"] for row in seen["rows"]} == {"openai/gpt-4o", "second/big"}


def test_a_changed_folder_is_live_without_a_restart(configuration: Path) -> None:
    store = f"sqlite:///{configuration}/store.db"
    validated = run("validate", "-C", configuration)
    assert validated.returncode == 0, validated.stderr
    planned = run("plan", "-C", configuration, "--store", store, "--detailed-exitcode")
    assert planned.returncode == 2, planned.stderr
    plan = configuration / "plan.json"
    written = run("plan", "-C", configuration, "--store", store, "--out", plan)
    assert written.returncode == 0, written.stderr
    applied = run("apply", plan, "-C", configuration, "--store", store, "--yes")
    assert applied.returncode == 0, applied.stderr
    again = run("apply", "-C", configuration, "--store", store, "--yes")
    assert (again.returncode, "No changes" in again.stdout + again.stderr) == (0, True)
    with (
        running("simulator") as simulator,
        running("serve", "--store", store, "--port", "0", "--simulator", simulator.url) as program,
    ):
        asked = {"model": "main", "messages": HELLO}
        status, answer = request(f"{program.url}/v1/chat/completions", asked)
        assert (status, answer["model"]) == (200, "gpt-4o")
        chain = configuration / "chains.d" / "main.yaml"
        chain.write_text("chain: main\ntargets: [{model: openai/gpt-4o-mini}]\n")
        changed = run("apply", "-C", configuration, "--store", store, "--yes")
        assert changed.returncode == 0, changed.stderr
        eventually(
            lambda: request(f"{program.url}/v1/chat/completions", asked)[1]["model"],
            lambda model: bool(model == "gpt-4o-mini"),
        )
    listed = run("history", "--store", store)
    assert listed.returncode == 0, listed.stderr
