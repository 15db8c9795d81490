"""Requests that name what only one provider keeps."""

from __future__ import annotations

import pytest

from modelops.gateway.body import Body

TOOL = (
    b'{"messages":[{"content":"x"}],"tools":[{"function":{"parameters":{"properties":'
    b'{"file_id":{"type":"string","default":"f"}},"required":["file_id"]}}}]}'
)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b'{"input":"x"}', False),
        (b'{"previous_response_id":null}', False),
        (b'{"previous_response_id":"resp_1"}', True),
        (b'{"messages":[{"content":[{"type":"file","file":{"file_id":"f"}}]}]}', True),
        (b'{"messages":[{"content":[{"source":{"type":"file","file_id":"f"}}]}]}', True),
        (b'{"messages":[{"content":[{"type":"container_upload","file_id":"f"}]}]}', True),
        (b'{"messages":[{"content":[{"content":[{"source":{"file_id":"f"}}]}]}]}', True),
        (b'{"input":[{"content":[{"type":"input_file","file_id":"f"}]}]}', True),
        (b'{"input":[{"output":{"type":"computer_screenshot","file_id":"f"}}]}', True),
        (b'{"messages":[{"content":["odd",{"file_id":"f"}]}]}', True),
        (b'{"messages":[{"content":"say \\"file_id\\" twice"}]}', False),
        (b'{"messages":[{"content":[{"type":"tool_use","input":{"file_id":"f"}}]}]}', False),
        (TOOL, False),
        (b'{"input":"x","metadata":{"file_id":"f"}}', False),
    ],
)
def test_files_and_earlier_answers_count_and_a_tools_parameter_does_not(
    content: bytes, *, kept: bool
) -> None:
    assert Body("/v1/chat/completions", content).stateful is kept
