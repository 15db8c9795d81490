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

from modelops.resources.errors import ModelopsError, RefusedError
from modelops.server.access import is_loopback
from modelops.server.keys import compile_keyring
from modelops.server.refresh import check_environment
from modelops.server.settings import ServerSettings
from modelops.server.supervisor import supervise
from modelops.server.worker import run_worker
from modelops.store import open_store
from modelops.store.protocol import Snapshot, StoreError

logger = logging.getLogger(__name__)

BACKLOG = 2048
"""Connections the kernel keeps while workers are busy; uvicorn's own default."""

FILES_MAX = 65_536
"""Most open files asked for: some systems' hard limit is a billion, and tables are that long."""


def serve(settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called once, with the URL, when it answers.

    ModelopsError (exit 1) when it cannot start, RefusedError (3) when it must not.
    """
    asyncio.run(_check(settings))
    listener = bind(settings.host, settings.port)
    raise_file_limit()
    url = url_of(listener)
    if settings.workers > 1:
        supervise(settings, listener, lambda: on_ready(url))
    else:
        run_worker(settings, listener, lambda: on_ready(url))


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; ModelopsError says why there is none."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind)
    except OSError as error:
        raise ModelopsError(f"{host!r} is not an address to listen on: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ModelopsError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            "another process may be serving there; choose another with --port, or 0 for any",
        ) from None
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL under which this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # read, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def check_exposure(host: str, snapshot: Snapshot) -> None:
    """RefusedError when a server without agents' keys would listen beyond this machine."""
    if is_loopback(host) or compile_keyring(snapshot.state).agents:
        return
    raise RefusedError(
        f"refused to listen on {host}: no agent has a key, so anyone who reaches it could spend",
        "declare keys first (`modelops key new agent/NAME`), or serve on 127.0.0.1",
    )


def raise_file_limit() -> None:
    """Allow as many open files as the system lets this process have: a stream takes two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _check(settings: ServerSettings) -> None:
    """Refuse what the store's head already shows to be wrong; a store that is away is not."""
    store = open_store(settings.store_url)
    try:
        snapshot = await store.snapshot()
    except StoreError as error:
        logger.warning("%s; serving nothing until it answers", error.message)
        return
    finally:
        await store.close()
    check_environment(snapshot.head, settings.environment)
    check_exposure(settings.host, snapshot)
