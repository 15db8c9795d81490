"""Runs modelops in a job of GitHub Actions: plans a pull request, or applies a branch.

Inputs arrive as INPUT_* variables; outputs, summary and comment are for whoever reviews. Nothing
here decides anything: modelops does, and its exit code is the step's.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import github

from modelops.plan import document
from modelops.plan.document import Plan
from modelops.plan.render import markdown
from modelops.resources.errors import ExitCode, ModelopsError


def main() -> int:
    """Run the command that the input names, and return the exit code of the step."""
    command = os.environ["INPUT_COMMAND"]
    if command not in ("plan", "apply"):
        github.annotate("error", f"the input command is {command!r}; it takes plan or apply")
        return ExitCode.ERROR
    code, _ = modelops("validate", *where(), "--format", "github")
    if code != ExitCode.DONE:
        github.output("exit-code", str(code))
        return code
    return plan() if command == "plan" else apply()


def plan() -> int:
    """Annotate the changed lines, write the plan and comment it on the pull request."""
    path = Path(os.environ["RUNNER_TEMP"], f"modelops-plan-{secrets.token_hex(4)}.json")
    options = ("--out", str(path), "--format", "github", "--detailed-exitcode")
    code, _ = modelops("plan", *where(), *base(), *options)
    github.output("exit-code", str(code))
    if path.exists():
        planned = document.decode(path.read_bytes(), str(path))
        github.output("changes", "false" if planned.empty else "true")
        github.output("plan", str(path))
        publish(planned)
    return ExitCode.DONE if code == ExitCode.CHANGES else code


def publish(planned: Plan) -> None:
    """Show a plan where it is reviewed: in the summary of the job, and in one comment."""
    text = markdown.render(planned)
    github.summarize(text)
    try:
        github.comment(text, markdown.marker(planned))
    except github.ApiError as error:
        github.annotate("warning", f"no comment, the plan is in the summary of the job: {error}")


def apply() -> int:
    """Apply the folder, and say in the summary what stands."""
    if not (os.environ["INPUT_STORE"] or os.environ.get("MODELOPS_STORE")):
        github.annotate("error", "apply needs a store: set the input store or MODELOPS_STORE")
        return ExitCode.ERROR
    wait = ("--wait",) if os.environ["INPUT_WAIT"] == "true" else ()
    code, printed = modelops("apply", *where(), *store(), "--yes", "--format", "json", *wait)
    github.output("exit-code", str(code))
    if code in (ExitCode.DONE, ExitCode.NOT_LIVE):
        result = json.loads(printed)
        github.output("changes", str(result["applied"]).lower())
        done = "is applied" if result["applied"] else "stands, nothing was to apply"
        github.summarize(f"modelops: revision {result['revision']} {done}\n")
    return code


def where() -> tuple[str, ...]:
    """Return the options that say whose configuration is meant."""
    environment = os.environ["INPUT_ENVIRONMENT"]
    return ("-C", os.environ["INPUT_FOLDER"], *(("--env", environment) if environment else ()))


def store() -> tuple[str, ...]:
    """Return the option that names the store; without one modelops reads MODELOPS_STORE."""
    url = os.environ["INPUT_STORE"]
    return ("--store", url) if url else ()


def base() -> tuple[str, ...]:
    """Return what to compare with: the store, or the target branch where no store can be read.

    That is so where no store is named, and where a gateway is without a key for it: pull requests
    from forks get no secrets.
    """
    url = os.environ["INPUT_STORE"] or os.environ.get("MODELOPS_STORE", "")
    gateway = url.startswith(("https:", "http:"))
    if os.environ.get("MODELOPS_KEY") if gateway else url:
        return store()
    return ("--base", f"origin/{os.environ['GITHUB_BASE_REF']}")


def modelops(*arguments: str) -> tuple[int, str]:
    """Run modelops and return its exit code and what it printed, which is shown as well.

    It runs isolated, so that a folder of its name in the checkout is not taken for it. Errors may
    quote the checkout: the runner is told to read no commands in them.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-m", "modelops", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout)
    github.show(done.stderr)
    return done.returncode, done.stdout


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ModelopsError as error:
        github.annotate("error", f"{error.message} {error.hint}".strip())
        sys.exit(error.exit_code)
