"""Compare what a provider offers with what is declared, and declare what is new."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Sequence
from pathlib import Path

import msgspec

from modelops.operations.dump import provider_file
from modelops.operations.test import Subject
from modelops.probes.additions import declarable, entry, snippet, with_models
from modelops.probes.diagnosis import diagnose
from modelops.probes.discovery import Discovery, compare
from modelops.probes.probe import list_models
from modelops.probes.report import ProbeError
from modelops.resources.errors import ModelopsError
from modelops.secrets.atomic import replace_file


async def discover(subject: Subject) -> Discovery:
    """Return the differences; ModelopsError says why the provider cannot be asked."""
    provider = subject.provider
    try:
        offers = await list_models(provider, subject.secret)
    except ProbeError as error:
        found = diagnose(error, provider)
        reason = f" ({subject.key_fault})" if subject.key_fault else ""
        raise ModelopsError(f"{provider.provider}: {found.message}{reason}", found.hint) from error
    return compare(provider, subject.models, offers)


def only(found: Discovery, patterns: Sequence[str]) -> Discovery:
    """Return a discovery whose new models are those that match one of the patterns, if any."""
    if not patterns:
        return found
    kept = (
        offer
        for offer in found.new
        if any(fnmatch.fnmatchcase(offer.model, pattern) for pattern in patterns)
    )
    return msgspec.structs.replace(found, new=tuple(kept))


def declaration(subject: Subject, found: Discovery) -> str:
    """Return the new models as YAML to put into the provider's file."""
    return snippet([entry(subject.provider, offer) for offer in declarable(found.new)])


def patch(subject: Subject, found: Discovery) -> str:
    """Return the new models as a unified diff, '' when there are none.

    It is against the provider's file as `modelops dump` writes it: whoever asks a server has no
    other.
    """
    entries = [entry(subject.provider, offer) for offer in declarable(found.new)]
    if not entries:
        return ""
    path, before = provider_file(subject.provider, subject.models)
    after = with_models(before, path, entries)
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}"))


def write(subject: Subject, found: Discovery, path: Path) -> int:
    """Add the new models to the file that declares the provider; return how many were added."""
    entries = [entry(subject.provider, offer) for offer in declarable(found.new)]
    if not entries:
        return 0
    raw = path.read_bytes()
    text = raw.decode("utf-8-sig")
    encoding = "utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8"
    replace_file(path, with_models(text, path.as_posix(), entries).encode(encoding))
    return len(entries)
