"""Which model an invoice means: providers write names in it that no request has."""

from __future__ import annotations

import re
from collections.abc import Mapping

_DATE = re.compile(r"-(\d{4}-?\d\d-?\d\d|\d\d-?\d\d)(?=:|$)")
"""What tells a snapshot from its model, before OpenRouter's `:variant`: gpt-4o-2024-08-06,
claude-sonnet-4-5-20250929, gpt-4-0613, x-ai/grok-4-07-09."""


def meant(name: str, known: Mapping[str, str]) -> str:
    """Return what `known` has for a name, for that without its date, or for one of the same parts.

    Those of OpenRouter's permanent names may stand in another order: claude-4.5-sonnet-20250929 is
    claude-sonnet-4.5. The name itself where none fits, or several.
    """
    undated = _DATE.sub("", name)
    alike = {found for other, found in known.items() if _parts(other) == _parts(undated)}
    return known.get(name) or known.get(undated) or (alike.pop() if len(alike) == 1 else name)


def _parts(name: str) -> list[str]:
    """Return the parts in one order for all names, numbers as they stand: 4.5 is not 5.4."""
    return sorted(re.split("[-.:]", name), key=lambda part: "" if part.isdigit() else part)
