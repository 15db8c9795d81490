"""Following the store's head: what is new goes live, what fails changes nothing."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from doubles import FakeClock
from memory_store import MemoryStore
from server_support import ScriptedGateway, chain, make_runtime, provider, state

from modelops.server import live as live_module
from modelops.server.health import ready
from modelops.server.instance import announce
from modelops.server.refresh import refresh
from modelops.server.runtime import Runtime
from modelops.store import open_store
from modelops.store.protocol import StoreDamagedError, StoreMissingError


def revision(runtime: Runtime) -> int:
    return runtime.required().head.revision


async def test_a_new_revision_is_swapped_in_whole() -> None:
    store = MemoryStore(state())
    runtime = make_runtime(store)
    await refresh(runtime)
    first = runtime.live
    store.stand(state(chain("fast")))
    await refresh(runtime)
    assert revision(runtime) == 2
    assert "fast" in runtime.required().chains
    assert isinstance(runtime.gateway, ScriptedGateway)
    assert runtime.gateway.table is runtime.required().table
    assert first is not None
    assert "fast" not in first.chains


async def test_a_provider_without_its_key_is_told_when_the_revision_goes_live(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keyless = provider("openai", auth="bearer", api_key="env:MODELOPS_SECRET_THAT_NOBODY_SET")
    await refresh(make_runtime(MemoryStore(state(keyless))))
    (warning,) = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert warning.startswith("provider openai cannot be called: api_key: ")
    assert "MODELOPS_SECRET_THAT_NOBODY_SET" in warning


async def test_of_an_empty_store_no_revision_is_said_to_be_live(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "modelops.server.refresh")
    await refresh(make_runtime(MemoryStore()))
    assert caplog.messages == ["the store in memory does not exist: waiting for the first apply"]


async def test_a_store_that_the_first_apply_will_make_is_waited_for_without_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "modelops")
    store = MemoryStore()
    runtime = make_runtime(store)
    missing = AsyncMock(side_effect=StoreMissingError("the store does not exist"))
    with monkeypatch.context() as patched:
        patched.setattr(store, "put_instance", missing)
        await refresh(runtime)
        await announce(runtime)
    store.stand(state())
    await refresh(runtime)
    await announce(runtime)
    assert [line.levelname for line in caplog.records] == ["INFO", "INFO"]
    assert caplog.messages[1:] == ["revision 2 is live"]
    with monkeypatch.context() as patched:
        patched.setattr(store, "put_instance", missing)
        await announce(runtime)
    assert caplog.messages[2:] == ["the store cannot be written: the store does not exist"]


async def test_a_store_that_is_damaged_answers_and_its_revision_is_what_is_wrong(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore(state())
    runtime = make_runtime(store)
    damaged = AsyncMock(side_effect=StoreDamagedError("revision 1 is not what its digest says"))
    monkeypatch.setattr(store, "secrets", damaged)
    caplog.set_level("INFO", "modelops.server.refresh")
    for _ in range(3):
        await refresh(runtime)
    assert runtime.store_error == ""
    (told,) = caplog.messages
    assert told.endswith("revision 1 cannot be served: revision 1 is not what its digest says")


async def test_an_unchanged_head_is_not_compiled_again() -> None:
    runtime = make_runtime(MemoryStore(state()))
    await refresh(runtime)
    live = runtime.live
    await refresh(runtime)
    assert runtime.live is live


async def test_while_the_store_is_away_the_last_good_one_serves() -> None:
    store = MemoryStore(state())
    runtime = make_runtime(store)
    await refresh(runtime)
    store.away = "the database is locked"
    await refresh(runtime)
    assert revision(runtime) == 1
    readiness = ready(runtime)
    assert readiness.status == "degraded"
    assert readiness.problems == ("the database is locked",)
    store.away = ""
    store.stand(state(chain("fast")))
    await refresh(runtime)
    assert (revision(runtime), ready(runtime).status) == (2, "ready")


async def test_a_store_that_vanishes_is_not_an_empty_one() -> None:
    store = MemoryStore(state())
    runtime = make_runtime(store)
    await refresh(runtime)
    store.stand(None)
    await refresh(runtime)
    assert revision(runtime) == 1
    assert ready(runtime).problems == ("the store in memory is not there any more",)


async def test_the_password_of_a_store_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "modelops")
    url = "postgresql://ada:hunter2@db/books?password=hunter3"
    store = MemoryStore()
    store.place = open_store(url).place
    await refresh(make_runtime(store, store_url=url))
    assert "the store 'books' on db does not exist" in caplog.text

    store = MemoryStore(state())
    store.place = open_store(url).place
    runtime = make_runtime(store, store_url=url)
    await refresh(runtime)
    store.stand(None)
    await refresh(runtime)
    assert ready(runtime).problems == ("the store 'books' on db is not there any more",)
    assert "hunter" not in caplog.text


async def test_a_revision_that_does_not_compile_leaves_the_last_one() -> None:
    store = MemoryStore(state())
    runtime = make_runtime(store)
    await refresh(runtime)
    store.stand(state(chain("broken", "nobody/nothing")))
    await refresh(runtime)
    assert revision(runtime) == 1
    assert ready(runtime).status == "degraded"
    assert "revision 2 cannot be served" in ready(runtime).problems[0]
    store.stand(state())
    await refresh(runtime)
    assert (revision(runtime), runtime.revision_error) == (3, "")


async def test_a_bug_while_compiling_is_logged_and_survived(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object) -> None:
        raise LookupError("a bug")

    runtime = make_runtime(MemoryStore(state()))
    monkeypatch.setattr("modelops.server.refresh.compile_live", broken)
    await refresh(runtime)
    assert runtime.live is None
    assert "cannot be served" in runtime.nothing_served()
    assert "a bug" in caplog.text


async def test_a_failed_revision_is_tried_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock(0.0)
    runtime = make_runtime(MemoryStore(state(chain("broken", "nobody/nothing"))))
    monkeypatch.setattr(runtime, "clock", clock)
    tried = 0
    compile_live = live_module.compile_live

    def counting(*arguments: object) -> live_module.Live:
        nonlocal tried
        tried += 1
        return compile_live(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr("modelops.server.refresh.compile_live", counting)
    for clock.now in (0.0, 1.0, 9.0, 11.0, 12.0):
        await refresh(runtime)
    assert tried == 2


async def test_another_environments_store_is_not_served() -> None:
    store = MemoryStore()
    store.stand(state(), environment="staging")
    runtime = make_runtime(store, environment="production")
    await refresh(runtime)
    assert runtime.live is None
    assert "belongs to environment 'staging'" in runtime.nothing_served()


async def test_the_simulator_needs_no_secret() -> None:
    keyed = provider("openai", auth="bearer", api_key="env:MODELOPS_SECRET_ABSENT")
    runtime = make_runtime(MemoryStore(state(keyed)), simulator_url="http://127.0.0.1:9")
    await refresh(runtime)
    assert ready(runtime).status == "ready"


async def test_files_of_secrets_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELOPS_SECRETS_DIR", str(tmp_path))
    clock = FakeClock(0.0)
    keyed = provider("openai", auth="bearer", api_key="file:openai.key")
    runtime = make_runtime(MemoryStore(state(keyed)))
    monkeypatch.setattr(runtime, "clock", clock)
    await refresh(runtime)
    assert ready(runtime).status == "unavailable"
    secret = tmp_path / "openai.key"
    secret.write_text("sk-1\n")
    secret.chmod(0o600)
    clock.now = 5.0
    await refresh(runtime)
    assert ready(runtime).status == "unavailable"
    clock.now = 10.0
    await refresh(runtime)
    assert ready(runtime).status == "ready"
    before = runtime.live
    clock.now = 20.0
    await refresh(runtime)
    assert runtime.live is before
