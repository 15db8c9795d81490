"""What the server writes to standard error: what changed and what failed, one line each.

Requests are not logged one by one, and no line ever holds a header or a body.
"""

from __future__ import annotations

import logging
import os
import time

FORMAT = "%(asctime)s %(levelname)s %(message)s"


def set_up_logging() -> None:
    """Send the program's own lines to standard error, uvicorn's only when something failed."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(FORMAT))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("modelops").setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


class _Formatter(logging.Formatter):
    """Times in UTC, RFC 3339, with the process id: several workers write to one terminal."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the time of a record."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{seconds}.{int(record.msecs):03d}Z [{os.getpid()}]"
