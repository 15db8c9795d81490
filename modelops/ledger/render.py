"""A usage report as text, CSV or markdown. JSON is the report itself.

Money is printed in full, never rounded: a report must add up by hand.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from modelops.ledger.reports import Distribution, Measures, UsagePoint, UsageReport, UsageRow
from modelops.resources import commits

BAR_WIDTH = 12
UNKNOWN = "unknown"
"""Shown for a cost that nobody knows: it is not 0."""


class _Column(NamedTuple):
    """A column, shown in every report, or where the field `unless_0` is not 0 in one of its rows.

    A terminal that is too narrow does without those that `yields` names, 1 first. Latency goes
    before money, and the parts of a cost last: who pays asks what they are for.
    """

    name: str
    show: Callable[[Measures], str]
    unless_0: str = ""
    yields: int = 0


_COLUMNS = (
    _Column("requests", lambda row: f"{row.requests:,}"),
    _Column("attempts", lambda row: f"{row.attempts:,}", yields=4),
    _Column("success", lambda row: _percent(row.success_rate), yields=9),
    _Column("fallback", lambda row: _percent(row.fallback_rate), yields=2),
    _Column("input", lambda row: f"{row.input_tokens:,}"),
    _Column("cache read", lambda row: f"{row.cache_read_tokens:,}", "cache_read_tokens", 6),
    _Column("cache write", lambda row: f"{row.cache_write_tokens:,}", "cache_write_tokens", 5),
    _Column("output", lambda row: f"{row.output_tokens:,}"),
    _Column("reasoning", lambda row: f"{row.reasoning_tokens:,}", "reasoning_tokens", 3),
    _Column("cost USD", lambda row: _money(row.cost_usd)),
    _Column("input USD", lambda row: _money(row.input_cost_usd), "cost_usd", 10),
    _Column("output USD", lambda row: _money(row.output_cost_usd), "cost_usd", 10),
    _Column("unsplit USD", lambda row: _money(row.unsplit_cost_usd), "unsplit_cost_usd", 10),
    _Column("estimate USD", lambda row: row.estimate_usd, "estimate_usd"),
    _Column("unpriced", lambda row: f"{row.unpriced:,}", "unpriced"),
    _Column("unmetered", lambda row: f"{row.unmetered:,}", "unmetered"),
    _Column("p50", lambda row: _duration(row.latency_ms, "p50"), yields=8),
    _Column("p95", lambda row: _duration(row.latency_ms, "p95"), yields=7),
    _Column("first content", lambda row: _duration(row.first_content_ms, "p50"), yields=1),
)


def text(report: UsageReport, *, bar: str = "█", width: int | None = None) -> str:
    """Return the report as a table for a terminal, with a bar for each row's share of the cost.

    A table that is broader than `width` does without some columns, and says so.
    """
    groups = _rows(report)
    rows = [*groups, report.totals]
    bars = [bar * round(share * BAR_WIDTH) for share in _shares(groups)]
    keys = _upright([_key_names(report), *_keys(report, rows)])
    cells = {
        column: [column.name, *(column.show(row) for row in rows)] for column in _columns(rows)
    }
    left_out = _left_out(keys, cells, width)
    shown = [found for column, found in cells.items() if column not in left_out]
    table = _upright([*keys, *shown, ["", *bars, ""]])
    lines = [_heading(report), "", *_aligned(table, left=len(keys))]
    lines += [f"  {note}" for note in notes(report.totals)]
    if left_out:
        names = ", ".join(column.name for column in left_out)
        lines.append(f"  no room for {names}: --format markdown has every column")
    return "\n".join(lines) + "\n"


def _upright(table: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the columns of some lines, or the lines of some columns."""
    return [list(cells) for cells in zip(*table, strict=True)]


def _left_out(
    keys: Sequence[Sequence[str]], cells: Mapping[_Column, Sequence[str]], width: int | None
) -> list[_Column]:
    """Return the columns that a table of this width has no room for, bars at their full width."""
    broad = {column: max(map(len, found)) + 2 for column, found in cells.items()}
    needed = sum(broad.values()) + sum(max(map(len, key)) + 2 for key in keys) + BAR_WIDTH
    left_out: list[_Column] = []
    gone: list[_Column] = []
    for rank in sorted({column.yields for column in cells if column.yields}):
        if width is None or needed <= width:
            break
        gone = [column for column in cells if column.yields == rank]
        needed -= sum(broad[column] for column in gone)
        left_out += gone
    for column in reversed(left_out[: len(left_out) - len(gone)]):  # these may find room again
        if width is not None and needed + broad[column] <= width:
            needed += broad[column]
            left_out = [other for other in left_out if other != column]
    return left_out


