"""How much memory the bodies of running requests may take together, in one process.

One body is bounded and so is one connection, but many large ones at once would still end the
process, and every other request with it: beyond this bound the newest are rejected with 503 and
retry-after.
"""

from __future__ import annotations

ROOM = 512 * 1024 * 1024
"""Bytes of request bodies at once: 8 of the largest, or 4,000 of a long conversation."""


class NoRoomError(Exception):
    """There is no room for more of a body just now."""


class BodyRoom:
    """The room of a process. `used` counts the bytes in it."""

    def __init__(self, size: int = ROOM) -> None:
        self.size = size
        self.used = 0


class Held:
    """What one request takes of the room: bytes as they arrive, all given back at its end."""

    __slots__ = ("_held", "_room")

    def __init__(self, room: BodyRoom) -> None:
        self._room = room
        self._held = 0

    def take(self, size: int) -> None:
        """Take room for so many bytes more; NoRoomError when there is none."""
        if self._room.used + size > self._room.size:
            raise NoRoomError
        self._room.used += size
        self._held += size

    def give_back(self) -> None:
        """Give all of it back."""
        self._room.used -= self._held
        self._held = 0
