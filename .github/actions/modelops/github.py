"""What the action tells GitHub: outputs, the job's summary, annotations, one comment.

The comment is found by its first line, which only its plan has, and among the comments of bots:
anybody could write that line, and nobody's words are to be replaced.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PER_PAGE = 100
"""The most that GitHub lists at once."""

TIMEOUT_S = 30.0


class ApiError(Exception):
    """GitHub did not do what it was asked."""


def output(name: str, value: str) -> None:
    """Set an output of the step; values are of one line."""
    _append("GITHUB_OUTPUT", f"{name}={value}\n")


def summarize(text: str) -> None:
    """Add markdown to the summary of the job."""
    _append("GITHUB_STEP_SUMMARY", text + "\n")


def annotate(kind: str, message: str) -> None:
    """Show a line beside the job; `kind` is error, warning or notice."""
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    sys.stdout.write(f"::{kind} title=modelops::{escaped}\n")


def show(text: str) -> None:
    """Print text in which the runner is to see no commands."""
    if text:
        token = secrets.token_hex(16)
        sys.stdout.write(f"::stop-commands::{token}\n{text.rstrip()}\n::{token}::\n")
        sys.stdout.flush()


def comment(text: str, marker: str) -> None:
    """Write the comment of a pull request, or replace it where it is there; ApiError.

    Nothing is done in a job that is of no pull request.
    """
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    number = event.get("pull_request", {}).get("number")
    if number is None:
        return
    issues = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    listing = f"{issues}/{int(number)}/comments"
    for found in _comments(listing):
        if (found["user"] or {}).get("type") == "Bot" and (found["body"] or "").startswith(marker):
            _request("PATCH", f"{issues}/comments/{int(found['id'])}", {"body": text})
            return
    _request("POST", listing, {"body": text})


def _comments(listing: str) -> Iterator[dict[str, Any]]:
    page = 1
    while True:
        found = _request("GET", f"{listing}?per_page={PER_PAGE}&page={page}")
        yield from found
        if len(found) < PER_PAGE:
            return
        page += 1


def _request(method: str, path: str, content: dict[str, str] | None = None) -> Any:
    """Return what GitHub's REST API answers; ApiError with its reason."""
    request = urllib.request.Request(  # noqa: S310  # the URL is the runner's own
        os.environ["GITHUB_API_URL"] + path,
        method=method,
        data=None if content is None else json.dumps(content).encode(),
        headers={
            "authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "accept": "application/vnd.github+json",
            "x-github-api-version": "2022-11-28",
            "user-agent": "modelops-action",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        hint = "; the job needs `pull-requests: write`, which forks do not get"
        reason = f"{error.code} {error.reason}{hint if error.code in (403, 404) else ''}"
        raise ApiError(f"{method} {path}: {reason}") from None
    except (OSError, ValueError) as error:
        raise ApiError(f"{method} {path}: {error}") from None


def _append(variable: str, text: str) -> None:
    with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
        file.write(text)
