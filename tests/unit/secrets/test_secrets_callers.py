from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from modelops.cli import identity as identity_cli
from modelops.cli import key as key_cli
from modelops.config import yaml
from modelops.operations import identity
from modelops.operations.key import new_key
from modelops.resources.declared import Agent, Settings
from modelops.resources.errors import ModelopsError
from modelops.secrets.errors import SecretError
from modelops.secrets.seal import key_id


def test_new_key_of_an_agent_declares_its_hash() -> None:
    made = new_key("agent/dev", "ci", "2027-06-30")
    value = made.key.reveal()
    assert re.fullmatch(r"mo_[a-z2-7]{8}_[a-z2-7]{52}", value)
    assert made.sha256 == hashlib.sha256(value.encode()).hexdigest()
    assert made.file == "agents.d/dev.yaml"
    agent = msgspec.convert(yaml.load_text("agent: dev\n" + made.declaration, "f").data, Agent)
    (key,) = agent.keys
    assert (key.name, key.sha256, key.expires) == ("ci", made.sha256, "2027-06-30")


def test_new_key_of_an_operator_goes_into_the_settings() -> None:
    made = new_key("operator/deploy-ci", "", "", random=lambda size: b"\x00" * size)
    text = "config: acme\n" + made.declaration
    settings = msgspec.convert(yaml.load_text(text, "f").data, Settings)
    (operator,) = settings.operators
    assert (operator.role, operator.keys[0].name) == ("viewer", "key-aaaaaaaa")
    assert made.file == "modelops.yaml"


def test_keys_differ() -> None:
    assert new_key("agent/dev", "", "").key != new_key("agent/dev", "", "").key


@pytest.mark.parametrize(
    ("address", "name", "expires"),
    [
        ("chain/production", "", ""),
        ("agent/", "", ""),
        ("agent/Dev", "", ""),
        ("dev", "", ""),
        ("agent/dev", "Not A Name", ""),
        ("agent/dev", "", "tomorrow"),
        ("agent/dev", "", "2027-13-01"),
    ],
)
def test_what_cannot_have_a_key(address: str, name: str, expires: str) -> None:
    with pytest.raises(ModelopsError):
        new_key(address, name, expires)


def test_key_alone_goes_to_stdout() -> None:
    result = CliRunner().invoke(key_cli.command, ["new", "agent/dev"])
    assert result.exit_code == 0
    (key,) = result.stdout.splitlines()
    assert key.startswith("mo_")
    assert key not in result.stderr
    assert hashlib.sha256(key.encode()).hexdigest() in result.stderr


def test_identity_from_creation_to_retirement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODELOPS_SERVER_IDENTITY_FILE", raising=False)

    def run(*arguments: str) -> list[str]:
        result = CliRunner().invoke(
            identity_cli.command, [*arguments, "-C", str(tmp_path)], catch_exceptions=False
        )
        if arguments == ("show",):
            assert f"{key_id(result.stdout.splitlines()[0])} in /readyz" in result.stderr
        assert "AGE-SECRET-KEY" not in result.output
        assert result.exit_code == 0
        return result.stdout.splitlines()

    first = run("create")
    assert run("show") == first
    refused = CliRunner().invoke(identity_cli.command, ["rotate", "--force", "-C", str(tmp_path)])
    assert "--force goes with --retire" in refused.stderr
    new, old = run("rotate")
    assert [old] == first
    assert run("rotate", "--retire", "--force") == [new] == run("show")
    assert (tmp_path / ".modelops" / ".gitignore").read_text() == "*\n"
    with pytest.raises(SecretError, match="already"):
        run("create")


def test_identity_named_by_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "key"
    environ = {"MODELOPS_SERVER_IDENTITY_FILE": str(path)}
    made = identity.create_identity(tmp_path / "folder", environ)
    assert made.path == path
    assert identity.show_identity(tmp_path, environ).recipients == made.recipients
    assert not (tmp_path / "folder").exists()
    assert list(path.parent.iterdir()) == [path]
