"""Every kind of store that has revisions: on databases, and behind a server over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from certificates import make_certificate
from store_kinds import RevisionStore, https_server

from modelops.store import open_for_commands, open_revisions, open_store


@pytest.fixture(params=["sqlite", "sqlite through the driver", "postgres", "https"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return what lies between the test and its database."""
    found: str = request.param
    return found


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest) -> str:
    """Return the URL of the database that the store stands on, an empty one."""
    database = "postgres" if kind == "postgres" else "sqlite"
    new_store: Callable[[], str] = request.getfixturevalue(f"new_{database}_store")
    return new_store()


@pytest.fixture
async def another(
    kind: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[], RevisionStore]]:
    """Return what opens the store, once more each time."""
    if kind == "https":
        certificate = make_certificate(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with https_server(place, certificate) as url:
            yield lambda: open_for_commands(url, {})
    else:
        opener = open_revisions if kind == "sqlite through the driver" else open_store
        yield lambda: opener(place)


@pytest.fixture
async def store(another: Callable[[], RevisionStore]) -> AsyncIterator[RevisionStore]:
    """Return the store."""
    opened = another()
    yield opened
    await opened.close()
