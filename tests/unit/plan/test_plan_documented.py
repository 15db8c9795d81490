"""Every reason to refuse a plan is in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
REFUSED = re.compile(r'rule="([a-z-]+)",\s+level="refused"|_refused\(\s*"([a-z-]+)"')


def test_every_refusal_is_documented() -> None:
    sources = [*(ROOT / "modelops/plan").glob("*.py"), *(ROOT / "modelops/operations").glob("*.py")]
    found = {
        first or second
        for source in sources
        for first, second in REFUSED.findall(source.read_text(encoding="utf-8"))
    }
    page = (ROOT / "docs/plan-and-apply.md").read_text(encoding="utf-8")
    section = page.partition("## What is refused")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE))
    assert found == documented
    assert "empties-kind" in found
