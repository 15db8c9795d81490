from __future__ import annotations

from pathlib import Path

import pytest

from modelops.secrets import identities, server_identity
from modelops.secrets.errors import NoKeyError, SecretError


def test_identity_shows_its_public_half_only() -> None:
    identity = identities.generate()
    shown = f"{identity} {identity!r} {[identity]}"
    assert identity.recipient in shown
    assert "AGE-SECRET-KEY" not in shown
    assert identity.reveal().startswith("AGE-SECRET-KEY-1")


def test_malformed_identity_is_not_repeated_in_the_error() -> None:
    cut = identities.generate().reveal()[:-3]
    with pytest.raises(SecretError, match="malformed") as caught:
        identities.parse(cut)
    assert cut not in str(caught.value)


def test_at_hand_looks_where_sops_looks(tmp_path: Path) -> None:
    first, second, third = (identities.generate() for _ in range(3))
    named = tmp_path / "named.txt"
    named.write_text(f"# a comment\n\n{second.reveal()}\n{first.reveal()}\n")
    usual = tmp_path / "config" / "sops" / "age" / "keys.txt"
    usual.parent.mkdir(parents=True)
    usual.write_text(third.reveal())
    environ = {
        "SOPS_AGE_KEY": first.reveal(),
        "SOPS_AGE_KEY_FILE": str(named),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    found = [identity.recipient for identity in identities.at_hand(environ)]
    assert found == [first.recipient, second.recipient, third.recipient]
    assert identities.at_hand({}) == ()
    with pytest.raises(SecretError, match="cannot be read"):
        identities.at_hand({"SOPS_AGE_KEY_FILE": str(tmp_path / "absent")})


def test_server_identity_is_created_once_and_private(tmp_path: Path) -> None:
    path = server_identity.location(tmp_path / ".modelops", {})
    created = identities.create(path)
    assert path == tmp_path / ".modelops" / "server.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.recipient for found in server_identity.load(path)] == [created.recipient]
    with pytest.raises(SecretError, match="already"):
        identities.create(path)


def test_server_identity_open_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "server.key"
    identities.create(path)
    path.chmod(0o640)
    with pytest.raises(SecretError, match="open to others") as caught:
        server_identity.load(path)
    assert "chmod 600" in caught.value.hint


def test_server_identity_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "mounted"
    environ = {"MODELOPS_SERVER_IDENTITY_FILE": str(path)}
    assert server_identity.location(tmp_path / ".modelops", environ) == path
    with pytest.raises(SecretError, match="cannot be read"):
        server_identity.load(path)
    path.write_text("nothing\n")
    path.chmod(0o600)
    with pytest.raises(SecretError, match="no age identity"):
        server_identity.load(path)


def test_rotation_opens_old_and_new_until_retired(tmp_path: Path) -> None:
    path = tmp_path / "server.key"
    old = identities.create(path)
    before = identities.encrypt(b"before", [old.recipient])
    new, *_ = server_identity.rotate(path)
    after = identities.encrypt(b"after", [new.recipient])
    assert path.stat().st_mode & 0o777 == 0o600
    both = server_identity.load(path)
    assert [found.recipient for found in both] == [new.recipient, old.recipient]
    assert identities.decrypt(before, both) == b"before"
    assert identities.decrypt(after, both) == b"after"

    (dropped,) = server_identity.retire(path)
    assert dropped.recipient == old.recipient
    with pytest.raises(NoKeyError):
        identities.decrypt(before, server_identity.load(path))
    assert server_identity.retire(path) == ()
    assert list(tmp_path.iterdir()) == [path]
