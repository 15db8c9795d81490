"""What an agent may call: its `allow` list, compiled to checks that cost next to nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's allow list. `patterns` are as written, for the message that refuses."""

    patterns: tuple[str, ...]
    exact: frozenset[str]
    globs: tuple[re.Pattern[str], ...]

    def chain(self, name: str) -> bool:
        """Whether a chain may be called by its name."""
        return self._allows(f"chain/{name}")

    def model(self, name: str) -> bool:
        """Whether a model, as provider/model, may be called by its name."""
        return self._allows(f"model/{name}")

    def _allows(self, address: str) -> bool:
        return address in self.exact or any(glob.fullmatch(address) for glob in self.globs)


def compile_access(patterns: Iterable[str]) -> Access:
    """Compile an allow list, in which `*` stands for any run of characters, slashes included."""
    written = tuple(patterns)
    return Access(
        patterns=written,
        exact=frozenset(pattern for pattern in written if "*" not in pattern),
        globs=tuple(
            re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
            for pattern in written
            if "*" in pattern
        ),
    )
