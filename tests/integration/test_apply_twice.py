"""Applying twice changes nothing the second time: every fixture, and folders made by hypothesis."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from plan_declarations import Folder, folders, write

from modelops.config import load_configuration
from modelops.operations.apply import apply
from modelops.operations.plan import Request, plan, prepare
from modelops.operations.rollback import prepare_rollback
from modelops.plan.caller_keys import consent_to_keys
from modelops.plan.document import Plan
from modelops.secrets.demo import DEMO_RECIPIENT
from modelops.store import open_store
from modelops.store.protocol import Snapshot

ROOT = Path(__file__).parents[2]
FIXTURES = [
    path.parent
    for folder in ("tests/fixtures/config", "examples", ".")
    for path in sorted(
        (ROOT / folder).glob("modelops.yaml" if folder == "." else "*/modelops.yaml")
    )
]
NOW = datetime(2026, 11, 21, tzinfo=UTC)


ENVIRON = {"SOPS_AGE_KEY_FILE": str(ROOT / "tests" / "fixtures" / "identity.txt")}


def request(folder: Path, url: str, confirmed: frozenset[str] = frozenset()) -> Request:
    """Ask for a plan; the state directory is beside the store.

    What is encrypted to the published demo identity can only be applied behind a simulator.
    """
    texts = (path.read_text(encoding="utf-8") for path in folder.glob("providers.d/*.yaml"))
    return Request(
        folder=folder,
        environment="",
        created_by="ada@laptop",
        now=NOW,
        confirmed=confirmed,
        state_directory=Path(url.removeprefix("sqlite:///")).parent,
        simulated=any(DEMO_RECIPIENT in text for text in texts),
    )


async def applied(url: str, folder: Path) -> tuple[Plan, Snapshot]:
    """Apply a folder and return the plan and what the store holds after it."""
    store = open_store(url)
    try:
        everything = frozenset((await store.snapshot()).state)
        prepared = await prepare(store, request(folder, url, everything), ENVIRON)
        await apply(store, prepared, environ=ENVIRON)
        return prepared.plan, await store.snapshot()
    finally:
        await store.close()


async def planned_twice(url: str, folder: Path) -> tuple[Plan, Plan]:
    """Return the plan from an equal digest, and the one from comparing everything."""
    store = open_store(url)
    try:
        asked = request(folder, url)
        quick = await plan(store, asked, ENVIRON)
        return quick, (await prepare(store, asked, ENVIRON)).plan
    finally:
        await store.close()


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda path: path.name)
async def test_a_second_apply_finds_nothing(
    folder: Path, new_sqlite_store: Callable[[], str]
) -> None:
    url = new_sqlite_store()
    first, snapshot = await applied(url, folder)
    assert first.summary.create == len(first.changes) == len(snapshot.state)
    assert snapshot.state == load_configuration(folder).state
    quick, full = await planned_twice(url, folder)
    assert quick.empty
    assert full.empty
    again, after = await applied(url, folder)
    assert again.empty
    assert after.head == snapshot.head
    assert after.head.revision == 1


@settings(max_examples=20)
@given(one=folders(), other=folders())
def test_any_folder_leads_from_any_other_to_what_it_declares(
    one: Folder, other: Folder, new_sqlite_store: Callable[[], str]
) -> None:
    async def journey(place: Path) -> None:
        url = new_sqlite_store()
        _, first = await applied(url, write(place / "one", _unprotected(one)))
        folder = write(place / "other", other)
        _, snapshot = await applied(url, folder)
        assert snapshot.state == load_configuration(folder).state
        quick, full = await planned_twice(url, folder)
        assert quick.empty
        assert full.empty
        if snapshot.head.revision == 2:
            await _rolled_back(url, folder, first)

    with tempfile.TemporaryDirectory() as place:
        asyncio.run(journey(Path(place)))


async def _rolled_back(url: str, folder: Path, first: Snapshot) -> None:
    """Roll back to the first revision; only what is protected may stand in the way."""
    store = open_store(url)
    try:
        present = (await store.snapshot()).state
        keys = {consent_to_keys(resource) for resource in (*first.state, *present)}
        asked = request(folder, url, frozenset(present) | keys)
        prepared = await prepare_rollback(store, 1, asked)
        if prepared.plan.refusals:
            assert {check.rule for check in prepared.plan.refusals} == {"protected"}
            return
        await apply(store, prepared, environ=ENVIRON)
        restored = await store.snapshot()
        assert restored.state == first.state
        assert restored.head.digest == first.head.digest
        assert restored.head.config_digest == first.head.config_digest
    finally:
        await store.close()


def _unprotected(files: Folder) -> Folder:
    """Return the folder without protection, which would refuse the way to another one."""
    for content in files.values():
        content.pop("protected", None)
        for model in content.get("models", ()):
            model.pop("protected", None)
    return files
