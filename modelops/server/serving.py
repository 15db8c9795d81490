"""Runs workers on a listening socket: one in this process, or several under a supervisor.

The socket is bound here, before anything else is started: a port in use is an error a person
reads, and with several workers the supervisor must own what it closes.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import Callable
from typing import cast

import msgspec
from msgspec.structs import replace

from modelops.resources.errors import ModelopsError, RefusedError
from modelops.resources.loopback import is_loopback
from modelops.resources.state import State
from modelops.server.keys import compile_keyring
from modelops.server.refresh import check_environment
from modelops.server.settings import ServerSettings
from modelops.server.supervisor import supervise
from modelops.store import open_store
from modelops.store.protocol import StoreLockedError, StoreUnreachableError

logger = logging.getLogger(__name__)

BACKLOG = 2048
"""Connections the kernel keeps while workers are busy; uvicorn's own default."""

PORT_MAX = 65_535

FILES_MAX = 65_536
"""Most open files asked for: some systems' hard limit is a billion, and tables are that long."""


def serve(
    settings: ServerSettings,
    on_ready: Callable[[str], None],
    listener: socket.socket | None = None,
) -> None:
    """Serve until a signal asks to stop; `on_ready` is called once, with the URL, when it answers.

    `listener` listens on the settings' host and port already, where that had to come first.
    ModelopsError (exit 1) when it cannot start, RefusedError (3) when it must not.
    """
    address = resolve(settings.host, settings.port)
    admin = resolve(*split_bind(settings.admin_bind)) if settings.admin_bind else None
    asyncio.run(_check(settings, address, admin))
    listeners = [listener or listen(address)]
    if admin is not None:
        listeners.append(listen(admin))
        settings = replace(settings, admin_port=listeners[1].getsockname()[1])
        logger.info("/api and /metrics are on %s alone", url_of(listeners[1]))
    raise_file_limit()
    url = url_of(listeners[0])
    if settings.workers > 1:
        supervise(settings, listeners, lambda: on_ready(url))
    else:
        from modelops.server.worker import run_worker  # which a supervisor has no use for

        run_worker(settings, listeners, lambda: on_ready(url))


def split_bind(bind: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, `[IPV6]:PORT` or `:PORT`; ModelopsError otherwise."""
    host, colon, port = bind.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal() and int(port) <= PORT_MAX):
        raise ModelopsError(f"{bind!r} is not HOST:PORT", "write for example 127.0.0.1:8401")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


class Address(msgspec.Struct, frozen=True):
    """Where to listen, looked up. `sockaddr` begins with the IP address."""

    family: socket.AddressFamily
    sockaddr: tuple[str, int] | tuple[str, int, int, int]


def resolve(host: str, port: int) -> Address:
    """Return the address of a host name or IP; ModelopsError when there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ModelopsError(f"{host!r} is not an address to listen on: {error.strerror}") from None
    family, _, _, _, sockaddr = found[0]
    return Address(family, cast("tuple[str, int]", sockaddr))


def listen(address: Address) -> socket.socket:
    """Return a listening socket; ModelopsError says why there is none."""
    listener = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address.sockaddr)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        host, port = address.sockaddr[:2]
        raise ModelopsError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            "another process may be serving there; choose another with --port (for `make up`:"
            " PORT=8500), or 0 for any",
        ) from None
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL under which this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # read, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def check_exposure(ip: str, admin_ip: str, state: State) -> None:
    """RefusedError when a server would listen beyond this machine for callers without keys."""
    keyring = compile_keyring(state)
    if not (is_loopback(ip) or keyring.agents):
        raise RefusedError(
            f"refused to listen on {ip}: no agent has a key, so anyone who reaches it could spend",
            "declare keys first (`modelops key new agent/NAME`), or serve on 127.0.0.1",
        )
    if not (is_loopback(admin_ip) or keyring.operators):
        raise RefusedError(
            f"refused to listen on {admin_ip} for /api: no operator has a key",
            "declare keys first (`modelops key new operator/NAME`), or bind to 127.0.0.1",
        )


def raise_file_limit() -> None:
    """Allow as many open files as the system lets this process have: a stream takes two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _check(settings: ServerSettings, address: Address, admin: Address | None) -> None:
    """Refuse what the store already shows to be wrong; one that does not answer refuses nothing."""
    store = open_store(settings.store_url)
    try:
        snapshot = await store.snapshot()
    except (StoreUnreachableError, StoreLockedError) as error:
        logger.warning("%s; nothing is served until it answers", error.message)
        return
    finally:
        await store.close()
    check_environment(snapshot.head, settings.environment)
    if snapshot.head.revision:
        admin_ip = admin.sockaddr[0] if admin else "127.0.0.1"
        check_exposure(address.sockaddr[0], admin_ip, snapshot.state)
