from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from modelops.catalog import PRESETS
from modelops.catalog.records import Preset
from modelops.resources import patterns

ALL = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS.keys())


def test_the_design_names_these_presets() -> None:
    assert list(PRESETS) == [
        "anthropic",
        "openai",
        "google",
        "ollama",
        "deepseek",
        "qwen",
        "glm",
        "openrouter",
        "aihubmix",
        "mistral",
        "groq",
        "xai",
        "azure",
        "lm-studio",
        "vllm",
    ]


@ALL
def test_a_preset_name_can_be_a_provider_name(preset: Preset) -> None:
    assert re.match(patterns.NAME, preset.name)


@ALL
def test_a_base_url_takes_an_endpoint_and_is_https_unless_local(preset: Preset) -> None:
    if preset.name == "azure":
        assert preset.base_url == ""
        return
    url = urlsplit(preset.base_url)
    assert not preset.base_url.endswith("/")
    assert not url.query
    assert url.scheme == ("http" if preset.free else "https")
    assert (url.hostname == "127.0.0.1") is preset.free


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("anthropic", "https://api.anthropic.com/v1/messages"),
        ("openai", "https://api.openai.com/v1/chat/completions"),
        (
            "google",
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
        ),
        ("ollama", "http://127.0.0.1:11434/api/chat"),
        ("deepseek", "https://api.deepseek.com/chat/completions"),
        ("groq", "https://api.groq.com/openai/v1/chat/completions"),
    ],
)
def test_the_chat_endpoint_is_the_base_url_and_a_path(name: str, endpoint: str) -> None:
    paths = {
        "anthropic": "/v1/messages",
        "openai": "/chat/completions",
        "gemini": "/models/gemini-2.5-flash:generateContent",
        "ollama": "/api/chat",
    }
    preset = PRESETS[name]
    assert preset.base_url + paths[preset.protocol] == endpoint


@ALL
def test_who_wants_a_key_says_where_to_get_one(preset: Preset) -> None:
    assert preset.key_url.startswith("https://") is (preset.auth != "none")
    assert preset.docs_url.startswith("https://")


@ALL
def test_auth_is_bearer_none_or_a_lower_case_header(preset: Preset) -> None:
    assert re.fullmatch(r"[a-z][a-z-]*", preset.auth)


def test_resellers_are_marked() -> None:
    assert [name for name, preset in PRESETS.items() if preset.aggregator] == [
        "openrouter",
        "aihubmix",
    ]


def test_a_public_model_list_is_no_test_of_a_key() -> None:
    assert PRESETS["openrouter"].key_test == "key_endpoint"
    assert PRESETS["aihubmix"].key_test == "one_token"
    assert PRESETS["deepseek"].key_test == "balance"


@ALL
def test_the_documentation_has_a_row_for_it(preset: Preset) -> None:
    page = Path(__file__).parents[3] / "docs" / "catalog.md"
    (row,) = [
        line
        for line in page.read_text("utf-8").splitlines()
        if line.startswith(f"| {preset.name} |")
    ]
    key = "none" if preset.auth == "none" else preset.auth.strip("`")
    cells = [cell.strip().strip("`") for cell in row.strip("|").split("|")]
    assert cells[1] == preset.protocol
    assert cells[2] == preset.base_url or cells[2].startswith("declared: ")
    assert cells[3] == key
