"""Names that hang, fail or are gone, and those beside them."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from modelops.gateway.upstream import names
from modelops.gateway.upstream.errors import DnsError, LocalError
from modelops.gateway.upstream.names import Names

AGAIN = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
GONE = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class Resolver:
    """In place of the system's: hosts whose names hang, fail or are found at 192.0.2.1."""

    def __init__(self) -> None:
        self.hanging: set[str] = set()
        self.failing: dict[str, OSError | MemoryError] = {}
        self.asked: list[str] = []
        self.goes_on = threading.Event()

    def getaddrinfo(self, host: str, *_: object, **__: object) -> list[Any]:
        self.asked.append(host)
        if host in self.hanging:
            self.goes_on.wait(30)
        if host in self.failing:
            raise self.failing[host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))] * 2


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    yield made
    made.goes_on.set()


async def test_names_that_hang_keep_no_other_from_being_found(resolver: Resolver) -> None:
    resolver.hanging = {f"hangs-{number}.test" for number in range(20)}
    known = Names()
    waiting = [asyncio.create_task(known.addresses(host)) for host in resolver.hanging]
    assert await asyncio.wait_for(known.addresses("one.test"), 10) == ["192.0.2.1"]
    resolver.goes_on.set()
    assert await asyncio.gather(*waiting) == [["192.0.2.1"]] * 20


async def test_a_name_is_looked_up_once_at_a_time_whoever_gives_up(resolver: Resolver) -> None:
    resolver.hanging = {"one.test"}
    known = Names()
    first, second = (asyncio.create_task(known.addresses("one.test")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    third = asyncio.create_task(known.addresses("one.test"))
    await asyncio.sleep(0)
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "one.test"]
    assert thread.daemon, "at exit nothing waits for it"
    resolver.goes_on.set()
    assert [await second, await third] == [["192.0.2.1"]] * 2
    assert resolver.asked == ["one.test"]
    await known.addresses("one.test")
    assert resolver.asked == ["one.test"] * 2, "what was found serves only while none is found"


async def test_the_addresses_found_last_serve_while_the_resolver_fails_or_is_slow(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Names()
    await known.addresses("one.test")
    resolver.failing = {"one.test": AGAIN, "new.test": AGAIN}
    assert await known.addresses("one.test") == ["192.0.2.1"]
    with pytest.raises(DnsError, match=r"has no address: .*Temporary failure"):
        await known.addresses("new.test")
    monkeypatch.setattr(names, "SLOW_SECONDS", 0.01)
    resolver.hanging = {"one.test"}
    assert await asyncio.wait_for(known.addresses("one.test"), 10) == ["192.0.2.1"]


async def test_a_name_that_has_no_address_any_more_is_not_called(resolver: Resolver) -> None:
    known = Names()
    await known.addresses("one.test")
    resolver.failing = {"one.test": GONE}
    with pytest.raises(DnsError, match="Name or service not known"):
        await known.addresses("one.test")


async def test_addresses_are_not_looked_up(resolver: Resolver) -> None:
    assert await Names().addresses("127.0.0.1") == ["127.0.0.1"]
    assert await Names().addresses("::1") == ["::1"]
    assert resolver.asked == []


async def test_a_server_without_descriptors_is_not_a_name_without_address(
    resolver: Resolver,
) -> None:
    known = Names()
    resolver.failing = {"one.test": OSError(errno.EMFILE, "Too many open files")}
    with pytest.raises(LocalError, match=r"cannot look up one\.test: .*Too many open files"):
        await known.addresses("one.test")


async def test_a_look_up_for_which_there_was_no_memory_is_made_again(resolver: Resolver) -> None:
    known = Names()
    resolver.failing = {"one.test": MemoryError()}
    with pytest.raises(LocalError, match="out of memory"):
        await asyncio.wait_for(known.addresses("one.test"), 10)
    resolver.failing = {}
    assert await known.addresses("one.test") == ["192.0.2.1"]


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError("none")])
async def test_a_system_without_threads_fails_the_look_up(
    monkeypatch: pytest.MonkeyPatch, resolver: Resolver, error: Exception
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise error

    known = Names()
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        with pytest.raises(LocalError, match=str(error)):
            await known.addresses("one.test")
    assert await known.addresses("one.test") == ["192.0.2.1"]
