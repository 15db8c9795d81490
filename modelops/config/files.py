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
from modelops.resources.visible import visible

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
    for name, kind in _candidates(root, diagnostics):
        content = _content(root, name)
        if isinstance(content, Diagnostic):
            diagnostics.append(content)
        else:
            sources.append(Source(name, kind, content))
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


def _candidates(root: Path, diagnostics: list[Diagnostic]) -> Iterator[tuple[str, Kind]]:
    """Yield what is there by name, relative to the folder, whether or not it can be read."""
    for suffix in _SUFFIXES:
        if os.path.lexists(root / f"modelops{suffix}"):
            yield f"modelops{suffix}", "config"
    for folder, kind in FOLDERS.items():
        if os.path.lexists(root / folder):
            for name in _files_under(root, folder, diagnostics):
                yield name, kind


def _files_under(root: Path, folder: str, diagnostics: list[Diagnostic]) -> Iterator[str]:
    if (root / folder).is_symlink():
        message = "links to folders are not followed"
        diagnostics.append(_problem(rules.SYMLINK, folder, message, "move the folder here"))
        return
    try:
        with os.scandir(root / folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        message = f"the folder cannot be read: {error.strerror}"
        diagnostics.append(_problem(rules.UNREADABLE_FILE, folder, message))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        name = f"{folder}/{entry.name}"
        if _is_folder(entry):
            yield from _files_under(root, name, diagnostics)
        elif entry.name.endswith(_SUFFIXES):
            yield name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to where one may not look: reading it says so
        return False


def _content(root: Path, name: str) -> bytes | Diagnostic:
    """Return the bytes of one file, or why it is not read."""
    if not name.isprintable():
        message = "the name of this file holds characters that cannot be seen"
        return _problem(rules.CONTROL_CHARACTER, name, message, "rename it")
    path = root / name
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            path = Path(os.path.realpath(path, strict=True))
            if not path.is_relative_to(root):
                message = "the link leads out of the configuration folder"
                return _problem(rules.SYMLINK, name, message, "put the file itself here")
            status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return _problem(rules.UNREADABLE_FILE, name, "this is not a regular file")
        if status.st_size > MAX_BYTES:
            return _problem(rules.FILE_TOO_LARGE, name, "the file is larger than 4 MiB")
        return path.read_bytes()
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        return _problem(rules.UNREADABLE_FILE, name, message)


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


def _problem(rule: Rule, name: str, message: str, hint: str = "") -> Diagnostic:
    """Return what is wrong with a file, its name without characters that would hide."""
    return found(rule, Position(visible(name), 1, 1), message, hint)
