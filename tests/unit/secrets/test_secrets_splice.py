from __future__ import annotations

import pytest

from modelops.config import yaml
from modelops.secrets.sops.splice import spans, with_block, with_value

ENC = "ENC[AES256_GCM,data:QUJD,iv:QUJD,tag:QUJD,type:str]"
NEIGHBORS = ("provider", "base_url")


def data(text: str) -> object:
    document = yaml.load_text(text, "f")
    assert not document.diagnostics
    return document.data


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("provider: a\napi_key: old # why\nx: 1\n", f"provider: a\napi_key: {ENC} # why\nx: 1\n"),
        ('provider: a\napi_key: ""\n', f"provider: a\napi_key: {ENC}\n"),
        ("provider: a\napi_key: |\n  old\nx: 1\n", f"provider: a\napi_key: {ENC}\nx: 1\n"),
        ("provider: a\napi_key:\nx: 1\n", f"provider: a\napi_key: {ENC}\nx: 1\n"),
        ("provider: a\napi_key:   # todo\nx: 1\n", f"provider: a\napi_key: {ENC}   # todo\nx: 1\n"),
        ("provider: a\napi_key: {env: X} # y\n", f"provider: a\napi_key: {ENC} # y\n"),
        ("provider: a\napi_key:\n  env: X # y\n# z\nx: 1\n",
         f"provider: a\napi_key: {ENC} # y\n# z\nx: 1\n"),
        ("provider: a\nbase_url: u # here\nx: 1\n",
         f"provider: a\nbase_url: u # here\napi_key: {ENC}\nx: 1\n"),
        ("base_url: 'é中🙂'\nprovider: a", f"base_url: 'é中🙂'\nprovider: a\napi_key: {ENC}"),
        ("provider: a\r\nx: 1\r\n", f"provider: a\r\napi_key: {ENC}\r\nx: 1\r\n"),
    ],
)  # fmt: skip
def test_value_of_a_block(before: str, after: str) -> None:
    spliced = with_value(before, ("api_key",), ENC, NEIGHBORS)
    assert spliced == after
    assert isinstance(data(spliced), dict)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("c:\n  - {provider: a}\n  - {provider: b}\n",
         f'c:\n  - {{provider: a}}\n  - {{provider: b, api_key: "{ENC}"}}\n'),
        ("c: [{provider: a}, {provider: b, api_key: x}]\n",
         f'c: [{{provider: a}}, {{provider: b, api_key: "{ENC}"}}]\n'),
        ("c:\n- provider: a\n- provider: b # x\n  z: 1\n",
         f"c:\n- provider: a\n- provider: b # x\n  api_key: {ENC}\n  z: 1\n"),
    ],
)  # fmt: skip
def test_value_in_a_list(before: str, after: str) -> None:
    spliced = with_value(before, ("c", 1, "api_key"), ENC, NEIGHBORS)
    assert spliced == after
    assert isinstance(data(spliced), dict)


def test_value_without_a_place() -> None:
    with pytest.raises(ValueError, match="no place"):
        with_value("x: 1\n", ("api_key",), ENC, NEIGHBORS)


def test_plain_text_is_quoted() -> None:
    spliced = with_value("provider: a\n", ("api_key",), 'a: "b" # c', NEIGHBORS)
    assert data(spliced) == {"provider": "a", "api_key": 'a: "b" # c'}


BLOCK = "sops:\n    mac: new\n    age:\n        - enc: |\n            a\n            b\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("provider: a", "provider: a\n" + BLOCK),
        ("provider: a # x\n", "provider: a # x\n" + BLOCK),
        ("provider: a\nsops:\n  mac: old\n", "provider: a\n" + BLOCK),
        ("sops:\n  mac: old\n# b\nprovider: a\n", BLOCK + "# b\nprovider: a\n"),
        ("sops:\n  x:\n  - |\n    old\nprovider: a\n", BLOCK + "provider: a\n"),
    ],
)
def test_block(before: str, after: str) -> None:
    spliced = with_block(before, f"x: 1\n{BLOCK}z: 2\n")
    assert spliced == after
    document = yaml.load_text(spliced, "f")
    assert document.data == {"provider": "a"}
    assert document.sops == {"mac": "new", "age": [{"enc": "a\nb\n"}]}


def test_spans_cover_what_is_written() -> None:
    text = "a: [1, {b: 'x y'}]\nc:\n  - d: |\n      lit\n  - e\n"
    written = {path: text[span.start : span.end].strip() for path, span in spans(text).items()}
    assert written["a",] == "[1, {b: 'x y'}]"
    assert written["a", 1, "b"] == "'x y'"
    assert written["c", 1] == "e"
    assert written["c", 0] == "d: |\n      lit"
