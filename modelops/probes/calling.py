"""One minimal real request through the provider's official SDK, in a process of its own.

Importing an SDK stops an event loop for seconds, so this process never does. The key goes to the
child over its standard input, never in arguments or environment, and nothing of the answer but
numbers comes back.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Literal

import msgspec

from modelops.probes import classify
from modelops.probes.report import ProbeError
from modelops.resources.resolved import Model, ModelType, Protocol, Provider, TokenLimitField
from modelops.secrets.secret import Secret

TIMEOUT = 120.0
"""Seconds for the child in total: some for its imports, and local models are loaded first."""

_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_PLAIN_TOKENS = 16
_REASONING_TOKENS = 2048  # with fewer, a reasoning model thinks and says nothing


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told, as JSON on its standard input."""

    protocol: Protocol
    base_url: str
    auth: str
    key: str
    model: str
    type: ModelType
    max_tokens: int
    token_limit_field: TokenLimitField
    timeout: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the child says, as JSON on its standard output.

    `kind` `refused` comes with the provider's status and body, `sdk_missing` with its name.
    """

    kind: Literal["answered", "refused", "not_reached", "timeout", "sdk_missing", "sdk_failed"]
    status: int = 0
    body: str = ""
    detail: str = ""
    latency_us: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None


async def call(provider: Provider, model: Model, secret: Secret | None) -> str:
    """Make the request and return what is worth showing of it; ProbeError when it fails."""
    outcome = await _child(order(provider, model, secret))
    if outcome.kind == "refused":
        refused = classify.classify(outcome.status, outcome.body.encode(), secret)
        code = "request_refused" if refused.code in ("unexpected", "not_found") else refused.code
        raise ProbeError(code, refused.detail, model=model.upstream_model)
    if outcome.kind == "timeout":
        raise ProbeError("answer_timeout")
    if outcome.kind in ("sdk_missing", "sdk_failed"):
        raise ProbeError(outcome.kind, outcome.detail)
    if outcome.kind == "not_reached":
        raise ProbeError("cut_off", outcome.detail)
    tokens = f"{outcome.input_tokens} tokens in, {outcome.output_tokens} out"
    return f"{model.model} answered, {tokens if outcome.input_tokens else 'no usage reported'}"


def order(provider: Provider, model: Model, secret: Secret | None) -> Order:
    """Return what the child is told, with room for a model that may reason to answer too."""
    reasons = model.capabilities is None or "reasoning" in model.capabilities
    limit = _REASONING_TOKENS if reasons else _PLAIN_TOKENS
    return Order(
        protocol=provider.protocol,
        base_url=provider.base_url,
        auth=provider.auth,
        key=secret.reveal() if secret is not None else "",
        model=model.upstream_model,
        type=model.type,
        max_tokens=min(limit, model.max_output_tokens or limit),
        token_limit_field=provider.token_limit_field,
        timeout=TIMEOUT - 30,
    )


async def _child(wanted: Order) -> Outcome:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "modelops.probes.sdk_call",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in (*_PASSED_ON, *_PROXIES) if name in os.environ},
    )
    try:
        async with asyncio.timeout(TIMEOUT):
            said, _ = await child.communicate(msgspec.json.encode(wanted))
        return msgspec.json.decode(said, type=Outcome)
    except TimeoutError as error:
        raise ProbeError("answer_timeout") from error
    except msgspec.DecodeError as error:
        raise ProbeError("sdk_failed", f"its process ended with {child.returncode}") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
