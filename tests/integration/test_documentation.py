"""The documentation holds together: links lead somewhere, lines have a readable length."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modelops.config import load_configuration

REPOSITORY = Path(__file__).parents[2]
PAGES = [
    path
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "examples/**/*.md")
    for path in sorted(REPOSITORY.glob(pattern))
]
EVERY = pytest.mark.parametrize(
    "page", PAGES, ids=[str(path.relative_to(REPOSITORY)) for path in PAGES]
)


def prose(page: Path) -> list[str]:
    """Return the lines of a page outside of code blocks."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [line for line in text.splitlines() if not line.startswith("    ")]


def anchors(page: Path) -> set[str]:
    """Return the anchors GitHub gives the headings of a page."""
    titles = [line.lstrip("#").strip() for line in prose(page) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@EVERY
def test_every_relative_link_resolves(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", "\n".join(prose(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_variable_that_is_read_is_documented() -> None:
    sources = "".join(path.read_text("utf-8") for path in REPOSITORY.glob("modelops/**/*.py"))
    read = set(re.findall(r"(?:VARIABLE = |envvar=|get\()\"(MODELOPS_\w+)\"", sources))
    page = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    assert {name for name in read if f"`{name}`" not in page} == set()
    assert {"MODELOPS_STORE", "MODELOPS_KEY", "MODELOPS_SOPS"} <= read


def test_the_prices_shown_are_accepted(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "usage.md").read_text("utf-8")
    (models,) = re.findall(r"^```yaml\n(models:.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    provider = "provider: own\nprotocol: openai\nbase_url: https://models.example/v1\nauth: none\n"
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "modelops.yaml").write_text("config: shown\n", "utf-8")
    (tmp_path / "providers.d" / "own.yaml").write_text(provider + models, "utf-8")
    assert len(load_configuration(tmp_path).state) == 4  # settings, provider and both models


@EVERY
def test_no_line_of_prose_is_too_long(page: Path) -> None:
    lines = [line for line in prose(page) if not line.startswith("|")]
    assert [line for line in lines if len(line) > 120] == []
