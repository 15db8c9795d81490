"""What the rest of the program asks of a store, and the data that crosses.

`ConfigStore` holds revisions (a database, or a running server's API), `AttemptStore` the books,
`OperationsStore` what workers say of themselves; what reports ask is in `books.py`. A revision is
numbered, immutable and complete; revision 0 is the empty one that a store is born with, so the
first apply has a base to compare like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from modelops.metering.attempt import Attempt
from modelops.resources.errors import ExitCode, ModelopsError, RefusedError, StaleError
from modelops.resources.resolved import Resource
from modelops.resources.state import State
from modelops.secrets.sealed import SealedSecret, SecretNote

RevisionKind = Literal["apply", "rollback"]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Which revision a store stands at; `config` and `environment` '' before the first apply."""

    store_id: str
    config: str
    environment: str
    revision: int
    digest: str
    config_digest: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of a store, whole."""

    head: Head
    state: State


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What a new revision changes against its base: resources to put, addresses to delete.

    `moved` maps addresses of those put to addresses of those deleted, which they go on from.
    `secrets` are rows to write with it, each replacing the one of its place; they belong to the
    store and not to the revision, so a rollback keeps the newest. `consent` are the addresses whose
    deletion was agreed to: a server that is asked to commit applies the safety rules itself.
    """

    put: tuple[Resource, ...] = ()
    delete: tuple[str, ...] = ()
    moved: dict[str, str] = {}
    secrets: tuple[SealedSecret, ...] = ()
    consent: tuple[str, ...] = ()


class CommitInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who and what stands behind a new revision. `created_at_us` is Unix time in microseconds.

    `counts` says how many resources it created, updated and deleted.
    """

    kind: RevisionKind
    config: str
    environment: str
    config_digest: str
    created_at_us: int
    created_by: str
    git_commit: str
    message: str
    tool_version: str
    catalog: str
    counts: dict[str, int]


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What the states before and after a revision do not tell of it, noted as it is made.

    `moved` maps new addresses to old ones, `secrets` says by address and field what became of each
    secret that was written.
    """

    moved: dict[str, str] = {}
    secrets: dict[str, dict[str, SecretNote]] = {}


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a store's history."""

    revision: int
    base: int
    digest: str
    info: CommitInfo
    notes: Notes = msgspec.field(default_factory=Notes)


class ConfigStore(Protocol):
    """The half of a store that holds revisions."""

    async def head(self) -> Head:
        """Return where the store stands: one row, cheap enough to poll."""
        ...

    async def snapshot(self, revision: int | None = None) -> Snapshot:
        """Return a revision whole, the head's by default; ModelopsError when there is none."""
        ...

    async def commit(self, base: Head, changes: Changes, info: CommitInfo) -> Revision:
        """Make a new revision, all or nothing; StaleError unless the store stands at `base`.

        Without changes the base stands, and only the `config_digest` of the files is kept with it.
        """
        ...

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        """Return the newest revisions first, those below `before` when it is given."""
        ...

    async def secrets(self) -> Sequence[SealedSecret]:
        """Return every sealed secret the store keeps, those of deleted resources included."""
        ...

    async def close(self) -> None:
        """Give back every connection."""
        ...


class AttemptStore(Protocol):
    """The half of a store that holds the books."""

    async def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Keep these rows, each once: an attempt_id that is there already is passed over."""
        ...


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """One server worker as it last said of itself; `report` is JSON of the server's own making.

    `error` says why it does not serve the head, '' when it does. Times are Unix microseconds;
    `seen_at_us` is 0 once it has ended, and what it counted is still to be added up.
    """

    instance: str
    host: str
    pid: int
    started_at_us: int
    seen_at_us: int
    revision: int
    error: str
    report: str


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """The last connection test of a provider; `report` is JSON of the probe's own making."""

    provider: str
    status: str
    tested_at_us: int
    report: str


class OperationsStore(Protocol):
    """What workers tell each other and operators: instances, and connection tests."""

    async def put_instance(self, instance: Instance) -> None:
        """Write a worker's row."""
        ...

    async def merge_instances(self, gone: Sequence[str], into: Instance) -> None:
        """Write a row in place of others, all or nothing; StoreStaleError when one is not there."""
        ...

    async def instances(self) -> Sequence[Instance]:
        """Return every worker's row, the one seen last first."""
        ...

    async def put_probe_result(self, result: ProbeResult) -> None:
        """Write the result of a provider's connection test over the one before."""
        ...

    async def probe_results(self) -> Sequence[ProbeResult]:
        """Return the last result of every provider that was tested, by name."""
        ...


class OperatedStore(ConfigStore, OperationsStore, Protocol):
    """Revisions, and how the servers and providers of one do."""


class StoreError(ModelopsError):
    """The store cannot be used; its subclasses say why."""


class StoreMissingError(StoreError):
    """There is no store to write to, or to read from where an empty one would not do."""


class StoreUnreachableError(StoreError):
    """The file cannot be opened, or the database server does not answer."""


class NotAStoreError(StoreError):
    """The file or database holds something else."""


class StoreDamagedError(StoreError):
    """What the store holds does not agree with its own digests, or cannot be read."""


class StoreReadOnlyError(StoreError):
    """The store can be read but not written."""


class StoreFullError(StoreError):
    """The disk under the store is full."""


class StoreRefusedError(StoreError):
    """The store is well and does not take what a row holds: no column fits it."""


class StoreLockedError(StoreError):
    """Another process holds the store longer than the wait (exit 5)."""

    exit_code = ExitCode.LOCKED


class StoreNewerError(StoreError):
    """The store was written by a newer modelops."""


class StoreOlderError(StoreError):
    """The store was written by an older modelops and is not migrated yet."""


class StoreMismatchError(RefusedError):
    """The store belongs to another configuration or environment (exit 3)."""


class StoreStaleError(StaleError):
    """The store no longer stands at the base of a commit (exit 4)."""
