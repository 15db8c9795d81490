"""One encrypted value, opened and checked.

The additional data of AES-GCM is the path of mapping keys, so a value moved to another key does not
open; list indices are not part of it. The type stands outside the encryption. sops parses the
plaintext by it and hashes what it formats again, so a plaintext that is not what sops would format
is refused here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelops.secrets.errors import TamperedError, UnusualError
from modelops.secrets.sops.ciphertext import parts

_INT64 = range(-(2**63), 2**63)


def additional_data(path: Sequence[str]) -> str:
    """Return what binds a value to its place: the mapping keys on the way, each with a colon."""
    return "".join(f"{key}:" for key in path)


def open_value(cipher: AESGCM, ciphertext: str, bound_to: str) -> tuple[str, str]:
    """Return plaintext and type of one value; TamperedError when it does not open here."""
    data, nonce, tag, kind = parts(ciphertext)
    try:
        return cipher.decrypt(nonce, data + tag, bound_to.encode()).decode(), kind
    except (InvalidTag, ValueError):
        raise TamperedError(
            "an encrypted value does not open: it was edited, moved or cut"
        ) from None


def check_formatted(plaintext: str, kind: str) -> None:
    """Raise UnusualError unless sops, reading the plaintext as this type, would write it so."""
    if kind in ("str", "comment"):
        return
    try:
        same = (
            (kind == "int" and plain_bytes(int(plaintext)) == plaintext.encode())
            or (kind == "float" and plain_bytes(float(plaintext)) == plaintext.encode())
            or (kind == "bool" and plaintext in ("True", "False"))
        )
    except ValueError:
        same = False
    if not same:
        raise UnusualError("a value of a type that is not read here")


def plain_bytes(value: str | bool | int | float | Decimal) -> bytes:
    """Return the bytes by which sops hashes an unencrypted value (ToBytes in sops.go)."""
    if isinstance(value, bool):
        return b"True" if value else b"False"
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, int):
        if value not in _INT64:
            raise UnusualError("an integer of more than 64 bits")
        return str(value).encode()
    return _float_bytes(float(value))


def _float_bytes(value: float) -> bytes:
    """Return a float as Go's FormatFloat(value, 'f', -1, 64): shortest digits, no exponent."""
    if not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0):
        # sops cannot read back a negative zero that it wrote itself
        raise UnusualError("a float that is not finite, or a negative zero")
    text = format(Decimal(repr(value)), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text).encode()
