from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from modelops.cli.secret import command
from modelops.resources.errors import ModelopsError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"sk-canary\nsecond line", "line breaks"),
        (b"sk-canary\xff", "not text"),
        (b"sk-" + b"x" * 20_000, "longer than"),
    ],
)
def test_what_comes_from_stdin_is_checked(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "providers.d/openai.yaml").write_text("provider: openai\n")
    arguments = ["set", "provider/openai", "-C", str(tmp_path)]
    with pytest.raises(ModelopsError, match=message) as caught:
        CliRunner().invoke(command, arguments, input=content, catch_exceptions=False)
    assert "sk-" not in str(caught.value)


def test_value_is_no_argument() -> None:
    result = CliRunner().invoke(command, ["set", "provider/openai", "sk-canary"])
    assert result.exit_code == 2
    assert "unexpected extra argument" in result.output
