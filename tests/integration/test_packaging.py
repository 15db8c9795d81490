"""What the package says of itself, and what `make` offers."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]


def pyproject() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))


def test_the_versions_of_python_it_claims_are_those_that_ci_runs() -> None:
    ci = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text("utf-8"))
    claimed = re.findall(r"Python :: (3\.\d+)", " ".join(pyproject()["project"]["classifiers"]))
    assert claimed == ci["jobs"]["test"]["strategy"]["matrix"]["python"]


def test_its_types_are_published() -> None:
    assert (REPOSITORY / "modelops" / "py.typed").exists()


def test_a_package_has_one_bound_wherever_it_is_named() -> None:
    project = pyproject()
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    bounds: dict[str, set[str]] = defaultdict(set)
    for line in (line for group in groups for line in group if isinstance(line, str)):
        name = re.split(r"[<>=]", line)[0]
        bounds[name].add(line.removeprefix(name))
    assert {name for name, found in bounds.items() if len(found) > 1} == set()


def test_make_help_lists_every_target() -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    shown = subprocess.run(
        ["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    listed = re.findall(r"^  make (\S+) +\S", shown, re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())
