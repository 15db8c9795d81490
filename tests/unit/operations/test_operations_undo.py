"""What status advises to take the last change back: nothing that does nothing, or harm."""

from __future__ import annotations

from row_samples import info

from modelops.operations.undo import undo
from modelops.secrets.sealed import SecretNote
from modelops.store.protocol import Notes, Revision, RevisionKind


def made(number: int, digest: str, kind: RevisionKind = "apply", **keys: SecretNote) -> Revision:
    return Revision(
        revision=number,
        base=number - 1,
        digest=digest,
        info=info(kind=kind),
        notes=Notes(secrets={f"provider/{name}": {"api_key": note} for name, note in keys.items()}),
    )


BEFORE = made(12, "a")


def test_a_change_of_content_is_rolled_back() -> None:
    assert undo([made(13, "b"), BEFORE]) == "modelops rollback 12"
    assert undo([made(13, "b", openai="changed"), BEFORE]) == "modelops rollback 12"


def test_nothing_is_advised_where_there_is_nothing_to_go_back_to() -> None:
    assert undo([]) == ""
    assert undo([made(1, "a")]) == ""


def test_a_rollback_is_not_undone() -> None:
    assert undo([made(13, "b", "rollback"), BEFORE]) == ""


def test_of_keys_alone_the_old_ones_are_set_again() -> None:
    advice = undo([made(13, "a", openai="changed", mistral="re-encrypted"), BEFORE])
    assert advice.startswith("set the old key of provider/mistral, provider/openai with modelops ")
    assert "rollback" not in advice
    assert undo([made(13, "a", openai="re-sealed"), BEFORE]) == "", "the key is the same one"


def test_a_key_that_was_sealed_for_another_place_is_not_left_there() -> None:
    advice = undo([made(13, "b", openai="origin changed"), BEFORE])
    assert advice.startswith("declare provider/openai as it was, then modelops apply (keys are not")
