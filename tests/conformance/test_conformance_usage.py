"""What every recorded answer used: `usage.json` holds the one right reading of each.

Each was compared by eye with the counts that the provider sent. A new recording fails until its
reading is worked out and written down.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from conformance_recordings import CASSETTES, Answer, answers

from modelops.metering.attempt import Usage
from modelops.metering.usage import UsageReader
from modelops.resources.resolved import Protocol

EXPECTED: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "usage.json").read_text())
ANSWERS = list(answers()) if CASSETTES.exists() else []

pytestmark = pytest.mark.skipif(not CASSETTES.exists(), reason=f"no recordings in {CASSETTES}")


def read(answer: Answer) -> Usage:
    reader = UsageReader(cast("Protocol", answer.protocol))
    for event in answer.events:
        reader.feed(event)
    return reader.usage(complete=True)


@pytest.mark.parametrize("answer", ANSWERS, ids=[answer.name for answer in ANSWERS])
def test_a_recorded_answer_used_what_is_written_down(answer: Answer) -> None:
    expected = EXPECTED[answer.name]
    found = read(answer)
    shown = {name: getattr(found, name) for name in Usage.__struct_fields__}
    assert {name: value for name, value in shown.items() if value is not None} == expected


def test_every_reading_has_its_recording() -> None:
    assert EXPECTED.keys() == {answer.name for answer in ANSWERS}
