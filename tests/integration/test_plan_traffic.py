"""A plan knows who is being called, and asks before that is deleted."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import row_samples as samples

from modelops.metering.attempt import Attempt
from modelops.operations.apply import apply
from modelops.operations.plan import Request, prepare
from modelops.operations.rollback import prepare_rollback
from modelops.plan.document import Check
from modelops.store import migrate, open_store

FIXTURE = Path(__file__).parents[1] / "fixtures" / "config" / "two-targets"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SPARE = "chain: spare\ntargets: [{{model: {model}}}]\n"


def attempt(chain: str, when: datetime) -> Attempt:
    return samples.attempt(
        started_at_us=int(when.timestamp() * 1_000_000), chain=chain, provider="p", model="m"
    )


async def refusals(tmp_path: Path, *attempts: Attempt, by_rollback: bool = False) -> list[Check]:
    """Apply a configuration with a spare chain, then plan to delete that chain.

    By changing the files, or by going back to a revision that did not have it.
    """
    folder = tmp_path / "config"
    shutil.copytree(FIXTURE, folder)
    text = next((folder / "chains.d").glob("*.yaml")).read_text()
    model = text.split("model: ")[1].split(",")[0].strip()
    spare = folder / "chains.d" / "spare.yaml"
    spare.write_text(SPARE.format(model=model))
    url = f"sqlite:///{tmp_path}/store.db"
    await migrate(url)
    store = open_store(url)
    request = Request(folder=folder, environment="", created_by="ada@laptop", now=NOW)
    try:
        if by_rollback:
            content = spare.read_text()
            spare.unlink()
            await apply(store, await prepare(store, request))
            spare.write_text(content)
        await apply(store, await prepare(store, request))
        await store.add_attempts(attempts)
        if by_rollback:
            return list((await prepare_rollback(store, 1, request)).plan.refusals)
        spare.unlink()
        return list((await prepare(store, request)).plan.refusals)
    finally:
        await store.close()


@pytest.mark.parametrize("by_rollback", [False, True])
async def test_a_chain_that_is_called_is_not_deleted_unasked(
    by_rollback: bool, tmp_path: Path
) -> None:
    recent = [attempt("spare", NOW - timedelta(hours=number)) for number in range(1, 4)]
    (refusal,) = await refusals(tmp_path, *recent, by_rollback=by_rollback)
    assert refusal.rule == "deletes-in-use"
    assert "3 calls in the last 24 hours" in refusal.message


async def test_calls_of_others_or_of_long_ago_are_no_reason(tmp_path: Path) -> None:
    old = attempt("spare", NOW - timedelta(hours=25))
    other = attempt("production", NOW - timedelta(hours=1))
    assert await refusals(tmp_path, old, other) == []
