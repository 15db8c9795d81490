"""What `sops set`, `rotate` and `updatekeys` do to every configuration: only secrets change."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelops.config import load_configuration
from modelops.operations.secret import set_secret
from modelops.resources.configuration import Configuration
from modelops.resources.resolved import Provider
from modelops.secrets import identities
from modelops.secrets.opening import open_sources
from modelops.secrets.sealed import SealedSecret, secret_changes, source_hash
from modelops.secrets.secret import Secret
from modelops.secrets.sops import program, verbs
from modelops.secrets.sops.program import run

ROOT = Path(__file__).parents[2]
ALICE = identities.generate()
BOB = identities.generate()
ENVIRON = {"SOPS_AGE_KEY": ALICE.reveal(), "PATH": "/usr/bin:/bin"}
RULES = (
    "creation_rules:\n  - age: {recipients}\n"
    "    encrypted_regex: ^api_key$\n    mac_only_encrypted: {mac_only}\n"
)
PARTS = ("modelops.yaml", "providers.d", "chains.d", "agents.d")
MOST = 3
"""Files of one configuration that are encrypted; one is much like another."""


def folders() -> list[Path]:
    candidates = [ROOT, *sorted((ROOT / "tests/fixtures/config").iterdir())]
    candidates += sorted((ROOT / "examples").iterdir())
    return [folder for folder in candidates if (folder / "modelops.yaml").is_file()]


@pytest.fixture(params=folders(), ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of a configuration in which some providers have encrypted keys."""
    for part in PARTS:
        if (request.param / part).is_dir():
            shutil.copytree(request.param / part, tmp_path / part)
        elif (request.param / part).exists():
            shutil.copy(request.param / part, tmp_path / part)
    mac_only = "true" if len(request.param.name) % 2 else "false"
    (tmp_path / ".sops.yaml").write_text(
        RULES.format(recipients=ALICE.recipient, mac_only=mac_only)
    )
    before = load_configuration(tmp_path)
    for name in with_key(before)[:MOST]:
        set_secret(tmp_path, name, "", Secret(f"sk-first-{name}"), ENVIRON)
    return tmp_path


def with_key(configuration: Configuration) -> list[str]:
    """Return the providers that can be given a key, those with somebody else's aside."""
    return sorted(
        provider.address
        for provider in configuration.state.values()
        if isinstance(provider, Provider)
        and provider.auth != "none"
        and provider.api_key != "sealed"
    )


def rows(configuration: Configuration) -> list[SealedSecret]:
    return [
        SealedSecret(
            address=source.address,
            field=source.field,
            kind=source.kind,
            source_sha256=source_hash(source),
            data_key_sha256=source.data_key_sha256,
            origin=source.origin,
            blob="",
            updated_at=0,
        )
        for source in configuration.secrets
    ]


def encrypted(folder: Path, configuration: Configuration) -> Mapping[str, str]:
    """Return the files by address whose keys are encrypted to us."""
    return {
        source.address: source.file
        for source in configuration.secrets
        if source.kind == "sops" and ALICE.recipient in (folder / source.file).read_text()
    }


def opened(folder: Path, configuration: Configuration) -> dict[str, str]:
    ours = encrypted(folder, configuration)
    sources = [source for source in configuration.secrets if source.address in ours]
    secrets = open_sources(folder, sources, ENVIRON)
    return {address: secret.reveal() for (address, _), secret in secrets.items()}


def test_program_changes_secrets_and_nothing_else(folder: Path) -> None:
    sops = program.find(ENVIRON)
    before = load_configuration(folder)
    files = encrypted(folder, before)
    assert opened(folder, before) == {name: f"sk-first-{name}" for name in files}

    new = {name: f"sk-set-{name}" for name in files}
    for name, file in files.items():
        verbs.set_value(sops, folder / file, ["api_key"], new[name])
    after_set = load_configuration(folder)
    assert after_set.state == before.state
    assert actions(before, after_set) == dict.fromkeys(files, "changed")
    assert opened(folder, after_set) == new

    (folder / ".sops.yaml").write_text(
        RULES.format(recipients=f"{ALICE.recipient},{BOB.recipient}", mac_only="true")
    )
    for file in files.values():
        rules = str(folder / ".sops.yaml")
        run(sops, ["--config", rules, "updatekeys", "-y", str(folder / file)])
    after_keys = load_configuration(folder)
    assert after_keys.state == before.state
    assert actions(after_set, after_keys) == {}
    assert opened(folder, after_keys) == new

    for file in files.values():
        run(sops, ["rotate", "-i", str(folder / file)])
    after_rotate = load_configuration(folder)
    assert after_rotate.state == before.state
    assert actions(after_keys, after_rotate) == dict.fromkeys(files, "re-encrypted")
    assert opened(folder, after_rotate) == new


def actions(old: Configuration, new: Configuration) -> dict[str, str]:
    changes = secret_changes(rows(old), new.secrets)
    return {change.address: change.action for change in changes if change.action != "unchanged"}
