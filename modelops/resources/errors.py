"""The errors a person meets, and the exit code each stands for.

Every message says what is wrong and where; `hint` says what to do next. The command line prints
both and exits with `exit_code`; the server maps them to HTTP. Messages never hold a secret.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command; see docs/plan-and-apply.md."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    REFUSED = 3
    STALE = 4
    LOCKED = 5
    NOT_LIVE = 6


class ModelopsError(Exception):
    """Base of all errors that are shown to a person."""

    exit_code = ExitCode.ERROR

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class RefusedError(ModelopsError):
    """Safety or policy says no (exit 3)."""

    exit_code = ExitCode.REFUSED


class StaleError(ModelopsError):
    """The store or the files have moved on since the plan was made (exit 4)."""

    exit_code = ExitCode.STALE
