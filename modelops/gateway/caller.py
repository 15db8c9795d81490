"""Who a request says sent it: for the books only, never for authorization."""

from __future__ import annotations

import re

import msgspec

from modelops.gateway.body import Fields
from modelops.gateway.call import Call

USER_MAX = 200
_NAMING = frozenset({"safety_identifier", "user", "metadata"})
"""The fields a body names its user in."""

ID_MAX = 128

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_CLAUDE_CODE = re.compile(r"user_[0-9a-f]+_account_([0-9a-f-]*)_session_")


def user_of(call: Call, fields: Fields) -> str:
    """Return the end user a request names, '' when it names none.

    The header `x-modelops-user` wins, then of the body's fields `safety_identifier`, `user` and
    `metadata.user_id`.
    """
    header = call.headers.get(b"x-modelops-user")
    if header:
        return _bounded(header.decode("utf-8", "replace"), USER_MAX)
    if _NAMING.isdisjoint(fields):
        return ""
    for name in ("safety_identifier", "user"):
        if value := _string(fields.get(name)):
            return _bounded(value, USER_MAX)
    metadata = fields.get("metadata")
    return _bounded(_metadata_user(metadata), USER_MAX) if metadata is not None else ""


def client_request_id(call: Call) -> str:
    """Return the client's own id of a request, bounded, '' when there is none."""
    for name in (b"x-request-id", b"x-client-request-id"):
        if value := call.headers.get(name):
            return _bounded(value.decode("latin-1"), ID_MAX)
    return ""


class _Metadata(msgspec.Struct):
    user_id: str = ""


class _ClaudeCodeUser(msgspec.Struct):
    account_uuid: str = ""


def _metadata_user(raw: msgspec.Raw) -> str:
    try:
        return user_part(msgspec.json.decode(raw, type=_Metadata).user_id)
    except (msgspec.DecodeError, RecursionError):
        return ""


def user_part(user: str) -> str:
    """Return a `metadata.user_id`; of Claude Code's only the account, no device and no session."""
    if match := _CLAUDE_CODE.match(user):
        return match[1]
    if user.startswith("{"):
        try:
            return msgspec.json.decode(user, type=_ClaudeCodeUser).account_uuid
        except (msgspec.DecodeError, RecursionError):
            return ""
    return user


def _string(raw: msgspec.Raw | None) -> str:
    if raw is None:
        return ""
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError:
        return ""


def _bounded(text: str, most: int) -> str:
    return _UNPRINTABLE.sub("", text)[:most]
