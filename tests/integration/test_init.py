"""A folder that init has made validates, plans, applies and takes a key at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from modelops import catalog
from modelops.catalog import PRESETS
from modelops.cli.init import command as init_command
from modelops.cli.main import run
from modelops.config import load_configuration
from modelops.operations.fmt import format_folder
from modelops.operations.init import init_folder
from modelops.operations.scaffold import STARTERS, scaffold
from modelops.operations.secret import set_secret
from modelops.resources.errors import ExitCode, ModelopsError
from modelops.secrets import identities
from modelops.secrets.opening import open_sources
from modelops.secrets.secret import Secret

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}


def test_every_starter_is_known(environ: dict[str, str], tmp_path: Path) -> None:
    for name, models in STARTERS.items():
        assert all(catalog.models.find(PRESETS[name].name, model) for model in models), name
    init_folder(tmp_path / "all", "", tuple(STARTERS), environ)
    configuration = load_configuration(tmp_path / "all")
    assert configuration.config == "all"
    assert not [w for w in configuration.warnings if w.position.file.startswith("providers.d")]


def test_validates_plans_and_applies_at_once(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", environ["HOME"])
    for name in ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "XDG_CONFIG_HOME", "MODELOPS_STORE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "Acme LLM"
    assert run(["init", str(folder)]) == 0
    written = capsys.readouterr().out.splitlines()
    assert all((folder / path).is_file() for path in written)
    assert run(["validate", "-C", str(folder)]) == 0
    assert run(["plan", "-C", str(folder), "--detailed-exitcode"]) == 2
    assert run(["apply", "-C", str(folder), "--yes"]) == 0
    assert run(["plan", "-C", str(folder), "--detailed-exitcode"]) == 0
    assert format_folder(folder, write=False).changed == ()
    assert run(["init", str(folder)]) == 1


def test_a_key_is_asked_of_those_providers_alone_that_take_one(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", environ["HOME"])
    for providers, exported in (
        (["ollama"], ""),
        (["ollama", "openai", "xai"], "MODELOPS_SECRET_OPENAI=... MODELOPS_SECRET_XAI=..."),
    ):
        named = [f"--provider={name}" for name in providers]
        assert run(["init", str(tmp_path / providers[-1]), *named]) == 0
        said = capsys.readouterr().err
        assert ("MODELOPS_SECRET" in said) == ("secret set" in said) == bool(exported)
        assert exported in said


def test_identity_is_made_once_and_outside(tmp_path: Path, environ: dict[str, str]) -> None:
    first = init_folder(tmp_path / "one", "", ["openai"], environ)
    second = init_folder(tmp_path / "two", "", ["openai"], environ)
    assert first.identity_file == tmp_path / "home/.config/sops/age/keys.txt"
    assert first.identity_file.stat().st_mode & 0o777 == 0o600
    assert second.identity_file is None
    assert second.recipient == first.recipient
    for path in (tmp_path / "one").rglob("*"):
        assert path.is_dir() or "AGE-SECRET-KEY" not in path.read_text()


def test_key_is_encrypted_by_the_rules_that_were_written(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    init_folder(tmp_path, "acme", ["openai"], environ)
    set_secret(tmp_path, "provider/openai", "", Secret("sk-canary-1"), environ)
    configuration = load_configuration(tmp_path)
    opened = open_sources(tmp_path, configuration.secrets, environ)
    assert opened["provider/openai", "api_key"].reveal() == "sk-canary-1"
    text = (tmp_path / "providers.d/openai.yaml").read_text()
    assert "mac_only_encrypted: true" in text
    assert "\n  age:\n" in text  # indented by two


def test_a_key_that_has_no_place_is_not_asked_for(
    tmp_path: Path,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    init_folder(tmp_path, "acme", ["openai"], environ)
    monkeypatch.setattr("modelops.cli.secret._value", lambda _: pytest.fail("it was asked for"))
    assert run(["secret", "set", "provider/opnai", "-C", str(tmp_path)]) == ExitCode.ERROR
    assert "did you mean provider/openai?" in capsys.readouterr().err


def test_files_that_are_there_are_kept(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    made = init_folder(tmp_path, "acme", ["openai"], environ)
    assert made.kept == (".gitignore",)
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("config", "providers"), [("Not A Name", ["openai"]), ("acme", ["nobody"]), ("acme", ["vllm"])]
)
def test_nothing_is_written_for_what_cannot_be(
    tmp_path: Path, environ: dict[str, str], config: str, providers: list[str]
) -> None:
    with pytest.raises(ModelopsError):
        init_folder(tmp_path / "new", config, providers, environ)
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "home").exists()


def test_a_folder_that_holds_one_is_named_as_a_shell_takes_it(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    folder = tmp_path / "My Folder"
    init_folder(folder, "acme", ["openai"], environ)
    with pytest.raises(ModelopsError) as caught:
        init_folder(folder, "acme", ["openai"], environ)
    assert f"validate -C '{folder}'" in caught.value.hint


def test_next_steps_name_the_folder_as_a_shell_takes_it(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    folder = tmp_path / "My Folder"
    made = CliRunner(env=environ).invoke(init_command, [str(folder)], standalone_mode=False)
    assert f"modelops up --simulate -C '{folder}'" in made.stderr


def test_no_place_for_an_identity(tmp_path: Path) -> None:
    with pytest.raises(ModelopsError, match="HOME"):
        init_folder(tmp_path / "new", "acme", ["openai"], {})


def test_static_files_are_yaml() -> None:
    files = scaffold("acme", ["openai"], identities.generate().recipient)
    workflow = yaml.safe_load(files[".github/workflows/modelops.yml"])
    action = yaml.safe_load((ROOT / ".github/actions/modelops/action.yml").read_text())
    for name in ("plan", "apply"):
        step = workflow["jobs"][name]["steps"][-1]
        assert step["uses"] == "<OWNER>/modelops/.github/actions/modelops@<COMMIT>"
        assert step["with"]["command"] == name
        assert step["with"].keys() <= action["inputs"].keys()
    hooks = yaml.safe_load(files[".pre-commit-config.yaml"])["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == ["modelops validate", "modelops fmt --check"]
