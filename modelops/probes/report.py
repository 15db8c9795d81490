"""What a connection test finds: data that commands print, the API returns and the store keeps."""

from __future__ import annotations

from typing import Literal

import msgspec

StepName = Literal["dns", "tcp", "tls", "authentication", "models", "call"]
StepStatus = Literal["passed", "failed", "skipped"]
Status = Literal["connected", "disconnected", "error", "untested"]
Offer = Literal["offered", "missing", "unknown"]


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Why a step failed: a stable code, what is wrong, and what to do about it."""

    code: str
    message: str
    hint: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a test. `detail` is a fact worth showing; a skipped step says why in it."""

    step: StepName
    status: StepStatus
    latency_us: int = 0
    detail: str = ""
    diagnosis: Diagnosis | None = None


class ModelCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the provider lists a declared model. `nearest` holds listed names like a missing one.

    `called` tells how the one real request went, and is None for models that none was made to.
    """

    model: str
    upstream_model: str
    offer: Offer
    nearest: tuple[str, ...] = ()
    called: StepStatus | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One test of one provider. `started_at_us` is Unix time in microseconds.

    `disconnected`: it was not reached; `error`: it was, and something else failed.
    """

    provider: str
    origin: str
    status: Status
    started_at_us: int
    steps: tuple[Step, ...]
    models: tuple[ModelCheck, ...] = ()


class ProbeError(Exception):
    """A step failed: a row of the diagnosis table by its code, and what fills its gaps."""

    def __init__(self, code: str, detail: str = "", *, model: str = "", nearest: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.model = model
        self.nearest = nearest


def status_of(steps: tuple[Step, ...]) -> Status:
    """Return what a provider's steps amount to."""
    failed = {step.step for step in steps if step.status == "failed"}
    if failed & {"dns", "tcp", "tls"}:
        return "disconnected"
    return "error" if failed else "connected"


def failed_step(report: Report) -> Step | None:
    """Return the first step that failed, None when none did."""
    return next((step for step in report.steps if step.status == "failed"), None)
