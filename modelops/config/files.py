"""Which files make up a configuration folder, and their bytes.

`modelops.yaml` and every `*.yaml` and `*.yml` under `providers.d/`, `chains.d/` and `agents.d/`,
sub-folders included. Anything else is ignored: YAML in other places (CI workflows, `.sops.yaml`)
and every name that starts with a dot (editors' files, the `..data` of a mounted ConfigMap). Files
are taken in the order of their paths, so two machines report and digest alike.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from modelops.config import rules
from modelops.config.diagnostics import found
from modelops.config.rules import Rule
from modelops.config.text import MAX_BYTES
from modelops.resources.addresses import Kind
from modelops.resources.configuration import Diagnostic, Position
from modelops.resources.errors import ModelopsError

SETTINGS = "modelops.yaml"
FOLDERS: dict[str, Kind] = {"providers.d": "provider", "chains.d": "chain", "agents.d": "agent"}
_SUFFIXES = (".yaml", ".yml")


class Source(msgspec.Struct, frozen=True):
    """One file: its path relative to the folder, what it declares by its place, its bytes."""

    path: str
    kind: Kind
    raw: bytes

    @property
    def stem(self) -> str:
        """The name without folders and suffix."""
        return self.path.rpartition("/")[2].rpartition(".")[0]


def read(folder: Path) -> tuple[list[Source], list[Diagnostic]]:
    """Return the files of a configuration folder, and why some could not be read.

    Raises ModelopsError when the folder is missing, unreadable, or holds no configuration at all.
    """
    root = _root(folder)
    sources: list[Source] = []
    diagnostics: list[Diagnostic] = []
    for path, kind in _candidates(root, diagnostics):
        content = _content(root, path)
        if isinstance(content, Diagnostic):
            diagnostics.append(content)
        else:
            sources.append(Source(_relative(root, path), kind, content))
    if not sources and not diagnostics:
        raise ModelopsError(
            f"the folder {folder} holds no configuration: neither {SETTINGS} nor "
            f"{', '.join(f'{name}/*.yaml' for name in FOLDERS)}",
            "name the right folder with -C, or begin a configuration: modelops init",
        )
    diagnostics.extend(_settings_problems(sources, diagnostics))
    return sources, diagnostics


def _root(folder: Path) -> Path:
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise ModelopsError(f"{folder} is not a folder", "name the folder of modelops.yaml")
        return folder.resolve(strict=True)
    except FileNotFoundError:
        raise ModelopsError(
            f"there is no folder {folder}", "name the folder of modelops.yaml with -C"
        ) from None
    except OSError as error:
        raise ModelopsError(f"the folder {folder} cannot be read: {error.strerror}") from None


def _candidates(root: Path, diagnostics: list[Diagnostic]) -> Iterator[tuple[Path, Kind]]:
    """Yield what is there by name, whether or not it turns out to be readable."""
    for suffix in _SUFFIXES:
        settings = root / f"modelops{suffix}"
        if os.path.lexists(settings):
            yield settings, "config"
    for name, kind in FOLDERS.items():
        if os.path.lexists(root / name):
            for path in _files_under(root, root / name, diagnostics):
                yield path, kind


def _files_under(root: Path, folder: Path, diagnostics: list[Diagnostic]) -> Iterator[Path]:
    if folder.is_symlink():
        message = "links to folders are not followed"
        diagnostics.append(_problem(rules.SYMLINK, root, folder, message, "move the folder here"))
        return
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        message = f"the folder cannot be read: {error.strerror}"
        diagnostics.append(_problem(rules.UNREADABLE_FILE, root, folder, message))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            yield from _files_under(root, Path(entry.path), diagnostics)
        elif entry.name.endswith(_SUFFIXES):
            yield Path(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to where one may not look: reading it says so
        return False


def _content(root: Path, path: Path) -> bytes | Diagnostic:
    """Return the bytes of one file, or why it is not read."""
    if not path.relative_to(root).as_posix().isprintable():
        message = "the name of this file holds characters that cannot be seen"
        return _problem(rules.CONTROL_CHARACTER, root, path, message, "rename it")
    try:
        real = Path(os.path.realpath(path, strict=True)) if path.is_symlink() else path
        if not real.is_relative_to(root):
            message = "the link leads out of the configuration folder"
            return _problem(rules.SYMLINK, root, path, message, "put the file itself here")
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            return _problem(rules.UNREADABLE_FILE, root, path, "this is not a regular file")
        if status.st_size > MAX_BYTES:
            return _problem(rules.FILE_TOO_LARGE, root, path, "the file is larger than 4 MiB")
        return real.read_bytes()
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        return _problem(rules.UNREADABLE_FILE, root, path, message)


def _settings_problems(
    sources: list[Source], diagnostics: list[Diagnostic]
) -> Iterator[Diagnostic]:
    settings = [source.path for source in sources if source.kind == "config"]
    unread = any(found.position.file.startswith("modelops.y") for found in diagnostics)
    if not settings and not unread:
        yield found(
            rules.SETTINGS_MISSING,
            Position(SETTINGS, 1, 1),
            f"the folder has no {SETTINGS}",
            "write one with at least `config: NAME`",
        )
    if len(settings) > 1:
        yield found(
            rules.SETTINGS_TWICE,
            Position(settings[1], 1, 1),
            f"there is {settings[0]} too",
            "keep one of the two",
        )


def _problem(rule: Rule, root: Path, path: Path, message: str, hint: str = "") -> Diagnostic:
    return found(rule, Position(_relative(root, path), 1, 1), message, hint)


def _relative(root: Path, path: Path) -> str:
    """Return the path as shown: relative, with slashes, without characters that would hide."""
    shown = path.relative_to(root).as_posix()
    return shown if shown.isprintable() else shown.encode("unicode_escape").decode("ascii")
