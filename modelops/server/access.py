"""Who may ask for what: every decision about a caller, as plain functions of one request.

With keys declared, a key decides. Without them only this machine is answered, and only when the
request cannot come from a web page or through a proxy: loopback socket, loopback Host, no foreign
Origin, JSON content type. Agents' keys guard `/v1`, operators' keys `/api`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Literal, NoReturn

from modelops.resources.loopback import is_loopback
from modelops.resources.resolved import Role
from modelops.server.keys import Caller, ExpiredKeyError, Keyring, Keys, find, tokens

Headers = Mapping[bytes, bytes]
Address = tuple[str, int] | None

RANK: dict[Role | Literal[""], int] = {"": 0, "viewer": 1, "operator": 2, "deployer": 3}
"""Each role may do what those before it may."""

FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
"""A request with one of these came through a proxy, so its socket says nothing of its sender."""

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")

_KEY_WANTED = "commands read the key of an operator who may do this from MODELOPS_KEY"

NOBODY = Caller(kind="local", name="")
HERE = Caller(kind="local", name="", role="deployer")


class AccessError(Exception):
    """The request is refused with this status; `headers` go with the answer.

    `hint` says what to do next where the message does not.
    """

    def __init__(
        self, status: int, message: str, *headers: tuple[bytes, bytes], hint: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers
        self.hint = hint


def data_plane_caller(
    keyring: Keyring, headers: Headers, client: Address, agents: Collection[str], unix_s: float
) -> Caller:
    """Return the agent that calls `/v1`; AccessError when nobody may be answered."""
    shown = tokens(headers)
    if (caller := _holder(keyring.agents, shown, unix_s)) is not None:
        return caller
    if keyring.agents:
        _refuse(shown, "agent")
    _require_local(headers, client, "agent")
    named = headers.get(b"x-modelops-agent")
    if named is None:
        return NOBODY
    agent = named.decode("latin-1")
    if agent not in agents:
        raise AccessError(403, f"x-modelops-agent names {agent[:64]!r}, which is not declared")
    return Caller(kind="local", name=agent)


def admin_caller(keyring: Keyring, headers: Headers, client: Address, unix_s: float) -> Caller:
    """Return who calls `/api`; AccessError when nobody may be answered.

    An agent's key is known here too: what it opens is the route's to say.
    """
    shown = tokens(headers)
    for keys in (keyring.operators, keyring.agents):
        if (caller := _holder(keys, shown, unix_s)) is not None:
            return caller
    if keyring.operators:
        _refuse(shown, "operator")
    _require_local(headers, client, "operator")
    return HERE


def require_role(caller: Caller, role: Role) -> None:
    """AccessError unless the caller's role reaches `role`."""
    if RANK[caller.role] < RANK[role]:
        who = f"{caller.kind} {caller.name!r}"
        held = f"is {caller.role}" if caller.role else "has no role"
        raise AccessError(403, f"this needs the role {role}; {who} {held}", hint=_KEY_WANTED)


def remote_reason(headers: Headers, client: Address) -> str:
    """Return why a request may come from elsewhere than this machine's own programs, or ''."""
    if client is None or not is_loopback(client[0]):
        return "the connection comes from another machine"
    if any(name in headers for name in FORWARDED):
        return "the request came through a proxy"
    host = headers.get(b"host", b"").decode("latin-1")
    if not is_loopback(host_name(host)):
        return "the Host header names another machine"
    origin = headers.get(b"origin")
    if origin is not None and origin.decode("latin-1").lower() != f"http://{host}".lower():
        return "the request comes from a web page of another origin"
    return ""


def is_json(headers: Headers) -> bool:
    """Return whether a request says that its body is JSON, or has none."""
    content_type = headers.get(b"content-type")
    if content_type is None:
        return headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers
    return content_type.partition(b";")[0].strip().lower() == b"application/json"


@lru_cache(1024)
def host_name(host: str) -> str:
    """Return the name in a Host header, without port and brackets; '' when it is malformed."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]).lower() if match else ""


def _require_local(headers: Headers, client: Address, whose: str) -> None:
    """AccessError unless a request without a key comes from this machine and is JSON.

    A web page can have a browser send anything but JSON unasked.
    """
    if reason := remote_reason(headers, client):
        raise AccessError(401, f"no {whose} has a key, so only this machine is answered: {reason}")
    if not is_json(headers):
        raise AccessError(415, "the body must be JSON: send 'content-type: application/json'")


def _holder(keys: Keys, shown: list[bytes], unix_s: float) -> Caller | None:
    try:
        for key in shown:
            if (caller := find(keys, key, unix_s)) is not None:
                return caller
    except ExpiredKeyError as expired:
        raise AccessError(401, str(expired), hint=_KEY_WANTED) from None
    return None


def _refuse(shown: list[bytes], whose: Literal["agent", "operator"]) -> NoReturn:
    if shown:
        raise AccessError(401, f"this is not a valid {whose} key", hint=_KEY_WANTED)
    raise AccessError(
        401,
        f"an {whose}'s key is needed: send it as 'authorization: Bearer KEY' or 'x-api-key: KEY'",
        hint=_KEY_WANTED,
    )
