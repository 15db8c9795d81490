"""Requests that name what only one provider keeps."""

from __future__ import annotations

import pytest

from modelops.gateway.body import Body

TOOL = (
    b'{"messages":[{"content":"x"}],"tools":[{"function":{"parameters":{"properties":'
    b'{"file_id":{"type":"string","default":"f"}},"required":["file_id"]}}}]}'
)
SEARCHED = (
    b'{"messages":[{"content":[{"type":"search_result","source":"https://a.test","content":[]}]}],'
    b'"tools":[{"input_schema":{"properties":{"file_id":{}}}}]}'
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
        (b'{"previous_response_id":""}', False),
        (b'{"container":"container_1"}', True),
        (b'{"container":{"id":"container_1"}}', True),
        (b'{"container":{"skills":[{"type":"anthropic","skill_id":"pptx"}]}}', False),
        (b'{"container":{"skills":[{"type":"custom","skill_id":"skill_1"}]}}', True),
        (b'{"container":7}', True),
        (b'{"thread":{"type":"create"}}', False),
        (b'{"thread":{"type":"continue","previous_message_id":"msg_1"}}', True),
        (b'{"thread":"odd"}', True),
        (SEARCHED, False),
        (b'{"input":"x","metadata":{"file_id":"f"}}', False),
    ],
)
def test_files_and_earlier_answers_count_and_a_tools_parameter_does_not(
    content: bytes, *, kept: bool
) -> None:
    assert Body("/v1/chat/completions", content).stateful is kept


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b'{"input":[{"type":"reasoning","encrypted_content":"sealed"}]}', False),
        (b'{"input":[{"type":"item_reference","id":"msg_1"}]}', True),
        (b'{"input":"x","prompt":{"id":"pmpt_1"}}', True),
        (b'{"input":"x","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}', True),
        (b'{"input":"x","tools":[{"type":"code_interpreter","container":"cntr_1"}]}', True),
        (b'{"input":"x","tools":[{"container":{"type":"auto","file_ids":["f"]}}]}', True),
        (b'{"input":"x","tools":[{"container":7}]}', True),
        (b'{"input":"x","tools":[{"type":"shell","environment":{"container_id":"c"}}]}', True),
        (b'{"input":"x","tools":[{"type":"shell","environment":{"type":"local"}}]}', False),
        (b'{"input":[{"type":"code_interpreter_call","container_id":"cntr_1"}]}', True),
        (b'{"input":[{"type":"shell_call","environment":{"container_id":"cntr_1"}}]}', True),
        (b'{"input":"x","tools":[{"container":{"type":"auto"}}]}', False),
        (b'{"input":[{"type":"reasoning","encrypted_content":null},{"type":null}]}', False),
        (b'{"input":"\\"item_reference\\"","prompt":null}', False),
        (b'{"input":[{"content":"\\"container\\" \\"encrypted_content\\""}]}', False),
        (b'{"input":"x","include":["reasoning.encrypted_content"]}', False),
        (
            b'{"input":"x","tools":[{"parameters":{"container":{},"vector_store_ids":{}}}]}',
            False,
        ),
    ],
)
def test_what_a_response_refers_to_is_kept_by_one_provider(content: bytes, *, kept: bool) -> None:
    assert Body("/v1/responses", content).stateful is kept
