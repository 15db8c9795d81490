"""Whose fault it is that no address of a host takes a connection."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest

from modelops.gateway.upstream.connect import connect, tls_context
from modelops.gateway.upstream.connection import Connection
from modelops.gateway.upstream.errors import ConnectError, LocalError, UpstreamError
from modelops.gateway.upstream.names import Names
from modelops.gateway.upstream.request import Origin


@pytest.mark.parametrize(
    ("v6", "v4", "said"),
    [
        (errno.EADDRNOTAVAIL, errno.ECONNREFUSED, ConnectError),
        (errno.EADDRNOTAVAIL, None, ConnectError),
        (errno.EADDRNOTAVAIL, errno.EADDRNOTAVAIL, LocalError),
        (errno.EADDRNOTAVAIL, errno.EMFILE, LocalError),
        (errno.EMFILE, errno.EMFILE, LocalError),
        (errno.EMFILE, errno.ECONNREFUSED, ConnectError),
        (None, None, ConnectError),
    ],
)
async def test_a_server_without_ipv6_is_not_out_of_ports(
    monkeypatch: pytest.MonkeyPatch, v6: int | None, v4: int | None, said: type[UpstreamError]
) -> None:
    numbers = {"2001:db8::1": v6, "192.0.2.1": v4}

    async def addresses(self: Names, host: str) -> list[str]:
        return [address for address, number in numbers.items() if number]

    async def refuse(self: object, make: object, address: str, port: int) -> None:
        number = numbers[address] or 0
        raise OSError(number, os.strerror(number))

    def made() -> Connection:
        raise AssertionError("nothing is connected")

    monkeypatch.setattr(Names, "addresses", addresses)
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", refuse)
    origin = Origin("one.test", 443, tls=True)
    with pytest.raises(said):
        await connect(made, Names(), origin, tls_context(), 5.0)
