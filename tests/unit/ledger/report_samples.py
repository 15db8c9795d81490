"""Groups as the store sums them, and the report that becomes of them."""

from __future__ import annotations

from modelops.ledger.periods import Bucket, Span
from modelops.ledger.reports import UsageReport, build
from modelops.store.books import SLOT_US, UsageGroup
from modelops.store.sums import Sums, packed

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
