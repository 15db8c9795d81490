"""A provider made of canned answers on a real socket, and declarations of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import msgspec
import resource_samples as samples

from modelops.probes.probe import probe
from modelops.probes.report import Report, Step
from modelops.resources.resolved import Model, Provider
from modelops.secrets.secret import Secret

KEY = Secret("sk-canary-4711-do-not-show")


class Canned:
    """Answers by path; remembers what was asked. A path without an answer is a 404."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.url = ""
        self.port = 0

    def json(self, path: str, body: Any, status: int = 200) -> None:
        self.raw(path, msgspec.json.encode(body), status, "application/json")

    def raw(self, path: str, body: bytes, status: int, kind: str, extra: str = "") -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{extra}"
        self.answers[path] = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *fields = head.rstrip().split("\r\n")
            path = line.split(" ")[1].partition("?")[0]
            headers = dict(field.split(": ", 1) for field in fields)
            self.asked.append((path, headers))
            missing = b"HTTP/1.1 404 X\r\ncontent-length: 2\r\n\r\n{}"
            writer.write(self.answers.get(path, missing))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return  # the client went away: what some tests are about
        finally:
            writer.close()


async def listen(canned: Canned, context: ssl.SSLContext | None) -> asyncio.Server:
    server = await asyncio.start_server(canned.serve, "127.0.0.1", 0, ssl=context)
    canned.port = server.sockets[0].getsockname()[1]
    canned.url = f"{'https' if context else 'http'}://127.0.0.1:{canned.port}"
    return server


def provider(base_url: str, **changes: Any) -> Provider:
    """Return a resolved provider: openai with a bearer key, but for the changes."""
    fields: dict[str, Any] = {
        "preset": "",
        "display_name": "Acme",
        "base_url": base_url,
        "api_key": "env:MODELOPS_SECRET_ACME",
        "key_url": "https://acme.example/keys",
        "docs_url": "https://acme.example/docs",
    }
    return samples.provider("acme", **(fields | changes))


def model(name: str, **changes: Any) -> Model:
    """Return a resolved chat model of that provider."""
    return samples.model(f"acme/{name}", **({"capabilities": ()} | changes))


async def probed(
    target: Provider, *models: Model, secret: Secret | None = KEY, **options: Any
) -> Report:
    return await probe(target, models, secret, started_at_us=1, **options)


def steps(report: Report) -> dict[str, str]:
    return {step.step: step.status for step in report.steps}


def failed(report: Report) -> Step:
    """Return the one step that failed, after a look whether it says why."""
    (step,) = [step for step in report.steps if step.status == "failed"]
    assert step.diagnosis is not None
    assert "{" not in step.diagnosis.message + step.diagnosis.hint
    return step


def code_of(report: Report) -> str:
    diagnosis = failed(report).diagnosis
    return diagnosis.code if diagnosis else ""


def listing(*names: str) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
