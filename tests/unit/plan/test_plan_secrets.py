"""Secrets in a plan: notes, never values, and refusals."""

from __future__ import annotations

from typing import Any

from plan_states import PROVENANCE, agent, base, changed, configuration, ordinary
from plan_states import provider as a_provider

from modelops.plan.build import build
from modelops.plan.document import Change, Check, Plan
from modelops.plan.render import render
from modelops.plan.secrets import SecretFacts
from modelops.resources.configuration import SecretSource
from modelops.resources.resolved import Credential, Resource
from modelops.secrets.sealed import SecretChange

HOME = "https://api.openai.example:443"
ELSEWHERE = "https://evil.example:443"


def secret(action: str, address: str = "provider/openai", **fields: Any) -> SecretChange:
    values: dict[str, Any] = {
        "address": address,
        "field": "api_key",
        "action": action,
        "origin": HOME,
    }
    return SecretChange(**(values | fields))


def planned(*secrets: SecretChange, resources: tuple[Resource, ...] = (), **facts: Any) -> Plan:
    after = changed(ordinary(), *resources)
    return build(
        configuration(after),
        base(ordinary()),
        PROVENANCE,
        sealed=SecretFacts(changes=secrets, **facts),
    )


def only(plan: Plan) -> Change:
    (change,) = plan.changes
    return change


def test_a_secret_alone_is_a_change_that_reaches_those_who_use_it() -> None:
    change = only(planned(secret("changed")))
    assert (change.action, change.address) == ("update", "provider/openai")
    assert [(field.path, field.secret) for field in change.fields] == [("api_key", "changed")]
    assert change.reaches == ("chain/fast", "chain/production", "agent/dev", "agent/research")


def test_what_is_unchanged_is_no_change() -> None:
    assert planned(secret("unchanged")).empty


def test_the_same_secret_for_other_servers_is_told() -> None:
    plan = planned(secret("unchanged"), resealed=frozenset({("provider/openai", "api_key")}))
    assert only(plan).fields[0].secret == "re-sealed"


def test_a_note_joins_the_other_fields() -> None:
    plan = planned(secret("re-encrypted"), resources=(a_provider("openai", enabled=False),))
    assert [field.path for field in only(plan).fields] == ["enabled", "api_key"]


def test_what_the_resource_shows_already_is_not_said_twice() -> None:
    other = a_provider("openai", api_key="file:openai")
    assert [
        field.secret for field in only(planned(secret("changed"), resources=(other,))).fields
    ] == [""]
    new = a_provider("new", api_key="sealed")
    plan = planned(secret("new", "provider/new"), resources=(new,))
    assert only(plan).action == "create"
    assert all(not field.secret for field in only(plan).fields)
    own = agent("dev", credentials=(Credential(provider="openai", api_key="sealed"),))
    field = "credentials[openai].api_key"
    plan = planned(secret("new", "agent/dev", field=field), resources=(own,))
    assert all(not field.secret for field in only(plan).fields)


def test_a_secret_of_something_deleted_goes_with_it() -> None:
    assert planned(secret("gone", "provider/long-gone")).empty


def test_another_origin_shows_both_and_needs_consent() -> None:
    moved = secret(
        "origin changed", origin=ELSEWHERE, old_origin=HOME, copied_from="provider/openai"
    )
    plan = planned(moved)
    assert [check.rule for check in plan.refusals] == ["secret-origin"]
    assert ELSEWHERE in plan.refusals[0].message
    assert HOME in plan.refusals[0].message
    text = render(plan, "text")
    assert f"api_key  {HOME} -> {ELSEWHERE}  (secret origin changed)" in text
    assert planned(moved, consent=frozenset({"provider/openai"})).refusals == ()


def test_a_copied_key_needs_consent_too() -> None:
    copied = secret("new", "provider/anthropic", copied_from="provider/openai", origin=ELSEWHERE)
    (refusal,) = planned(copied).refusals
    assert "where provider/openai sends it" in refusal.message


def test_without_anybody_to_seal_to_a_plan_is_refused() -> None:
    source = SecretSource(
        address="provider/openai",
        field="api_key",
        kind="sops",
        value="ENC[AES256_GCM,data:x]",
        origin=HOME,
        file="providers.d/openai.yaml",
    )
    declared = configuration(ordinary(), secrets=(source,))

    def refused(recipients: bool) -> tuple[Check, ...]:
        facts = SecretFacts(recipients=recipients)
        return build(declared, base(ordinary()), PROVENANCE, sealed=facts).refusals

    (check,) = refused(recipients=False)
    assert check.rule == "no-recipients"
    assert "modelops identity show" in check.hint
    assert refused(recipients=True) == ()
