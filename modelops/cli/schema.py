"""`modelops schema`: the JSON Schemas of the YAML form and of plans; print, write or compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from modelops.cli import terminal
from modelops.plan import schema as plan_schema
from modelops.resources import schema
from modelops.resources.errors import ExitCode, ModelopsError

FOLDER = Path("schema")
KINDS = (*schema.STRUCTS, "plan")


@click.command()
@click.argument("kind", required=False, type=click.Choice(KINDS))
@click.option("--write", is_flag=True, help="Write schema/KIND.schema.json under this folder.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit with 1 when a file in schema/ is not current.",
)
def command(kind: str | None, write: bool, check: bool) -> int:
    """Print the JSON Schema of one KIND of file or of plans, or of all kinds as one object.

    Editors that speak the YAML language server use a file's first line:
    # yaml-language-server: $schema=../schema/provider.schema.json
    """
    kinds = [kind] if kind else list(KINDS)
    if write:
        _write(kinds)
    elif check:
        _check(kinds)
    elif kind:
        click.echo(_text(kind), nl=False)
    else:
        terminal.echo_json({name: _schema(name) for name in kinds})
    return ExitCode.DONE


def _schema(kind: str) -> dict[str, Any]:
    return plan_schema.schema() if kind == "plan" else schema.schema(kind)


def _text(kind: str) -> str:
    return terminal.as_json(_schema(kind)) + "\n"


def _write(kinds: list[str]) -> None:
    try:
        FOLDER.mkdir(exist_ok=True)
        for name in kinds:
            path = _path(name)
            path.write_text(_text(name), encoding="utf-8")
            click.echo(f"wrote {path}", err=True)
    except OSError as error:
        raise ModelopsError(f"{FOLDER}/ cannot be written: {error.strerror}") from None


def _check(kinds: list[str]) -> None:
    stale = [str(_path(name)) for name in kinds if _current(name) != _text(name)]
    if stale:
        raise ModelopsError(f"not current: {', '.join(stale)}", "run `modelops schema --write`")


def _current(name: str) -> str:
    try:
        return _path(name).read_text(encoding="utf-8")
    except OSError:
        return ""


def _path(name: str) -> Path:
    return FOLDER / f"{name}.schema.json"
