from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelops.config import yaml
from modelops.config.diagnostics import InvalidConfigurationError
from modelops.config.fmt import format_text
from modelops.operations.fmt import format_folder
from modelops.resources.errors import ModelopsError

ROOT = Path(__file__).parents[3]

UGLY = """\



provider:   openai    # x
labels:
    a: b   \r
    # end of labels


models:
# about first
-   model: x
    price:
         input: 1
         # inner
         output: 2
    # after
- model: z
  notes:
   - - a
     - b
   - c: |
      lit\x20\x20
        more


      end
     d: "two
       lines"
     e: plain on
      two lines
   - {a: 1,
      b: 2}

sops:
    age:
        - enc: |
            a

    version: 1
# end
"""
NEAT = """\
provider:   openai    # x
labels:
  a: b
  # end of labels

models:
  # about first
  - model: x
    price:
      input: 1
      # inner
      output: 2
    # after
  - model: z
    notes:
      - - a
        - b
      - c: |
         lit\x20\x20
           more


         end
        d: "two
          lines"
        e: plain on
         two lines
      - {a: 1,
         b: 2}

sops:
    age:
        - enc: |
            a

    version: 1
# end
"""


def test_layout() -> None:
    assert format_text(UGLY, "f") == NEAT
    assert format_text(NEAT, "f") == NEAT


class Writer:
    """Writes block style, each level indented somehow, with comments and blank lines between."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.lines: list[str] = []

    def chance(self, among: int) -> int:
        return self.draw(st.integers(0, among - 1))

    def loose(self, column: int) -> None:
        kind = self.chance(10)
        if kind == 0:
            self.lines.extend([""] * (1 + self.chance(3)))
        elif kind == 1:
            self.lines.append(" " * self.draw(st.sampled_from([0, column, column + 1])) + "# x  ")

    def scalar(self, column: int) -> str:
        kind = self.chance(7)
        if kind == 0:
            inner = " " * (column + 1 + self.chance(4))
            return f"|\n{inner}lit  \n{inner}  # no comment\n\n{inner}end"
        if kind == 1:
            return f'"two   \n{" " * (column + 1)}lines"'
        return self.draw(
            st.sampled_from(
                ["1", "null", '"x  z"', "plain # c", "'#'", "{a: 1,  b: [2]}", "ENC[a]"]
            )
        )

    def mapping(self, column: int, depth: int, first: str = "") -> None:
        for index in range(1 + self.chance(3)):
            key = f"{self.prefix(column, index, first)}k{index}:"
            kind = self.chance(4) if depth else 0
            if kind == 1:
                self.lines.append(key + self.draw(st.sampled_from(["", "  ", "  # why"])))
                self.mapping(column + 1 + self.chance(5), depth - 1)
            elif kind == 2:
                self.lines.append(key)
                self.sequence(column + self.chance(6), depth - 1)
            else:
                self.lines.extend(f"{key} {self.scalar(column)}".split("\n"))

    def sequence(self, column: int, depth: int, first: str = "") -> None:
        for index in range(1 + self.chance(3)):
            start = self.prefix(column, index, first) + "-" + " " * (1 + self.chance(4))
            kind = self.chance(4) if depth else 0
            if kind == 1:
                self.mapping(len(start), depth - 1, start)
            elif kind == 2:
                self.sequence(len(start), depth - 1, start)
            else:
                self.lines.extend(f"{start}{self.scalar(column + 1)}".split("\n"))

    def prefix(self, column: int, index: int, first: str) -> str:
        if first and not index:
            return first
        self.loose(column)
        return " " * column


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return a mapping as a person might have written it."""
    writer = Writer(draw)
    writer.mapping(0, 3)
    return "\n".join(writer.lines) + draw(st.sampled_from(["", "\n", "\n\n\n"]))


@given(documents())
@settings(max_examples=300)
def test_only_white_space_moves_and_only_once(text: str) -> None:
    before = yaml.load_text(text, "f")
    if before.diagnostics:
        return
    formatted = format_text(text, "f")
    assert format_text(formatted, "f") == formatted
    assert yaml.load_text(formatted, "f").data == before.data
    assert formatted.split() == text.split()


def folders() -> list[Path]:
    found = [*(ROOT / "tests/fixtures/config").glob("*"), *(ROOT / "examples").glob("*"), ROOT]
    return [folder for folder in found if (folder / "modelops.yaml").exists()]


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_every_configuration_formats(folder: Path) -> None:
    try:
        format_folder(folder, write=False)
    except InvalidConfigurationError as error:
        assert error.diagnostics  # noqa: PT017  # fixtures of broken files say why


def test_folder_is_written_once(tmp_path: Path) -> None:
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "modelops.yaml").write_text("config: acme\n")
    (tmp_path / "providers.d" / "a.yaml").write_bytes(UGLY.encode())
    assert format_folder(tmp_path, write=False).changed == ("providers.d/a.yaml",)
    assert format_folder(tmp_path, write=True).changed == ("providers.d/a.yaml",)
    assert (tmp_path / "providers.d" / "a.yaml").read_text() == NEAT
    assert format_folder(tmp_path, write=True).changed == ()


def test_broken_file_stops_all(tmp_path: Path) -> None:
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "modelops.yaml").write_text("config:   acme   \n")
    (tmp_path / "providers.d" / "a.yaml").write_text("a: [\n")
    with pytest.raises(InvalidConfigurationError):
        format_folder(tmp_path, write=True)
    assert (tmp_path / "modelops.yaml").read_text() == "config:   acme   \n"


@pytest.mark.parametrize("text", ["? a\n: b\n", "a:\n  ? b\n  : - c\n    - d\n"])
def test_layout_that_is_not_understood_is_an_error(text: str) -> None:
    try:
        formatted = format_text(text, "f")
    except ModelopsError:
        return
    assert yaml.load_text(formatted, "f").data == yaml.load_text(text, "f").data
