"""One HTTP/1.1 request on a connection of its own, bounded in size: all a connection test needs.

The gateway's client is built to be fast and shared; this one is built to say what went wrong. It
follows no redirect, keeps no cookie, and closes when it is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httptools
import msgspec

from modelops.probes.report import ProbeError

MAX_ANSWER = 16 * 1024 * 1024
"""Most bytes of an answer: the longest model list known (OpenRouter's) is under 2 MiB."""

_CHUNK = 65_536


class Answer(msgspec.Struct, frozen=True):
    """A whole answer; header names in lower case, the last of each name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Collector:
    """Callbacks of the parser: gathers one answer."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.head_complete = False
        self.complete = False

    def on_headers_complete(self) -> None:
        self.head_complete = True

    def ends_with_connection(self) -> bool:
        """Return whether the answer names no length, so that the connection's end is its end."""
        framed = {"content-length", "transfer-encoding"} & self.headers.keys()
        return self.head_complete and not framed

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


async def get(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    host: str,
    target: str,
    headers: Mapping[str, str],
) -> Answer:
    """Send a GET and return the answer; ProbeError when none, or none in HTTP, comes.

    `target` is path and query. The caller bounds the time and closes the connection.
    """
    common = {"host": host, "accept": "application/json", "accept-encoding": "identity"}
    fields = {**common, **headers, "connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    try:
        writer.write(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
        await writer.drain()
        return await _read(reader)
    except (ConnectionError, asyncio.IncompleteReadError, OSError) as error:
        raise ProbeError("cut_off", str(error)) from error


async def _read(reader: asyncio.StreamReader) -> Answer:
    collector = _Collector()
    parser = httptools.HttpResponseParser(collector)
    received = 0
    try:
        while not collector.complete:
            data = await reader.read(_CHUNK)
            received += len(data)
            if not data:
                break
            if received > MAX_ANSWER:
                raise ProbeError("not_the_api", f"more than {MAX_ANSWER} bytes")
            parser.feed_data(data)
    except httptools.HttpParserError as error:
        raise ProbeError("not_http", str(error)) from error
    if not collector.complete and not collector.ends_with_connection():
        raise ProbeError("cut_off")
    return Answer(
        status=parser.get_status_code(), headers=collector.headers, body=bytes(collector.body)
    )
