"""What of a request counts as written text when its tokens are estimated."""

from __future__ import annotations

import base64
from random import Random
from typing import Any

import msgspec
import pytest
from gateway_doubles import ASK, Bench, two_targets
from hypothesis import given
from hypothesis import strategies as st

from modelops.gateway.text_size import LARGE, text_bytes
from modelops.gateway.upstream.errors import HeadTimeoutError

PICTURE = base64.b64encode(Random(1).randbytes(300_000)).decode()  # noqa: S311  any bytes
TEXT = "Say what is to be seen here. " * 4000
NEARLY = 2048
"""Bytes of a picture that may be left: it is found to a step, and its head is text."""


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
        {"type": "image", "source": {"type": "base64", "data": PICTURE}},
        {"inline_data": {"mime_type": "image/png", "data": PICTURE.replace("/", "_")}},
        {"role": "user", "images": [PICTURE, PICTURE]},
    ],
)
def test_a_picture_is_not_written(part: dict[str, object]) -> None:
    content = msgspec.json.encode([{"text": TEXT}, part, {"text": TEXT}])
    assert abs(text_bytes(content) - 2 * len(TEXT)) < 2 * NEARLY
    assert abs(text_bytes(content.replace(b"/", b"\\/")) - 2 * len(TEXT)) < 2 * NEARLY


def test_a_text_with_a_long_word_in_it_is_written() -> None:
    content = msgspec.json.encode([TEXT + PICTURE + " " + TEXT])
    assert abs(text_bytes(content) - 2 * len(TEXT)) < NEARLY


def test_a_body_that_is_not_large_is_not_looked_at() -> None:
    assert text_bytes(b"A" * LARGE) == LARGE


@given(st.sampled_from([b'"', b"A" * 600, b"a b", b"\xc3\xa9"]), st.integers(0, 2000))
def test_no_body_is_less_than_nothing(piece: bytes, more: int) -> None:
    content = piece * (LARGE // len(piece) + more)
    assert 0 <= text_bytes(content) <= len(content)


async def test_the_estimate_of_a_call_leaves_its_picture_out() -> None:
    url = {"url": f"data:image/png;base64,{PICTURE}"}
    asked = [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]
    bench = Bench(two_targets(max_attempts=1))
    bench.client.script("one", HeadTimeoutError("no response"))
    await bench.ask({**ASK, "messages": asked})
    estimated = bench.rows[0].cost.estimate_pico
    assert estimated is not None
    assert estimated < NEARLY / 4 * 1_000_000


class Watched(bytes):
    """A body that counts how often it is looked into."""

    looks = 0

    def __getitem__(self, place: Any) -> Any:
        self.looks += 1
        return super().__getitem__(place)


@pytest.mark.parametrize("pictures", [1, 40])
def test_a_body_of_any_size_is_looked_into_as_often(pictures: int) -> None:
    content = Watched(msgspec.json.encode([TEXT, *[PICTURE] * pictures]))
    exact = abs(text_bytes(content) - len(TEXT))
    assert 0 < content.looks <= 1025
    assert exact < NEARLY + pictures * len(content) // 1024
