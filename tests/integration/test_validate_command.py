"""`modelops validate` and `modelops schema` as processes: output, exit codes, what is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "config"


def modelops(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "modelops", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_valid_folder_is_one_line_and_exit_0() -> None:
    done = modelops("validate", "-C", str(FIXTURES / "minimal"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("4 files, 1 provider, 1 model, 1 chain, 1 agent: 0 errors, 0 warnings\n")


def test_errors_are_lines_on_stdout_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "modelops.yaml").write_text("config: x\ntimezone: Nowhere\n")
    (tmp_path / "agents.d").mkdir()
    (tmp_path / "agents.d" / "a.yaml").write_text("agent: a\nchain: [\n")
    done = modelops("validate", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == ""
    first, second, summary = done.stdout.splitlines()
    assert first.startswith("agents.d/a.yaml:3:1: ")
    assert second.startswith("modelops.yaml:2:11: there is no time zone 'Nowhere'")
    assert summary.endswith(": 2 errors, 0 warnings")


def test_json_is_for_programs(tmp_path: Path) -> None:
    (tmp_path / "modelops.yaml").write_text("config: x\nmore: 1\n")
    done = modelops("validate", "-C", str(tmp_path), "--format", "json")
    assert done.returncode == 1
    (diagnostic,) = json.loads(done.stdout)["diagnostics"]
    assert (diagnostic["rule"], diagnostic["line"]) == ("unknown-field", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rules", "--format", "sarif"], "error: rules are listed as text or json"),
        (["-C", "/nowhere/at/all"], "error: there is no folder /nowhere/at/all"),
        (
            ["-C", str(FIXTURES / "full"), "--env", "Not A Name"],
            "is not the name of an environment",
        ),
        (["--format", "yaml"], "'yaml' is not one of"),
    ],
)
def test_a_wrong_call_is_exit_1_on_stderr(arguments: list[str], message: str) -> None:
    done = modelops("validate", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr


def test_rules_are_listed_with_their_documentation() -> None:
    done = modelops("validate", "--rules")
    assert done.returncode == 0
    assert "yaml-anchor (error)\n  Anchors, aliases" in done.stdout
    listing = json.loads(modelops("validate", "--rules", "--format", "json").stdout)
    assert {"id", "severity", "doc"} == set(listing[0])


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "a: " + "x" * 10_000_000, "a: &a [*a]\n", "\x00" * 10]
)
def test_hostile_files_end_in_a_diagnostic(content: str, tmp_path: Path) -> None:
    (tmp_path / "modelops.yaml").write_text(content)
    done = modelops("validate", "-C", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout.startswith("modelops.yaml:1:")
    assert len(done.stdout) < 1000


HEAVY = {"sqlalchemy", "alembic", "jsonschema", "litestar", "uvicorn", "openai", "rich"}


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_a_command_imports_what_it_needs_alone(command: str, tmp_path: Path) -> None:
    arguments = [command, "-C", str(FIXTURES / "full")]
    if command == "plan":
        arguments += ["--store", f"sqlite:///{tmp_path}/store.db"]
    code = (
        "import sys\n"
        "from modelops.cli.main import run\n"
        f"run({arguments!r})\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_schemas_are_printed_written_and_checked(tmp_path: Path) -> None:
    printed = json.loads(modelops("schema", "provider").stdout)
    assert printed["title"] == "Provider"
    assert {"settings", "provider", "chain", "agent"} <= set(json.loads(modelops("schema").stdout))
    assert modelops("schema", "--check", cwd=tmp_path).returncode == 1
    assert modelops("schema", "--write", cwd=tmp_path).returncode == 0
    assert modelops("schema", "--check", cwd=tmp_path).returncode == 0
    (tmp_path / "schema" / "chain.schema.json").write_text("{}")
    stale = modelops("schema", "--check", cwd=tmp_path)
    assert stale.returncode == 1
    assert "not current: schema/chain.schema.json" in stale.stderr
