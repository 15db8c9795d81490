"""The GitHub action: its scripts in a real checkout, against a real store and GitHub's API."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from github_stand_in import BOT, TOKEN, GitHub, github

from modelops.cli.main import run
from modelops.plan.document import decode

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github/actions/modelops"
FIXTURE = ROOT / "tests/fixtures/config/two-targets"
BRANCH = "main"


def git(place: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=place, check=True, capture_output=True)


class Job:
    """A job of GitHub Actions in a checkout, with the files that the runner reads afterwards."""

    def __init__(self, place: Path, server: GitHub) -> None:
        self.checkout = place / "work/llm"
        self.store = f"sqlite:///{place / 'store.db'}"
        self.temporary = place / "temp"
        self.event = place / "event.json"
        self.server = server
        self.temporary.mkdir()
        origin = place / "origin"
        shutil.copytree(FIXTURE, origin / "llm")
        git(origin, "init", "-q", "-b", BRANCH)
        git(origin, "add", ".")
        git(origin, "commit", "-qm", "main")
        git(place, "clone", "-q", str(origin), str(self.checkout))
        self.folder = self.checkout / "llm"

    def change(self, line: str = "display_name: Another") -> None:
        """Change a chain on the branch of the pull request."""
        path = self.folder / "chains.d/production.yaml"
        lines = [text for text in path.read_text().splitlines() if "display_name" not in text]
        path.write_text("\n".join([*lines, line]) + "\n")
        git(self.checkout, "commit", "-qam", "change")

    def run(
        self, command: str, *, store: str | None = None, number: int | None = 7, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the action's script as its last step does."""
        event = {"pull_request": {"number": number}} if number else {}
        self.event.write_text(json.dumps(event))
        for name in ("output", "summary"):
            (self.temporary / name).write_text("")
        settings = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temporary),
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_OUTPUT": str(self.temporary / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary"),
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_API_URL": self.server.url,
            "GITHUB_REPOSITORY": "acme/llm",
            "GITHUB_BASE_REF": BRANCH,
            "GITHUB_TOKEN": TOKEN,
            "INPUT_COMMAND": command,
            "INPUT_FOLDER": "llm",
            "INPUT_ENVIRONMENT": "",
            "INPUT_STORE": self.store if store is None else store,
            "INPUT_WAIT": "false",
        }
        return subprocess.run(
            [sys.executable, str(ACTION / "main.py")],
            cwd=self.checkout,
            env={**settings, **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        """Return what the step hands to the steps that follow."""
        lines = (self.temporary / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def summary(self) -> str:
        """Return the summary of the job."""
        return (self.temporary / "summary").read_text()


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    with github() as server:
        yield Job(tmp_path, server)


def test_applies_main_then_plans_a_pull_request(job: Job) -> None:
    applied = job.run("apply", number=None)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert job.outputs() == {"exit-code": "0", "changes": "true"}
    assert "revision 1 is applied" in job.summary()
    assert run(["show", "--store", job.store]) == 0

    assert job.run("plan").returncode == 0
    assert job.outputs()["changes"] == "false"
    assert job.outputs()["exit-code"] == "0"

    job.change()
    planned = job.run("plan")
    assert planned.returncode == 0, planned.stdout
    outputs = job.outputs()
    assert (outputs["changes"], outputs["exit-code"]) == ("true", "2")
    document = decode(Path(outputs["plan"]).read_bytes(), "plan")
    assert [change.address for change in document.changes] == ["chain/production"]
    assert document.base_revision == 1
    pattern = r"^::notice file=llm/chains\.d/production\.yaml,line=\d+,title=chain/production"
    assert re.search(pattern, planned.stdout, re.MULTILINE)
    assert "display_name" in job.summary()

    assert job.run("apply", number=None).returncode == 0
    assert "revision 2 is applied" in job.summary()
    assert job.run("apply", number=None).returncode == 0
    assert job.outputs()["changes"] == "false"
    assert "revision 2 stands" in job.summary()


def test_comment_is_made_once_and_then_updated(job: Job) -> None:
    job.change()
    for _ in range(120):
        job.server.say("a word of somebody's", {"login": "a", "type": "User"})
    job.server.say(None, None)
    assert job.run("plan", store="").returncode == 0
    first = job.server.comments[-1]["body"]
    assert "### modelops plan" in first
    job.change("display_name: Yet Another")
    assert job.run("plan", store="").returncode == 0
    assert job.server.writes == ["POST", "PATCH"]
    assert "Yet Another" in job.server.comments[-1]["body"]
    assert len(job.server.comments) == 122


def test_words_of_others_are_not_replaced(job: Job) -> None:
    job.change()
    assert job.run("plan", store="").returncode == 0
    marker = job.server.comments[0]["body"].splitlines()[0]
    job.server.comments[:] = []
    job.server.say(f"{marker}\nmine", {"login": "mallory", "type": "User"})
    job.server.say(f"I quote {marker}", BOT)
    assert job.run("plan", store="").returncode == 0
    assert job.server.writes == ["POST", "POST"]
    assert job.server.comments[0]["body"].endswith("mine")


def test_fork_without_store_key_or_right_to_comment(job: Job) -> None:
    job.change()
    job.server.read_only = True
    for store in ("", "https://gateway.example"):
        planned = job.run("plan", store=store)
        assert planned.returncode == 0, planned.stdout
        assert "::warning title=modelops::no comment" in planned.stdout
        assert "pull-requests: write" in planned.stdout
        assert TOKEN not in planned.stdout + planned.stderr + job.summary()
        assert "chain/production" in job.summary()
        assert job.outputs()["changes"] == "true"


def test_github_away_is_no_failure_of_the_plan(job: Job) -> None:
    job.change()
    planned = job.run("plan", store="", GITHUB_API_URL="http://127.0.0.1:9")
    assert planned.returncode == 0
    assert "::warning title=modelops::no comment" in planned.stdout


def test_refused_plan_fails_and_is_commented(job: Job) -> None:
    agent = job.folder / "agents.d/dev.yaml"
    agent.parent.mkdir()
    agent.write_text("agent: dev\nchain: production\n")
    assert job.run("apply", number=None).returncode == 0
    agent.unlink()
    refused = job.run("plan")
    assert refused.returncode == 3
    assert job.outputs()["exit-code"] == "3"
    assert "::error " in refused.stdout
    assert "[!CAUTION]" in job.server.comments[0]["body"]
    assert job.run("apply", number=None).returncode == 3
    assert "changes" not in job.outputs()


def test_errors_in_the_files_are_annotated(job: Job) -> None:
    job.change("display_nam: Another")
    for command in ("plan", "apply"):
        done = job.run(command)
        assert done.returncode == 1
        assert "::error file=llm/chains.d/production.yaml,line=" in done.stdout
        assert job.outputs() == {"exit-code": "1"}
    assert not job.server.comments


def test_applied_but_served_by_nobody(job: Job) -> None:
    done = job.run("apply", number=None, INPUT_WAIT="true")
    assert done.returncode == 6
    assert job.outputs() == {"exit-code": "6", "changes": "true"}
    assert "no worker is running" in done.stdout


def test_what_a_pull_request_brings_is_neither_run_nor_rendered(job: Job) -> None:
    evidence = job.temporary / "pwned"
    for name in ("modelops", "github"):
        package = job.checkout / name
        package.mkdir()
        (package / "__init__.py").write_text(f"open({str(evidence)!r}, 'w').close()\n")
    branch = f"$(touch${{IFS}}{evidence})`touch${{IFS}}{evidence}`;x"
    hostile = 'display_name: "@all <img src=x> | ``` [x](http://evil) $(touch pwned)"'
    job.change(hostile)
    done = job.run("plan", store="")
    assert done.returncode == 0, done.stdout
    comment = job.server.comments[0]["body"]
    outside = comment.partition("<details>")[0]
    assert "@all" not in outside
    assert "<img" not in outside
    broken = job.run("plan", store="", GITHUB_BASE_REF=branch)
    assert broken.returncode == 1
    assert "has no commit" in broken.stdout
    assert not evidence.exists()
    assert not (job.checkout / "pwned").exists()


def test_errors_that_quote_the_checkout_command_nothing(job: Job) -> None:
    done = job.run("plan", store="", GITHUB_BASE_REF="x\n::add-mask::mine\n##[error]mine")
    stop = re.search(r"^::stop-commands::([0-9a-f]{32})$", done.stdout, re.MULTILINE)
    assert stop
    assert done.stdout.index("mine") > stop.start()
    assert done.stdout.rindex("mine") < done.stdout.index(f"::{stop[1]}::\n")


def test_nothing_is_applied_to_a_store_that_goes_with_the_runner(job: Job) -> None:
    done = job.run("apply", store="")
    assert done.returncode == 1
    assert "::error title=modelops::apply needs a store" in done.stdout
    assert not (job.folder / ".modelops").exists()


def test_unknown_command_is_said(job: Job) -> None:
    done = job.run("destroy")
    assert done.returncode == 1
    assert "::error title=modelops::the input command is 'destroy'" in done.stdout
