"""Open every secret of one SOPS file in process, with age, and check the file's MAC.

Fail closed: AES-GCM authenticates each value with its path, the MAC the set of them; a mistake in
here shows as an error and not as a wrong key. There is no way to ignore the MAC.

What the MAC does not cover is the reason for the origin checks of plan and seal: keys, nesting and
boundaries of plain values are not hashed, so `https://api.openai.com/v1` and `main` have the same
MAC as `https://api.openai.co` and `m/v1main`, and with `mac_only_encrypted` no plain value is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelops.secrets.errors import NoKeyError, SecretError, TamperedError, UnusualError
from modelops.secrets.identities import Identity, decrypt
from modelops.secrets.secret import Secret
from modelops.secrets.sops.metadata import Metadata, read_metadata
from modelops.secrets.sops.selection import IsEncrypted, selection
from modelops.secrets.sops.values import (
    additional_data,
    check_formatted,
    open_value,
    plain_bytes,
)

_DATA_KEY_BYTES = 32
_MAC_ONLY_ENCRYPTED_PREFIX = hashlib.sha256(b"sops").digest()
_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

Plain = str | bool | int | float | Decimal | None
Leaf = tuple[tuple[str, ...], Plain]


def open_document(
    document: Mapping[str, object], block: Mapping[str, object], identities: Sequence[Identity]
) -> dict[str, Secret]:
    """Return every secret of a file by its ciphertext.

    `document` is the file as the strict loader read it, `block` its `sops:` part. NoKeyError: no
    identity opens it. TamperedError: a value or the MAC does not fit. UnusualError: ask the binary.
    """
    metadata = read_metadata(block)
    if not _UTC.fullmatch(metadata.lastmodified):
        raise UnusualError("a time of change that is not in UTC")
    is_encrypted = selection(metadata)
    cipher = AESGCM(_data_key(metadata, identities))
    secrets, digest = _open_leaves(document, is_encrypted, cipher, metadata.mac_only_encrypted)
    recorded, _ = open_value(cipher, metadata.mac, metadata.lastmodified)
    if not hmac.compare_digest(recorded.encode(), digest.encode()):
        raise TamperedError(
            "the file was changed outside sops: its MAC does not fit",
            "restore it from git, and make the change with modelops secret set or sops edit",
        )
    return secrets


def _open_leaves(
    document: Mapping[str, object], is_encrypted: IsEncrypted, cipher: AESGCM, only_encrypted: bool
) -> tuple[dict[str, Secret], str]:
    """Return secrets by ciphertext, and the upper-case hex SHA-512 that the MAC is to hold."""
    secrets: dict[str, Secret] = {}
    mac = hashlib.sha512(_MAC_ONLY_ENCRYPTED_PREFIX if only_encrypted else b"")
    for path, value in leaves(document):
        if value is None:
            continue
        if not is_encrypted(path):
            if not only_encrypted:
                mac.update(plain_bytes(value))
        elif value != "":  # sops leaves an empty string as it is
            if not isinstance(value, str):
                raise SecretError(f"{'.'.join(path)} is not encrypted, and the sops block says so")
            plaintext, kind = _opened(cipher, value, path)
            check_formatted(plaintext, kind)
            if kind != "comment":
                secrets[value] = Secret(plaintext)
                mac.update(plaintext.encode())
    return secrets, mac.hexdigest().upper()


def _opened(cipher: AESGCM, value: str, path: tuple[str, ...]) -> tuple[str, str]:
    """Return plaintext and type of a leaf; TamperedError names it by its keys."""
    try:
        return open_value(cipher, value, additional_data(path))
    except TamperedError as error:
        raise TamperedError(f"{'.'.join(path)}: {error.message}", error.hint) from None


def leaves(document: object) -> Iterator[Leaf]:
    """Iterate over the leaves of a document in its order, each with its path of mapping keys."""
    stack: list[tuple[tuple[str, ...], object]] = [((), document)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, Mapping):
            stack.extend(((*path, key), node[key]) for key in reversed(node))
        elif isinstance(node, list):
            stack.extend((path, item) for item in reversed(node))
        elif node is None or isinstance(node, str | bool | int | float | Decimal):
            yield path, node
        else:
            raise UnusualError(f"a value of type {type(node).__name__}")


def _data_key(metadata: Metadata, identities: Sequence[Identity]) -> bytes:
    """Return the data key by the first identity that fits, trying our own recipients first."""
    if metadata.key_groups:
        raise UnusualError("the data key is shared out over key groups")
    own = {identity.recipient for identity in identities}
    for stanza in sorted(metadata.age or [], key=lambda stanza: stanza.recipient not in own):
        try:
            key = decrypt(stanza.enc.encode(), identities)
        except NoKeyError:
            continue
        if len(key) != _DATA_KEY_BYTES:
            raise TamperedError("the data key of the file has a wrong length")
        return key
    raise NoKeyError("none of the age identities at hand opens it")
