"""Cursors of lists that are read page by page: the key of a page's last item, in base64.

So a list that changes between two pages neither repeats nor skips what was there all along.
"""

from __future__ import annotations

import base64


def encode(key: str) -> str:
    """Return the cursor that stands for a key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    """Return the key that a cursor stands for; ValueError when it is none."""
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
