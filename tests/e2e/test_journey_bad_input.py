"""What a user gets wrong: a clear error, the documented exit code, an untouched store."""

from __future__ import annotations

import ctypes
import http.client
import json
import shutil
import socket
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from e2e_programs import Running, request, run
from in_process import call

from modelops.store import migrate

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1

EVERYWHERE = "0.0.0.0"  # noqa: S104  # the refusal of it is tested

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def applied(module_configuration: Path) -> Path:
    """Return a folder applied to its store.db once, and plan.json for a change made since."""
    where = ("-C", module_configuration, "--store", url(module_configuration / "store.db"))
    made = call("apply", *where, "--yes")
    assert made.returncode == 0, made.stderr
    provider = module_configuration / "providers.d" / "openai.yaml"
    provider.write_text("provider: openai\nmodels: [{model: gpt-4o}, {model: gpt-4.1}]\n")
    planned = call("plan", *where, "--out", module_configuration / "plan.json")
    assert planned.returncode == 0, planned.stderr
    return module_configuration


@pytest.fixture
def configuration(applied: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder."""
    return shutil.copytree(applied, tmp_path / "configuration")


@pytest.fixture
def store(configuration: Path) -> Path:
    """Return the store of the configuration."""
    return configuration / "store.db"


@pytest.fixture
def plan(configuration: Path) -> Path:
    """Return the file of a plan that would change the store."""
    return configuration / "plan.json"


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def content(path: Path) -> list[str]:
    """Return everything a store holds."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def refused(code: int, *arguments: str | Path, says: str, **options: Any) -> None:
    """Run a command that must end with this code and say this, without a traceback."""
    ended = call(*arguments, **options)
    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_a_folder_that_is_not_there_or_empty(command: str, tmp_path: Path) -> None:
    options = () if command == "validate" else ("--store", url(tmp_path / "s.db"))
    (tmp_path / "empty").mkdir()
    missing = tmp_path / "missing"
    refused(1, command, "-C", missing, *options, says="there is no folder")
    refused(1, command, "-C", tmp_path / "empty", *options, says="holds no configuration")
    assert not (tmp_path / "s.db").exists()


def test_a_store_of_a_newer_version(configuration: Path, store: Path) -> None:
    with closing(sqlite3.connect(store)) as database:
        database.execute("UPDATE alembic_version SET version_num = 'ffff'")
        database.commit()
    before = content(store)
    where = ("-C", configuration, "--store", url(store))
    for command in (("plan",), ("apply", "--yes"), ("serve", "--port", "0")):
        refused(1, *command, *where, says="newer modelops")
    assert content(store) == before


def test_a_plan_of_another_store(configuration: Path, store: Path, plan: Path) -> None:
    other = configuration / "other.db"
    where = ("-C", configuration, "--store", url(other), "--yes")
    refused(3, "apply", plan, *where, says="the plan is for store")
    assert not other.exists()
    twin = configuration / "twin.db"
    applied = call("apply", "-C", configuration, "--store", url(twin), "--yes")
    assert applied.returncode == 0
    before = content(twin)
    where = ("-C", configuration, "--store", url(twin), "--yes")
    refused(3, "apply", plan, *where, says="the plan is for store")
    assert content(twin) == before


@pytest.mark.parametrize("damage", ["edited", "truncated", "empty", "binary", "missing"])
def test_a_plan_that_is_damaged(configuration: Path, store: Path, plan: Path, damage: str) -> None:
    text = plan.read_text()
    match damage:
        case "edited":
            plan.write_text(text.replace("gpt-4.1", "gpt-4.5"))
        case "truncated":
            plan.write_text(text[: len(text) // 2])
        case "empty":
            plan.write_text("")
        case "binary":
            plan.write_bytes(b"\x00\xff\xfe" * 100)
        case _:
            plan.unlink()
    before = content(store)
    where = ("-C", configuration, "--store", url(store), "--yes")
    refused(1, "apply", plan, *where, says="plan.json")
    assert content(store) == before


def test_a_plan_whose_folder_or_store_moved_on(
    configuration: Path, store: Path, plan: Path
) -> None:
    where = ("-C", configuration, "--store", url(store), "--yes")
    before = content(store)
    chain = configuration / "chains.d" / "main.yaml"
    text = chain.read_text()
    chain.write_text(text.replace("max_retries: 1", "max_retries: 2"))
    refused(4, "apply", plan, *where, says="")
    assert content(store) == before
    chain.write_text(text)
    assert call("apply", plan, *where).returncode == 0
    before = content(store)
    refused(4, "apply", plan, *where, says="")
    assert content(store) == before


def test_a_store_that_is_locked(
    configuration: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelops.cli.execution.migrate", partial(migrate, lock_wait_s=0.1))
    before = content(store)
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        where = ("-C", configuration, "--store", url(store), "--yes", "--format", "json")
        ended = call("apply", *where)
        other.execute("ROLLBACK")
    assert ended.returncode == 5, ended.stderr
    assert "locked" in ended.stderr
    assert content(store) == before


def drop_override() -> None:
    """Give up root's right to write what its permissions forbid."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)


def test_a_store_that_may_not_be_written(configuration: Path, store: Path) -> None:
    before = content(store)
    folder = configuration / "locked"
    folder.mkdir()
    shutil.copy(store, folder / "store.db")
    (folder / "store.db").chmod(0o444)
    folder.chmod(0o555)
    where = ("-C", configuration, "--store", url(folder / "store.db"), "--yes")
    ended = run("apply", *where, before=drop_override)
    folder.chmod(0o755)
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert content(folder / "store.db") == before


def test_a_store_that_is_a_text_file(configuration: Path) -> None:
    notes = configuration / "notes.db"
    notes.write_text("This is not a database.\n" * 100)
    where = ("-C", configuration, "--store", url(notes))
    for command in (("plan",), ("apply", "--yes"), ("serve", "--port", "0"), ("history",)):
        wanted = where[2:] if command == ("history",) else where
        refused(1, *command, *wanted, says="not a database")
    assert notes.read_text() == "This is not a database.\n" * 100


def test_a_port_in_use(configuration: Path, store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(1, "serve", "--store", url(store), "--port", port, says=port)
        refused(1, "up", "-C", configuration, "--simulate", "--port", port, says=port)
    assert not (configuration / ".modelops" / "simulated.db").exists()


def test_up_beyond_this_machine_without_keys(configuration: Path) -> None:
    refused(
        3, "up", "-C", configuration, "--host", EVERYWHERE, "--port", "0", says="no agent has a key"
    )
    assert not (configuration / ".modelops").exists()


@pytest.mark.parametrize("command", ["show", "history", "usage", "status", "serve"])
def test_reading_beside_a_folder_that_is_not_there(command: str, tmp_path: Path) -> None:
    refused(1, command, "-C", tmp_path / "missing", says="there is no folder")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("providers.d/OpenAI.yaml", "provider: OpenAI\n", "providers.d/OpenAI.yaml:1:"),
        ("chains.d/x_y.yaml", "chain: x_y\ntargets: [{model: openai/gpt-4o}]\n", "x_y.yaml:1:"),
        ("agents.d/a.yaml", f"agent: {'a' * 64}\n", "agents.d/a.yaml:1:"),
    ],
)
def test_a_name_outside_its_pattern(
    configuration: Path, store: Path, file: str, text: str, says: str
) -> None:
    before = content(store)
    (configuration / file).parent.mkdir(exist_ok=True)
    (configuration / file).write_text(text)
    validated = call("validate", "-C", configuration)
    assert validated.returncode == 1
    assert says in validated.stdout
    refused(1, "apply", "-C", configuration, "--store", url(store), "--yes", says=says)
    assert content(store) == before


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        (b"", 400, "JSON"),
        (b"not json", 400, "JSON"),
        (b"[1, 2]", 400, ""),
        (b"\xff\xfe\x00", 400, ""),
        (b"[" * 100_000, 400, ""),
        (json.dumps({"model": "gpt-5o", "messages": HELLO}).encode(), 404, "gpt-4o"),
        (json.dumps({"model": "main/none", "messages": HELLO}).encode(), 404, "main"),
        (json.dumps({"model": 7, "messages": HELLO}).encode(), 400, "model"),
    ],
)
def test_a_request_that_cannot_be_served(
    program: Running, body: bytes, status: int, part: str
) -> None:
    answered, error = request(f"{program.url}/v1/chat/completions", body)
    assert answered == status
    assert part in error["error"]["message"]
    assert set(error["error"]) == {"message", "type", "param", "code"}


def test_a_body_of_100_mb_is_refused_before_it_is_sent(program: Running) -> None:
    address = urlsplit(program.url)
    client = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    with closing(client):
        client.putrequest("POST", "/v1/chat/completions")
        client.putheader("content-type", "application/json")
        client.putheader("content-length", str(100 * 1024 * 1024))
        client.endheaders()
        answer = client.getresponse()
        assert answer.status == 413
        assert "error" in json.load(answer)
    status, _ = request(f"{program.url}/v1/chat/completions", {"model": "main", "messages": HELLO})
    assert status == 200
