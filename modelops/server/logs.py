"""What the server writes to standard error: what changed and what failed, one line each.

Requests that go well are not logged one by one. A line about a request names its id, under which
the books and the answer's `x-modelops-request-id` know it; no line ever holds a header or a body.
What a provider said is in the line on the key it rejects alone, as the books keep it.
"""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Literal

LogFormat = Literal["text", "json"]

FIELDS = ("request_id", "agent", "target")
"""What a line may say beside its message, by `extra`."""


def set_up_logging(form: LogFormat = "text") -> None:
    """Send the program's own lines to standard error, uvicorn's only when something failed."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        _Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(message)s")
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("modelops").setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


class _Text(logging.Formatter):
    """A line for people, with the process id: several workers write to one terminal."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the time of a record."""
        return f"{_time(record)} [{os.getpid()}]"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line of a record, its fields at the end."""
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        return super().formatMessage(record) + fields


class _Json(logging.Formatter):
    """A line for programs: one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "pid": os.getpid(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _time(record: logging.LogRecord) -> str:
    """Return when a record was made: UTC, RFC 3339, milliseconds."""
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def _fields(record: logging.LogRecord) -> dict[str, str]:
    found = {name: str(getattr(record, name, "")) for name in FIELDS}
    return {name: value for name, value in found.items() if value}
