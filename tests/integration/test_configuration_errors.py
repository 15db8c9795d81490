"""A folder with errors, met by the commands that load one: `--format` decides the form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelops.cli.main import run
from modelops.resources.errors import ExitCode

COMMANDS = (["validate"], ["plan"], ["apply", "--yes"])


@pytest.fixture
def folder(folder: Path) -> Path:
    """Return that configuration with one error and one warning."""
    with (folder / "modelops.yaml").open("a") as settings:
        settings.write("timezone: Europe/Belrin\n")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("output_format", ["json", "github", "sarif"])
def test_every_command_prints_the_document_of_validate(
    command: list[str], output_format: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate", "--format", output_format]) == ExitCode.ERROR
    document = capsys.readouterr().out
    assert run([*command, "--format", output_format]) == ExitCode.ERROR
    printed = capsys.readouterr()
    assert printed.out == document
    assert "Europe/Belrin" in printed.out
    assert printed.err == ""
    assert not (folder / ".modelops").exists()


@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"], ["up"], ["fmt"]])
def test_a_person_reads_them_on_stderr(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "modelops.yaml").write_text("config: x\nconfig: z\n")
    assert run(command) == ExitCode.ERROR
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: the configuration in . has 1 error:\n  modelops.yaml:2:1")


@pytest.mark.parametrize("command", [["up"], ["test"], ["discover", "first"], ["plan"]])
@pytest.mark.parametrize("form", ["json", "github", "sarif"])
def test_a_job_may_say_the_form_for_every_command(
    command: list[str],
    form: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "modelops.yaml").write_text("config: x\nconfig: z\n")
    assert run(["validate", "--format", form]) == ExitCode.ERROR
    document = capsys.readouterr().out
    monkeypatch.setenv("MODELOPS_DIAGNOSTICS", form)
    assert run(command) == ExitCode.ERROR
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (document, "")
    assert run(["fmt"]) == ExitCode.ERROR  # which reads no further than the layout
    printed = capsys.readouterr()
    assert "duplicate key 'config'" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize("output_format", ["json", "sarif", "text"])
def test_another_error_is_words_on_stderr_whatever_the_format(
    output_format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "-C", str(tmp_path), "--format", output_format]) == ExitCode.ERROR
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "holds no configuration" in printed.err


@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"]])
def test_a_sarif_run_of_a_plan_has_its_warnings(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = folder / "modelops.yaml"
    settings.write_text(settings.read_text().replace("timezone: Europe/Belrin\n", ""))
    assert run([*command, "--format", "sarif"]) == ExitCode.DONE
    (sarif,) = json.loads(capsys.readouterr().out)["runs"]
    (result,) = sarif["results"]
    assert (result["ruleId"], result["level"]) == ("name-owned-twice", "warning")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "providers.d/second.yaml"


@pytest.mark.usefixtures("folder")
def test_commands_with_json_alone_print_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "--format", "json"]) == ExitCode.ERROR
    printed = capsys.readouterr()
    assert json.loads(printed.out)["diagnostics"][0]["rule"] == "unknown-timezone"
    assert printed.err == ""
