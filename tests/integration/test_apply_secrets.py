"""Sealed secrets and revisions: committed together, never rolled back, opened only when needed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from modelops.cli.main import run
from modelops.operations.secret import set_secret
from modelops.resources.errors import ExitCode
from modelops.secrets.sealed import Place, SealedSecret
from modelops.secrets.secret import Secret
from modelops.store import open_store

FIXTURES = Path(__file__).parents[1] / "fixtures"
ANTHROPIC: Place = ("provider/anthropic", "api_key")
OWN_KEY: Place = ("agent/research-agent", "credentials[openai].api_key")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a configuration that seals to the server beside its store the working directory."""
    place = tmp_path / "config"
    shutil.copytree(FIXTURES / "config" / "full", place)
    edit(place / "modelops.yaml", "server_recipients:\n  - age1", "# server_recipients: age1")
    for path in ("providers.d/anthropic.yaml", "chains.d/production.yaml"):
        text = (place / path).read_text()
        (place / path).write_text(text.replace("protected: true", "protected: false"))
    monkeypatch.chdir(place)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(FIXTURES / "identity.txt"))
    return place


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def rows() -> dict[Place, SealedSecret]:
    async def read() -> dict[Place, SealedSecret]:
        store = open_store(f"sqlite:///{Path.cwd()}/.modelops/store.db")
        try:
            return {row.place: row for row in await store.secrets()}
        finally:
            await store.close()

    return asyncio.run(read())


def test_seals_come_with_the_first_revision(folder: Path) -> None:
    assert run(["apply", "--yes"]) == ExitCode.DONE
    sealed = rows()
    assert sealed[ANTHROPIC].blob
    assert sealed[OWN_KEY].origin == "https://api.openai.com:443"
    assert sealed["provider/openai", "api_key"].blob == ""
    assert (folder / ".modelops" / "server.key").stat().st_mode & 0o777 == 0o600
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.DONE


def test_no_key_is_needed_to_plan_nor_for_what_is_sealed_already(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["apply", "--yes"])
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", "/nowhere")
    edit(folder / "chains.d/production.yaml", "max_retries: 3", "max_retries: 4")
    before = rows()
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert rows() == before


def test_a_secret_that_does_not_open_leaves_no_revision(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", "/nowhere")
    assert run(["plan"]) == ExitCode.DONE
    capsys.readouterr()
    assert run(["apply", "--yes"]) == ExitCode.ERROR
    assert "research-agent.yaml" in capsys.readouterr().err
    assert run(["history"]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("No revisions yet")


def test_another_server_key_seals_everything_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["apply", "--yes"])
    before = rows()
    run(["identity", "rotate"])
    capsys.readouterr()
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.CHANGES
    text = capsys.readouterr().out
    assert text.count("(secret re-sealed)") == 2
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert rows()[ANTHROPIC].blob != before[ANTHROPIC].blob
    assert rows()[ANTHROPIC].source_sha256 == before[ANTHROPIC].source_sha256
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.DONE


def test_a_secret_alone_has_its_line_in_history_and_diff(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["apply", "--yes"])
    run(["identity", "rotate"])
    assert run(["apply", "--yes"]) == ExitCode.DONE
    capsys.readouterr()
    assert run(["history", "--changes", "--limit", "1"]) == ExitCode.DONE
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["~", "provider/anthropic", "api_key"],
        ["~", "agent/research-agent", "credentials[openai].api_key"],
    ]
    for revisions in (["1", "2"], ["2", "1"]):
        assert run(["diff", *revisions]) == ExitCode.DONE
        printed = capsys.readouterr().out
        assert printed.count("(secret re-sealed)") == 2
        assert printed.endswith(": 2 resources changed.\n")


def test_a_key_is_not_sent_elsewhere_unasked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["apply", "--yes"])
    edit(
        folder / "providers.d/anthropic.yaml", "https://API.anthropic.com/", "https://evil.example"
    )
    assert run(["plan"]) == ExitCode.REFUSED
    assert run(["apply", "--yes"]) == ExitCode.REFUSED
    assert "modelops apply --allow-origin-change provider/anthropic" in capsys.readouterr().err
    assert rows()[ANTHROPIC].origin == "https://api.anthropic.com:443"
    consent = ["--allow-origin-change", "provider/anthropic"]
    assert run(["apply", "--yes", *consent]) == ExitCode.DONE
    assert rows()[ANTHROPIC].origin == "https://evil.example:443"


def test_consent_to_nothing_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apply", "--yes", "--allow-origin-change", "anthropic"]) == ExitCode.ERROR
    assert "write provider/NAME or agent/NAME" in capsys.readouterr().err


