"""What looks like a key where no key belongs: in a plain field, in a comment.

Comments carry no YAML events, so the raw text is searched.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelops.config import rules
from modelops.config.diagnostics import found
from modelops.config.key_shapes import keys
from modelops.config.text import place
from modelops.config.yaml import SOPS, Document
from modelops.resources.configuration import Diagnostic


def exposed_keys(document: Document) -> Iterator[Diagnostic]:
    """Yield where keys of known shapes stand in a file, its SOPS block aside."""
    ciphered = document.position((SOPS,), key=True).line if document.sops is not None else None
    for match in keys(document.text):
        position = place(document.text, match.start(), document.file)
        if ciphered is None or position.line < ciphered:
            yield found(
                rules.EXPOSED_KEY,
                position,
                "this looks like a key in clear",
                "revoke it, remove it from git's history, and encrypt its successor with sops",
            )
