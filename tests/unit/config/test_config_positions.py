"""Positions of resources and fields, by the paths that plans use."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelops.config import load_configuration

FULL = Path(__file__).parents[2] / "fixtures" / "config" / "full"


def text_at(address: str, field: str = "") -> str:
    """Return the rest of the line that a position points at."""
    position = load_configuration(FULL).position(address, field)
    assert position is not None
    lines = (FULL / position.file).read_text().splitlines()
    return lines[position.line - 1][position.column - 1 :]


@pytest.mark.parametrize(
    ("address", "field", "text"),
    [
        ("config/full", "", "config: full"),
        ("config/full", "operators[deploy-ci].keys[k1].expires", 'expires: "2099-06-30"'),
        ("provider/anthropic", "", "provider: anthropic"),
        ("provider/anthropic", "base_url", "base_url: https://API.anthropic.com/"),
        ("provider/anthropic", "labels.team", "team: platform"),
        ("model/anthropic/claude-haiku-4-5", "", "model: claude-haiku-4-5"),
        ("model/anthropic/claude-sonnet-4-5", "price.input", "input: 3"),
        ("model/anthropic/claude-sonnet-4-5", "price.tiers[200000].output", "output: 22.5"),
        ("model/anthropic/claude-sonnet-4-5", "price.tiers[0].output", "output: 22.5"),
        ("chain/production", "deadline_ms", "deadline: 300s"),
        (
            "chain/production",
            "targets[openai/gpt-4o].timeout_ms",
            "timeout: 30s}",
        ),
        ("agent/research-agent", "parameters.temperature", "temperature: 0.2"),
        # not written: the resource itself
        ("provider/openai", "base_url", "provider: openai"),
        ("chain/production", "targets[nowhere/x].timeout_ms", "chain: production"),
    ],
)
def test_a_position_points_at_what_is_written(address: str, field: str, text: str) -> None:
    assert text_at(address, field) == text


def test_an_unknown_address_has_no_position() -> None:
    configuration = load_configuration(FULL)
    assert configuration.position("chain/nowhere", "deadline_ms") is None
    assert set(configuration.positions) == set(configuration.state)
    assert len(configuration.positions) == len(configuration.state)
