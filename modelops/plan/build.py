"""Build a plan: a declaration and a revision in, one frozen document out.

Pure: no clock, no file, no store. Whatever a plan has to know of the world is handed in, so the
same inputs give the same document, and rendering and executing it happen elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from modelops.plan import diff, effects, moves, safety, secrets
from modelops.plan.document import Change, Check, Effect, Plan, Summary, seal
from modelops.plan.secrets import SecretFacts
from modelops.resources.configuration import Configuration
from modelops.resources.state import State

NO_SECRETS = SecretFacts()


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan starts from: a revision of a store, or with `ref` a commit and no store."""

    state: State
    digest: str
    store_id: str = ""
    revision: int = 0
    ref: str = ""


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Who made a plan, when, with what and from which commit; fields as in the document."""

    tool_version: str
    catalog: str
    created_by: str
    created_at: str
    git_commit: str = ""
    git_branch: str = ""
    git_dirty: bool = False
    git_prefix: str = ""


def build(
    configuration: Configuration,
    base: Base,
    provenance: Provenance,
    *,
    confirmed: Collection[str] = (),
    traffic: Mapping[str, int] | None = None,
    sealed: SecretFacts = NO_SECRETS,
    further: Sequence[Check] = (),
    files: bool = True,
) -> Plan:
    """Return the plan that moves `base` to what the configuration declares.

    `confirmed` are addresses whose deletion was agreed to beside the `removed:` of the files,
    `traffic` the calls of the last 24 hours by address, `sealed` what becomes of secrets, `further`
    checks that were made elsewhere; `files` is False for a rollback, which reads none.
    """
    after = configuration.state
    moved = moves.resolve(configuration.moved, base.state, after)
    resources = diff.diff(base.state, after, moved, provenance.catalog)
    found = secrets.with_secrets(resources, sealed, configuration)
    changes = tuple(
        _placed(change, configuration) for change in effects.with_reach(found, base.state, after)
    )
    consent = {*configuration.removed, *confirmed}
    checked = (
        *safety.refusals(changes, base.state, after, consent, traffic or {}, files=files),
        *secrets.refusals(sealed, configuration),
        *further,
        *_consents(configuration),
        *moves.misuses(configuration.moved, after),
        *_warnings(configuration),
    )
    return _document(
        configuration.config,
        configuration.environment,
        configuration.config_digest,
        base,
        provenance,
        changes=changes,
        effects=effects.indirect(changes),
        checks=checked,
        total=len(base.state),
    )


def unchanged(
    config: str, environment: str, config_digest: str, base: Base, provenance: Provenance
) -> Plan:
    """Return the empty plan of files whose digest is that of the base, without their content."""
    return _document(
        config,
        environment,
        config_digest,
        base,
        provenance,
        changes=(),
        effects=(),
        checks=(),
        total=None,
    )


def _document(
    config: str,
    environment: str,
    config_digest: str,
    base: Base,
    provenance: Provenance,
    *,
    changes: tuple[Change, ...],
    effects: tuple[Effect, ...],
    checks: tuple[Check, ...],
    total: int | None,
) -> Plan:
    actions = Counter(change.action for change in changes)
    levels = Counter(check.level for check in checks)
    return seal(
        Plan(
            store_id=base.store_id,
            config=config,
            environment=environment,
            base_revision=base.revision,
            base_digest=base.digest,
            base_ref=base.ref,
            config_digest=config_digest,
            changes=changes,
            effects=effects,
            checks=checks,
            summary=Summary(
                create=actions["create"],
                update=actions["update"],
                delete=actions["delete"],
                move=actions["move"],
                total=total,
                affected=len(effects),
                warnings=levels["warning"],
                refused=levels["refused"],
            ),
            **msgspec.structs.asdict(provenance),
        )
    )


def _placed(change: Change, configuration: Configuration) -> Change:
    """Return the change with where its resource is declared."""
    position = configuration.position(change.address)
    if change.action == "delete" or position is None:
        return change
    return msgspec.structs.replace(change, file=position.file, line=position.line)


def _consents(configuration: Configuration) -> Iterator[Check]:
    """Yield consents that cannot be meant: to delete something that is declared."""
    for address in configuration.removed:
        if address in configuration.state:
            yield Check(
                rule="removed-still-declared",
                level="warning",
                address=address,
                message=f"{address} is listed under `removed:`, and is still declared: kept",
                hint="remove the entry, or the resource",
            )


def _warnings(configuration: Configuration) -> Iterator[Check]:
    """Yield the warnings of the files, so that a plan tells the whole story in CI."""
    for diagnostic in configuration.warnings:
        yield Check(
            rule=diagnostic.rule,
            level="warning",
            message=diagnostic.message,
            hint=diagnostic.hint,
            file=diagnostic.position.file,
            line=diagnostic.position.line,
        )
