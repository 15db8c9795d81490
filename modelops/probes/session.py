"""Questions to one provider: each on a connection of its own, the first on one already open."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any
from urllib.parse import urlsplit

from modelops.probes import classify, connection, http, requests
from modelops.probes.report import ProbeError
from modelops.resources.resolved import Provider
from modelops.secrets.secret import Secret

ANSWER_TIMEOUT = 20.0
"""Seconds for one answer; model lists take most providers under one."""


class Session:
    """A provider, the key that opens it, and at most one connection that waits for a question."""

    def __init__(self, provider: Provider, secret: Secret | None, tls: ssl.SSLContext) -> None:
        self.place = connection.endpoint(provider.base_url)
        self.tls = tls
        self._secret = secret
        self._host = urlsplit(provider.base_url).netloc
        self._headers = requests.headers(provider, secret)
        self._waiting: connection.Streams | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port of the provider: all that is reported of its address."""
        return f"{'https' if self.place.tls else 'http'}://{self.place.host}:{self.place.port}"

    def keep(self, streams: connection.Streams) -> None:
        """Take an open connection for the next question."""
        self._waiting = streams

    async def ask(self, target: str) -> Any:
        """Return the JSON that a GET is answered with; ProbeError says what went wrong."""
        streams, self._waiting = self._waiting or await self._connect(), None
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                answer = await http.get(
                    *streams, host=self._host, target=target, headers=self._headers
                )
        except TimeoutError as error:
            raise ProbeError("answer_timeout") from error
        finally:
            connection.close(streams)
        return classify.check(answer, self._secret)

    def close(self) -> None:
        """Let go of a connection that no question came for."""
        if self._waiting is not None:
            connection.close(self._waiting)
            self._waiting = None

    async def _connect(self) -> connection.Streams:
        streams = await connection.connect(self.place, await connection.resolve(self.place))
        if self.place.tls:
            await connection.encrypt(self.place, streams, self.tls)
        return streams
