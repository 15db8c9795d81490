"""What a server checks of a revision that a client sends it: the seals; the rest is in e2e."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from resource_samples import provider, settings
from row_samples import info, sealed

from modelops.operations.apply_remote import apply_remote
from modelops.plan.caller_keys import consent_to_keys
from modelops.resources.errors import RefusedError
from modelops.resources.resolved import Key, Operator, Provider
from modelops.resources.state import by_address
from modelops.secrets import server_identity
from modelops.secrets.identities import Identity
from modelops.secrets.seal import seal
from modelops.secrets.sealed import SealedSecret
from modelops.secrets.sealing import binding
from modelops.secrets.secret import Secret
from modelops.store import migrate, open_store
from modelops.store.protocol import Changes, RevisionKind, StoreMismatchError
from modelops.store.remote import ApplyRequest

KEY = "sk-canary-0123456789abcdef"

SETTINGS = settings()
PROVIDER = provider("openai", base_url="https://api.openai.com/v1")
INFO = info(environment="prod")


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return server_identity.create(tmp_path, {})[1]


def row(recipient: str, provider: Provider = PROVIDER) -> SealedSecret:
    """Seal a key as a client does."""
    state = by_address([SETTINGS, provider])
    bound = binding("acme", "prod", state, "provider/openai", "api_key")
    return sealed(origin=bound.origin, blob=seal(Secret(KEY), bound, [recipient]))


async def send(
    url: str,
    folder: Path,
    *rows: SealedSecret,
    simulated: bool = False,
    kind: RevisionKind = "apply",
    environment: str = "",
    consent: tuple[str, ...] = (),
) -> int:
    """Apply a provider with these rows; return the revision that stands then."""
    store = open_store(url)
    try:
        await apply_remote(
            store,
            ApplyRequest(
                base=await store.head(),
                changes=Changes(put=(SETTINGS, PROVIDER), secrets=rows, consent=consent),
                info=replace(INFO, kind=kind),
            ),
            "ci",
            1,
            environment=environment,
            identity_file=None if simulated else folder / server_identity.FILE_NAME,
        )
        assert list(await store.secrets()) == list(rows)
    finally:
        revision = (await store.head()).revision
        await store.close()
    return revision


async def test_a_seal_that_opens_here_is_taken(
    new_sqlite_store: Callable[[], str], tmp_path: Path, identity: Identity
) -> None:
    assert await send(new_sqlite_store(), tmp_path, row(identity.recipient)) == 1


async def test_a_seal_for_another_server_or_another_host_is_refused(
    new_sqlite_store: Callable[[], str], tmp_path: Path, identity: Identity
) -> None:
    (tmp_path / "other").mkdir()
    other = server_identity.create(tmp_path / "other", {})[1]
    elsewhere = replace(PROVIDER, base_url="https://evil.example/v1")
    url = new_sqlite_store()
    for wrong in (row(other.recipient), row(identity.recipient, elsewhere)):
        with pytest.raises(RefusedError, match="api_key of provider/openai does not open") as said:
            await send(url, tmp_path, wrong)
        assert said.value.hint
        assert "canary" not in f"{said.value.message} {said.value.hint}"
    assert await send(url, tmp_path) == 1, "nothing had been written"


async def test_an_empty_store_is_bound_to_no_environment_but_its_servers(
    new_sqlite_store: Callable[[], str], tmp_path: Path, identity: Identity
) -> None:
    url = new_sqlite_store()
    for other in ("dev", "production"):
        with pytest.raises(StoreMismatchError, match="environment prod"):
            await send(url, tmp_path, environment=other)
    assert await send(url, tmp_path, environment="prod") == 1, "nothing had been written"


async def test_the_last_deployer_is_taken_away_by_name_only(
    new_sqlite_store: Callable[[], str], tmp_path: Path, identity: Identity
) -> None:
    key = Key(name="k1", sha256="0" * 64, expires="")
    deployer = Operator(operator="ci", role="deployer", keys=(key,))
    url = new_sqlite_store()
    await migrate(url)
    store = open_store(url)
    before = Changes(put=(replace(SETTINGS, operators=(deployer,)), PROVIDER))
    await store.commit(await store.head(), before, INFO)
    await store.close()
    with pytest.raises(RefusedError, match="no deployer would have a key that works"):
        await send(url, tmp_path)
    assert await send(url, tmp_path, consent=(consent_to_keys("operator/ci"),)) == 2


async def test_behind_a_simulator_no_seal_is_opened(
    new_sqlite_store: Callable[[], str], tmp_path: Path
) -> None:
    other = server_identity.create(tmp_path, {})[1]
    store = new_sqlite_store()
    assert await send(store, tmp_path / "none", row(other.recipient), simulated=True) == 1


async def test_a_rollback_leaves_a_key_that_opens_no_more_behind_by_name_only(
    new_sqlite_store: Callable[[], str], tmp_path: Path, identity: Identity
) -> None:
    elsewhere = row(identity.recipient, replace(PROVIDER, base_url="https://old.example/v1"))
    url = new_sqlite_store()
    with pytest.raises(
        RefusedError, match=r"the newest key is sealed for https://old\.example:443"
    ):
        await send(url, tmp_path, elsewhere, kind="rollback")
    consent = (consent_to_keys("provider/openai"),)
    assert await send(url, tmp_path, elsewhere, kind="rollback", consent=consent) == 1


@pytest.mark.parametrize("to", ["openai-eu", "nowhere"])
async def test_a_move_is_taken_for_one_where_it_happens(
    new_sqlite_store: Callable[[], str], to: str
) -> None:
    """Claimed of what only goes, it does not lift the protection of what is deleted."""
    store = open_store(new_sqlite_store())
    old, new = replace(PROVIDER, protected=True), provider("openai-eu", base_url=PROVIDER.base_url)
    await store.commit(await store.head(), Changes(put=(SETTINGS, old)), INFO)
    moved = {f"provider/{to}": "provider/openai", "chain/x": "junk"}
    changes = Changes(put=(new,), delete=("provider/openai",), moved=moved)
    sent = ApplyRequest(base=await store.head(), changes=changes, info=INFO)
    try:
        if to == "nowhere":
            with pytest.raises(RefusedError, match="provider/openai is protected"):
                await apply_remote(store, sent, "ci", 1, environment="prod", identity_file=None)
        else:
            made = await apply_remote(store, sent, "ci", 1, environment="prod", identity_file=None)
            assert made.notes.moved == {"provider/openai-eu": "provider/openai"}
    finally:
        await store.close()


async def test_a_row_of_what_is_deleted_is_not_opened(
    new_sqlite_store: Callable[[], str], tmp_path: Path, identity: Identity
) -> None:
    deleted = replace(row(identity.recipient), blob="ms1.x.y", deleted_at=2)
    assert await send(new_sqlite_store(), tmp_path, deleted) == 1
