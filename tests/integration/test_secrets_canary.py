"""A planted key reaches the provider, and is found nowhere else."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from secrets_canary import files_under, processes, spellings, traces

from modelops.cli.main import run
from modelops.config import load_configuration
from modelops.operations.sealing import seal_secrets
from modelops.operations.secret import set_secret
from modelops.secrets import identities
from modelops.secrets.secret import Secret

ALICE = identities.generate()
KEY = "sk-canary-7f3a9c1e5b8d2046"
PROVIDERS = {"unauthorized": 401, "broken": 500, "limited": 429, "good": 200, "chatty": 200}
"""Providers, whose model has their name, and the status each answers. Failures repeat the key, all
headers do, and the chatty one's good answer does where the protocol has words of its own."""

PAGES = (
    "/readyz", "/metrics", "/schema", "/api/status", "/api/providers", "/api/providers/broken",
    "/api/models", "/api/chains", "/api/agents", "/api/revisions", "/api/state", "/api/usage",
    "/api/usage?by=provider", "/api/usage/attempts", "/api/usage/export.csv", "/v1/models",
)  # fmt: skip
COMMANDS: Sequence[Sequence[str]] = (
    ("validate", "--format", "json"), ("plan",), ("plan", "--format", "json"),
    ("show", "provider/good", "--format", "json"), ("history", "--format", "json"),
    ("doctor", "--format", "json"), ("identity", "show"), ("usage", "--by", "provider"),
)  # fmt: skip


class Upstream(http.server.BaseHTTPRequestHandler):
    """A provider that answers, or repeats the key it was shown in its error."""

    shown: list[str]

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        model = json.loads(self.rfile.read(length))["model"]
        key = self.headers["authorization"]
        self.shown.append(key)
        status = PROVIDERS[model]
        body: Any = {"error": {"message": f"wrong key: {key}", "type": "x", "code": key}}
        if status == 200:
            message = {"role": "assistant", "content": "Hello"}
            word = key if model == "chatty" else "stop"
            body = {
                "id": "1", "object": "chat.completion", "created": 1, "model": model,
                "choices": [{"index": 0, "message": message, "finish_reason": word}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                "service_tier": word,
            }  # fmt: skip
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        for name in ("x-request-id", "x-ratelimit-scope", "openai-organization"):
            self.send_header(name, f"of {key}")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Say nothing."""


@contextlib.contextmanager
def upstream() -> Iterator[tuple[str, list[str]]]:
    """Run the provider; give its base URL and the keys it is shown."""
    shown: list[str] = []
    handler = type("Handler", (Upstream,), {"shown": shown})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1", shown
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(tmp_path / "home"), "SOPS_AGE_KEY": ALICE.reveal()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "configuration"


def write(folder: Path, base_url: str) -> None:
    targets = "".join(f"  - {{model: {name}/{name}, max_retries: 0}}\n" for name in PROVIDERS)
    files = {
        "modelops.yaml": "config: acme\ndefault_chain: main\n",
        ".sops.yaml": f"creation_rules:\n  - age: {ALICE.recipient}\n"
        "    encrypted_regex: ^api_key$\n    mac_only_encrypted: true\n",
        "chains.d/main.yaml": f"chain: main\ntargets:\n{targets}",
    }
    for name in PROVIDERS:
        files[f"providers.d/{name}.yaml"] = (
            f"provider: {name}\nprotocol: openai\nbase_url: {base_url}\n"
            f"models: [{{model: {name}}}]\n"
        )
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def set_by_process(
    folder: Path, environ: dict[str, str], address: str
) -> subprocess.CompletedProcess[bytes]:
    """Run `modelops secret set` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "modelops", "secret", "set", address, "-C", str(folder)],
        input=KEY.encode() + b"\n",
        capture_output=True,
        timeout=60,
        check=True,
        env=environ,
    )


@contextlib.contextmanager
def serving(folder: Path, environ: dict[str, str], log: Path) -> Iterator[tuple[str, list[int]]]:
    """Run `modelops serve`; give its URL and the ids of its processes."""
    command = [sys.executable, "-m", "modelops", "serve", "--port", "0", "-C", str(folder)]
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=environ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text()
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            yield json.loads(line)["url"], [process.pid, *map(int, children)]
        finally:
            process.terminate()
            process.wait(30)


def ask(url: str, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        headers = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, str(answer.getheaders()).encode() + answer.read()
    finally:
        connection.close()


def chat(url: str, model: str) -> tuple[int, bytes]:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    return ask(url, "POST", "/v1/chat/completions", body)


def test_key_is_found_nowhere(
    folder: Path, tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.NOTSET)
    for name in {*os.environ} - {*environ}:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    seen: dict[str, bytes | str] = {}

    def command(*arguments: str) -> int:
        code = run([*arguments, "-C", str(folder)])
        seen[f"{' '.join(arguments)} ({code})"] = "".join(capfd.readouterr())
        return code

    with upstream() as (base_url, shown):
        write(folder, base_url)
        done = set_by_process(folder, environ, "provider/good")
        seen["secret set"] = done.stdout + done.stderr
        for name in PROVIDERS:
            set_secret(folder, f"provider/{name}", "", Secret(KEY), environ)
        assert command("apply", "--yes") == 0
        with serving(folder, environ, tmp_path / "serve.log") as (url, pids):
            status, answer = chat(url, "main")
            seen["chat"] = answer
            assert status == 200, answer
            for name in PROVIDERS:
                answer = chat(url, f"{name}/{name}")[1]
                body = b"" if name == "chatty" else answer  # which passes byte for byte
                seen[f"chat {name}"] = answer.partition(b"{")[0] + body
            answers = {page: ask(url, "GET", page) for page in PAGES}
            seen |= {page: body for page, (_, body) in answers.items()}
            seen |= processes(pids)
    # the journey took place: the key was shown, the failures were booked, the pages were there
    assert set(shown) == {f"Bearer {KEY}"}
    assert len(shown) >= len(PROVIDERS) + 1
    assert sum(status == 200 for status, _ in answers.values()) >= len(PAGES) // 2
    for arguments in COMMANDS:
        command(*arguments)
    (folder / "providers.d" / "good.yaml").write_text("provider: [")
    assert command("apply", "--yes") == 1
    seen |= files_under(tmp_path) | {"log": caplog.text}
    assert any("store.db" in name for name in seen)
    assert traces(KEY, seen) == []


def test_nothing_is_logged_on_the_way(
    folder: Path, environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, "http://127.0.0.1:1/v1")
    set_secret(folder, "provider/good", "", Secret(KEY), environ)
    with caplog.at_level(logging.NOTSET):
        rows = seal_secrets(
            folder,
            load_configuration(folder),
            [],
            environ,
            state_directory=folder / ".modelops",
            now_us=1,
        )
    assert len(rows) == 1
    assert traces(KEY, {"log": caplog.text, "rows": repr(rows)}) == []


@pytest.mark.parametrize("spelling", sorted(spellings(KEY)))
def test_canary_would_be_found(spelling: bytes, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\x00before " + spelling + b" after\xff")
    assert traces(KEY, files_under(tmp_path)) == [str(tmp_path / "deep" / "file")]
