"""Compare: what a folder declares against what it declared at a commit; needs no store and no key.

This is what a pull request from outside can show: the plan of its change alone, independent of any
store. Such a plan names its base commit and is never applied.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from modelops.config import InvalidConfigurationError, load_configuration
from modelops.operations import git, secret_rows
from modelops.operations.plan import Request, provenance
from modelops.plan import moves
from modelops.plan.build import Base, build
from modelops.plan.document import Plan
from modelops.plan.secrets import SecretFacts
from modelops.resources import commits
from modelops.resources.configuration import Configuration
from modelops.resources.errors import ModelopsError
from modelops.resources.state import digest, state_digest
from modelops.secrets.sealed import renamed, secret_changes


def compare(request: Request, ref: str) -> Plan:
    """Return the plan from the folder at a git reference to the folder as it is.

    A commit in which the folder declares nothing counts as empty. ModelopsError when there is no
    such commit or it was not valid, InvalidConfigurationError when the folder has errors.
    """
    after = load_configuration(request.folder, request.environment)
    commit = _commit(request.folder, ref)
    before = _declared_at(commit, request)
    state = before.state if before else {}
    digests = {address: digest(resource) for address, resource in state.items()}
    known = secret_rows.as_rows(before.secrets) if before else ()
    moved = moves.resolve(after.moved, state, after.state)
    return build(
        after,
        Base(state=state, digest=state_digest(digests), ref=commit),
        provenance(request, git.facts(request.folder)),
        confirmed=request.confirmed,
        sealed=SecretFacts(changes=secret_changes(renamed(known, moved), after.secrets)),
    )


def _declared_at(commit: str, request: Request) -> Configuration | None:
    """Return what the folder declared at a commit, None for nothing at all."""
    with tempfile.TemporaryDirectory() as place:
        if not _extract(request.folder, commit, Path(place)):
            return None
        try:
            return load_configuration(Path(place), request.environment)
        except InvalidConfigurationError as error:
            first = next(found for found in error.diagnostics if found.severity == "error")
            raise ModelopsError(
                f"the configuration has errors at commit {commits.short(commit)}, "
                f"the first: {first}",
                "compare with a commit whose configuration is valid",
            ) from None


def _commit(folder: Path, ref: str) -> str:
    """Return the full id of the commit a reference stands for."""
    names = ("--verify", "--end-of-options", f"{ref}^{{commit}}")
    hint = "fetch it, or name another with --base"
    return (
        _git(folder, f"{folder} has no commit {ref!r}", hint, "rev-parse", *names).decode().strip()
    )


def _extract(folder: Path, commit: str, place: Path) -> bool:
    """Write the configuration files of a commit into a directory; False when it has none."""
    hint = "check the repository: git fsck"
    unread = f"commit {commits.short(commit)} of {folder} cannot be read", hint
    paths = git.CONFIGURATION_PATHS
    listed = _git(folder, *unread, "ls-tree", "-z", "--name-only", commit, "--", *paths)
    names = [name for name in listed.decode().split("\0") if name]
    if not names:
        return False
    archive = _git(folder, *unread, "archive", "--format=tar", commit, "--", *names)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(place, filter="data")
    return True


def _git(folder: Path, message: str, hint: str, *arguments: str) -> bytes:
    """Return what git prints; ModelopsError with this message, git's own and this hint if not."""
    try:
        return git.run(folder, *arguments)
    except OSError as error:
        raise ModelopsError(f"git cannot be run: {error.strerror}", "install git") from None
    except subprocess.TimeoutExpired:
        raise ModelopsError(f"{message}: git did not answer", hint) from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise ModelopsError(f"{message}: {reason.removeprefix('fatal: ')}", hint) from None
