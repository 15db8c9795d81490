"""A report as text, Markdown and CSV: what lines up, what is left out, what is missing."""

from __future__ import annotations

import re

import msgspec
import pytest
from report_samples import SPAN, group, report

from modelops.ledger import render
from modelops.ledger.periods import bucket_starts, written_span, zone
from modelops.ledger.reports import build


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
    end = lines[2].index("requests") + len("requests")
    assert [line[end - 2 : end + 1] for line in lines[3:7]] == [" 3 ", " 1 ", " 2 ", " 6 "]


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


def test_a_row_that_was_corrected_below_0_has_no_bar_and_makes_no_other_longer() -> None:
    found = report(
        group("a", requests=1, attempts=1, cost_pico=10**12),
        group("b", requests=1, attempts=1, cost_pico=-(10**12) + 10**9),
    )
    rows = render.text(found, bar="#").splitlines()[3:5]
    assert [row.count("#") for row in rows] == [render.BAR_WIDTH, 0]


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


def test_an_hour_that_comes_twice_is_told_apart_by_its_offset() -> None:
    berlin = zone("Europe/Berlin")
    back = written_span("2026-10-25", "2026-10-25", berlin, 0)
    starts = bucket_starts(back, "hour", berlin)
    groups = [group("a", start_us=start, attempts=1) for start in starts]
    found = build(back, "Europe/Berlin", ("provider",), "hour", groups, 10)
    for shown in (render.text(found), render.markdown(found)):
        assert len(re.findall("2026-10-25T02:00", shown)) == 2
        assert "2026-10-25T02:00+02:00" in shown
        assert "2026-10-25T02:00+01:00" in shown
    ramadan = zone("Africa/Casablanca")  # an hour back for it, and forth again
    month = written_span("2026-02-13", "2026-03-24", ramadan, 0)
    groups = [group("a", start_us=at, attempts=1) for at in bucket_starts(month, "hour", ramadan)]
    shown = render.text(build(month, ramadan.key, ("provider",), "hour", groups, 10))
    assert "2026-02-15T02:00+01:00" in shown
    assert "2026-02-15T02:00+00:00" in shown
    plain = report(group("a", start_us=SPAN.since_us, attempts=1), bucket="hour")
    assert "+00:00 " not in "".join(render.text(plain).splitlines()[1:])
