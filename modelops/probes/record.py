"""The steps of one test as they are taken: how long each took, and why the last one failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, get_args

from msgspec.structs import replace

from modelops.probes.diagnosis import diagnose
from modelops.probes.report import Diagnosis, ProbeError, Step, StepName, StepStatus
from modelops.resources.resolved import Provider

_T = TypeVar("_T")


class Record:
    """Steps by name. `timer` returns seconds that only ever rise."""

    def __init__(self, provider: Provider, timer: Callable[[], float]) -> None:
        self._provider = provider
        self._timer = timer
        self._steps: dict[StepName, Step] = {}

    async def run(
        self, step: StepName, work: Awaitable[_T], show: Callable[[_T], str] = lambda _: ""
    ) -> _T:
        """Take a step and return what it gave; `show` names what is worth showing of that.

        A failure is recorded with its diagnosis and raised again as ProbeError.
        """
        started = self._timer()
        try:
            result = await work
            detail = show(result)
        except ProbeError as error:
            self._put(step, "failed", started, diagnosis=diagnose(error, self._provider))
            raise
        self._put(step, "passed", started, detail=detail)
        return result

    def fail(self, step: StepName, error: ProbeError) -> None:
        """Record as failed a step that returned something, but not enough."""
        taken = self._steps.get(step) or Step(step=step, status="failed")
        self._steps[step] = replace(
            taken, status="failed", diagnosis=diagnose(error, self._provider)
        )

    def skip(self, step: StepName, why: str) -> None:
        """Record a step that is not taken, and why."""
        self._steps[step] = Step(step=step, status="skipped", detail=why)

    def steps(self) -> tuple[Step, ...]:
        """Return every step in order; those after a failure were not reached."""
        return tuple(
            self._steps.get(name) or Step(step=name, status="skipped", detail="not come to")
            for name in get_args(StepName)
        )

    def _put(
        self,
        step: StepName,
        status: StepStatus,
        started: float,
        *,
        detail: str = "",
        diagnosis: Diagnosis | None = None,
    ) -> None:
        self._steps[step] = Step(
            step=step,
            status=status,
            latency_us=round((self._timer() - started) * 1_000_000),
            detail=detail,
            diagnosis=diagnosis,
        )
