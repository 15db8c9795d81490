"""Pieces of configurations that break a rule, and the marks at what the rule must point at."""

from __future__ import annotations

from collections.abc import Mapping

from config_support import VALID

ALPHA, MAIN, DEV = "providers.d/alpha.yaml", "chains.d/main.yaml", "agents.d/dev.yaml"


MARK = "▸"
"""Stands before what a rule must point at; taken out before the file is written."""


Files = Mapping[str, str | None]


def alpha(old: str, new: str) -> Files:
    """Return the valid provider with every occurrence of a text replaced."""
    assert old in VALID[ALPHA]
    return {ALPHA: VALID[ALPHA].replace(old, new)}


def settings(more: str) -> Files:
    return {"modelops.yaml": VALID["modelops.yaml"] + more}


def chain(targets: str, more: str = "") -> Files:
    return {MAIN: f"chain: main\ntargets: [{targets}]\n{more}"}


def agent(more: str) -> Files:
    return {DEV: f"agent: dev\n{more}"}


BETA = """provider: beta
protocol: openai
base_url: https://beta.example/v1
api_key: {env: MODELOPS_SECRET_BETA}
models:
  - model: ▸small
    price: {input: 1, output: 2}
"""


LARGE, SMALL = "{model: alpha/large}", "{model: alpha/small}"


def unmarked(files: Files) -> tuple[dict[str, str | None], list[str]]:
    """Return files without marks, and the places of the marks as file:line:column."""
    clean: dict[str, str | None] = {}
    places = []
    for name, marked in sorted(files.items()):
        rest = marked or ""
        while MARK in rest:
            before, _, after = rest.partition(MARK)
            line = before.count("\n") + 1
            column = len(before) - before.rfind("\n")
            places.append(f"{name}:{line}:{column}")
            rest = before + after
        clean[name] = None if marked is None else rest
    return clean, places
