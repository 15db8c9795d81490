"""What a reviewer should know before applying, beside what changes.

The warnings of the configuration are carried along, so that a plan tells the whole story in CI.
Added are those that need more than the files: what this version of modelops does not speak.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from modelops.plan.document import Check
from modelops.resources import state as states
from modelops.resources.addresses import split_model
from modelops.resources.configuration import Configuration


def warnings(configuration: Configuration, spoken: Collection[str]) -> Iterator[Check]:
    """Yield every warning; `spoken` are the protocols the gateway has."""
    for diagnostic in configuration.warnings:
        yield Check(
            rule=diagnostic.rule,
            level="warning",
            message=diagnostic.message,
            hint=diagnostic.hint,
            file=diagnostic.position.file,
            line=diagnostic.position.line,
        )
    yield from _unspoken(configuration, spoken)


def _unspoken(configuration: Configuration, spoken: Collection[str]) -> Iterator[Check]:
    providers = states.providers(configuration.state)
    for chain in states.chains(configuration.state).values():
        silent = [
            f"{target.model} ({provider.protocol})"
            for target in chain.targets
            if (provider := providers.get(split_model(target.model)[0])) is not None
            and provider.protocol not in spoken
        ]
        if not silent:
            continue
        position = configuration.position(chain.address, "targets")
        whole = len(silent) == len(chain.targets)
        yield Check(
            rule="protocol-not-spoken",
            level="warning",
            address=chain.address,
            message=(
                f"this version does not speak the protocol of {', '.join(silent)}: "
                + ("no target is left" if whole else "the gateway steps over it")
            ),
            file=position.file if position else "",
            line=position.line if position else 0,
        )
