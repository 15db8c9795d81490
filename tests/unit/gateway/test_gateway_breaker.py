"""The breaker, by given times."""

from __future__ import annotations

import pytest

from modelops.gateway.breaker import IN_A_ROW, Breaker


def failing(breaker: Breaker, times: int, now: float) -> None:
    for _ in range(times):
        breaker.start(now)
        breaker.failure(now, now)


def test_it_opens_after_five_in_a_row_and_probes_once() -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW - 1, 0)
    assert breaker.allows(0)
    failing(breaker, 1, 0)
    assert (breaker.state(0), breaker.allows(0), breaker.opens_again(0)) == ("open", False, 30)
    assert breaker.state(30) == "half_open"
    assert breaker.allows(30)
    breaker.start(30)
    assert not breaker.allows(30), "one probe at a time"
    breaker.success(30, 31)
    assert breaker.state(31) == "closed"


@pytest.mark.parametrize("begun", [0, 70_000])
def test_each_failed_probe_opens_it_for_longer(begun: float) -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW, begun)
    pauses = []
    now = begun
    for _ in range(12):
        pauses.append(breaker.opens_again(now))
        now += pauses[-1]
        failing(breaker, 1, now)
    assert pauses == [*range(30, 301, 30), 300, 300]


def test_an_abandoned_probe_lets_another_try() -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW, 0)
    breaker.start(30)
    breaker.abandon(30)
    assert breaker.allows(30)


def test_half_of_twenty_in_a_minute_opens_it() -> None:
    breaker = Breaker()
    for now in range(19):
        breaker.start(now)
        (breaker.failure if now % 2 else breaker.success)(now, now)
    assert breaker.allows(19)
    breaker.failure(19, 19)
    assert not breaker.allows(19)


def test_what_is_older_than_a_minute_does_not_count() -> None:
    breaker = Breaker()
    for now in range(0, 400, 20):
        (breaker.failure if now % 40 else breaker.success)(now, now)
    assert breaker.allows(400)


def test_it_forgets_how_often_it_was_open() -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW, 0)
    breaker.start(30)
    breaker.success(30, 30)
    failing(breaker, IN_A_ROW, 700)
    assert breaker.opens_again(700) == 30


def test_calls_of_before_it_opened_neither_close_nor_open_it_nor_are_the_probe() -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW, 10)
    assert not breaker.success(9, 20)
    assert breaker.state(20) == "open"
    breaker.start(40)
    breaker.abandon(9)
    assert not breaker.allows(41), "the probe is still out"
    breaker.failure(9, 42)
    assert breaker.state(42) == "half_open"
    assert not breaker.success(9, 43)
    assert breaker.success(40, 44), "the probe closes it"


def test_a_call_made_while_it_is_open_closes_it() -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW, 10)
    breaker.start(15)
    assert breaker.success(15, 20)
