"""What doctor says of one thing it looked at."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["ok", "note", "warning", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """One thing: how it stands, what it belongs to, what it is, what was seen, what to do."""

    status: Status
    topic: str
    subject: str
    message: str
    hint: str = ""
