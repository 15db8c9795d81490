"""Running an operation on a store from a command."""

from __future__ import annotations

from pathlib import Path

from modelops.cli import stores
from modelops.operations.plan import PlanningStore


class Large:
    """Something whose repr would take as long as making it did."""

    def __repr__(self) -> str:
        raise AssertionError("nobody asked for this")


def test_what_an_operation_returns_is_not_printed_on_the_way(tmp_path: Path) -> None:
    async def operation(store: PlanningStore) -> Large:
        assert (await store.head()).revision == 0
        return Large()

    assert isinstance(stores.using(f"sqlite:///{tmp_path}/store.db", operation), Large)
