"""The example whose keys everyone can read: it opens, and is refused where it would be used."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelops.config import load_configuration, yaml
from modelops.operations.sealing import seal_secrets
from modelops.secrets import identities
from modelops.secrets.demo import DEMO_IDENTITY, DEMO_RECIPIENT
from modelops.secrets.errors import SecretError
from modelops.secrets.opening import open_file

EXAMPLE = Path(__file__).parents[2] / "examples" / "encrypted-keys"
ENVIRON = {"SOPS_AGE_KEY_FILE": str(EXAMPLE / "demo.key")}


def test_published_identity_is_the_demo_identity() -> None:
    (found,) = identities.read_file(EXAMPLE / "demo.key")
    assert (found.reveal(), found.recipient) == (DEMO_IDENTITY, DEMO_RECIPIENT)
    assert DEMO_RECIPIENT in (EXAMPLE / ".sops.yaml").read_text()


def test_every_key_opens_with_it() -> None:
    at_hand = identities.at_hand(ENVIRON)
    opened = {
        (source.address, source.field): open_file(
            yaml.load((EXAMPLE / source.file).read_bytes(), source.file), at_hand, ENVIRON
        )[source.value].reveal()
        for source in load_configuration(EXAMPLE).secrets
    }
    assert opened == {
        ("provider/anthropic", "api_key"): "made-up-anthropic-key",
        ("provider/openai", "api_key"): "made-up-openai-key",
        ("agent/research", "credentials[openai].api_key"): "made-up-research-key",
    }


def test_apply_refuses_it(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".modelops"))
    with pytest.raises(SecretError, match="published demo identity") as caught:
        seal_secrets(
            folder,
            load_configuration(folder),
            [],
            ENVIRON,
            state_directory=folder / ".modelops",
            now_us=1,
        )
    assert "--simulate" in caught.value.hint


def test_servers_are_not_sealed_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".modelops"))
    with (folder / "modelops.yaml").open("a") as settings:
        settings.write(f"server_recipients: [{DEMO_RECIPIENT}]\n")
    configuration = load_configuration(folder)
    with pytest.raises(SecretError, match="server_recipients"):
        seal_secrets(folder, configuration, [], ENVIRON, state_directory=None, now_us=1)
