"""Whether a request names what only one provider keeps: an earlier answer, a thread, or a file.

Asked before the target is known. Tools call their parameters `file_id` too, in their schemas and
in what a model made of them, so only the places count where the protocols put an uploaded file.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

FILE = b'"file_id"'
STATE = frozenset({"previous_response_id", "conversation", "container", "prompt", "thread"})
"""Fields of a request that name something only one provider keeps."""

_PERHAPS = frozenset({"container", "thread"})
"""Those that may also ask for a new one."""

_EMPTY = (b"null", b'""')


class _Part(msgspec.Struct):
    """A message or a part of one, as far as it leads to a file. All else is skipped undecoded.

    `file` is of Chat Completions, `source` of Messages, `output` of Responses. A part that is
    itself a `file_id` is of Messages (`container_upload`) or Responses (`input_file`). The source
    of a `search_result` is a text.
    """

    file_id: str | None = None
    file: _Part | None = None
    source: str | _Part | None = None
    content: str | list[_Part] | _Part | None = None
    output: str | list[_Part] | _Part | None = None


class _Skill(msgspec.Struct):
    """A skill in a container of Messages; the provider keeps those of type `custom`."""

    type: str | None = None


class _Container(msgspec.Struct):
    """An earlier container of Messages (`id`) or Responses, or what a new one is made of."""

    id: str | None = None
    container_id: str | None = None
    file_ids: list[str] | None = None
    skills: list[_Skill] | None = None


class _Thread(msgspec.Struct):
    """A thread of Messages: `create` comes with the whole conversation, `continue` with its end."""

    type: str | None = None


class _Item(msgspec.Struct):
    """An item of the input of Responses, which may stand for a kept one.

    One that is sealed (`encrypted_content`) does not say by whom: providers refuse what another
    one sealed, and the next target is asked.
    """

    type: str | None = None
    container_id: str | None = None
    environment: _Container | None = None


class _Tool(msgspec.Struct):
    """A tool of Responses that runs at the provider: `environment` is that of `shell`."""

    vector_store_ids: list[str] | None = None
    container: str | _Container | None = None
    environment: _Container | None = None


_CONTAINER = msgspec.json.Decoder(str | _Container | None)
_THREAD = msgspec.json.Decoder(_Thread)
_ITEMS = msgspec.json.Decoder(str | list[_Item] | None)
_TOOLS = msgspec.json.Decoder(list[_Tool] | None)
_PARTS = msgspec.json.Decoder(str | list[_Part] | None)


def names_provider_state(content: bytes, fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a request, given as it came and as its fields, can be served by one provider alone.

    What is not written as the protocols have it counts when it might be one.
    """
    named = {name for name in STATE & fields.keys() if bytes(fields[name]) not in _EMPTY}
    if named - _PERHAPS:
        return True
    try:
        if "thread" in named and _THREAD.decode(fields["thread"]).type != "create":
            return True
        if "container" in named and _is_kept(_CONTAINER.decode(fields["container"])):
            return True
        if "input" in fields and (_refers(fields["input"]) or _uses_state(fields.get("tools"))):
            return True
        if FILE not in content:
            return False
        return any(
            _leads_to_file(_PARTS.decode(fields[name]))
            for name in ("messages", "input")
            if name in fields
        )
    except (msgspec.DecodeError, RecursionError):
        return True


def _refers(items: msgspec.Raw) -> bool:
    found = _ITEMS.decode(items)
    return isinstance(found, list) and any(
        item.type == "item_reference" or item.container_id or _is_kept(item.environment)
        for item in found
    )


def _uses_state(tools: msgspec.Raw | None) -> bool:
    return any(
        tool.vector_store_ids or _is_kept(tool.container) or _is_kept(tool.environment)
        for tool in (_TOOLS.decode(tools) if tools is not None else None) or ()
    )


def _is_kept(held: str | _Container | None) -> bool:
    if not isinstance(held, _Container):
        return bool(held)
    custom = any(skill.type == "custom" for skill in held.skills or ())
    return bool(held.id or held.container_id or held.file_ids) or custom


def _leads_to_file(found: str | list[_Part] | _Part | None) -> bool:
    if isinstance(found, list):
        return any(map(_leads_to_file, found))
    if not isinstance(found, _Part):
        return False
    held = (found.file, found.source, found.content, found.output)
    return found.file_id is not None or any(map(_leads_to_file, held))