def test_a_key_that_was_replaced_is_not_sent_elsewhere_either(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old file, ciphertext and SOPS block together, still decrypts wherever it is copied."""
    file = folder / "providers.d/anthropic.yaml"
    first = file.read_text()
    run(["apply", "--yes"])
    without_sops = first[: first.index("sops:")]
    file.write_text(re.sub(r"ENC\[.*", "{env: MODELOPS_SECRET_NEW}", without_sops))
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert rows()[ANTHROPIC].blob == ""
    copied = first.replace("provider: anthropic", "provider: copy", 1)
    (folder / "providers.d/copy.yaml").write_text(
        copied.replace("https://API.anthropic.com/", "https://evil.example")
    )
    capsys.readouterr()
    assert run(["plan"]) == run(["apply", "--yes"]) == ExitCode.REFUSED
    told = capsys.readouterr().out
    assert "so far it went to where provider/anthropic sends it" in told
    (folder / "providers.d/copy.yaml").unlink()
    file.write_text(first)
    assert run(["apply", "--yes"]) == ExitCode.DONE


def test_an_identity_that_keys_are_sealed_to_alone_is_not_retired(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["apply", "--yes"]) == ExitCode.DONE
    run(["identity", "rotate"])
    assert "server.key with the backups of the store" in capsys.readouterr().err
    key = (folder / ".modelops/server.key").read_bytes()
    assert run(["identity", "rotate", "--retire"]) == ExitCode.REFUSED
    printed = capsys.readouterr().err
    assert "2 keys would not open: those of agent/research-agent, provider/anthropic" in printed
    assert (folder / ".modelops/server.key").read_bytes() == key
    elsewhere = ["--store", "sqlite:////nowhere/store.db"]
    assert run(["identity", "rotate", "--retire", *elsewhere]) == ExitCode.REFUSED
    assert (folder / ".modelops/server.key").read_bytes() == key
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert run(["identity", "rotate", "--retire"]) == ExitCode.DONE
    assert "open with the old identity alone: keep a copy" in capsys.readouterr().err
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.CHANGES  # sealed to one alone, now


def test_a_rollback_keeps_the_newest_and_wakes_what_comes_back(folder: Path) -> None:
    run(["apply", "--yes"])
    first = rows()
    edit(folder / "agents.d/research-agent.yaml", "protected: true", "protected: false")
    run(["apply", "--yes"])
    (folder / "agents.d/research-agent.yaml").unlink()
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert rows()[OWN_KEY].deleted_at is not None
    consent = ("--confirm-keys", "agent/research-agent")
    assert run(["rollback", "2", "--yes", *consent]) == ExitCode.DONE
    assert rows()[OWN_KEY] == first[OWN_KEY]
    assert run(["rollback", "3", "--yes"]) == ExitCode.DONE
    assert rows()[OWN_KEY].deleted_at is not None


def test_a_rollback_to_another_host_tells_that_the_key_stays_behind(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "providers.d/anthropic.yaml"
    first = file.read_text()
    consent = ("--allow-origin-change", "provider/anthropic")
    run(["apply", "--yes"])
    edit(file, "https://API.anthropic.com/", "https://other.example")
    run(["apply", "--yes", *consent])
    capsys.readouterr()
    assert run(["status"]) == ExitCode.DONE
    assert "To undo the last change: declare provider/anthropic as it" in capsys.readouterr().out
    meant = ("--confirm-keys", "provider/anthropic")
    for agreed, code in (((), ExitCode.REFUSED), (meant, ExitCode.DONE)):
        assert run(["rollback", "1", "--yes", *agreed]) == code
        told = capsys.readouterr().err
        assert "sealed for https://other.example:443, not for https://api.anthropic.com:443" in told
        assert "credentials[openai].api_key" not in told
        assert ("if it is meant: --confirm-keys provider/anthropic" in told) == (not agreed)
    assert run(["status"]) == ExitCode.DONE
    assert "To undo" not in capsys.readouterr().out, "it was undone just now"
    file.write_text(first)
    assert run(["plan"]) == run(["apply", "--yes"]) == ExitCode.REFUSED
    assert run(["apply", "--yes", *consent]) == ExitCode.DONE
    assert rows()[ANTHROPIC].origin == "https://api.anthropic.com:443"
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.DONE


def test_what_only_keys_changed_since_is_no_rollback(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["apply", "--yes"])
    recipient = (FIXTURES / "identity.txt").read_text().partition("public key: ")[2].split()[0]
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - age: {recipient}\n")
    set_secret(folder, "provider/anthropic", "", Secret("sk-canary-mistyped"), os.environ)
    assert run(["apply", "--yes"]) == ExitCode.DONE
    capsys.readouterr()
    assert run(["status"]) == ExitCode.DONE
    advice = "set the old key of provider/anthropic with modelops secret set, then modelops apply"
    assert f"To undo the last change: {advice} (keys" in capsys.readouterr().out
    assert run(["rollback", "1", "--yes"]) == ExitCode.ERROR
    told = capsys.readouterr().err
    assert "keys alone have changed, those of provider/anthropic, and keys are not rolled" in told
    assert advice in told
    edit(folder / "chains.d/production.yaml", "display_name: ", "display_name: New ")
    assert run(["apply", "--yes"]) == ExitCode.DONE
    capsys.readouterr()
    for _ in range(2):
        assert run(["rollback", "2", "--yes"]) == ExitCode.DONE
    assert "key" not in capsys.readouterr().err, "none has changed since"
    edit(folder / "chains.d/production.yaml", "display_name: New ", "display_name: Other ")
    assert run(["apply", "--yes"]) == ExitCode.DONE
    capsys.readouterr()
    assert run(["rollback", "1", "--yes"]) == ExitCode.DONE
    assert "a key of provider/anthropic has changed since, and stays" in capsys.readouterr().err


def test_a_store_elsewhere_takes_declared_recipients(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("modelops.cli.plan.state_directory", lambda url, folder: None)
    assert run(["plan"]) == ExitCode.REFUSED
    assert "[no-recipients]" in capsys.readouterr().out


def test_no_value_is_in_anything_that_is_printed_or_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["plan", "--format", "json", "--out", "plan.json"])
    run(["apply", "plan.json"])
    run(["show", "--format", "json"])
    run(["show", "provider/anthropic"])
    run(["history"])
    printed = capsys.readouterr()
    everything = printed.out + printed.err + (folder / "plan.json").read_text()
    kept = b"".join(path.read_bytes() for path in (folder / ".modelops").glob("store.db*"))
    assert "ENC[" not in everything
    assert "sk-not-a-key" not in everything
    assert b"sk-not-a-key" not in kept
