from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.secrets.errors import SecretError
from modelops.secrets.references import MAX_BYTES, open_reference

VALUE = "sk-canary-0123456789"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    inside = tmp_path / "secrets"
    inside.mkdir()
    return inside


def environ(directory: Path) -> dict[str, str]:
    return {"MODELOPS_SECRETS_DIR": str(directory)}


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


def test_variable() -> None:
    secret = open_reference("env:MODELOPS_SECRET_OPENAI", {"MODELOPS_SECRET_OPENAI": VALUE})
    assert secret.reveal() == VALUE


@pytest.mark.parametrize(
    "name",
    ["DATABASE_URL", "PATH", "", "MODELOPS_SECRET_", "MODELOPS_SECRETS_DIR", "modelops_secret_x"],
)
def test_only_allowed_variables(name: str) -> None:
    with pytest.raises(SecretError, match="MODELOPS_SECRET_") as caught:
        open_reference(f"env:{name}", {name: VALUE})
    assert VALUE not in str(caught.value)


def test_variable_that_is_missing_or_empty() -> None:
    with pytest.raises(SecretError, match="MODELOPS_SECRET_A is not set"):
        open_reference("env:MODELOPS_SECRET_A", {})
    with pytest.raises(SecretError, match="MODELOPS_SECRET_A is empty"):
        open_reference("env:MODELOPS_SECRET_A", {"MODELOPS_SECRET_A": ""})


@pytest.mark.parametrize("value", [VALUE + "\r\nx-evil: 1", "sk-\x00", "sk-\x7f", "clé"])
def test_value_that_no_header_carries(value: str) -> None:
    with pytest.raises(SecretError, match="line breaks") as caught:
        open_reference("env:MODELOPS_SECRET_A", {"MODELOPS_SECRET_A": value})
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("value", [f" {VALUE}", f"{VALUE} "])
def test_blanks_that_a_header_would_lose(value: str) -> None:
    with pytest.raises(SecretError, match="begins or ends with a blank"):
        open_reference("env:MODELOPS_SECRET_A", {"MODELOPS_SECRET_A": value})


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_file_without_its_line_ending(directory: Path, ending: bytes) -> None:
    write(directory / "openai", VALUE.encode() + ending)
    assert open_reference("file:openai", environ(directory)).reveal() == VALUE


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "..", ".", "", "a/b", ".hidden", "a\nb", "a\x00b"]
)
def test_file_names_that_are_no_plain_names(directory: Path, name: str) -> None:
    write(directory.parent / "outside", VALUE.encode())
    with pytest.raises(SecretError, match="plain file name"):
        open_reference(f"file:{name}", environ(directory))


def test_link_may_stay_inside_but_not_leave(directory: Path) -> None:
    (directory / "..2026_11_21").mkdir()
    write(directory / "..2026_11_21" / "openai", VALUE.encode())
    (directory / "..data").symlink_to("..2026_11_21")
    (directory / "openai").symlink_to("..data/openai")  # as Kubernetes mounts secrets
    assert open_reference("file:openai", environ(directory)).reveal() == VALUE

    write(directory.parent / "outside", VALUE.encode())
    (directory / "stolen").symlink_to("../outside")
    with pytest.raises(SecretError, match="leaves"):
        open_reference("file:stolen", environ(directory))


def test_files_that_are_none(directory: Path) -> None:
    with pytest.raises(SecretError, match="no file absent"):
        open_reference("file:absent", environ(directory))
    (directory / "folder").mkdir()
    with pytest.raises(SecretError, match="not a regular file"):
        open_reference("file:folder", environ(directory))
    os.mkfifo(directory / "pipe")
    with pytest.raises(SecretError, match="not a regular file"):
        open_reference("file:pipe", environ(directory))
    (directory / "loop").symlink_to("loop")
    with pytest.raises(SecretError, match="no file loop"):
        open_reference("file:loop", environ(directory))
    with pytest.raises(SecretError, match="MODELOPS_SECRETS_DIR is not set"):
        open_reference("file:openai", {})


def test_size_and_content_are_bounded(directory: Path) -> None:
    write(directory / "long", b"a" * (MAX_BYTES + 1))
    with pytest.raises(SecretError, match="longer than"):
        open_reference("file:long", environ(directory))
    write(directory / "empty", b"\n")
    with pytest.raises(SecretError, match="is empty"):
        open_reference("file:empty", environ(directory))
    write(directory / "binary", b"\xff\xfe")
    with pytest.raises(SecretError, match="line breaks"):
        open_reference("file:binary", environ(directory))


def test_file_open_to_everyone_is_warned_about(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(directory / "openai", VALUE.encode())
    with caplog.at_level(logging.DEBUG):
        open_reference("file:openai", environ(directory))
        assert not caplog.records
        (directory / "openai").chmod(0o644)
        open_reference("file:openai", environ(directory))
    assert "open to every user" in caplog.text
    assert VALUE not in caplog.text


@given(st.text())
def test_nothing_else_is_a_reference(reference: str) -> None:
    with pytest.raises(SecretError):
        open_reference(reference, {})
