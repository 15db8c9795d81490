"""`--wait`: hold the command until what it applied is live."""

from __future__ import annotations

import asyncio

import click

from modelops.operations.wait import NotLiveError, wait_until_live
from modelops.resources.times import now_us
from modelops.store import open_for_commands
from modelops.store.protocol import StoreError


def wait(url: str, revision: int) -> None:
    """Say on how many workers a revision is live; NotLiveError (exit 6) unless on all.

    Also when the store cannot be asked: what was applied may be that this caller's key is gone.
    """
    try:
        live = asyncio.run(_wait(url, revision))
    except StoreError as error:
        raise NotLiveError(
            f"revision {revision} is applied; whether it is live could not be asked: "
            f"{error.message}",
            error.hint,
        ) from error
    click.echo(live, err=True)


async def _wait(url: str, revision: int) -> str:
    store = open_for_commands(url)
    try:
        seen = await wait_until_live(store, revision, unix_us=now_us, sleep=asyncio.sleep)
    finally:
        await store.close()
    return str(seen)
