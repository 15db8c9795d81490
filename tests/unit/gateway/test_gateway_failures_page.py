"""The page on failures says what the tables in the code say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
