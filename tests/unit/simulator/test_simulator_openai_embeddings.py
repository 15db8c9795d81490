"""Embeddings follow from the text."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import pytest
from simulator_calls import body, send, simulator, status

URL = "/openai/v1/embeddings"


def embed(value: Any, **fields: Any) -> Any:
    return body(
        send(simulator(), URL, {"model": "text-embedding-3-small", "input": value, **fields})
    )


def test_equal_texts_have_equal_vectors_of_length_one() -> None:
    first, second, third = (one["embedding"] for one in embed(["a b", "a b", "c"])["data"])
    assert first == second != third
    assert len(first) == 1536
    assert math.hypot(*first) == pytest.approx(1)


def test_the_usage_counts_every_input() -> None:
    assert embed(["one two", "three"])["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert embed([1, 2, 3, 4])["usage"]["prompt_tokens"] == 4
    assert len(embed([[1, 2], [3]])["data"]) == 2


def test_base64_holds_the_same_numbers() -> None:
    plain = embed("x", dimensions=4)["data"][0]["embedding"]
    packed = embed("x", dimensions=4, encoding_format="base64")["data"][0]["embedding"]
    assert struct.unpack("<4f", base64.b64decode(packed)) == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("fields", [{"input": []}, {"input": [{}]}, {"dimensions": -1}])
def test_what_cannot_be_embedded_is_refused(fields: dict[str, Any]) -> None:
    asked = {"model": "m", "input": "x", **fields}
    assert status(send(simulator(), URL, asked)) == 400
