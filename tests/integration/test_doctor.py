"""Doctor on folders with one thing wrong each."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelops.cli.main import run
from modelops.operations.doctor import examine, storage
from modelops.operations.doctor.finding import Finding
from modelops.operations.doctor.sops_rules import matching, read_rules
from modelops.operations.init import init_folder
from modelops.operations.secret import set_secret
from modelops.resources.errors import ModelopsError
from modelops.secrets import identities, server_identity
from modelops.secrets.demo import DEMO_IDENTITY, DEMO_RECIPIENT
from modelops.secrets.secret import Secret
from modelops.store.protocol import Head, Revision
from modelops.store.remote import RemoteStore

ALICE = identities.generate()
BOB = identities.generate()
ENVIRON = {"SOPS_AGE_KEY": ALICE.reveal(), "PATH": "/usr/bin:/bin"}
KEY = "sk-canary-0123456789"
NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_folder(tmp_path, "acme", ["anthropic", "openai"], ENVIRON)
    set_secret(tmp_path, "provider/openai", "", Secret(KEY), ENVIRON)
    return tmp_path


Look = Callable[..., list[Finding]]


@pytest.fixture
def look(folder: Path) -> Look:
    """Return what doctor finds on one topic."""

    def find(topic: str, environ: dict[str, str] = ENVIRON, now: datetime = NOW) -> list[Finding]:
        url = f"sqlite:///{folder / '.modelops' / 'store.db'}"
        found = asyncio.run(examine(folder, "", url, environ, now))
        assert KEY not in repr(found)
        assert "AGE-SECRET-KEY" not in repr(found)
        return [finding for finding in found if finding.topic == topic]

    return find


def edit(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after))


def test_nothing_is_wrong_with_a_new_folder(look: Look, folder: Path) -> None:
    url = f"sqlite:///{folder / '.modelops' / 'store.db'}"
    found = asyncio.run(examine(folder, "", url, ENVIRON, NOW))
    assert {finding.status for finding in found} == {"ok", "note"}
    (opening,) = look("opening")
    assert (opening.subject, opening.message) == (
        "providers.d/openai.yaml",
        "1 encrypted, MAC in order",
    )
    assert [finding.subject for finding in look("rules")] == [
        "providers.d/anthropic.yaml",
        "providers.d/openai.yaml",
    ]
    assert "rule 1" in look("rules")[0].message


def test_file_that_no_rule_matches(look: Look, folder: Path) -> None:
    edit(folder, ".sops.yaml", "(providers|agents)", "(agents)")
    first, second = look("rules")
    assert (first.status, second.status) == ("warning", "warning")
    assert "no creation rule" in first.message
    (folder / ".sops.yaml").unlink()
    assert look("rules")[0].hint.endswith("modelops init writes one")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("encrypted_regex: ^token$", "plain text"),
        ("encrypted_suffix: _url", "plain text"),
        ("encrypted_regex: key|url", "more than keys"),
        ("unencrypted_suffix: _plain", "more than keys"),
    ],
)
def test_rule_that_selects_wrongly(look: Look, folder: Path, written: str, message: str) -> None:
    edit(folder, ".sops.yaml", "encrypted_regex: ^api_key$", written)
    anthropic, openai, kept = look("rules")
    assert anthropic.status == openai.status == "fail"
    assert message in anthropic.message
    assert "keeps the rule" in kept.message


def test_readers_that_differ_from_the_rule(look: Look, folder: Path) -> None:
    edit(folder, ".sops.yaml", ALICE.recipient, BOB.recipient)
    (found,) = look("recipients")
    assert found.status == "warning"
    assert ALICE.recipient in found.message
    assert BOB.recipient in found.message
    assert "updatekeys" in found.hint


def test_no_key_at_hand(look: Look) -> None:
    stranger = {"SOPS_AGE_KEY": BOB.reveal(), "PATH": "/usr/bin:/bin"}
    (found,) = look("opening", stranger)
    assert "none of the keys" in found.message
    assert ALICE.recipient in found.hint
    (nobody,) = look("keys", {"PATH": "/usr/bin:/bin"})
    assert nobody.status == "note"
    (broken,) = look("keys", {"SOPS_AGE_KEY_FILE": "/nowhere"})
    assert broken.status == "fail"


def test_file_that_was_tampered_with(look: Look, folder: Path) -> None:
    edit(folder, "providers.d/openai.yaml", "data:", "data:AAAA")
    (found,) = look("opening")
    assert found.status == "warning"
    assert "edited" in found.message


def test_demo_identity(look: Look, folder: Path) -> None:
    edit(folder, ".sops.yaml", ALICE.recipient, DEMO_RECIPIENT)
    demo = {**ENVIRON, "SOPS_AGE_KEY": DEMO_IDENTITY}
    set_secret(folder, "provider/anthropic", "", Secret("made-up"), demo)
    anthropic, _ = look("recipients")
    assert anthropic.status == "fail"
    assert "published" in anthropic.message


def test_key_file_open_to_others(look: Look, tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    identities.create(path)
    path.chmod(0o644)
    found = look("keys", {"SOPS_AGE_KEY_FILE": str(path)})
    assert found[-1].hint == f"chmod 600 {path}"


def test_sops_program(look: Look, tmp_path: Path) -> None:
    (found,) = look("sops")
    assert found.status == "ok"
    trap = tmp_path / "sops"
    trap.write_text("#!/bin/sh\necho sops 3.13.2\n")
    trap.chmod(0o755)
    (bad,) = look("sops", {**ENVIRON, "MODELOPS_SOPS": str(trap)})
    assert "3.13.3" in bad.message
    (absent,) = look("sops", {**ENVIRON, "MODELOPS_SOPS": "/nowhere/sops"})
    assert absent.status == "warning"


def test_server_identity(look: Look, folder: Path) -> None:
    assert look("identity")[0].status == "note"
    path = server_identity.location(folder / ".modelops", {})
    made = identities.create(path)
    assert look("identity")[0].message == made.recipient
    path.chmod(0o644)
    assert look("identity")[0].status == "fail"
    path.chmod(0o600)
    edit(folder, "modelops.yaml", "timezone", f"server_recipients: [{BOB.recipient}]\ntimezone")
    assert "not among server_recipients" in look("identity")[0].message
    edit(folder, "modelops.yaml", BOB.recipient, BOB.recipient[:-2])
    assert "not an age recipient" in look("identity")[0].message


def test_references(look: Look) -> None:
    (missing,) = look("references")
    assert missing.status == "note"
    assert "MODELOPS_SECRET_ANTHROPIC is not set" in missing.message
    (there,) = look("references", {**ENVIRON, "MODELOPS_SECRET_ANTHROPIC": KEY})
    assert there.status == "ok"


def test_store(look: Look, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "empty" in look("store")[0].message
    edit(folder, "providers.d/openai.yaml", "api_key: ENC", "# api_key: ENC")
    assert run(["apply", "-C", str(folder), "--yes"]) == 0
    capsys.readouterr()
    assert look("store")[0].message == "revision 1 of acme"
    edit(folder, "modelops.yaml", "config: acme", "config: other")
    assert look("store")[0].status == "fail"
    (folder / ".modelops" / "store.db").write_text("not a database")
    assert look("store")[0].status == "fail"


def test_a_server_is_asked_for_its_store(monkeypatch: pytest.MonkeyPatch) -> None:
    async def empty(_: RemoteStore) -> Head:
        return Head(store_id="", config="", environment="", revision=0, digest="", config_digest="")

    async def none(*_: object) -> list[Revision]:
        return []

    monkeypatch.setattr(RemoteStore, "head", empty)
    monkeypatch.setattr(RemoteStore, "revisions", none)
    (finding,) = asyncio.run(storage.store("https://gateway.example", None, NOW))
    assert finding.status == "note"


def test_the_password_of_a_store_is_not_shown(folder: Path) -> None:
    url = "postgresql://ada:hunter2@127.0.0.1:1/books?password=hunter3"
    found = asyncio.run(examine(folder, "", url, ENVIRON, NOW))
    assert "hunter" not in repr(found)


def test_clock_and_port(look: Look, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert look("clock", now=datetime.now(UTC))[0].status == "ok"
    os.utime(folder / "modelops.yaml", ((NOW + timedelta(days=1)).timestamp(),) * 2)
    assert "modelops.yaml" in look("clock")[0].message
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run(["doctor", "-C", str(folder), "--port", port, "--format", "json"])
    (found,) = [one for one in json.loads(capsys.readouterr().out) if one["topic"] == "port"]
    assert (found["status"], found["subject"]) == ("note", f"127.0.0.1:{port}")


def test_folder_that_is_none(tmp_path: Path) -> None:
    found = asyncio.run(examine(tmp_path, "", f"sqlite:///{tmp_path}/s.db", ENVIRON, NOW))
    assert found[0].status == "fail"


def test_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "-C", str(folder), "--format", "json"]) == 0
    assert '"topic"' in capsys.readouterr().out
    edit(folder, ".sops.yaml", "encrypted_regex: ^api_key$", "encrypted_regex: ^token$")
    assert run(["doctor", "-C", str(folder)]) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("notes")


def test_rules_are_read_as_sops_reads_them(tmp_path: Path) -> None:
    path = tmp_path / ".sops.yaml"
    path.write_text(
        "keys:\n  - &alice age1alice\n  - &bob age1bob\n"
        "creation_rules:\n"
        "  - path_regex: ^a/\n    age: [*alice]\n    pgp: FBC7B9E2A4F9289A\n"
        "  - path_regex: yaml$\n    key_groups:\n      - age: [*alice]\n      - age: [*bob]\n"
        "  - age: age1alice, age1bob\n"
    )
    rules = read_rules(path)
    for name, number in {"a/b.yaml": 1, "b/a/b.yaml": 2, "c.json": 3}.items():
        assert matching(rules, name) == rules[number - 1]
    assert (rules[0].age, rules[0].others) == (("age1alice",), ("pgp",))
    assert rules[1].age == rules[2].age == ("age1alice", "age1bob")
    assert matching(rules[:2], "c.json") is None


@pytest.mark.parametrize(
    "content", ["", "[", "creation_rules: 1", "creation_rules: [1]", "[" * 100_000]
)
def test_rules_that_are_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / ".sops.yaml"
    path.write_text(content)
    with pytest.raises(ModelopsError):
        read_rules(path)
