"""What cannot be added up is worked out last, and what nobody knows is not 0."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import SPAN, group, report

from modelops.ledger import render
from modelops.ledger.periods import Bucket, bucket_starts, zone
from modelops.ledger.reports import Measures, measures, usd
from modelops.metering.histogram import bucket_of
from modelops.resources.errors import ModelopsError
from modelops.store.sums import Sums, counted, packed, stored_counts


def said(sums: Sums, *, per_target: bool = False) -> Measures:
    return measures(packed(sums), per_target=per_target)


def test_rates_are_over_attempts_by_provider_and_over_requests_otherwise() -> None:
    sums = Sums(
        attempts=12,
        attempts_ok=5,
        attempts_cancelled=2,
        requests=8,
        requests_ok=5,
        requests_fallback=1,
        requests_cancelled=2,
    )
    assert said(sums, per_target=True).success_rate == 0.5
    assert said(sums).success_rate == round(5 / 6, 4)
    assert said(sums).fallback_rate == 0.2
    assert said(Sums(), per_target=True).success_rate is None


def test_a_cost_that_nobody_knows_is_none_and_one_of_nothing_is_0() -> None:
    unknown = said(Sums(attempts=3, unpriced=2, unmetered=1))
    assert (unknown.cost_usd, unknown.input_cost_usd) == (None, None)
    partly = said(Sums(attempts=3, unpriced=2, cost_pico=5))
    assert partly.cost_usd == "0.000000000005"
    assert said(Sums()).cost_usd == "0"


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15))
def test_the_parts_of_a_cost_add_up_to_it(of_input: int, of_output: int, unsplit: int) -> None:
    total = of_input + of_output + unsplit
    found = said(
        Sums(attempts=3, cost_pico=total, input_cost_pico=of_input, output_cost_pico=of_output)
    )
    parts = (found.input_cost_usd, found.output_cost_usd, found.unsplit_cost_usd)
    assert parts == (usd(of_input), usd(of_output), usd(unsplit))
    assert found.cost_usd == usd(total)
    assert said(Sums(attempts=1, unpriced=1)).unsplit_cost_usd is None


def test_latency_comes_from_the_histogram() -> None:
    sums = Sums(latency_count=2, latency_sum_us=3_000_000)
    sums.latency = stored_counts(counted(bucket_of(1_000_000)) + counted(bucket_of(2_000_000)))
    found = said(sums).latency_ms
    assert found is not None
    assert found.mean == 1500.0
    assert abs(found.p50 - 1000) <= 100
    assert abs(found.p95 - 2000) <= 200
    assert said(Sums()).first_content_ms is None


def test_rows_come_dearest_first_and_totals_are_their_sum() -> None:
    found = report(
        group("groq", attempts=9, cost_pico=10**9, input_tokens=5),
        group("openai", attempts=1, cost_pico=2 * 10**9, input_tokens=7),
    )
    assert [row.key for row in found.rows] == [{"provider": "openai"}, {"provider": "groq"}]
    assert (found.totals.cost_usd, found.totals.input_tokens) == ("0.003", 12)


_GROUPS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 2), st.integers(-5, 5), st.integers(0, 9)),
    max_size=12,
)


@given(_GROUPS, st.integers(1, 7), st.sampled_from(["none", "hour"]))
def test_the_dearest_have_rows_and_all_add_up_to_the_totals_however_few_there_are(
    found: list[tuple[str, int, int, int]], limit: int, bucket: Bucket
) -> None:
    starts = bucket_starts(SPAN, "hour", zone("UTC"))
    groups = [
        group(user, start_us=starts[hour], cost_pico=cost * 10**12, attempts=attempts)
        for user, hour, cost, attempts in found
    ]
    made = report(*groups, by=("user",), bucket=bucket, limit=limit)
    users = {user for user, *_ in found}
    assert len(made.rows) == min(len(users), limit + 1)
    assert made.others == max(len(users) - limit, 0)
    assert [row.key for row in made.rows if not row.key] == [{}] * bool(made.others)
    for shown in (made.rows, made.series) if bucket == "hour" else (made.rows,):
        assert sum(row.attempts for row in shown) == made.totals.attempts
        costs = sum(Decimal(row.cost_usd or 0) for row in shown)
        assert costs == sum(cost for *_, cost, _ in found)
    dearness = {user: [0, 0] for user in users}
    for user, _, cost, attempts in found:
        dearness[user][0] -= cost
        dearness[user][1] -= attempts
    dearest = sorted(users, key=lambda user: (*dearness[user], user))
    assert [row.key["user"] for row in made.rows if row.key] == dearest[:limit]


def test_all_other_groups_are_the_last_row() -> None:
    starts = bucket_starts(SPAN, "hour", zone("UTC"))
    groups = [
        group(name, "x", start_us=starts[0], requests=1, cost_pico=cost * 10**12)
        for name, cost in {"a": 1, "b": 3, "c": 2}.items()
    ]
    found = report(*groups, by=("user", "chain"), limit=1)
    assert [row.key for row in found.rows] == [{"user": "b", "chain": "x"}, {}]
    assert (found.rows[-1].requests, found.rows[-1].cost_usd, found.others) == (2, "3", 2)
    assert render.text(found).splitlines()[4].split()[:3] == ["2", "others", "2"]
    assert "| 2 others |  | 2 |" in render.markdown(found)
    assert render.csv_text(found).splitlines()[2].startswith("2 others,,2,")
    over_time = report(*groups, by=("user", "chain"), bucket="hour", limit=1)
    assert [point.requests for point in over_time.series if not point.key] == [2, 0, 0]
    assert render.csv_text(over_time).splitlines()[2].split(",")[1:4] == ["2 others", "", "2"]


def test_a_series_has_every_bucket_of_every_row() -> None:
    starts = bucket_starts(SPAN, "hour", zone("Asia/Kathmandu"))
    groups = [
        group("a", start_us=starts[0], requests=1),
        group("a", start_us=starts[1], requests=2),
        group("b", start_us=starts[2], requests=4),
    ]
    found = report(*groups, by=("agent",), timezone="Asia/Kathmandu", bucket="hour")
    assert {point.start[-11:] for point in found.series} == {"00:00+05:45"}
    counts = [point.requests for point in found.series if point.key["agent"] == "a"]
    assert counts == [1, 2, 0, 0]
    assert len(found.series) == 2 * 4
    assert found.totals.requests == 7


def test_a_report_without_rows_still_has_its_series() -> None:
    found = report(by=("agent",), bucket="hour")
    assert (found.rows, found.series, found.totals.requests) == ((), (), 0)
    plain = report(by=(), bucket="hour")
    assert [point.requests for point in plain.series] == [0, 0, 0]


def test_too_many_points_are_an_error() -> None:
    groups = [group(str(number), start_us=1, requests=1) for number in range(7_000)]
    with pytest.raises(ModelopsError, match="3 buckets of 7000 rows"):
        report(*groups, by=("user",), bucket="hour")


@given(st.integers(0, 10**30))
def test_money_is_shown_exactly(pico: int) -> None:
    whole, _, fraction = usd(pico).partition(".")
    assert int(whole) * 10**12 + int(fraction.ljust(12, "0")) == pico
    assert not usd(pico).endswith(".")
    assert "e" not in usd(pico).lower()
