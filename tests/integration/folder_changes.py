"""Edits of a configuration folder."""

from __future__ import annotations

from pathlib import Path


def change(folder: Path, name: str = "display_name: Another") -> None:
    """Change one field of one chain."""
    path = next((folder / "chains.d").glob("*.yaml"))
    lines = [line for line in path.read_text().splitlines() if not line.startswith("display_name")]
    path.write_text("\n".join([*lines, name]) + "\n")
