"""Compare: what a folder declares against what it declared at a commit; needs no store and no key.

This is what a pull request from outside can show: the plan of its change alone, whatever any store
stands at. Such a plan names its base commit and is never applied.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from modelops.config import InvalidConfigurationError, load_configuration
from modelops.gateway.protocols import SPOKEN
from modelops.operations import git
from modelops.operations.plan import Request, provenance
from modelops.plan.build import Base, build
from modelops.plan.document import Plan
from modelops.resources.errors import ModelopsError
from modelops.resources.state import State, digest, state_digest


def compare(request: Request, ref: str) -> Plan:
    """Return the plan from the folder at a git reference to the folder as it is.

    A commit in which the folder declares nothing counts as empty. ModelopsError when there is no
    such commit or it was not valid, InvalidConfigurationError when the folder has errors.
    """
    after = load_configuration(request.folder, request.environment)
    commit = _commit(request.folder, ref)
    state = _state_at(commit, request)
    digests = {address: digest(resource) for address, resource in state.items()}
    base = Base(state=state, digest=state_digest(digests), ref=commit)
    return build(after, base, provenance(request), spoken=SPOKEN, confirmed=request.confirmed)


def _state_at(commit: str, request: Request) -> State:
    """Return what the folder declared at a commit."""
    with tempfile.TemporaryDirectory() as place:
        if not _extract(request.folder, commit, Path(place)):
            return {}
        try:
            return load_configuration(Path(place), request.environment).state
        except InvalidConfigurationError as error:
            first = next(found for found in error.diagnostics if found.severity == "error")
            raise ModelopsError(
                f"the configuration has errors at commit {commit[:10]}, the first: {first}",
                "compare with a commit whose configuration is valid",
            ) from None


def _commit(folder: Path, ref: str) -> str:
    """Return the full id of the commit a reference stands for."""
    try:
        found = git.run(folder, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    except OSError as error:
        raise ModelopsError(f"git cannot be run: {error.strerror}", "install git") from None
    except subprocess.SubprocessError:
        raise ModelopsError(
            f"{folder} has no commit {ref!r}", "fetch it, or name another with --base"
        ) from None
    return found.decode().strip()


def _extract(folder: Path, commit: str, place: Path) -> bool:
    """Write the configuration files of a commit into a directory; False when it has none."""
    listed = git.run(folder, "ls-tree", "-z", "--name-only", commit, "--", *git.CONFIGURATION_PATHS)
    names = [name for name in listed.decode().split("\0") if name]
    if not names:
        return False
    archive = git.run(folder, "archive", "--format=tar", commit, "--", *names)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(place, filter="data")
    return True
