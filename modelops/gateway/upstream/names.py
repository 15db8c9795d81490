"""Looking names up, each on a thread of its own, so that no name waits for another.

The event loop's own look-ups share a few threads (uvloop's four), and one that is given up keeps
its thread until the resolver does: one provider's name that hangs would keep all others from being
found. Here a host has one look-up at a time, whoever waits for it. The threads are therefore no
more than the hosts of the providers, and they are daemons, for which nothing waits at exit.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import threading
from typing import NamedTuple

from modelops.gateway.upstream.errors import OUT_OF, DnsError, LocalError

SLOW_SECONDS = 1.0
"""How long a look-up may take before the addresses that the last one found are used."""

_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""What the resolver says of a name without addresses; any other failure is the resolver's own."""

_Found = list[str] | OSError | ValueError


class _LookUp(NamedTuple):
    """One that is under way: since when, in the event loop's seconds, and what it will find."""

    since: float
    found: asyncio.Future[_Found]


class Names:
    """The addresses of hosts. Made inside a running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._known: dict[str, list[str]] = {}
        self._under_way: dict[str, _LookUp] = {}

    async def addresses(self, host: str) -> list[str]:
        """Return the addresses of a host; those found last while its look-up fails or is slow.

        Raises DnsError when it has none or none is known, LocalError when this server is at fault.
        Cancelling it ends no look-up.
        """
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        known = self._known.get(host)
        since, found = self._under_way.get(host) or self._start(host)
        patience = None if known is None else max(0.0, since + SLOW_SECONDS - self._loop.time())
        await asyncio.wait((found,), timeout=patience)
        result = found.result() if found.done() else known
        if isinstance(result, list):
            return result
        if known is not None and not _no_such_name(result):
            return known
        if _is_local(result):
            raise LocalError(f"this server cannot look up {host}: {result}")
        raise DnsError(f"the name {host} has no address: {result}")

    def _start(self, host: str) -> _LookUp:
        look_up = _LookUp(self._loop.time(), self._loop.create_future())
        self._under_way[host] = look_up
        try:
            threading.Thread(target=self._run, args=(host,), name=host, daemon=True).start()
        except (RuntimeError, MemoryError) as error:  # the system gives no more threads
            self._end(host, OSError(errno.EAGAIN, str(error)))
        return look_up

    def _run(self, host: str) -> None:
        """Look up a name, on a thread of its own."""
        found: _Found
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except (OSError, ValueError) as error:
            found = error
        except MemoryError as error:  # unanswered, the host would never be looked up again
            found = OSError(errno.ENOMEM, str(error) or "out of memory")
        with contextlib.suppress(RuntimeError):  # the event loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._end, host, found)

    def _end(self, host: str, found: _Found) -> None:
        self._under_way.pop(host).found.set_result(found)
        if isinstance(found, list):
            self._known[host] = found


def _no_such_name(result: _Found | None) -> bool:
    return isinstance(result, socket.gaierror) and result.errno in _NO_SUCH_NAME


def _is_local(result: _Found | None) -> bool:
    """Whether it is this server that lacks something; a resolver's errors have other numbers."""
    if not isinstance(result, OSError) or isinstance(result, socket.gaierror):
        return False
    return result.errno in OUT_OF
