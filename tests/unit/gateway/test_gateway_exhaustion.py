"""Which status a chain without an answer has: what the caller may do about it decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import pytest
from gateway_doubles import two_targets

from modelops.gateway.candidates import Label
from modelops.gateway.errors import DO_NOT_RETRY, GatewayError
from modelops.gateway.exhaustion import REQUEST_UNSUPPORTED, exhausted, nothing_tried
from modelops.gateway.failure import Failure, Kind

FOR_ANOTHER_TIME = set(get_args(Label)) - REQUEST_UNSUPPORTED - {"busy"}
"""Labels of what concerns the targets, not this request."""


def tried(*kinds: Kind) -> GatewayError:
    return after(1.0, *kinds)


def after(cooling: float | None, *kinds: Kind, left: float = 60.0) -> GatewayError:
    targets = [two_targets().models[name] for name in ("one/a", "two/b")]
    failures = [Failure(kind=kind, message=f"said {kind}", label="x") for kind in kinds]
    lines = ["one/c: its provider is disabled"]
    return exhausted(list(zip(targets, failures, strict=False)), lines, left, cooling)


@pytest.mark.parametrize("label", sorted(REQUEST_UNSUPPORTED))
def test_what_no_target_can_carry_is_the_callers_to_change(label: str) -> None:
    error = nothing_tried(["one/a: no", "two/b: no"], [label, label])
    assert (error.status, error.code) == (400, "unsupported_feature")
    assert error.message.endswith(":\none/a: no\ntwo/b: no")


@pytest.mark.parametrize("labels", [["busy"], ["busy", *REQUEST_UNSUPPORTED]])
def test_where_the_rest_is_busy_it_is_worth_to_come_again(labels: Sequence[str]) -> None:
    error = nothing_tried([f"one/a: {label}" for label in labels], labels)
    assert (error.status, error.code) == (429, "at_capacity")
    assert error.headers == (DO_NOT_RETRY, (b"retry-after", b"1"))


@pytest.mark.parametrize("label", sorted(FOR_ANOTHER_TIME))
def test_one_target_that_is_ill_makes_it_the_chains_fault(label: str) -> None:
    error = nothing_tried(["one/a: no"], [label, "busy", *REQUEST_UNSUPPORTED])
    assert (error.status, error.code) == (502, "no_usable_target")


def test_without_room_for_any_call_the_reason_is_told_all_the_same() -> None:
    error = nothing_tried([], [])
    assert (error.status, error.code) == (502, "no_usable_target")
    assert "the deadline or the attempt cap left no room" in error.message


@pytest.mark.parametrize(("cooling", "wait"), [(0.0, b"1"), (0.2, b"1"), (7.01, b"8"), (8.0, b"8")])
def test_rate_limits_alone_say_when_the_first_ends(cooling: float, wait: bytes) -> None:
    error = after(cooling, "rate_limit", "rate_limit")
    assert (error.status, error.code) == (429, "rate_limited")
    assert error.headers == (DO_NOT_RETRY, (b"retry-after", wait))


def test_no_wait_is_asked_for_where_none_helps() -> None:
    error = after(None, "rate_limit")
    assert (error.status, error.headers) == (429, (DO_NOT_RETRY,))


@pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - {"rate_limit", "local"}))
def test_any_other_failure_among_them_is_a_502_whatever_its_own_status(kind: Kind) -> None:
    for kinds in ((kind,), (kind, "rate_limit"), ("rate_limit", kind)):
        error = tried(*kinds)
        assert (error.status, error.code) == (502, "all_targets_failed")
        assert error.headers == (DO_NOT_RETRY,)


def test_where_this_server_could_call_none_it_is_no_targets_fault() -> None:
    error = tried("local", "local")
    assert (error.status, error.code) == (503, "out_of_resources")
    assert error.headers == (DO_NOT_RETRY,)
    assert tried("local", "transient").status == 502


def test_every_target_has_its_line_and_those_stepped_over_come_last() -> None:
    assert tried("transient", "quota").message == (
        "every target failed:\none/a: transient, said transient\ntwo/b: quota, said quota\n"
        "one/c: its provider is disabled"
    )


@pytest.mark.parametrize("left", [0.0, 0.01])  # a timer may ring a moment early
@pytest.mark.parametrize("kind", ["rate_limit", "transient"])
def test_a_deadline_that_ran_out_is_a_504_whatever_failed(kind: Kind, left: float) -> None:
    error = after(5.0, kind, left=left)
    assert (error.status, error.code) == (504, "deadline_exceeded")
    assert error.message.startswith(f"the deadline ran out:\none/a: {kind}")
