"""Commands run in the process of the tests: most of a small command's time is its start."""

from __future__ import annotations

import contextlib
import io
import logging
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from modelops.cli.main import run


def call(
    *arguments: str | Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, which must not be a server's."""
    out, errors = io.BytesIO(), io.BytesIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        logging_as_before(),
        contextlib.redirect_stdout(io.TextIOWrapper(out, "utf-8", write_through=True)),
        contextlib.redirect_stderr(io.TextIOWrapper(errors, "utf-8", write_through=True)),
    ):
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        code = run(list(map(str, arguments)))
        return subprocess.CompletedProcess(
            arguments, code, out.getvalue().decode(), errors.getvalue().decode()
        )


@contextlib.contextmanager
def logging_as_before() -> Iterator[None]:
    """Take back what is set up of logging meanwhile."""
    root = logging.getLogger()
    handlers = root.handlers
    levels = {name: logging.getLogger(name).level for name in ("", "modelops", "uvicorn")}
    try:
        yield
    finally:
        root.handlers = handlers
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
