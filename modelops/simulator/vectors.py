"""Embeddings: vectors of length one that follow from the text, so equal texts have equal ones."""

from __future__ import annotations

import hashlib
import math
import random


def embedding(text: str | list[int], model: str, dimensions: int) -> list[float]:
    """Return the vector of a text, of length one."""
    digest = hashlib.sha256(f"{model}\0{text}".encode()).digest()
    chance = random.Random(digest)  # noqa: S311 - reproducible vectors are the point
    vector = [chance.gauss(0.0, 1.0) for _ in range(dimensions)]
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector]
