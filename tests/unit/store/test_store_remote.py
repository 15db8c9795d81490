"""A store behind a server that cannot be asked; what a server answers is in e2e."""

from __future__ import annotations

import ssl

import pytest

from modelops.store.protocol import StoreUnreachableError
from modelops.store.remote import RemoteStore


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (ssl.SSLCertVerificationError("self-signed certificate"), "SSL_CERT_FILE"),
        (ConnectionRefusedError("refused"), "is the server running"),
    ],
)
async def test_a_server_that_is_not_reached_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: OSError, hint: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(RemoteStore, "_exchange", fail)
    with pytest.raises(StoreUnreachableError) as caught:
        await RemoteStore("https://gateway.example", None).head()
    assert hint in caught.value.hint
