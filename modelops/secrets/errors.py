"""What can go wrong with a secret, as a person meets it. No message ever holds a value."""

from __future__ import annotations

from modelops.resources.errors import ModelopsError


class SecretError(ModelopsError):
    """A secret is missing, or cannot be opened, read or written."""


class TamperedError(SecretError):
    """Something was changed by someone without the key: a MAC, a seal or a value does not fit."""


class NoKeyError(SecretError):
    """None of the identities at hand opens it."""


class UnusualError(Exception):
    """A SOPS file that only the real program may judge; never shown to a person."""
