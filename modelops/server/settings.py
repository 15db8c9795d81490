"""How a server is started: what every one of its workers is told."""

from __future__ import annotations

import msgspec

from modelops.server.logs import LogFormat

GRACE_S = 30
"""Seconds that running requests get to finish after SIGTERM: Kubernetes' default patience."""

SILENCE_S = 30.0
"""Seconds after which a worker whose event loop does not turn ends."""

READY = b"ready"
"""What a worker says to the supervisor once it answers requests."""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one `modelops serve`. It reaches workers as JSON through a pipe.

    `store_url` may hold a password: it is never an argument of a process, and messages name a
    store by its `place`. `environment` is the one the store must belong to. `simulator_url` ''
    means real providers. `port` 0 takes any free one. `admin_bind` is HOST:PORT, '' when `/api`
    and `/metrics` are answered beside `/v1`; `admin_port` is the port it got, 0 without.
    `state_directory` is where the identity of a local server lies, and its journals where the
    store is no file. A worker that `waits` takes no request before it has a revision: it replaces
    one while others serve.
    """

    store_url: str
    state_directory: str
    environment: str = ""
    host: str = "127.0.0.1"
    port: int = 8400
    admin_bind: str = ""
    admin_port: int = 0
    workers: int = 1
    simulator_url: str = ""
    grace_s: int = GRACE_S
    silence_s: float = SILENCE_S
    log_format: LogFormat = "text"
    waits: bool = False
