"""What is answered, and that it can be foreseen."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.simulator.answer import answer
from modelops.simulator.question import Question, Tool, ToolResult, segment

WEATHER = Tool(
    "get_weather",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
TIME = Tool("get_time", {})


def ask(text: str, **fields: Any) -> Question:
    return Question(model="m", text=text, prompt=(segment(text),), **fields)


def said(text: str, **fields: Any) -> str:
    return "".join(answer(ask(text, **fields), 0).text)


def test_the_answer_names_the_model_and_repeats_what_was_said() -> None:
    assert said("Hello there") == "This is a simulated answer from m. You wrote: Hello there"


def test_a_long_message_is_not_repeated_whole() -> None:
    assert said("word " * 1000).count("word") == 24


def test_words_are_written_on_demand_and_follow_the_seed() -> None:
    question = ask("Please write 40 words.")
    assert len(answer(question, 1).text) == 40
    assert answer(question, 1) == answer(question, 1)
    assert answer(question, 1) != answer(question, 2)


def test_a_static_model_answers_as_many_words_as_its_name_says() -> None:
    question = Question(model="static-100x10ms", text="", prompt=())
    assert answer(question, 0).output_tokens == 100


@pytest.mark.parametrize(
    ("text", "choice", "forced", "expected"),
    [
        ("What is the weather?", "auto", "", []),
        ("call get_weather", "auto", "", ["get_weather"]),
        ("call get_weather and call get_time", "auto", "", ["get_weather", "get_time"]),
        ("call get_weather", "none", "", []),
        ("call something_else", "auto", "", []),
        ("Hello", "required", "", ["get_weather"]),
        ("Hello", "required", "get_time", ["get_time"]),
    ],
)
def test_tools_are_called_when_the_request_says_so(
    text: str, choice: Any, forced: str, expected: list[str]
) -> None:
    question = ask(text, tools=(WEATHER, TIME), tool_choice=choice, forced_tool=forced)
    made = answer(question, 0)
    assert [call.name for call in made.calls] == expected
    assert made.stop == ("tool_calls" if expected else "stop")
    assert bool(made.text) is not bool(expected)


def test_arguments_fit_the_schema_or_are_those_given() -> None:
    made = answer(ask("call get_weather", tools=(WEATHER,)), 0).calls[0]
    jsonschema.validate(made.arguments, dict(WEATHER.schema))
    given_ones = answer(ask('call get_weather {"city": "Paris"} now', tools=(WEATHER,)), 0)
    assert given_ones.calls[0].arguments == {"city": "Paris"}


def test_one_call_at_a_time_when_parallel_calls_are_off() -> None:
    question = ask("call get_weather, call get_time", tools=(WEATHER, TIME), parallel_calls=False)
    assert len(answer(question, 0).calls) == 1


def test_tool_results_are_answered_with_text() -> None:
    text = said(
        "call get_weather", tools=(WEATHER,), results=(ToolResult("get_weather", "18 degrees"),)
    )
    assert text.endswith("The tools answered: get_weather: 18 degrees")


def test_json_is_answered_when_a_schema_is_asked_for() -> None:
    assert said("x", schema=WEATHER.schema) == '{"city":"text"}'
    assert said("x", schema={}) == "{}"


def test_a_stop_string_ends_the_text_before_it() -> None:
    made = answer(ask("Hello", stop=("wrote", "simulated")), 0)
    assert "".join(made.text) == "This is a "
    assert (made.stop, made.stop_string) == ("stop_string", "simulated")


@given(limit=st.integers(0, 60), reasoning=st.booleans(), tools=st.booleans())
def test_the_limit_is_kept_and_said(limit: int, reasoning: bool, tools: bool) -> None:
    question = ask(
        "call get_weather", reasoning=reasoning, tools=(WEATHER,) if tools else (), max_tokens=limit
    )
    whole = answer(ask("call get_weather", reasoning=reasoning, tools=question.tools), 0)
    made = answer(question, 0)
    assert made.output_tokens <= limit
    assert (made.stop == "length") == (whole.output_tokens > limit)
    if made.stop != "length":
        assert made == whole
