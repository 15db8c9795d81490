"""Status: rows of several workers added up, and how the text reads at three in the morning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import resource_samples as samples
from row_samples import head, info

from modelops.cli.status import duration, lines
from modelops.operations.status import Status, alive, build
from modelops.operations.wait import NotLiveError, wait_until_live
from modelops.operations.worker_report import TargetReport, WorkerReport
from modelops.probes.report import Diagnosis, Report, Step
from modelops.resources.resolved import Provider
from modelops.store.protocol import Instance, Revision

NOW_US = 1_800_000_000_000_000
NOW = datetime.fromtimestamp(NOW_US / 1_000_000, UTC)
HEAD = head(environment="prod", revision=42)
KEY_REJECTED = Diagnosis(
    code="key_rejected", message="the key was rejected", hint="get one at https://keys.example"
)
LAST = Revision(
    revision=42,
    base=41,
    digest="d",
    info=info(
        environment="prod",
        created_at_us=NOW_US - 200_000_000,
        git_commit="9ac1e2f09ac1e2f0-dirty",
        message="Raise timeouts",
    ),
)


def provider(name: str, *, enabled: bool = True) -> Provider:
    return samples.provider(name, auth="none", api_key="", enabled=enabled)


def target(name: str, state: Any = "ok", **fields: Any) -> TargetReport:
    return TargetReport(**({"target": name, "state": state, "calls": 10, "failures": 0} | fields))


def instance(
    pid: int, *targets: TargetReport, revision: int = 42, error: str = "", **report: Any
) -> Instance:
    return Instance(
        instance=f"i{pid}",
        host="web-1",
        pid=pid,
        started_at_us=NOW_US - 60_000_000,
        seen_at_us=NOW_US - 1_000_000,
        revision=revision,
        error=error,
        report=msgspec.json.encode(WorkerReport(targets=targets, **report)).decode(),
    )


def status(*instances: Instance, last: Revision | None = LAST, **fields: Any) -> Status:
    declared = {name: provider(name) for name in ("anthropic", "google", "openai")}
    declared["spare"] = provider("spare", enabled=False)
    tested = {"tested": {}} | fields
    return build(HEAD, last, declared, list(instances), NOW_US, **tested)


def probed(name: str, seconds_ago: int, failed: Diagnosis | None = None) -> Report:
    step = Step(step="authentication", status="failed" if failed else "passed", diagnosis=failed)
    return Report(
        provider=name,
        origin="https://api.example",
        status="error" if failed else "connected",
        started_at_us=NOW_US - seconds_ago * 1_000_000,
        steps=(step,),
    )


def test_workers_that_are_silent_are_gone() -> None:
    silent = msgspec.structs.replace(instance(1), seen_at_us=NOW_US - 10_000_001)
    assert alive([silent, instance(2)], NOW_US) == [instance(2)]


def test_a_worker_is_live_when_it_serves_the_head() -> None:
    found = status(instance(1), instance(2, revision=41, error="revision 42 cannot be served: x"))
    assert (found.live, len(found.workers)) == (1, 2)
    assert [worker.live for worker in found.workers] == [True, False]


def test_counts_are_added_up_and_the_worst_worker_speaks() -> None:
    found = status(
        instance(1, target("openai/gpt-4o", failures=1, last_error="older", last_error_at_us=1)),
        instance(
            2,
            target(
                "openai/gpt-4o",
                "open",
                failures=10,
                next_try_s=21.0,
                last_error="overloaded: try later",
                last_error_at_us=2,
            ),
            target("openai/gpt-4o-mini"),
        ),
    )
    (openai,) = [item for item in found.providers if item.provider == "openai"]
    assert (openai.state, openai.calls, openai.failures) == ("open", 30, 11)
    assert (openai.next_try_s, openai.last_error) == (21.0, "overloaded: try later")
    assert [item.target for item in openai.targets] == ["openai/gpt-4o", "openai/gpt-4o-mini"]


def test_a_provider_without_its_secret_is_in_error_and_a_disabled_one_is_disabled() -> None:
    found = status(instance(1, broken={"google": "api_key: the variable X is not set"}))
    states = {item.provider: item.state for item in found.providers}
    assert states == {"anthropic": "idle", "google": "error", "openai": "idle", "spare": "disabled"}


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"state": "cooling", "endpoints": ("/v1/responses",)}, {}, "cooling for /v1/responses"),
        ({"state": "cooling", "endpoints": ("/v1/responses",)}, {"state": "cooling"}, "cooling"),
        ({"state": "cooling", "endpoints": ("/v1/responses",)}, {"state": "open"}, "OPEN"),
        ({"state": "half_open"}, {"state": "cooling"}, "half open"),
    ],
)
def test_a_model_that_cools_for_some_endpoints_says_which(
    one: dict[str, Any], other: dict[str, Any], said: str
) -> None:
    workers = [instance(pid, target("openai/m", **seen)) for pid, seen in enumerate((one, other))]
    for found in (status(*workers), status(*reversed(workers))):
        assert f"openai/m is {said}" in [line.strip() for line in lines(found, NOW)]


@pytest.mark.parametrize(("failures", "state"), [(4, "ok"), (5, "failing"), (10, "failing")])
def test_a_provider_half_of_whose_calls_fail_is_not_ok(failures: int, state: str) -> None:
    found = status(instance(1, target("openai/gpt-4o", failures=failures)))
    assert [item.state for item in found.providers if item.provider == "openai"] == [state]


def test_a_provider_on_trial_is_not_said_to_be_left_alone() -> None:
    found = status(instance(1, target("openai/gpt-4o", "half_open")))
    assert "  openai     half open  0 of 10 calls failed in 5 minutes" in lines(found, NOW)


def test_a_name_that_begins_alike_is_another_provider() -> None:
    found = status(instance(1, target("openai-eu/gpt-4o")))
    assert all(item.calls == 0 for item in found.providers)


def test_the_books_are_added_up() -> None:
    found = status(instance(1, waiting=3, books_error="locked"), instance(2, waiting=4, lost=1))
    assert (found.waiting, found.lost, found.books_error) == (7, 1, "locked")


def test_the_text_says_what_is_live_what_is_wrong_and_the_way_back() -> None:
    found = status(
        instance(
            1,
            target(
                "anthropic/claude-sonnet-4-5",
                "open",
                failures=9,
                next_try_s=21.4,
                last_error="transient: Overloaded",
                last_error_at_us=NOW_US - 5_000_000,
            ),
            target("openai/gpt-4o"),
            broken={"google": "api_key: the variable MODELOPS_SECRET_GOOGLE is not set"},
        ),
        instance(2, revision=41, error="revision 42 cannot be served: it does not compile"),
        tested={
            "anthropic": probed("anthropic", 7_200, KEY_REJECTED),
            "openai": probed("openai", 60),
        },
        undo="modelops rollback 41",
    )
    assert list(lines(found, NOW)) == [
        (
            "acme (prod): revision 42, applied 3 minutes ago by ada@laptop, commit 9ac1e2f09a-dirty"
            ": Raise timeouts"
        ),
        "live on 1 of 2 workers, store ok, 0 rows waiting",
        "worker web-1:2 is at revision 41: revision 42 cannot be served: it does not compile",
        "",
        "  google     ERROR",
        "             last error: api_key: the variable MODELOPS_SECRET_GOOGLE is not set",
        "  anthropic  OPEN       9 of 10 calls failed in 5 minutes, next try in 21 s",
        "             anthropic/claude-sonnet-4-5 is OPEN",
        "             last error 5 s ago: transient: Overloaded",
        (
            "             error when tested 2 hours ago: the key was rejected"
            "; get one at https://keys.example"
        ),
        (
            "  openai     ok         0 of 10 calls failed in 5 minutes"
            ", connected when tested 1 minute ago"
        ),
        "  spare      disabled",
        "",
        "To undo the last change: modelops rollback 41",
    ]


def test_the_text_of_a_store_that_is_away_and_of_lost_rows() -> None:
    found = status(
        instance(1, lost=2, books_error="disk full"), last=None, store_error="the file is locked"
    )
    text = "\n".join(lines(found, NOW))
    assert "store the file is locked" in text
    assert "2 rows of the books are LOST: disk full" in text
    assert "rollback" not in text


def test_without_workers_the_text_says_that_nobody_serves() -> None:
    assert "no worker is running; start one with `modelops serve`" in "\n".join(
        lines(status(), NOW)
    )


def test_workers_that_fell_silent_may_be_gone_or_unable_to_write() -> None:
    silent = build(HEAD, None, {}, [], NOW_US, tested={}, heard_us=NOW_US - 24_000_000)
    text = "\n".join(lines(silent, NOW))
    assert f"no worker has said anything since {silent.heard_at}: it is gone, or" in text
    assert "applied" not in text, "who applied it is not known"


def test_of_workers_that_are_silent_it_is_not_said_that_nothing_waits() -> None:
    gone = build(HEAD, None, {}, [], NOW_US, tested={}, heard_us=NOW_US - 24_000_000)
    assert "0 rows waiting" not in "\n".join(lines(gone, NOW))
    late = build(HEAD, None, {}, [instance(1)], NOW_US, tested={}, heard_us=NOW_US - 7_000_000)
    assert "0 rows waiting, as workers said 7 s ago: perhaps" in "\n".join(lines(late, NOW))
    just_now = build(HEAD, None, {}, [instance(1)], NOW_US, tested={}, heard_us=NOW_US - 3_000_000)
    assert "as workers said" not in "\n".join(lines(just_now, NOW))


def test_before_the_first_apply_it_says_so() -> None:
    empty = build(msgspec.structs.replace(HEAD, revision=0), None, {}, [], NOW_US, tested={})
    assert "Nothing has been applied yet" in next(lines(empty, NOW))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59, "59 s"), (60, "1 minute"), (7_300, "2 hours"), (200_000, "2 days")],
)
def test_durations_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


class Workers:
    """Instances over time: each look takes a second and sees the next list."""

    def __init__(self, *seen: list[Instance]) -> None:
        self.seen = list(seen)
        self.now_us = NOW_US

    async def instances(self) -> list[Instance]:
        found = self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]
        return [msgspec.structs.replace(item, seen_at_us=self.now_us) for item in found]

    async def sleep(self, _seconds: float) -> None:
        self.now_us += 1_000_000

    async def wait(self) -> str:
        store: Any = self
        seen = await wait_until_live(store, 42, unix_us=lambda: self.now_us, sleep=self.sleep)
        return str(seen)


async def test_waiting_ends_when_all_are_live() -> None:
    behind = [instance(1), instance(2, revision=41)]
    assert await Workers(behind, behind, [instance(1), instance(2)]).wait() == (
        "live on 2 of 2 workers"
    )


async def test_a_later_revision_is_live_too() -> None:
    assert await Workers([instance(1, revision=43)]).wait() == "live on 1 of 1 workers"


async def test_an_error_of_the_revision_before_is_not_believed_at_once() -> None:
    old = [instance(1, revision=40, error="revision 41 cannot be served: x")]
    assert await Workers(old, [instance(1)]).wait() == "live on 1 of 1 workers"


@pytest.mark.parametrize(
    ("seen", "part"),
    [
        ([], "no worker is running"),
        ([instance(1), instance(2, revision=41)], "live on 1 of 2 workers: the others did not"),
        ([instance(1, revision=41, error="it does not compile")], "web-1:1: it does not compile"),
    ],
)
async def test_what_is_not_live_in_time_is_exit_6(seen: list[Instance], part: str) -> None:
    with pytest.raises(NotLiveError, match=part) as caught:
        await Workers(seen).wait()
    assert caught.value.exit_code == 6
