"""Which part of a prompt comes from the cache."""

from __future__ import annotations

from modelops.simulator.prompt_cache import CacheUse, PromptCache
from modelops.simulator.question import Question, Segment, segment

LONG = segment("word " * 1500)
SHORT = segment("word " * 100)


def ask(*prompt: Segment, model: str = "m") -> Question:
    return Question(model=model, text="", prompt=prompt)


def marked(piece: Segment, lifetime: str = "5m") -> Segment:
    return segment(piece.text, cache="1h" if lifetime == "1h" else "5m")


def test_openai_reads_a_long_beginning_in_steps_of_128() -> None:
    cache = PromptCache()
    assert cache.automatic("p", ask(LONG, SHORT)) == CacheUse()
    assert cache.automatic("p", ask(LONG, segment("new"))).read == LONG.tokens // 128 * 128


def test_a_short_prompt_is_not_cached() -> None:
    cache = PromptCache()
    for _ in range(2):
        assert cache.automatic("p", ask(SHORT)) == CacheUse()
        assert cache.marked("p", ask(marked(SHORT))) == CacheUse()


def test_anthropic_writes_at_the_mark_and_reads_the_next_time() -> None:
    cache = PromptCache()
    first = cache.marked("p", ask(marked(LONG), SHORT))
    assert first == CacheUse(write_5m=LONG.tokens)
    assert cache.marked("p", ask(marked(LONG), segment("new"))) == CacheUse(read=LONG.tokens)


def test_what_lies_between_a_known_mark_and_a_new_one_is_written() -> None:
    cache = PromptCache()
    cache.marked("p", ask(marked(LONG)))
    more = cache.marked("p", ask(marked(LONG), marked(SHORT)))
    assert more == CacheUse(read=LONG.tokens, write_5m=SHORT.tokens)


def test_lifetimes_are_told_apart() -> None:
    cache = PromptCache()
    use = cache.marked("p", ask(marked(LONG, "1h"), marked(SHORT)))
    assert use == CacheUse(write_1h=LONG.tokens, write_5m=SHORT.tokens)


def test_nothing_is_shared_between_providers_or_models() -> None:
    cache = PromptCache()
    cache.automatic("p", ask(LONG))
    assert cache.automatic("q", ask(LONG)) == CacheUse()
    assert cache.automatic("p", ask(LONG, model="n")) == CacheUse()
