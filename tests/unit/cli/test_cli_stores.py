"""Running an operation on a store from a command."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from modelops.cli import stores
from modelops.cli.main import run
from modelops.operations.plan import PlanningStore


class Large:
    """Something whose repr would take as long as making it did."""

    def __repr__(self) -> str:
        raise AssertionError("nobody asked for this")


def test_what_an_operation_returns_is_not_printed_on_the_way(tmp_path: Path) -> None:
    async def operation(store: PlanningStore) -> Large:
        assert (await store.head()).revision == 0
        return Large()

    assert isinstance(stores.using(f"sqlite:///{tmp_path}/store.db", operation), Large)


async def test_a_running_server_is_not_asked_how_old_its_store_is() -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        await stores.renew(f"http://127.0.0.1:{nobody_listens.getsockname()[1]}")


ON_A_DATABASE = [
    "serve",
    "test",
    "usage compare 1 2",
    "usage verify --provider openai {folder}/export.csv",
    "usage recost --from 2026-01-01",
    "usage prune --before 2026-01-01",
]


@pytest.mark.parametrize("command", ON_A_DATABASE)
def test_a_command_on_a_database_offers_no_server_and_says_why(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "modelops.yaml").write_text("config: acme\n")
    (tmp_path / "export.csv").write_text(
        "day,model,input_tokens,output_tokens,cost_usd\n2026-01-01,m,1,1,1\n"
    )
    arguments = command.format(folder=tmp_path).split()
    assert run([*arguments, "--help"]) == 0
    offered = capsys.readouterr().out
    assert "postgresql://" in offered
    assert "https://" not in offered

    run([*arguments, "-C", str(tmp_path), "--store", "https://gateway.example"])
    said = "".join(capsys.readouterr())
    assert "https://gateway.example is a running server; this command needs its database" in said


READING = [
    "status",
    "history",
    "show",
    "diff 0",
    "dump {folder}/new",
    "route",
    "rollback 1",
    "usage",
    "usage compare 1 2",
    "usage recost --from 2026-01-01",
    "usage prune --before 2026-01-01",
]


@pytest.mark.parametrize("command", READING)
def test_a_store_that_does_not_exist_is_not_an_empty_one(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".modelops").mkdir()
    arguments = command.format(folder=tmp_path).split()
    assert run([*arguments, "--store", f"sqlite:///{tmp_path}/typo/store.db"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"the store {tmp_path}/typo/store.db does not exist" in said.err
    assert "`modelops apply` makes one" in said.err
    folder = tmp_path / "two words"
    simulated = folder / ".modelops" / "simulated.db"
    simulated.parent.mkdir(parents=True)
    simulated.touch()
    assert run([*arguments, "-C", str(folder)]) == 1
    assert f"name it with --store 'sqlite:///{simulated}'" in capsys.readouterr().err
