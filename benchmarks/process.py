"""Time a command as a whole process: wall seconds, CPU seconds and peak memory of each run."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Run(NamedTuple):
    """One finished process. `peak_mb` is the largest resident size in 10**6 bytes."""

    code: int
    wall_s: float
    cpu_s: float
    peak_mb: float


def run(command: Sequence[str], folder: Path) -> Run:
    """Run a command to its end, output thrown away, and return what the kernel counted."""
    with Path(os.devnull).open("wb") as void:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=void, stderr=void)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        process.returncode, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6
    )


def median(runs: Sequence[Run]) -> Run:
    """Return the medians of several runs, and the worst exit code."""
    return Run(
        max(item.code for item in runs),
        statistics.median(item.wall_s for item in runs),
        statistics.median(item.cpu_s for item in runs),
        statistics.median(item.peak_mb for item in runs),
    )
