"""Names in an invoice are taken for those that are known, unless that would be a guess."""

from __future__ import annotations

import pytest

from modelops.ledger.invoiced_models import meant

KNOWN = {
    name: f"provider's {name}"
    for name in (
        "gpt-4",
        "gpt-4o",
        "gpt-5.4",
        "gpt-4o-2024-05-13",
        "anthropic/claude-sonnet-4.5",
        "anthropic/claude-opus-4:free",
        "moonshotai/kimi-k2.5",
        "x-ai/grok-4",
        "deepseek/deepseek-r1:free",
        "a-b-c",
        "c-b-a",
    )
}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4-0613", "gpt-4"),
        ("moonshotai/kimi-k2.5-0127", "moonshotai/kimi-k2.5"),
        ("x-ai/grok-4-07-09", "x-ai/grok-4"),
        ("deepseek/deepseek-r1-0528:free", "deepseek/deepseek-r1:free"),
        ("anthropic/claude-4.5-sonnet-20250929", "anthropic/claude-sonnet-4.5"),
        ("anthropic/claude-4-opus-20250522:free", "anthropic/claude-opus-4:free"),
        ("anthropic/claude-4-5-sonnet", "anthropic/claude-sonnet-4.5"),
    ],
)
def test_a_name_is_found_by_its_parts(name: str, known: str) -> None:
    assert meant(name, KNOWN) == f"provider's {known}"


@pytest.mark.parametrize(
    "name", ["b-a-c", "gpt-5", "gpt-4.5", "gpt-4o:free", "google/claude-sonnet-4.5"]
)
def test_a_name_that_nothing_or_more_than_one_fits_stays(name: str) -> None:
    assert meant(name, KNOWN) == name
