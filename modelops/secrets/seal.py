"""Seals: one secret encrypted to the servers' public keys and bound to where it belongs.

Whoever applies needs no private key to seal, and cannot read back. The binding lies inside the
encryption: a row that is moved to another provider, field, environment or configuration, or whose
provider is redirected to another origin, does not open. A seal is confidential, not signed: anyone
with the public key can seal a value of their own, so it proves nothing about who wrote it.

Form: `ms1.<key ids joined by +>.<base64url of an age file>`. The age file holds a mark, the binding
and the value, each with its length, and zeros up to a multiple of 64 bytes, which hides the length
of the key. `age -d` with the server's identity opens it without modelops.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from modelops.secrets.errors import NoKeyError, SecretError, TamperedError
from modelops.secrets.identities import Identity, decrypt, encrypt
from modelops.secrets.secret import Secret

FORM = "ms1"
_MARK = b"modelops-seal-v1\0"
_PADDED_TO = 64
_LENGTH_BYTES = 4
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sealed secret belongs. `origin` is the scheme://host:port it may be sent to."""

    config: str
    environment: str
    address: str
    field: str
    origin: str


def key_id(recipient: str) -> str:
    """Return the short name of a recipient that stands in seals and messages."""
    return hashlib.sha256(recipient.encode()).hexdigest()[:12]


def seal(secret: Secret, binding: Binding, recipients: Sequence[str]) -> str:
    """Return the secret sealed so that each of the recipients can open it, here only."""
    if not recipients:
        raise SecretError(
            "there is no recipient to seal secrets to",
            "name the servers' public keys in server_recipients of modelops.yaml",
        )
    content = (
        _MARK + _with_length(_ENCODER.encode(binding)) + _with_length(secret.reveal().encode())
    )
    content += b"\0" * (-len(content) % _PADDED_TO)
    ids = "+".join(key_id(recipient) for recipient in recipients)
    return f"{FORM}.{ids}.{base64.urlsafe_b64encode(encrypt(content, recipients)).decode()}"


def sealed_to(blob: str) -> frozenset[str]:
    """Return the key ids a seal says it was made for; empty when it is none."""
    parts = blob.split(".")
    return frozenset(parts[1].split("+")) if len(parts) == 3 else frozenset()


def unseal(blob: str, binding: Binding, identities: Sequence[Identity]) -> Secret:
    """Return the secret in a seal.

    NoKeyError when it was sealed to other keys, TamperedError when it belongs elsewhere.
    """
    content = _decrypted(blob, identities)
    bound, rest = _take(content.removeprefix(_MARK))
    value, _ = _take(rest)
    if not hmac.compare_digest(bound, _ENCODER.encode(binding)):
        raise TamperedError(
            f"the secret was sealed for another place: {_difference(bound, binding)}",
            "apply again from the configuration it belongs to",
        )
    return Secret(value.decode())


def _decrypted(blob: str, identities: Sequence[Identity]) -> bytes:
    form, ids, encoded = _parts(blob)
    if form != FORM:
        raise SecretError(
            f"a secret is sealed in the form {form[:20]!r}, which this version does not know",
            "run a version of modelops that is at least as new as the one that applied",
        )
    try:
        content = decrypt(base64.b64decode(encoded, altchars=b"-_", validate=True), identities)
    except NoKeyError:
        at_hand = ", ".join(key_id(identity.recipient) for identity in identities) or "none"
        raise NoKeyError(
            f"the secret is sealed to {ids[:200]}; the server's identities are {at_hand}",
            "give the server the identity it is sealed to, or apply again with its recipient; "
            "modelops identity show prints its ids",
        ) from None
    except binascii.Error:
        raise TamperedError("a sealed secret is damaged") from None
    if not content.startswith(_MARK):
        raise TamperedError("what stands in place of a sealed secret is not one")
    return content


def _parts(blob: str) -> tuple[str, str, str]:
    parts = blob.split(".")
    if len(parts) != 3:
        raise TamperedError("a sealed secret is damaged")
    form, ids, encoded = parts
    return form, ids, encoded


def _with_length(part: bytes) -> bytes:
    return len(part).to_bytes(_LENGTH_BYTES, "big") + part


def _take(content: bytes) -> tuple[bytes, bytes]:
    """Split off one part that is preceded by its length."""
    length = int.from_bytes(content[:_LENGTH_BYTES], "big")
    end = _LENGTH_BYTES + length
    if len(content) < end:
        raise TamperedError("a sealed secret is damaged")
    return content[_LENGTH_BYTES:end], content[end:]


def _difference(bound: bytes, expected: Binding) -> str:
    """Say in which fields a seal's binding differs: names of places only, never the value."""
    try:
        found = msgspec.json.decode(bound, type=Binding)
    except msgspec.MsgspecError:
        return "its binding cannot be read"
    return ", ".join(
        f"{name} {getattr(found, name)!r}, not {getattr(expected, name)!r}"
        for name in Binding.__struct_fields__
        if getattr(found, name) != getattr(expected, name)
    )