def markdown(report: UsageReport) -> str:
    """Return the report as a markdown table."""
    rows, keys = [*_rows(report), report.totals], _key_names(report)
    columns = _columns(rows)
    lines = [
        _heading(report),
        "",
        "| " + " | ".join([*keys, *(column.name for column in columns)]) + " |",
        "|" + "---|" * len(keys) + "---:|" * len(columns),
    ]
    for row, key in zip(rows, _keys(report, rows), strict=True):
        cells = [*key, *(column.show(row) for column in columns)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", *(f"- {note}" for note in notes(report.totals))]
    return "\n".join(lines).rstrip() + "\n"


def csv_text(report: UsageReport) -> str:
    """Return the report's points, else its rows, else its totals, as CSV with a header."""
    items: Sequence[Measures] = report.series or report.rows
    if not items and not _key_names(report):
        items = (report.totals,)
    names = [*_flat(report, report.totals)]
    out = io.StringIO()
    writer = csv.DictWriter(
        out, ["start"] * (report.bucket != "none") + [*report.by, *names], lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(_flat(report, item) for item in items)
    return out.getvalue()


def notes(totals: Measures) -> list[str]:
    """Return what a reader must know to trust the totals; nothing when they are whole."""
    found = []
    if totals.unpriced:
        found.append(
            f"{totals.unpriced:,} attempts unpriced: their model, or its service tier, has no price"
        )
    if totals.unmetered:
        found.append(f"{totals.unmetered:,} attempts unmetered: usage was not reported in full")
    if totals.estimate_usd != "0":
        found.append(f"estimated beside the cost: {totals.estimate_usd} USD")
    if totals.simulated:
        found.append(f"{totals.simulated:,} rows simulated")
    return found


def _columns(rows: Sequence[Measures]) -> list[_Column]:
    """Return the columns that have anything in one of these rows; sums of 0 may have parts."""
    return [
        column
        for column in _COLUMNS
        if not column.unless_0
        or any(getattr(row, column.unless_0) not in (0, "0", None) for row in rows)
    ]


def _heading(report: UsageReport) -> str:
    by = f" by {', '.join(report.by)}" if report.by else ""
    return f"usage{by} from {report.since} to {report.until} ({report.timezone})"


def _rows(report: UsageReport) -> Sequence[UsageRow]:
    """Return the points that have anything in them, where there are buckets, else the rows."""
    if report.bucket == "none":
        return report.rows
    return [
        point
        for point in report.series
        if point.requests or point.attempts or point.cost_usd not in ("0", None)
    ]


def _key_names(report: UsageReport) -> list[str]:
    return [report.bucket] * (report.bucket != "none") + [*report.by]


def _keys(report: UsageReport, rows: Sequence[Measures]) -> list[list[str]]:
    """Return the cells that name each row.

    Where clocks are changed within the report an hour may come twice, so each has its offset.
    """
    offsets = {point.start[19:] for point in report.series}
    return [_row_keys(report, row, offset=len(offsets) > 1) for row in rows]


def _row_keys(report: UsageReport, row: Measures, *, offset: bool) -> list[str]:
    if not isinstance(row, UsageRow):
        count = len(_key_names(report))
        return ["total", *([""] * (count - 1))][:count]
    keys = [
        _shown(report, name, value) if row.key else value
        for name, value in _key(report, row).items()
    ]
    return [_start(report, row, offset=offset), *keys] if isinstance(row, UsagePoint) else keys


def _key(report: UsageReport, row: UsageRow) -> Mapping[str, str]:
    """Return a row's values by dimension; those of all others say how many groups they are."""
    if row.key or not report.by:
        return row.key
    first, *rest = report.by
    return {first: f"{report.others:,} others"} | dict.fromkeys(rest, "")


def _start(report: UsageReport, point: UsagePoint, *, offset: bool) -> str:
    """Return when a bucket begins, as the clocks of the report's time zone show it."""
    if report.bucket == "hour":
        return point.start[:16] + (point.start[19:] if offset else "")
    return point.start[:10]


def _shown(report: UsageReport, name: str, value: str) -> str:
    """Return a value as it is shown: a revision with its commit."""
    commit = report.commits.get(value, "") if name == "revision" else ""
    return f"{value} {commits.short(commit)}".rstrip() if commit else value or "-"


def _shares(rows: Sequence[UsageRow]) -> list[float]:
    """Return each row's share of the cost, of the attempts when nothing has a cost.

    A correction may leave a row below 0: it has no share, and takes none from the others.
    """
    values = [max(Decimal(row.cost_usd or 0), Decimal()) for row in rows]
    if not any(values):
        values = [Decimal(row.attempts) for row in rows]
    whole = sum(values)
    return [float(value / whole) if whole else 0.0 for value in values]


def _aligned(table: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Align columns: the first `left` and the bars to the left, numbers to the right."""
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    last = len(widths) - 1
    return [
        "  ".join(
            cell.ljust(width) if column < left or column == last else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]


def _flat(report: UsageReport, item: Measures) -> dict[str, object]:
    """Return the fields of a row for CSV: its key and its distributions spread out."""
    fields = msgspec.structs.asdict(item)
    flat: dict[str, object] = {}
    if "start" in fields:
        flat["start"] = fields.pop("start")
    if isinstance(item, UsageRow):
        del fields["key"]
        flat |= {name: _safe(value) for name, value in _key(report, item).items()}
    for name, value in fields.items():
        if name in ("latency_ms", "first_content_ms"):
            for part in Distribution.__struct_fields__:
                flat[f"{name}_{part}"] = getattr(value, part, None)
        else:
            flat[name] = value
    return flat


def _safe(value: str) -> str:
    """Return a value that a spreadsheet does not take for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _money(amount: str | None) -> str:
    return UNKNOWN if amount is None else amount


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate * 100:.1f} %"


def _duration(found: Distribution | None, part: str) -> str:
    if found is None:
        return "-"
    value: float = getattr(found, part)
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"
