"""The OpenAI chat request as far as the gateway understands it: nothing else can be carried.

A field of type `Any` is a hint on price or speed, and is not looked at.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from modelops.gateway.protocols.conversation import Effort


class Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Base: an unknown field is an error that names it."""


Limit = Annotated[int, msgspec.Meta(ge=1)]
Nothing = Annotated[dict[str, Any], msgspec.Meta(max_length=0)]


class TextPart(Strict, tag="text"):
    """Words."""

    text: str
    prompt_cache_breakpoint: Any = None
    cache_control: Any = None


class RefusalPart(Strict, tag="refusal"):
    """Words of a model that declined."""

    refusal: str


class ImageUrl(Strict):
    """Where an image is, or the image as a data URL."""

    url: str
    detail: str | None = None


class ImagePart(Strict, tag="image_url"):
    """An image."""

    image_url: ImageUrl
    cache_control: Any = None


class File(Strict):
    """A file as a data URL."""

    file_data: str
    filename: str = ""


class FilePart(Strict, tag="file"):
    """A file."""

    file: File
    cache_control: Any = None


Part = TextPart | RefusalPart | ImagePart | FilePart


class Called(Strict):
    """Which function a call is for, and with what."""

    name: str
    arguments: str = "{}"


class ToolCall(Strict):
    """A call."""

    id: str
    function: Called
    type: Literal["function"] = "function"
    index: int = 0
    extra_content: Any = None
    provider_specific_fields: Any = None


class ReasoningDetail(msgspec.Struct, gc=False):
    """Reasoning as OpenRouter returns it, signature and all."""

    text: str = ""
    data: str = ""
    signature: str | None = None
    format: str = ""


class ProviderSpecific(msgspec.Struct, gc=False):
    """Where LiteLLM as a client keeps what it does not know of an answer, to send it back."""

    reasoning_details: list[ReasoningDetail] | None = None


class System(Strict, tag_field="role", tag="system"):
    """A system message."""

    content: str | list[Part]
    name: str | None = None


class Developer(Strict, tag_field="role", tag="developer"):
    """What newer models call a system message."""

    content: str | list[Part]
    name: str | None = None


class User(Strict, tag_field="role", tag="user"):
    """A turn of the user."""

    content: str | list[Part]
    name: str | None = None


class Assistant(Strict, tag_field="role", tag="assistant"):
    """A turn of the model."""

    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    provider_specific_fields: ProviderSpecific | None = None
    name: str | None = None
    annotations: Any = None
    audio: None = None
    function_call: None = None


class ToolMessage(Strict, tag_field="role", tag="tool"):
    """The result of a call."""

    tool_call_id: str
    content: str | list[TextPart]
    name: str | None = None


class Function(Strict):
    """A function the model may call."""

    name: str
    description: str | None = None
    parameters: Raw = Raw(b"{}")
    strict: bool | None = None


class Tool(Strict):
    """A tool."""

    type: Literal["function"]
    function: Function
    cache_control: Any = None


class Named(Strict):
    """A function by name."""

    name: str


class NamedChoice(Strict):
    """The one function that must be called."""

    type: Literal["function"]
    function: Named


class Schema(Strict):
    """The schema an answer must fit."""

    schema: Raw
    name: str = "answer"
    description: str | None = None
    strict: bool | None = None


class Format(Strict):
    """The form an answer must have."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: Schema | None = None


class Request(Strict):
    """A request."""

    messages: list[System | Developer | User | Assistant | ToolMessage]
    model: str | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: Limit | None = None
    max_completion_tokens: Limit | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: str | list[str] | None = None
    response_format: Format | None = None
    reasoning_effort: Effort | None = None
    user: str | None = None
    safety_identifier: str | None = None
    stream: bool | None = None
    stream_options: Any = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    logit_bias: Nothing | None = None
    modalities: list[Literal["text"]] | None = None
    service_tier: Literal["auto", "default"] | None = None
    store: bool | None = None
    metadata: Any = None
    prediction: Any = None
    prompt_cache_key: Any = None
    prompt_cache_retention: Any = None
    prompt_cache_options: Any = None
