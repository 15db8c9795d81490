"""The worst day of a chain, by numbers."""

from __future__ import annotations

import resource_samples as samples
from hypothesis import given
from hypothesis import strategies as st
from resource_samples import target

from modelops.config.worst_case import longest_backoff_ms, worst_case
from modelops.resources.resolved import Chain


def chain(*targets: tuple[int, int], deadline_ms: int = 300_000, max_attempts: int = 100) -> Chain:
    """Return a chain of targets given as (timeout_ms, max_retries)."""
    tries = (
        target(f"p/{n}", max_retries=retries, timeout_ms=timeout)
        for n, (timeout, retries) in enumerate(targets)
    )
    return samples.chain("c", *tries, deadline_ms=deadline_ms, max_attempts=max_attempts)


def test_a_single_target_takes_its_tries_and_backoffs() -> None:
    case = worst_case(chain((30_000, 2)))
    assert (case.total_ms, case.attempts) == (90_000 + 600 + 1_200, 3)


def test_the_last_retry_of_the_last_target_may_be_cut_short() -> None:
    case = worst_case(chain((30_000, 5), deadline_ms=70_000))
    assert (case.total_ms, case.attempts) == (70_000, 3)


def test_retries_stop_where_later_targets_need_the_time() -> None:
    case = worst_case(chain((30_000, 10), (60_000, 0), deadline_ms=160_000))
    first, second = case.targets
    assert first.attempts == 3
    assert second.begins_ms == 90_000 + 600 + 1_200
    assert second.whole


def test_retries_stop_where_later_targets_need_the_attempts() -> None:
    case = worst_case(chain((1_000, 10), (1_000, 10), (1_000, 10), max_attempts=5))
    assert [target.attempts for target in case.targets] == [3, 1, 1]


def test_a_target_behind_the_deadline_is_not_reached() -> None:
    first, second, third = worst_case(
        chain((60_000, 0), (60_000, 0), (60_000, 0), deadline_ms=100_000)
    ).targets
    assert first.whole
    assert (second.reached, second.whole, second.first_try_ms) == (True, False, 40_000)
    assert (third.reached, third.begins_ms) == (False, 100_000)


def test_backoff_doubles_up_to_its_cap() -> None:
    assert [longest_backoff_ms(n) for n in range(6)] == [600, 1200, 2400, 4800, 6000, 6000]


targets = st.lists(
    st.tuples(st.integers(1_000, 600_000), st.integers(0, 10)), min_size=1, max_size=8
)


@given(targets, st.integers(1_000, 3_600_000), st.integers(1, 100))
def test_no_bound_is_ever_broken(
    tried: list[tuple[int, int]], deadline_ms: int, max_attempts: int
) -> None:
    case = worst_case(chain(*tried, deadline_ms=deadline_ms, max_attempts=max_attempts))
    assert case.total_ms <= deadline_ms
    assert case.attempts <= max_attempts
    assert case.attempts == sum(target.attempts for target in case.targets)
    affordable = sum(timeout for timeout, _ in tried) <= deadline_ms and max_attempts >= len(tried)
    assert all(target.whole for target in case.targets) is affordable
