"""`secret set` through the real sops program: the user's text stays, both readers agree."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

import pytest

from modelops.config import yaml
from modelops.operations.fmt import format_folder
from modelops.operations.secret import set_secret
from modelops.resources.errors import ModelopsError
from modelops.secrets import identities
from modelops.secrets.errors import SecretError, TamperedError
from modelops.secrets.opening import open_file
from modelops.secrets.secret import Secret
from modelops.secrets.sops import program, verbs
from modelops.secrets.sops.program import NoRuleError

ALICE = identities.generate()
ENVIRON = {"SOPS_AGE_KEY": ALICE.reveal(), "PATH": "/usr/bin:/bin"}
KEY = "sk-canary-0123456789"

OPENAI = """\
# yaml-language-server: $schema=../schema/provider.schema.json
provider:   openai    # the one we pay for
base_url: 'https://api.openai.com/v1'
labels: {team: platform,  tier: "1"}

models:
# dear
- {model: gpt-4o, default: true}
"""
AGENT = """\
agent: research
credentials:
  - provider: openrouter   # own account
  - {provider: openai, api_key: {env: MODELOPS_SECRET_X}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {
        "modelops.yaml": "config: acme\n",
        "providers.d/openai.yaml": OPENAI,
        "agents.d/research.yaml": AGENT,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    rule(tmp_path, "encrypted_regex: ^api_key$\n    mac_only_encrypted: true")
    return tmp_path


def rule(folder: Path, rest: str) -> None:
    (folder / ".sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: ^(providers|agents)\\.d/\n"
        f"    age: {ALICE.recipient}\n    {rest}\nstores:\n  yaml:\n    indent: 2\n"
    )


def put(folder: Path, value: str = KEY, address: str = "provider/openai", own: str = "") -> None:
    set_secret(folder, address, own, Secret(value), ENVIRON)


def read(folder: Path, file: str = "providers.d/openai.yaml") -> list[str]:
    document = yaml.load((folder / file).read_bytes(), file)
    assert not document.diagnostics
    secrets = open_file(document, identities.at_hand(ENVIRON), ENVIRON)
    return [secret.reveal() for secret in secrets.values()]


def lines(folder: Path, file: str = "providers.d/openai.yaml") -> list[str]:
    return (folder / file).read_text().splitlines()


@pytest.mark.parametrize(
    "rest",
    ["encrypted_regex: ^api_key$", "encrypted_regex: ^api_key$\n    mac_only_encrypted: true"],
    ids=["mac of all", "mac of encrypted"],
)
def test_first_and_next_secret_keep_the_text(folder: Path, rest: str) -> None:
    rule(folder, rest)
    put(folder)
    first = lines(folder)
    assert first[3].startswith("api_key: ENC[")
    assert first[:3] + first[4:9] == OPENAI.splitlines()
    assert first[9] == "sops:"
    assert read(folder) == [KEY]

    put(folder, "sk-next")
    second = lines(folder)
    assert read(folder) == ["sk-next"]
    changed = [old for old, new in zip(first, second, strict=True) if old != new]
    assert len(changed) <= 3  # the value, mac and lastmodified
    assert changed[0].startswith("api_key: ENC[")


def test_mode_is_kept_and_nothing_is_left_behind(folder: Path) -> None:
    path = folder / "providers.d" / "openai.yaml"
    path.chmod(0o640)
    put(folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [entry.name for entry in path.parent.iterdir()] == ["openai.yaml"]


def test_formatting_leaves_ciphertext_and_mac_alone(folder: Path) -> None:
    rule(folder, "encrypted_regex: ^api_key$")  # the MAC covers every value
    path = folder / "providers.d" / "openai.yaml"
    path.write_text(OPENAI.replace("- {model", "-    {model") + "\n\n\n# end\n")
    put(folder)
    before = path.read_text()
    assert format_folder(folder, write=True).changed == ("providers.d/openai.yaml",)
    assert path.read_text() != before
    assert path.read_text().split() == before.split()
    assert read(folder) == [KEY]


def test_keys_of_an_agent_one_after_the_other(folder: Path) -> None:
    file = "agents.d/research.yaml"
    (folder / file).write_text(AGENT.replace("api_key: {env: MODELOPS_SECRET_X}", "api_key: ''"))
    put(folder, "sk-second", "agent/research", "openai")
    put(folder, "sk-first", "agent/research", "openrouter")
    assert read(folder, file) == ["sk-first", "sk-second"]
    text = lines(folder, file)
    assert text[2] == "  - provider: openrouter   # own account"
    assert text[3].startswith("    api_key: ENC[")
    assert text[4].startswith('  - {provider: openai, api_key: "ENC[')


def test_reference_and_cipher_do_not_mix_in_one_file(folder: Path) -> None:
    before = (folder / "agents.d/research.yaml").read_bytes()
    with pytest.raises(SecretError, match="encrypt more"):
        put(folder, address="agent/research", own="openrouter")
    assert (folder / "agents.d/research.yaml").read_bytes() == before


def test_reference_is_replaced(folder: Path) -> None:
    path = folder / "providers.d" / "openai.yaml"
    path.write_text(OPENAI.replace("labels", "api_key: {env: MODELOPS_SECRET_A} # x\nlabels"))
    put(folder)
    assert lines(folder)[3].startswith("api_key: ENC[")
    assert lines(folder)[3].endswith("] # x")


def test_plain_key_in_an_encrypted_file_is_replaced(folder: Path) -> None:
    put(folder)
    path = folder / "providers.d" / "openai.yaml"
    text = path.read_text()
    start, end = text.index("ENC["), text.index("type:str]") + len("type:str]")
    path.write_text(text[:start] + "sk-PLAINTEXT" + text[end:])
    with pytest.raises(TamperedError):  # the key that was deleted is missed by the MAC
        put(folder)
    assert "sk-PLAINTEXT" in path.read_text()


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("encrypted_regex: ^secret$", "does not select api_key"),
        ("encrypted_regex: ^(api_key|labels)$", "encrypt more"),
        ("encrypted_suffix: _token", "does not select api_key"),
    ],
)
def test_rule_that_does_not_fit(folder: Path, rest: str, message: str) -> None:
    rule(folder, rest)
    with pytest.raises(SecretError, match=message):
        put(folder)
    assert (folder / "providers.d" / "openai.yaml").read_text() == OPENAI


def test_rule_in_the_file_counts_not_that_of_the_folder(folder: Path) -> None:
    """The program would write the value in plain text: a file keeps the rule it was made with."""
    path = folder / "providers.d" / "openai.yaml"
    path.write_text(OPENAI.replace("labels", "token: x\nlabels"))
    rule(folder, "encrypted_regex: ^token$")
    sops = program.find(ENVIRON)
    path.write_text(verbs.encrypt(sops, path.read_text(), path, folder / ".sops.yaml"))
    rule(folder, "encrypted_regex: ^(token|api_key)$")
    before = path.read_bytes()
    with pytest.raises(SecretError, match="sops block"):
        put(folder)
    assert path.read_bytes() == before


def test_no_rule_matches(folder: Path) -> None:
    rules = folder / ".sops.yaml"
    rules.write_text(rules.read_text().replace("providers|", ""))
    with pytest.raises(NoRuleError, match=r"providers\.d/openai\.yaml"):
        put(folder)
    rules.unlink()
    with pytest.raises(SecretError, match=r"no \.sops\.yaml"):
        put(folder)


def test_someone_who_cannot_read_may_add_the_first_key_only(folder: Path) -> None:
    stranger = {"PATH": "/usr/bin:/bin"}
    set_secret(folder, "provider/openai", "", Secret(KEY), stranger)
    assert read(folder) == [KEY]
    with pytest.raises(SecretError, match=r"openai\.yaml: none of the keys") as caught:
        set_secret(folder, "provider/openai", "", Secret("sk-next"), stranger)
    assert "at hand: none (from SOPS_AGE_KEY" in caught.value.hint
    assert read(folder) == [KEY]


def test_value_is_in_no_argument_and_no_file(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    spy = tmp_path / "sops"
    real = program.find(ENVIRON).path
    spy.write_text(
        f'#!/bin/sh\necho "$@" >> {shlex.quote(str(log))}\n'
        f"env >> {shlex.quote(str(log))}\n"
        f'case "$*" in *set*) for f; do [ -f "$f" ] && cat "$f" >> {log}; done;; esac\n'
        f'exec {shlex.quote(real)} "$@"\n'
    )
    spy.chmod(0o755)
    environ = {**ENVIRON, "MODELOPS_SOPS": str(spy), "AWS_SECRET_ACCESS_KEY": "aws"}
    for value in (KEY, KEY + "-next"):
        set_secret(folder, "provider/openai", "", Secret(value), environ)
    logged = log.read_text()
    assert "set --value-stdin" in logged
    assert "encrypt" in logged
    assert KEY not in logged
    assert "AWS_SECRET" not in logged
    assert not any(
        KEY.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize(
    ("address", "own", "message"),
    [
        ("provider/opnai", "", "no file declares"),
        ("chain/production", "", "has no secret"),
        ("openai", "", "has no secret"),
        ("provider/openai", "openrouter", "--provider"),
        ("agent/research", "", "--provider"),
        ("agent/research", "groq", "no credential for groq"),
    ],
)
def test_addresses_that_have_no_secret(folder: Path, address: str, own: str, message: str) -> None:
    with pytest.raises(ModelopsError, match=message):
        put(folder, address=address, own=own)


@pytest.mark.parametrize(
    ("prefix", "line_break"), [(b"", b"\r\n"), (b"\xef\xbb\xbf", b"\n"), (b"\xef\xbb\xbf", b"\r\n")]
)
def test_line_breaks_and_mark_of_the_file_stay(
    folder: Path, prefix: bytes, line_break: bytes
) -> None:
    path = folder / "providers.d" / "openai.yaml"
    path.write_bytes(prefix + OPENAI.encode().replace(b"\n", line_break))
    for value in ("sk-first", "sk-second"):
        put(folder, value)
        assert read(folder) == [value]
        content = path.read_bytes()
        assert content.startswith(prefix + b"#")
        assert content.count(b"\n") == content.count(line_break)


@pytest.mark.parametrize(
    "content",
    [b"provider: openai\nx: [\n", "provider: openai\n".encode("utf-16"), b"provider: openai\n\xff"],
)
def test_file_that_cannot_be_read_is_left(folder: Path, content: bytes) -> None:
    path = folder / "providers.d" / "openai.yaml"
    path.write_bytes(content)
    with pytest.raises(ModelopsError):
        put(folder)
    assert path.read_bytes() == content


def test_symbolic_link_stays_one(folder: Path) -> None:
    path = folder / "providers.d" / "openai.yaml"
    real = folder / "providers.d" / ".real"
    path.rename(real)
    path.symlink_to(".real")
    put(folder)
    assert path.is_symlink()
    assert "ENC[" in real.read_text()
