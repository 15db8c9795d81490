"""Files with an error of form: what they refer to, so that one run still names every wrong name.

Also where nothing remains to be declared of what refers: a credential without its key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from modelops.config.checks.subject import (
    Subject,
    unknown_allowed,
    unknown_chain,
    unknown_model,
    unknown_provider,
)
from modelops.config.document import Document, Path
from modelops.resources import patterns
from modelops.resources.addresses import Kind
from modelops.resources.configuration import Diagnostic, Position

Steps = tuple[str | None, ...]
Check = Callable[[Subject, str, Position], Iterator[Diagnostic]]

_REFERENCES: dict[Kind, tuple[tuple[Steps, str, Check], ...]] = {
    "config": ((("default_chain",), patterns.NAME, unknown_chain),),
    "chain": ((("targets", None, "model"), patterns.TARGET, unknown_model),),
    "agent": (
        (("chain",), patterns.NAME, unknown_chain),
        (("prefer",), patterns.NAME, unknown_provider),
        (("allow", None), patterns.ALLOW, unknown_allowed),
        (("credentials", None, "provider"), patterns.NAME, unknown_provider),
    ),
}
"""Where files of each kind refer to others, None standing for every item of a list; what a name
there looks like, any other being reported already; and the check that it is declared.
"""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield references to what is not declared."""
    for kind, document in subject.declaration.unread:
        if not document.has((kind,)):
            continue  # a file of another kind, in the wrong folder
        for steps, pattern, unknown in _REFERENCES.get(kind, ()):
            for path in _paths(document, steps, ()):
                name = document.value(path)
                if isinstance(name, str) and re.search(pattern, name):
                    yield from unknown(subject, name, document.position(path))


def _paths(document: Document, steps: Steps, path: Path) -> Iterator[Path]:
    """Yield the paths in a document that some steps stand for."""
    if not steps:
        yield path
    elif steps[0] is not None:
        yield from _paths(document, steps[1:], (*path, steps[0]))
    elif isinstance(items := document.value(path), list):
        for index in range(len(items)):
            yield from _paths(document, steps[1:], (*path, index))
