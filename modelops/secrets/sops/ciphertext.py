"""The text of one encrypted value: `ENC[AES256_GCM,data:..,iv:..,tag:..,type:..]`, not opened.

Apart from `values`, because what compares ciphertext (a plan, a store) opens none and should not
wait for a cryptographic library to load.
"""

from __future__ import annotations

import base64
import binascii
import re

from modelops.secrets.errors import TamperedError

_ENCRYPTED = re.compile(
    r"ENC\[AES256_GCM,data:([A-Za-z0-9+/=]+),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/]{22}==),type:([a-z]+)\]"
)


def is_encrypted(value: object) -> bool:
    """Say whether a value has the form of SOPS ciphertext, all of it."""
    return isinstance(value, str) and _ENCRYPTED.fullmatch(value) is not None


def is_comment(value: object) -> bool:
    """Say whether a value is a comment that sops has encrypted, as an item of a list."""
    return isinstance(value, str) and is_encrypted(value) and value.endswith(",type:comment]")


def ciphertext_bytes(ciphertext: str) -> bytes:
    """Return what identifies a ciphertext: its encrypted bytes, not their spelling.

    base64 can spell the same bytes in several ways, and the type is not authenticated, so text
    comparison would not recognize a copy. What is no ciphertext identifies itself.
    """
    try:
        data, nonce, tag, _ = parts(ciphertext)
    except TamperedError:
        return ciphertext.encode()
    return nonce + tag + data


def parts(ciphertext: str) -> tuple[bytes, bytes, bytes, str]:
    """Return data, nonce, tag and type; TamperedError when it is no ciphertext."""
    match = _ENCRYPTED.fullmatch(ciphertext)
    if match is None:
        raise TamperedError(
            "a value that should be encrypted does not have the form of SOPS ciphertext",
            "its sops block selects it: modelops secret set encrypts it, or restore the file",
        )
    try:
        data, nonce, tag = (base64.b64decode(match[part], validate=True) for part in (1, 2, 3))
    except binascii.Error:
        raise TamperedError("an encrypted value is damaged") from None
    return data, nonce, tag, match[4]
