"""A committed stream: what goes on at once, what waits for the row, and who is waited for."""

from __future__ import annotations

from gateway_doubles import DONE, HELLO, STOP, USAGE, WORLD

from modelops.gateway.flow import Flow
from modelops.gateway.protocols.openai.chat import OpenAiChatStream

FAILED = b'data: {"error":{"message":"key-1 is gone"}}\n\n'


class Client:
    """Keeps what it is sent, and says whether it can take more."""

    def __init__(self, *, fast: bool = True) -> None:
        self.fast = fast
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> bool:
        self.sent.append(data)
        return self.fast


def flow_to(client: Client) -> Flow:
    reader = OpenAiChatStream(hide_usage=True)
    return Flow(reader, client.send, lambda content: content.replace(b"key-1", b"[redacted]"))


def test_what_came_in_one_turn_is_one_write() -> None:
    flow = flow_to(client := Client())
    assert flow.take([HELLO])
    assert flow.take([WORLD, USAGE, STOP[:20], STOP[20:]])
    assert client.sent == [HELLO, WORLD + STOP]


def test_a_client_that_can_take_no_more_stops_the_flow() -> None:
    flow = flow_to(client := Client(fast=False))
    assert not flow.take([HELLO])
    assert not flow.ended
    assert client.sent == [HELLO]


def test_the_last_that_came_waits_for_the_row() -> None:
    flow = flow_to(client := Client())
    assert not flow.take([WORLD, STOP + DONE])
    assert (flow.ended, flow.rest, client.sent) == (True, WORLD + STOP, [])


def test_an_error_event_passes_without_the_key_and_what_follows_it_too() -> None:
    flow = flow_to(client := Client())
    assert flow.take([FAILED])
    assert flow.take([b": key-1\n\n"])
    flow.close()
    assert client.sent == [FAILED.replace(b"key-1", b"[redacted]"), b": [redacted]\n\n"]
    assert flow.ended


def test_what_is_no_event_is_not_passed() -> None:
    flow = flow_to(client := Client())
    assert not flow.take([b"data: {broken\n\n"])
    assert (flow.ended, flow.rest, client.sent) == (True, b"", [])
