"""The header lines a provider is called with, the key among them, made once per revision.

They are the only place on the request road where a key stands in clear, so this type has no
printable form: only `headers` gives the bytes, and only the upstream client reads it. What a
provider says goes through `hide` before anybody else sees it.
"""

from __future__ import annotations

from modelops import __version__
from modelops.gateway import redaction
from modelops.gateway.upstream.request import Origin
from modelops.secrets.secret import Secret


class Credential:
    """What one caller sends to one provider with every request.

    `error` says why the provider cannot be called with it, '' when it can. `identity` tells two
    credentials apart in this process, so that a new key does not inherit what was learned of the
    old one. `agent` is whose own it is, '' for the provider's.
    """

    __slots__ = ("_spelled", "agent", "error", "headers", "identity")

    def __init__(self, headers: bytes, key: str = "", error: str = "", agent: str = "") -> None:
        self.headers = headers
        self.error = error
        self.agent = agent
        self.identity = hash(headers)
        self._spelled = redaction.spellings(key)

    def hide(self, content: bytes) -> bytes:
        """Return what a provider said without the key it was called with."""
        return redaction.hide(content, self._spelled)

    def __repr__(self) -> str:
        return "Credential(...)"


def credential(origin: Origin, auth: str, key: Secret | None, agent: str = "") -> Credential:
    """Return the header lines for an origin, with `key` sent as `auth` says (None: no key).

    `auth` is `bearer` or the name of the header that carries the bare key, `agent` whose own it is.
    """
    lines = [
        f"host: {origin.authority}",
        f"user-agent: modelops/{__version__}",
        "accept-encoding: identity",
        "content-type: application/json",
    ]
    value = ""
    if key is not None:
        value = key.reveal()
        if not (value.isascii() and value.isprintable()):
            return unusable_credential("the key holds characters that no HTTP header may carry")
        lines.append(f"authorization: Bearer {value}" if auth == "bearer" else f"{auth}: {value}")
    return Credential(
        "".join(f"{line}\r\n" for line in lines).encode("latin-1"), value, agent=agent
    )


def unusable_credential(error: str) -> Credential:
    """Return a credential that cannot be used, and why."""
    return Credential(b"", error=error)
