"""What cannot be added up is worked out last, and what nobody knows is not 0."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.ledger import render
from modelops.ledger.periods import Bucket, Span, bucket_starts, zone
from modelops.ledger.reports import Measures, UsageReport, build, measures, usd
from modelops.metering.histogram import bucket_of
from modelops.resources.errors import ModelopsError
from modelops.store.books import SLOT_US, UsageGroup
from modelops.store.sums import Sums, counted, packed, stored_counts

HOUR_US = 4 * SLOT_US
SPAN = Span(since_us=400_000 * HOUR_US, until_us=400_003 * HOUR_US)


def group(*key: str, start_us: int | None = None, **sums: int) -> UsageGroup:
    made = packed(Sums(**sums))  # type: ignore[arg-type]
    return UsageGroup(key=key, start_us=start_us, packed=made)


def report(
    *groups: UsageGroup,
    by: tuple[str, ...] = ("provider",),
    timezone: str = "UTC",
    bucket: Bucket = "none",
    limit: int = 10_000,
) -> UsageReport:
    return build(SPAN, timezone, by, bucket, groups, limit)


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
    assert 1000 <= found.p50 <= 1200 < 2000 <= found.p95 <= 2400
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


def test_the_table_lines_up_and_says_what_is_missing() -> None:
    shown = render.text(
        report(
            group("openai", requests=3, attempts=3, attempts_ok=3, cost_pico=3 * 10**12),
            group("groq", requests=1, attempts=1, unpriced=1),
            group("", requests=2, simulated=2),
        ),
        bar="#",
    )
    lines = shown.splitlines()
    assert lines[0].startswith("usage by provider from 2015-08-")
    assert lines[2].split()[:3] == ["provider", "requests", "attempts"]
    assert lines[3].split()[0] == "openai"
    assert lines[3].endswith("############")
    assert "unknown" in lines[4]
    assert lines[5].split()[0] == "-"
    assert lines[6].split()[0] == "total"
    assert lines[7:] == [
        "  1 attempts unpriced: their model, or its service tier, has no price",
        "  2 rows simulated",
    ]
    assert len({line.index("requests") + 8 for line in lines[2:3]}) == 1


PLAIN = (
    "requests attempts success fallback input output cost USD input USD output USD"
    " p50 p95 first content"
)


def test_a_table_has_the_columns_that_have_anything_in_them() -> None:
    plain = report(group("a", requests=1, attempts=1, cost_pico=3, input_cost_pico=3))
    assert " ".join(render.text(plain).splitlines()[2].split()[1:]) == PLAIN
    found = report(
        group("a", attempts=2, cache_read_tokens=1_234, cache_write_tokens=7, unpriced=1),
        group("b", attempts=2, reasoning_tokens=5, estimate_pico=10**11, unmetered=2),
        group("c", attempts=1, cost_pico=9 * 10**12, input_cost_pico=10**12, output_cost_pico=0),
    )
    head, *_ = render.text(found).splitlines()[2:]
    for name in ("cache read", "cache write", "reasoning", "estimate USD", "unpriced", "unmetered"):
        assert name in head
    cells = [
        dict(zip(*(map(str.strip, line.split("|")) for line in (lines[2], row)), strict=True))
        for lines in [render.markdown(found).splitlines()]
        for row in lines[4:8]
    ]
    assert [row["cache read"] for row in cells] == ["0", "1,234", "0", "1,234"]
    assert [row["reasoning"] for row in cells] == ["0", "0", "5", "5"]
    assert [row["estimate USD"] for row in cells] == ["0", "0", "0.1", "0.1"]
    assert [row["unpriced"] for row in cells] == ["0", "1", "0", "1"]
    assert [row["unmetered"] for row in cells] == ["0", "0", "2", "2"]
    assert [row["input USD"] for row in cells] == ["1", "0", "unknown", "1"]
    assert [row["output USD"] for row in cells] == ["0", "0", "unknown", "0"]
    assert [row["unsplit USD"] for row in cells] == ["8", "0", "unknown", "8"]


SPLIT = group(
    "a-provider-of-28-characters-",
    requests=1,
    attempts=2,
    cache_read_tokens=5,
    cost_pico=3 * 10**6,
    input_cost_pico=10**6,
    output_cost_pico=2 * 10**6,
)


ALL_BUT_COST = (
    "first content, fallback, attempts, cache read, p95, p50, success, input USD, output USD"
)


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (None, ""),
        (200, ""),
        (160, "first content"),
        (120, "first content, fallback, attempts, cache read"),
        (100, "first content, fallback, attempts, cache read, p95, p50, success"),
        (85, ALL_BUT_COST.replace("p50, ", "")),  # there is room for it without the parts
        (80, ALL_BUT_COST),
    ],
)
def test_a_narrow_terminal_keeps_what_a_payer_asks_for(width: int | None, gone: str) -> None:
    lines = render.text(report(SPLIT), width=width).splitlines()
    whole = render.text(report(SPLIT)).splitlines()
    heads = re.split("  +", whole[2].strip())
    assert {"cost USD", "input USD", "output USD"} < {*heads}
    assert re.split("  +", lines[2].strip()) == [
        name for name in heads if name not in gone.split(", ")
    ]
    assert not gone or lines[-1].startswith(f"  no room for {gone}: ")
    assert all(len(line) <= (width or 999) for line in lines[2:5])


@pytest.mark.parametrize(
    ("mark", "shown"), [("", "2 9ac1e2f09a"), ("-dirty", "2 9ac1e2f09a-dirty")]
)
def test_a_revision_names_its_commit_and_whether_that_was_all(mark: str, shown: str) -> None:
    found = report(group("2", attempts=1), by=("revision",))
    found = msgspec.structs.replace(found, commits={"2": f"{'9ac1e2f0' * 5}{mark}"})
    assert render.text(found).splitlines()[3].startswith(f"{shown}  ")
    assert f"| {shown} |" in render.markdown(found)


def test_what_corrections_bring_to_0_in_all_is_shown_by_row() -> None:
    found = report(group("success", unpriced=1), group("adjusted", unpriced=-1), by=("status",))
    assert found.totals.unpriced == 0
    assert "unpriced" in render.text(found).splitlines()[2]


def test_markdown_and_csv_hold_the_same_rows() -> None:
    found = report(group("a|b", requests=1, attempts=1, cost_pico=1), group("=cmd()", requests=2))
    assert "| a\\|b | 1 | 1 |" in render.markdown(found)
    head, first, second = render.csv_text(found).splitlines()
    assert head.startswith("provider,requests,attempts,")
    assert head.count(",") == first.count(",") == second.count(",")
    assert first.startswith("a|b,1,1,")
    assert second.startswith("'=cmd(),2,0,")


def test_csv_of_a_report_without_groups_is_its_totals() -> None:
    lines = render.csv_text(report(group(requests=5), by=())).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("5,")


def test_a_table_by_the_hour_has_a_line_for_each_that_has_anything() -> None:
    starts = bucket_starts(SPAN, "hour", zone("UTC"))
    groups = [
        group("a", start_us=starts[2], requests=4),
        group("b", start_us=starts[0], attempts=1),
    ]
    found = report(*groups, by=("agent",), bucket="hour")
    _, _, head, first, second, total, *_ = render.text(found).splitlines()
    assert head.split()[:3] == ["hour", "agent", "requests"]
    assert first.split()[:4] == [found.series[0].start[:16], "b", "0", "1"]
    assert second.split()[:3] == [found.series[4].start[:16], "a", "4"]
    assert total.split()[:2] == ["total", "4"]
    assert f"| {found.series[4].start[:16]} | a | 4 |" in render.markdown(found)


def test_a_report_by_the_day_alone_has_a_line_for_each_day() -> None:
    starts = bucket_starts(SPAN, "day", zone("UTC"))
    found = report(group(start_us=starts[0], requests=7), by=(), bucket="day")
    day = found.series[0].start[:10]
    lines = render.text(found).splitlines()
    assert (lines[2].split()[:2], lines[3].split()[:2]) == (["day", "requests"], [day, "7"])
    assert f"| {day} | 7 |" in render.markdown(found)
    assert render.csv_text(found).splitlines()[1].startswith(f"{found.series[0].start},7,")


def test_csv_of_a_report_without_rows_is_its_header() -> None:
    (head,) = render.csv_text(report(by=("agent", "model"))).splitlines()
    assert head.startswith("agent,model,requests,")
    assert head.endswith("first_content_ms_mean,first_content_ms_p50,first_content_ms_p95")
