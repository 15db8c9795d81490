"""Say no before an accident: deletions nobody meant, and what is protected.

The rules are made for small inventories, where a percentage alone protects nothing: half of all
configurations have fewer than ten resources of a kind. A refusal is lifted by naming the address,
under `removed:` where it is reviewed or with `--confirm-delete`, never by a blanket switch; what is
protected cannot be lifted so: taking the protection off is an apply of its own. Protection is read
from the stored state, so deleting the YAML block does not take it away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from modelops.plan import caller_keys
from modelops.plan.document import Change, Check
from modelops.resources import state as states
from modelops.resources.addresses import KINDS, Kind, address, kind_of, model_address, split_model
from modelops.resources.resolved import Provider, Settings
from modelops.resources.state import State

MOST_DELETED = 0.3
"""Share of a kind that may be deleted unasked; octoDNS' MAX_SAFE_DELETE_PCENT."""

FEW = 2
"""Deletions of a kind from which the share counts: one can always go."""

_NAMED_IN_HINT = 10
"""Addresses for which a hint spells out the flags."""

_GUARDED = frozenset({"base_url", "auth"})
"""What `protected` keeps of a provider beside its existence: where its key goes, and how."""


def refusals(
    changes: Sequence[Change],
    before: State,
    after: State,
    consent: Collection[str],
    traffic: Mapping[str, int],
    *,
    files: bool = True,
) -> Iterator[Check]:
    """Yield every reason not to apply.

    `consent` are the addresses whose deletion is meant; that of a provider covers its models.
    `traffic` counts the calls of the last 24 hours by address. `files` says whether it is files
    that are applied, so that consent can be written there: a rollback reads none, and may not
    change who has keys unasked.
    """
    yield from _protected(changes, before)
    if not files:
        moved = {change.address: change.moved_from for change in changes if change.moved_from}
        yield from caller_keys.refusals(before, after, consent, moved)
    deleted = [change.address for change in changes if change.action == "delete"]
    unmeant = [item for item in deleted if not _covered(item, consent)]
    kinds = [kind for kind in KINDS if kind != "config"]
    for kind in kinds:
        yield from _too_many(kind, unmeant, before, after, files=files)
    yield from _referenced(unmeant, after, files=files)
    for item in unmeant:
        if calls := traffic.get(item, 0):
            yield _refused(
                "deletes-in-use",
                f"{item} would be deleted, and had {calls:,} calls in the last 24 hours",
                [item],
                files=files,
            )


def _covered(item: str, consent: Collection[str]) -> bool:
    if item in consent:
        return True
    kind, _, name = item.partition("/")
    return kind == "model" and address("provider", split_model(name)[0]) in consent


def _too_many(
    kind: Kind, unmeant: Sequence[str], before: State, after: State, *, files: bool
) -> Iterator[Check]:
    """Refuse what empties a kind, or takes too large a share of it."""
    gone = [item for item in unmeant if kind_of(item) == kind]
    held = sum(kind_of(item) == kind for item in before)
    if not gone:
        return
    if not any(kind_of(item) == kind for item in after):
        yield _refused(
            "empties-kind",
            f"all {held} {kind}s would be deleted"
            if held > 1
            else f"the only {kind} would be deleted",
            gone,
            files=files,
        )
    elif len(gone) >= FEW and len(gone) > MOST_DELETED * held:
        yield _refused(
            "deletes-too-many",
            f"{len(gone)} of {held} {kind}s would be deleted, more than {MOST_DELETED:.0%}",
            gone,
            files=files,
        )


def _protected(changes: Sequence[Change], before: State) -> Iterator[Check]:
    """Refuse what the stored state protects, whatever the new declaration says."""
    for change in changes:
        old = before.get(change.moved_from or change.address)
        if old is None or isinstance(old, Settings) or not old.protected:
            continue
        if change.action == "delete":
            what = "would be deleted"
        else:
            guarded = sorted({field.path.split(".")[0] for field in change.fields} & _GUARDED)
            if not isinstance(old, Provider) or not guarded:
                continue
            what = f"its {' and '.join(guarded)} would change"
        yield Check(
            rule="protected",
            level="refused",
            address=change.address,
            message=f"{change.address} is protected: {what}",
            hint="apply `protected: false` first, on its own",
            file=change.file,
            line=change.line,
        )


def _referenced(unmeant: Sequence[str], after: State, *, files: bool) -> Iterator[Check]:
    """Refuse to delete what something that stays still names."""
    if not unmeant:
        return
    users: dict[str, list[str]] = {}
    for user, used in _names(after):
        users.setdefault(used, []).append(user)
    for item in unmeant:
        if item in users:
            yield _refused(
                "deletes-referenced",
                f"{item} would be deleted, and {', '.join(sorted(set(users[item])))} names it",
                [item],
                files=files,
            )


def _names(state: State) -> Iterator[tuple[str, str]]:
    """Yield every (user, used) that is written out by name."""
    settings = states.settings(state)
    if settings is not None and settings.default_chain:
        yield settings.address, address("chain", settings.default_chain)
    for chain in states.chains(state).values():
        for target in chain.targets:
            yield chain.address, model_address(target.model)
    for agent in states.agents(state).values():
        yield agent.address, address("chain", agent.chain)
        yield agent.address, address("provider", agent.prefer)
        for credential in agent.credentials:
            yield agent.address, address("provider", credential.provider)
        for allowed in agent.allow:
            yield agent.address, allowed


def _refused(rule: str, message: str, addresses: Sequence[str], *, files: bool) -> Check:
    """Return a refusal that naming these addresses lifts."""
    spelled = len(addresses) <= _NAMED_IN_HINT
    flags = " ".join(f"--confirm-delete {item}" for item in addresses)
    if files:
        place = "name it under `removed:` in modelops.yaml"
        hint = f"if it is meant, {place}{f', or: modelops apply {flags}' if spelled else ''}"
    else:
        each = "--confirm-delete ADDRESS for each; a provider covers its models"
        hint = f"if it is meant: {flags if spelled else each}"
    return Check(
        rule=rule,
        level="refused",
        address=addresses[0] if len(addresses) == 1 else "",
        message=message,
        hint=hint,
    )
