"""Log lines: for people or for programs, with the request they are about and nothing it said."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import msgspec
import pytest
from in_process import logging_as_before
from memory_store import MemoryStore
from row_samples import attempt
from server_support import make_runtime, state

from modelops.metering.attempt import Attempt
from modelops.server.logs import LogFormat, set_up_logging

FAILED = attempt(
    request_id="c0ffee",
    started_at_us=1_800_000_000_000_000,
    agent="dev-agent",
    outcome="failed",
    status=529,
    error_class="transient",
    message="what the provider said",
)


@pytest.fixture(autouse=True)
def taken_back() -> Iterator[None]:
    with logging_as_before():
        yield


def line(capsys: pytest.CaptureFixture[str], form: LogFormat, attempt: Attempt) -> str:
    """Return what is logged of an attempt."""
    runtime = make_runtime(MemoryStore(state()))
    set_up_logging(form)
    runtime.observer.record(attempt)
    return capsys.readouterr().err


def test_a_failed_request_is_a_line_of_text_with_its_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logged = line(capsys, "text", FAILED)
    assert logged.endswith(
        "WARNING a request failed at openai/gpt-4o: transient, status 529"
        " request_id=c0ffee agent=dev-agent target=openai/gpt-4o\n"
    )
    assert "what the provider said" not in logged


def test_a_call_without_an_answer_has_no_status(capsys: pytest.CaptureFixture[str]) -> None:
    attempt = msgspec.structs.replace(FAILED, error_class="connect", status=0)
    assert "a request failed at openai/gpt-4o: connect request_id" in line(capsys, "text", attempt)


def test_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    logged = json.loads(line(capsys, "json", FAILED))
    assert logged["level"] == "warning"
    assert logged["request_id"] == "c0ffee"
    assert logged["message"] == "a request failed at openai/gpt-4o: transient, status 529"
    assert "what the provider said" not in json.dumps(logged)


@pytest.mark.parametrize("changes", [{"outcome": "success"}, {"final": False}])
def test_what_went_well_in_the_end_is_no_line(
    capsys: pytest.CaptureFixture[str], changes: dict[str, object]
) -> None:
    assert line(capsys, "text", msgspec.structs.replace(FAILED, **changes)) == ""


def test_a_traceback_is_part_of_its_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("json")
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("modelops.test").exception("it broke")
    (logged,) = capsys.readouterr().err.splitlines()
    assert "ValueError: invalid literal" in json.loads(logged)["exception"]
