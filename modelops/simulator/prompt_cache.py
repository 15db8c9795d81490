"""Which beginnings of prompts a provider has seen before, as the providers cache them.

Anthropic caches up to where the caller says so and reports what was read and what was written;
OpenAI caches by itself, in steps of 128 tokens, and reports what was read. Nothing shorter than
1,024 tokens is cached by either.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from modelops.simulator.question import Question, Segment

MIN_TOKENS = 1024
"""The shortest beginning that is cached."""

STEP = 128
"""OpenAI's cached tokens are a multiple of this."""

MAX_PREFIXES = 10_000
"""Beginnings that are remembered; the oldest are forgotten first."""


class CacheUse(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one prompt that were read from the cache and written to it."""

    read: int = 0
    write_5m: int = 0
    write_1h: int = 0


class PromptCache:
    """The beginnings of prompts seen so far, of every provider and model."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def automatic(self, provider: str, question: Question) -> CacheUse:
        """Return what OpenAI would have read, and remember every beginning of this prompt."""
        read = 0
        for digest, tokens, _ in _prefixes(provider, question):
            if tokens >= MIN_TOKENS and self._known(digest):
                read = tokens // STEP * STEP
        return CacheUse(read=read)

    def marked(self, provider: str, question: Question) -> CacheUse:
        """Return what Anthropic would have read and written at the caller's marks."""
        read = written = long_written = 0
        for digest, tokens, segment in _prefixes(provider, question):
            if not segment.cache or tokens < MIN_TOKENS:
                continue
            if self._known(digest):
                read, written, long_written = tokens, 0, 0
            elif segment.cache == "1h":
                long_written = tokens - read - written
            else:
                written = tokens - read - long_written
        return CacheUse(read=read, write_5m=written, write_1h=long_written)

    def _known(self, digest: bytes) -> bool:
        known = digest in self._seen
        self._seen[digest] = None
        self._seen.move_to_end(digest)
        if len(self._seen) > MAX_PREFIXES:
            self._seen.popitem(last=False)
        return known


def _prefixes(provider: str, question: Question) -> Iterator[tuple[bytes, int, Segment]]:
    tokens = 0
    digest = hashlib.sha256(f"{provider}/{question.model}".encode())
    for segment in question.prompt:
        tokens += segment.tokens
        digest.update(f"\0{segment.tokens}\0{segment.text}".encode())
        yield digest.digest(), tokens, segment
