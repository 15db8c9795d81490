"""What every kind of store has, and a server over TLS before one of them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from uvicorn.server import ServerState

from modelops.server.lifecycle import build
from modelops.server.protocol import BoundedProtocol
from modelops.server.refresh import refresh
from modelops.server.settings import ServerSettings
from modelops.server.worker import uvicorn_config
from modelops.store.books import SumsStore
from modelops.store.protocol import ConfigStore


class RevisionStore(ConfigStore, SumsStore, Protocol):
    """What commands need of a store, whichever it is."""


@contextlib.asynccontextmanager
async def https_server(place: str, certificate: Path) -> AsyncIterator[str]:
    """Serve a store on a free port, over TLS as behind a proxy that ends it.

    Behind a simulator, where the server opens no seal: those of these tests are none.
    """
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    runtime = build(
        ServerSettings(
            store_url=place,
            state_directory=str(certificate.parent),
            simulator_url="http://127.0.0.1:9",
        )
    )
    await refresh(runtime)
    config, connections = uvicorn_config(runtime), ServerState()
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedProtocol(config, connections, {}), "127.0.0.1", 0, ssl=tls
    )
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for connection in list(connections.connections):
            connection.transport.abort()
        await runtime.gateway.close()
        await runtime.store.close()
