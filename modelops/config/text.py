"""Bytes of a file to text that every reader sees the same way.

What cannot be seen is refused here, before any parser: other encodings, control characters, marks
that turn the reading direction (a reviewer would read something other than is applied), and the
line breaks that YAML 1.1 knows and editors do not.
"""

from __future__ import annotations

import codecs
import re

from modelops.config import rules
from modelops.config.diagnostics import found
from modelops.resources.configuration import Diagnostic, Position

MAX_BYTES = 4 << 20
"""Largest file that is read; also bounds what libyaml is handed."""

INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
    "|\r(?!\n)"
)
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n"
"""What most files are made of, which takes no search to tell."""

_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(raw: bytes, file: str) -> str | Diagnostic:
    """Return the text of a file, without a UTF-8 byte order mark, or why it cannot be read."""
    if len(raw) > MAX_BYTES:
        return found(rules.FILE_TOO_LARGE, Position(file, 1, 1), "the file is larger than 4 MiB")
    for mark, name in _OTHER_ENCODINGS:
        if raw.startswith(mark):
            return found(
                rules.ENCODING, Position(file, 1, 1), f"the file is {name}", "save it as UTF-8"
            )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8-sig")
        return found(
            rules.ENCODING,
            place(before, len(before), file),
            f"byte 0x{raw[error.start]:02x} is not UTF-8",
            "save the file as UTF-8",
        )
    invisible = INVISIBLE.search(text) if raw.translate(None, _PLAIN) else None
    if invisible is not None:
        return found(
            rules.CONTROL_CHARACTER,
            place(text, invisible.start(), file),
            f"the invisible character U+{ord(invisible[0]):04X} is not allowed",
            "remove it",
        )
    return text


def place(text: str, offset: int, file: str) -> Position:
    """Return the line and column of an offset into a text, counted in characters from 1."""
    line = text.count("\n", 0, offset)
    start = text.rfind("\n", 0, offset) + 1
    return Position(file, line + 1, offset - start + 1)
