"""A store behind a running server: how a CI job applies with nothing but a URL and a key.

The same protocol over `/api/state` and `/api/apply`. The server compares the base, applies its own
safety rules and commits; what is encrypted was sealed here, to the server's recipients, so no
secret travels in clear. The standard library's client is enough: a command makes a few requests.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from modelops.resources import cursors
from modelops.resources.errors import ExitCode, RefusedError
from modelops.resources.loopback import is_loopback
from modelops.resources.resolved import Resource
from modelops.resources.state import by_address
from modelops.secrets.sealed import SealedSecret
from modelops.secrets.secret import Secret
from modelops.store.books import Selection, UsageGroup
from modelops.store.protocol import (
    Changes,
    CommitInfo,
    Head,
    Instance,
    Revision,
    Snapshot,
    StoreError,
    StoreLockedError,
    StoreStaleError,
    StoreUnreachableError,
)
from modelops.store.sums import Sums, packed

Answer = TypeVar("Answer")

TIMEOUT_S = 30.0
ANSWER_MAX = 128 * 1024 * 1024
"""Bytes of an answer: a state of 12,000 resources has about 10 MB, books.MAX_GROUPS groups 80."""


class StateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /api/state` answers; `resources` and `secrets` are empty without content.

    The head of an empty store names the environment that its server was started for, if any.
    `simulated`, which is told without content, says that it is the store of `up --simulate`.
    """

    head: Head
    instances: tuple[Instance, ...]
    simulated: bool = False
    resources: tuple[Resource, ...] = ()
    secrets: tuple[SealedSecret, ...] = ()


class SentGroup(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A UsageGroup as `POST /api/state/usage` answers it, its sums by name."""

    key: tuple[str, ...]
    start_us: int | None
    sums: Sums


class ApplyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What `POST /api/apply` takes: the arguments of `ConfigStore.commit`."""

    base: Head
    changes: Changes
    info: CommitInfo


class _Problem(msgspec.Struct, frozen=True):
    detail: str = ""
    hint: str = ""
    exit_code: int = 1


class _Revisions(msgspec.Struct, frozen=True):
    items: list[Revision]


class RemoteStore:
    """The part of a store that commands use, at the server of a URL."""

    def __init__(self, url: str, key: Secret | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise StoreError(f"{url!r} is not the URL of a server")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise StoreError(
                f"{url} is not encrypted, and a key would be sent to it", "use https://"
            )
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._prefix = parts.path.rstrip("/")
        self._netloc = parts.netloc
        self._key = key

    async def head(self) -> Head:
        """Return where the store stands."""
        return (await self._state(content=False)).head

    async def snapshot(self, revision: int | None = None) -> Snapshot:
        """Return a revision whole, the head's by default."""
        found = await self._state(content=True, revision=revision)
        return Snapshot(head=found.head, state=by_address(found.resources))

    async def simulated(self) -> bool:
        """Return whether it is the store of `up --simulate`, which keeps no secrets."""
        return (await self._state(content=False)).simulated

    async def secrets(self) -> Sequence[SealedSecret]:
        """Return every sealed secret the store keeps."""
        return (await self._state(content=True)).secrets

    async def instances(self) -> Sequence[Instance]:
        """Return the row of every worker that runs."""
        return (await self._state(content=False)).instances

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        """Return the newest revisions first, those below `before` when it is given."""
        found: list[Revision] = []
        while len(found) < limit:
            query = {"limit": str(min(1000, limit - len(found)))}
            if before is not None:
                query["cursor"] = cursors.encode(str(before))
            page = await self.ask("GET", f"/api/revisions?{urlencode(query)}", None, _Revisions)
            found += page.items
            if not page.items:
                break
            before = page.items[-1].revision
        return found

    async def commit(self, base: Head, changes: Changes, info: CommitInfo) -> Revision:
        """Make a new revision, all or nothing; StaleError unless the store stands at `base`."""
        sent = ApplyRequest(base=base, changes=changes, info=info)
        return await self.ask("POST", "/api/apply", sent, Revision)

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        """Return the sums of every group that has a row."""
        found = await self.ask("POST", "/api/state/usage", selection, list[SentGroup])
        return [
            UsageGroup(key=group.key, start_us=group.start_us, packed=packed(group.sums))
            for group in found
        ]

    async def close(self) -> None:
        """Give back nothing: every request has a connection of its own."""

    async def _state(self, *, content: bool, revision: int | None = None) -> StateAnswer:
        query = {"content": "true" if content else "false"}
        if revision is not None:
            query["revision"] = str(revision)
        return await self.ask("GET", f"/api/state?{urlencode(query)}", None, StateAnswer)

    async def ask(self, method: str, path: str, body: Any, kind: type[Answer]) -> Answer:
        """Return the server's answer to a request; the error it tells of when there is none."""
        content = None if body is None else msgspec.json.encode(body)
        try:
            status, answer = await asyncio.to_thread(self._exchange, method, path, content)
        except (OSError, http.client.HTTPException) as error:
            raise StoreUnreachableError(
                f"{self._url} does not answer: {error}", _unreached(error)
            ) from error
        try:
            if status < 400:
                return msgspec.json.decode(answer, type=kind)
            problem = msgspec.json.decode(answer, type=_Problem)
        except msgspec.MsgspecError:
            raise StoreError(
                f"{self._url}{path} answered {status}, but not as modelops does"
            ) from None
        raise _error(status, problem, self._url)

    def _exchange(self, method: str, path: str, content: bytes | None) -> tuple[int, bytes]:
        connection = (
            http.client.HTTPSConnection(self._netloc, timeout=TIMEOUT_S, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._netloc, timeout=TIMEOUT_S)
        )
        headers = {"content-type": "application/json"} if content is not None else {}
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key.reveal()}"
        try:
            connection.request(method, self._prefix + path, content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(ANSWER_MAX)
        finally:
            connection.close()


def _unreached(error: Exception) -> str:
    """Return what to do about a server that does not answer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "if its authority is a private one, name that one's certificate in SSL_CERT_FILE"
    return "is the server running there?"


def _error(status: int, problem: _Problem, url: str) -> Exception:
    """Return the error a local store would have raised."""
    message = f"{url}: {problem.detail or status}"
    if problem.exit_code == ExitCode.STALE:
        return StoreStaleError(message, problem.hint)
    if problem.exit_code == ExitCode.REFUSED:
        return RefusedError(message, problem.hint)
    if problem.exit_code == ExitCode.LOCKED:
        return StoreLockedError(message, problem.hint)
    return StoreError(message, problem.hint)
