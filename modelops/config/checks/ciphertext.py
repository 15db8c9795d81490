"""Ciphertext of SOPS: whether the block without which nobody can open it is still there and whole.

Whether it opens takes a key, and is for `apply` and `doctor` to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelops.config import rules
from modelops.config.checks.subject import Subject
from modelops.config.declaration import Entry
from modelops.config.diagnostics import found
from modelops.config.yaml import SOPS
from modelops.resources.configuration import Diagnostic, Position
from modelops.resources.declared import Agent, Provider

FIELDS = ("lastmodified", "mac")
"""What every version of sops writes into its block, and needs to read the file."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield files with ciphertext and without what sops needs to open it."""
    for provider in subject.declaration.providers.values():
        if isinstance(provider.value.api_key, str):
            yield from _block(provider, provider.at("api_key"))
    for agent in subject.declaration.agents.values():
        for index, credential in enumerate(agent.value.credentials):
            if isinstance(credential.api_key, str):
                yield from _block(agent, agent.at("credentials", index, "api_key"))
                break


def _block(entry: Entry[Provider] | Entry[Agent], ciphertext: Position) -> Iterator[Diagnostic]:
    block = entry.document.sops
    if block is None:
        message = "this is ciphertext, and the file has no sops block to open it with"
        hint = "restore the file from git, or encrypt the key anew: modelops secret set"
        yield found(rules.SOPS_BLOCK, ciphertext, message, hint)
        return
    missing = [name for name in FIELDS if not block.get(name)]
    if missing:
        message = f"the sops block has no {' and no '.join(missing)}: it was cut or edited"
        position = entry.at(SOPS, key=True)
        yield found(rules.SOPS_BLOCK, position, message, "restore the file from git")
