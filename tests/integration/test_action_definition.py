"""The GitHub action around its script: what it installs, and how inputs reach it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github/actions/modelops"


@pytest.mark.parametrize(
    ("requirement", "store", "lock"),
    [
        ("", {}, "runtime"),
        ("", {"INPUT_STORE": "postgresql://db/modelops"}, "postgres"),
        ("", {"INPUT_STORE": "", "MODELOPS_STORE": "postgresql://db/modelops"}, "postgres"),
        ("modelops @ git+https://x; $(touch pwned)", {}, ""),
    ],
)
def test_installs_what_it_is_a_part_of_or_what_it_is_told(
    tmp_path: Path, requirement: str, store: dict[str, str], lock: str
) -> None:
    """A Python that only writes down its arguments shows what would be installed."""
    python = tmp_path / "python"
    python.write_text(
        "#!/usr/bin/env bash\n"
        f'for word in "$@"; do printf \'%s|\' "$word"; done >> {tmp_path}/log\n'
        f"echo >> {tmp_path}/log\n"
        f'if [[ "$3" == venv ]]; then mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; fi\n'
    )
    python.chmod(0o755)
    settings = {
        "PATH": os.environ["PATH"],
        "RUNNER_TEMP": str(tmp_path / "a b"),
        "GITHUB_ACTION_PATH": str(ACTION),
        "INPUT_PYTHON": str(python),
        "INPUT_INSTALL": requirement,
        **store,
    }
    subprocess.run([str(ACTION / "install.sh")], cwd=tmp_path, env=settings, check=True)
    made, *installed, checked = (tmp_path / "log").read_text().splitlines()
    pip = "-I|-m|pip|install|--quiet|--disable-pip-version-check|"
    assert made == f"-I|-m|venv|{tmp_path}/a b/modelops|"
    if requirement:
        assert installed == [f"{pip}{requirement}|"]
    else:
        locked = ROOT / f"requirements/{lock}.txt"
        assert locked.is_file()
        assert installed == [
            f"{pip}--require-hashes|-r|{locked}|",
            f"{pip}--no-build-isolation|--no-deps|{ROOT}|",
        ]
    assert checked == "-I|-m|modelops|--version|"
    assert not (tmp_path / "pwned").exists()


def test_definition_hands_inputs_over_as_variables_alone() -> None:
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    steps = action["runs"]["steps"]
    assert not [step for step in steps if "${{" in step["run"]]
    handed = {value for step in steps for value in step["env"].values()}
    assert handed == {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}
    outputs = {value["value"] for value in action["outputs"].values()}
    assert outputs == {f"${{{{ steps.run.outputs.{name} }}}}" for name in action["outputs"]}
    assert os.access(ACTION / "install.sh", os.X_OK)
