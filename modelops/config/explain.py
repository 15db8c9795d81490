"""Why a document is not what its Struct asks for: every problem, each at its place.

msgspec is the judge and stops at the first problem, so this walks the data beside the types only
once the judge has said no. Own messages, because every validator's own print the value they refuse,
and that may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache, singledispatch
from typing import TypeAlias

import msgspec
from msgspec import inspect

from modelops.config import rules
from modelops.config.diagnostics import did_you_mean, found
from modelops.config.rules import Rule
from modelops.config.wording import KINDS_OF_DATA, description, noun, show_value
from modelops.config.yaml import Document, Path
from modelops.resources import patterns
from modelops.resources.configuration import Diagnostic

_type_info = cache(inspect.type_info)  # which takes 3 ms

Fault: TypeAlias = "tuple[Path, Diagnostic]"
"""Something wrong, and the path of what has to go for the rest to be right."""


def explain(document: Document, struct: type) -> tuple[Diagnostic, ...]:
    """Return everything in a document that its Struct does not allow."""
    return tuple(diagnostic for _, diagnostic in faults(document, struct))


def faults(document: Document, struct: type) -> Iterator[Fault]:
    """Yield everything in a document that its Struct does not allow, with its path."""
    yield from _walk(_type_info(struct), document.data, document, ())


def show_path(path: Path) -> str:
    """Return a path as people write it: `models[0].price.input`."""
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return shown.removeprefix(".")


@singledispatch
def _walk(kind: inspect.Type, data: object, document: Document, path: Path) -> Iterator[Fault]:
    """Yield what is wrong with the value at a path, by what its type asks for."""
    raise NotImplementedError(f"the form uses {kind!r}, which nothing here explains")


@_walk.register
def _(kind: inspect.Metadata, data: object, document: Document, path: Path) -> Iterator[Fault]:
    yield from _walk(kind.type, data, document, path)


@_walk.register
def _(kind: inspect.StructType, data: object, document: Document, path: Path) -> Iterator[Fault]:
    if not isinstance(data, dict):
        yield _wrong_type("a mapping", data, document, path)
        return
    fields = {field.encode_name: field for field in kind.fields}
    missing = {name for name, field in fields.items() if field.required and name not in data}
    clean = True
    for name in data:
        step = (*path, name)
        if name in fields:
            for problem in _walk(fields[name].type, data[name], document, step):
                clean = False
                yield problem
        else:
            clean = False
            hint = did_you_mean(name, fields.keys() - data.keys())
            missing -= {meant for meant in missing if repr(meant) in hint}
            message = f"unknown field {show_path(step)}"
            position = document.position(step, key=True)
            yield step, found(rules.UNKNOWN_FIELD, position, message, hint)
    for name in sorted(missing):
        message = f"missing field {show_path((*path, name))!r}"
        hint = description(fields[name].type)
        yield path, found(rules.MISSING_FIELD, document.position(path), message, hint)
    if clean and not missing:
        yield from _own_check(kind.cls, data, document, path)


@_walk.register
def _(kind: inspect.UnionType, data: object, document: Document, path: Path) -> Iterator[Fault]:
    branches = [branch for branch in kind.types if not isinstance(branch, inspect.NoneType)]
    if data is None and len(branches) < len(kind.types):
        return
    for branch in branches:
        if _takes(branch, data):
            yield from _walk(branch, data, document, path)
            return
    yield _wrong_type(" or ".join(noun(branch) for branch in branches), data, document, path)


@_walk.register
def _(kind: inspect.LiteralType, data: object, document: Document, path: Path) -> Iterator[Fault]:
    if data in kind.values and type(data) is type(kind.values[0]):
        return
    allowed = [str(value) for value in kind.values]
    hint = did_you_mean(data, allowed) if isinstance(data, str) else ""
    message = f"{show_value(data, path)} is not one of {', '.join(allowed)}"
    yield _problem(rules.BAD_VALUE, message, document, path, hint)


@_walk.register
def _(kind: inspect.StrType, data: object, document: Document, path: Path) -> Iterator[Fault]:
    if not isinstance(data, str):
        hint = "" if data is None or isinstance(data, dict | list) else "quote it"
        if kind.pattern == patterns.DURATION:
            hint = "write its unit too"
        yield _wrong_type(noun(kind), data, document, path, hint)
    elif kind.pattern == patterns.CIPHERTEXT:
        if re.search(kind.pattern, data) is None:
            yield _problem(
                rules.UNENCRYPTED_SECRET,
                "the secret is not encrypted",
                document,
                path,
                "encrypt the file with sops, or name where the server finds it: "
                "{env: MODELOPS_SECRET_NAME} or {file: NAME}",
            )
    elif kind.pattern is not None and re.search(kind.pattern, data) is None:
        yield _problem(
            rules.BAD_VALUE, f"{show_value(data, path)} is not {noun(kind)}", document, path
        )
    else:
        yield from _length(data, kind, "character", document, path)


@_walk.register
def _(kind: inspect.IntType, data: object, document: Document, path: Path) -> Iterator[Fault]:
    if type(data) is not int:
        yield _wrong_type("a whole number", data, document, path)
    elif (kind.ge is not None and data < kind.ge) or (kind.le is not None and data > kind.le):
        message = f"{data} is not from {kind.ge} to {kind.le}"
        if kind.le is None:
            message = f"{data} is less than {kind.ge}"
        yield _problem(rules.BAD_VALUE, message, document, path)


@_walk.register
def _(kind: inspect.BoolType, data: object, document: Document, path: Path) -> Iterator[Fault]:
    if not isinstance(data, bool):
        yield _wrong_type("true or false", data, document, path)


@_walk.register
def _(kind: inspect.DecimalType, data: object, document: Document, path: Path) -> Iterator[Fault]:
    if type(data) not in (int, Decimal):
        hint = "write the number without quotes" if isinstance(data, str) else ""
        yield _wrong_type("a number", data, document, path, hint)


@_walk.register
def _(kind: inspect.VarTupleType, data: object, document: Document, path: Path) -> Iterator[Fault]:
    if not isinstance(data, list):
        yield _wrong_type("a list", data, document, path)
        return
    for index, item in enumerate(data):
        yield from _walk(kind.item_type, item, document, (*path, index))
    yield from _length(data, kind, "entry", document, path)


@_walk.register
def _(kind: inspect.DictType, data: object, document: Document, path: Path) -> Iterator[Fault]:
    if not isinstance(data, dict):
        yield _wrong_type("a mapping", data, document, path)
        return
    for name, value in data.items():
        step = (*path, name)
        for _, problem in _walk(kind.key_type, name, document, step):
            position = document.position(step, key=True)
            yield step, msgspec.structs.replace(problem, position=position)
        yield from _walk(kind.value_type, value, document, step)
    yield from _length(data, kind, "entry", document, path)


def _length(
    data: str | list[object] | dict[str, object],
    kind: inspect.StrType | inspect.VarTupleType | inspect.DictType,
    unit: str,
    document: Document,
    path: Path,
) -> Iterator[Fault]:
    if kind.min_length is not None and len(data) < kind.min_length:
        message = f"needs at least {kind.min_length} {unit}"
        yield _problem(rules.BAD_VALUE, message, document, path)
    if kind.max_length is not None and len(data) > kind.max_length:
        message = f"is longer than {kind.max_length}, counted by {unit}"
        yield _problem(rules.BAD_VALUE, message, document, path)


def _own_check(
    struct: type, data: dict[str, object], document: Document, path: Path
) -> Iterator[Fault]:
    """Yield what the Struct's own `__post_init__` refuses: rules between fields."""
    if not hasattr(struct, "__post_init__"):
        return
    try:
        msgspec.convert(data, struct)
    except msgspec.ValidationError as error:
        yield _problem(rules.BAD_VALUE, str(error), document, path)


def _takes(branch: inspect.Type, data: object) -> bool:
    """Say whether a value is meant for this branch of a union, right or wrong."""
    if isinstance(branch, inspect.Metadata):
        return _takes(branch.type, data)
    if isinstance(branch, inspect.StructType | inspect.DictType):
        return isinstance(data, dict)
    if isinstance(branch, inspect.VarTupleType):
        return isinstance(data, list)
    if isinstance(branch, inspect.StrType | inspect.LiteralType):
        return isinstance(data, str)
    if isinstance(branch, inspect.IntType):
        return type(data) is int
    return type(data) in (int, Decimal)


def _wrong_type(wanted: str, data: object, document: Document, path: Path, hint: str = "") -> Fault:
    message = f"expected {wanted}, got {KINDS_OF_DATA[type(data)]}"
    return _problem(rules.WRONG_TYPE, message, document, path, hint)


def _problem(rule: Rule, message: str, document: Document, path: Path, hint: str = "") -> Fault:
    where = f"{show_path(path)}: " if path else ""
    return path, found(rule, document.position(path), f"{where}{message}", hint)
