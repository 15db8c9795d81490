"""The commit a configuration is at: for plans and history, never needed to work.

Git is asked as a program. A folder outside git, a machine without git and a detached head are all
ordinary: what is not known stays ''. The index is not refreshed and no configured helper is run,
because a plan only looks.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from modelops.config import files

TIMEOUT = 10.0
"""Seconds; a plan does not wait for a repository on a dead network drive."""

CONFIGURATION_PATHS = (files.SETTINGS, *files.FOLDERS)
"""What of a folder is configuration: other uncommitted files do not make it dirty."""

_READ_ONLY = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")


class GitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Commit (40 hex digits) and branch of a folder; '' outside git, branch '' when detached.

    `dirty` says whether configuration files differ from the commit. `prefix` is where the folder
    is in the repository, with a final slash, '' for its root.
    """

    commit: str = ""
    branch: str = ""
    dirty: bool = False
    prefix: str = ""


def facts(folder: Path) -> GitFacts:
    """Return what git knows of a folder; nothing when there is no git, repository or commit."""
    command = ("status", "--porcelain=v2", "--branch", "--untracked-files=all", "--")
    try:
        answer = run(folder, *command, *CONFIGURATION_PATHS)
        prefix = run(folder, "rev-parse", "--show-prefix")
    except (OSError, subprocess.SubprocessError):
        return GitFacts()
    headers: dict[str, str] = {}
    dirty = False
    for line in answer.decode(errors="replace").splitlines():
        if line.startswith("# "):
            name, _, content = line[2:].partition(" ")
            headers[name] = content
        else:
            dirty = True
    commit, branch = headers.get("branch.oid", ""), headers.get("branch.head", "")
    return GitFacts(
        commit="" if commit == "(initial)" else commit,
        branch="" if branch == "(detached)" else branch,
        dirty=dirty,
        prefix=prefix.decode(errors="replace").strip(),
    )


def run(folder: Path, *arguments: str) -> bytes:
    """Return what a git command prints; OSError without git, SubprocessError when it fails."""
    return subprocess.run(
        [*_READ_ONLY, "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=TIMEOUT,
    ).stdout
