"""`make demo` does what it says, from validating to the usage report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from e2e_programs import PATIENCE_S

DEMO = Path(__file__).resolve().parents[2] / "scripts" / "demo.py"


def test_the_demo_fails_over_and_reports() -> None:
    ended = subprocess.run(
        [sys.executable, DEMO], capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    shown = ended.stdout
    steps = ("validate", "plan", "apply", "simulator", "serve", "usage")
    places = [shown.index(f"$ modelops {step}") for step in steps]
    assert places == sorted(places)
    assert "x-modelops-fallback: true" in shown
    assert "=529, " in shown
    assert "rows simulated" in shown
