"""What a value should have been, in words."""

from __future__ import annotations

import pytest
from msgspec import inspect

from modelops.config.wording import noun
from modelops.resources import patterns

PATTERNS = sorted(
    value for name, value in vars(patterns).items() if name.isupper() and value.startswith("^")
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_has_words(pattern: str) -> None:
    """A string that does not match it would else be said not to be a string."""
    assert noun(inspect.StrType(pattern=pattern)) != "a string"
