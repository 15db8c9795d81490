"""Text that anybody may have written, made safe to show.

A terminal or a log acts upon escape sequences and line breaks, and a reviewer is deceived by what
runs backwards or takes no room.
"""

from __future__ import annotations


def visible(text: str) -> str:
    """Return the text with everything that does not print spelled as an escape."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
