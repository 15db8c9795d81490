"""The page on failures says what the tables in the code say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from modelops.gateway.protocols import ADAPTERS

REPOSITORY = Path(__file__).parents[3]
SHOW = "import failures; print(failures.page(), end='')"


def test_the_page_is_what_the_tables_make_of_it() -> None:
    written = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=REPOSITORY / "scripts",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    stored = (REPOSITORY / "docs" / "failures.md").read_text(encoding="utf-8")
    assert stored == written, "run: python scripts/failures.py"


def test_the_guide_lists_every_endpoint_with_its_targets() -> None:
    guide = (REPOSITORY / "docs" / "gateway.md").read_text(encoding="utf-8")
    served: dict[str, set[str]] = {}
    for endpoint, protocol in ADAPTERS:
        served.setdefault(endpoint, set()).add(protocol)
    told = {
        match[1]: set(match[2].split(", "))
        for match in re.finditer(r"\| `POST (/v1/\S+)` \| ([a-z, ]+) \|", guide)
    }
    assert told == served
