"""Ending a connection in the middle of a request, so that the provider hears of it at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: on, for 0 seconds."""


def reset(transport: asyncio.Transport) -> None:
    """Have the kernel drop what it holds of a request when the transport is aborted next.

    A close alone would have it send megabytes of a body first that nobody wants answered.
    """
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):  # the connection is gone already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
