"""Reading OpenAI chat requests into the canonical conversation.

`form` says all that is understood; whatever else a request holds cannot be carried, and the error
names where it stands.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.conversation import Conversation, Message, Part, Text
from modelops.gateway.protocols.nulls import decode_request
from modelops.gateway.protocols.openai import form
from modelops.gateway.protocols.wording import with_description

_DECODER = msgspec.json.Decoder(form.Request)


def read_request(content: bytes) -> Conversation:
    """Read a request; CannotCarryError for whatever has no place in a conversation."""
    request = decode_request(_DECODER, content)
    if request.store:
        raise CannotCarryError("`store`: only the provider itself can keep an answer")
    limit = request.max_completion_tokens
    return Conversation(
        messages=_messages(request.messages),
        tools=tuple(map(_tool, request.tools or ())),
        tool_choice=_tool_choice(request.tool_choice),
        parallel_tools=request.parallel_tool_calls,
        max_tokens=request.max_tokens if limit is None else limit,
        temperature=request.temperature,
        top_p=request.top_p,
        seed=request.seed,
        presence_penalty=request.presence_penalty or None,
        frequency_penalty=request.frequency_penalty or None,
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        format=_format(request.response_format),
        thinking=_thinking(request.reasoning_effort),
        user=request.safety_identifier or request.user or "",
        stream=bool(request.stream),
    )


def _messages(
    messages: list[form.System | form.Developer | form.User | form.Assistant | form.ToolMessage],
) -> tuple[Message, ...]:
    """Read the turns; results of tools that follow each other make one user turn."""
    turns: list[Message] = []
    names: dict[str, str] = {}
    for message in messages:
        if isinstance(message, form.ToolMessage):
            result = canonical.ToolResult(
                message.tool_call_id,
                names.get(message.tool_call_id, ""),
                _texts(message.content),
            )
            if turns and turns[-1].role == "user" and _only_results(turns[-1]):
                turns[-1] = Message("user", (*turns[-1].parts, result))
            else:
                turns.append(Message("user", (result,)))
        elif isinstance(message, form.Assistant):
            names.update((call.id, call.function.name) for call in message.tool_calls or ())
            turns.append(Message("assistant", _assistant_parts(message)))
        else:
            if message.name:
                raise CannotCarryError("the name of a participant")
            role: Any = "user" if isinstance(message, form.User) else "system"
            turns.append(Message(role, _parts(message.content)))
    return tuple(turns)


def _only_results(message: Message) -> bool:
    return all(isinstance(part, canonical.ToolResult) for part in message.parts)


def _assistant_parts(message: form.Assistant) -> tuple[Part, ...]:
    parts: list[Part] = []
    for detail in _details(message):
        origin: canonical.Origin = "anthropic" if detail.format.startswith("anthropic") else ""
        parts.append(canonical.Reasoning(detail.text, detail.signature or "", detail.data, origin))
    unsigned = message.reasoning_content or message.reasoning
    if unsigned and not parts:
        parts.append(canonical.Reasoning(unsigned))
    parts += _parts(message.content or message.refusal or "")
    for call in message.tool_calls or ():
        parts.append(
            canonical.ToolCall(
                call.id, call.function.name, call.function.arguments or "{}", _signature(call)
            )
        )
    return tuple(parts)


def _details(message: form.Assistant) -> list[form.ReasoningDetail]:
    kept = message.provider_specific_fields
    return message.reasoning_details or (kept and kept.reasoning_details) or []


def _signature(call: form.ToolCall) -> str:
    """Return Gemini's signature, where its own OpenAI layer puts it too."""
    extra = call.extra_content
    google = extra.get("google") if isinstance(extra, dict) else None
    return str(google.get("thought_signature") or "") if isinstance(google, dict) else ""


def _parts(content: str | list[form.Part]) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(_part(part) for part in content)


def _part(part: form.Part) -> Part:
    if isinstance(part, form.TextPart):
        return Text(part.text, part.cache_control)
    if isinstance(part, form.RefusalPart):
        return Text(part.refusal)
    if isinstance(part, form.ImagePart):
        media_type, data = split_data_url(part.image_url.url)
        detail = part.image_url.detail or ""
        if data:
            return canonical.Image(media_type, data, "", detail, part.cache_control)
        return canonical.Image("", "", part.image_url.url, detail, part.cache_control)
    media_type, data = split_data_url(part.file.file_data)
    if not data:
        raise CannotCarryError("a file that is not given as a data URL")
    return canonical.Document(media_type, data, "", "", part.file.filename, part.cache_control)


def split_data_url(url: str) -> tuple[str, str]:
    """Return media type and base64 data of a data URL, empty when it is another URL."""
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return "", ""
    return head.removeprefix("data:").removesuffix(";base64"), data


def _texts(content: str | list[form.TextPart]) -> tuple[Text, ...]:
    if isinstance(content, str):
        return (Text(content),)
    return tuple(Text(part.text, part.cache_control) for part in content)


def _tool(tool: form.Tool) -> canonical.Tool:
    function = tool.function
    return canonical.Tool(
        function.name,
        function.description or "",
        function.parameters,
        bool(function.strict),
        tool.cache_control,
    )


def _tool_choice(choice: str | form.NamedChoice | None) -> canonical.ToolChoice | None:
    if isinstance(choice, form.NamedChoice):
        return canonical.ToolChoice("tool", choice.function.name)
    mode: Any = choice
    return None if choice is None else canonical.ToolChoice(mode)


def _format(wanted: form.Format | None) -> canonical.Format | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.json_schema is None:
        return canonical.Format()
    schema = wanted.json_schema
    described = with_description(schema.schema, schema.description or "")
    return canonical.Format(described, schema.name, bool(schema.strict))


def _thinking(effort: canonical.Effort | None) -> canonical.Thinking | None:
    return None if effort is None else canonical.Thinking(effort)
