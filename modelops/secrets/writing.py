"""Write one secret into a YAML file: the sops program encrypts, the user's text stays theirs.

The value reaches sops through a pipe. sops works on a private copy, which holds ciphertext only;
what it made of the value and of the `sops:` block is put into the user's text, both readers check
the result, and the file is replaced whole. Whatever fails, the file is as it was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from modelops.config import yaml
from modelops.config.yaml import Document
from modelops.resources.errors import StaleError
from modelops.secrets import identities as age
from modelops.secrets.atomic import replace_file
from modelops.secrets.errors import NoKeyError, SecretError, UnusualError
from modelops.secrets.opening import no_key, open_file
from modelops.secrets.secret import Secret
from modelops.secrets.sops import policy, program, splice, verbs
from modelops.secrets.sops.ciphertext import is_encrypted
from modelops.secrets.sops.metadata import read_metadata
from modelops.secrets.sops.program import NoRuleError, Sops
from modelops.secrets.sops.reader import Leaf, leaves
from modelops.secrets.sops.selection import selection
from modelops.secrets.sops.splice import Path as ValuePath

RULES_FILE = ".sops.yaml"
_NEIGHBORS = ("provider", "preset", "display_name", "protocol", "base_url", "auth")
"""Fields below which a new `api_key` is written."""


def write_secret(path: Path, field: ValuePath, secret: Secret, environ: Mapping[str, str]) -> None:
    """Encrypt a secret into a file at a path of keys; SecretError leaves the file as it was."""
    raw = path.read_bytes()
    before = _loaded(raw, path)
    sops = program.find(environ)
    if before.sops is None:
        text = _first_secret(before, path, field, secret, sops)
    else:
        policy.check(before.sops, sops.allowed, environ, str(path))
        try:
            text = _next_secret(before, field, secret, sops)
        except NoKeyError:
            raise no_key(before.sops, str(path), age.at_hand(environ)) from None
    _check(before, text, field, secret, sops, environ)
    if path.read_bytes() != raw:
        raise StaleError(f"{path} was changed meanwhile", "run the command again")
    replace_file(path, text.encode("utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8"))


def find_rules(path: Path) -> Path:
    """Return the `.sops.yaml` that holds for a file: beside it or in a folder above."""
    for folder in path.resolve().parents:
        rules = folder / RULES_FILE
        if rules.is_file():
            return rules
    raise SecretError(
        f"there is no {RULES_FILE} beside {path} or in a folder above",
        "it names the recipients that files are encrypted to: modelops init writes one",
    )


def _first_secret(
    before: Document, path: Path, field: ValuePath, secret: Secret, sops: Sops
) -> str:
    """Return the text with its first secret, encrypted by the creation rule for its path."""
    rules = find_rules(path)
    try:
        encrypted = verbs.encrypt(
            sops, _with_value(before, field, secret.reveal()), path.resolve(), rules
        )
    except NoRuleError as error:
        raise NoRuleError(
            f"no creation rule of {rules} matches {path}",
            "add one whose path_regex matches, with encrypted_regex: ^api_key$",
        ) from error
    return _merged(before, encrypted, field)


def _next_secret(before: Document, field: ValuePath, secret: Secret, sops: Sops) -> str:
    """Return the text with one more secret, or another, under the data key it has."""
    if not _covers(before, field):
        raise SecretError(
            f"the sops block of {before.file} does not select {field[-1]} for encryption",
            "the rule stands in the file, not in .sops.yaml: decrypt it, remove the sops block, "
            "and encrypt it again",
        )
    text = before.text
    if not is_encrypted(_value_at(before.data, field)):
        text = _with_value(before, field, "")  # sops passes over an empty string
    with tempfile.TemporaryDirectory(prefix="modelops-") as folder:
        copy = Path(folder, "copy.yaml")
        copy.touch(mode=0o600)
        copy.write_text(text, encoding="utf-8")
        verbs.set_value(sops, copy, field, secret.reveal())
        encrypted = copy.read_text(encoding="utf-8")
    return _merged(before, encrypted, field)


def _merged(before: Document, encrypted: str, field: ValuePath) -> str:
    """Return the user's text with the new ciphertext and sops block of what sops wrote."""
    tree = yaml.load_text(encrypted, before.file).data
    ciphertext = _value_at(tree, field)
    if not is_encrypted(ciphertext) or not isinstance(ciphertext, str):
        raise SecretError(
            f"the rule for {before.file} does not select {field[-1]} for encryption",
            "its encrypted_regex must match api_key: ^api_key$",
        )
    if _ciphertexts(_without(tree, field)) != _ciphertexts(_without(before.data, field)):
        raise SecretError(
            f"sops would encrypt more of {before.file} than {field[-1]}",
            "its rule must select secrets only, encrypted_regex: ^api_key$; "
            "and references to secrets do not mix with encrypted ones in one file",
        )
    return splice.with_block(_with_value(before, field, ciphertext), encrypted)


def _ciphertexts(tree: object) -> list[Leaf]:
    return [leaf for leaf in leaves(tree) if is_encrypted(leaf[1])]


def _check(
    before: Document,
    text: str,
    field: ValuePath,
    secret: Secret,
    sops: Sops,
    environ: Mapping[str, str],
) -> None:
    """Raise unless nothing but the secret has changed and both readers read it back."""
    after = yaml.load_text(text, before.file)
    if after.diagnostics or _without(after.data, field) != _without(before.data, field):
        raise SecretError(f"{before.file} cannot be edited: its layout is not understood")
    try:
        verbs.decrypt(sops, text)
    except NoKeyError:
        if before.sops is None:
            return  # whoever adds the first secret need not be among its readers
        raise
    values = open_file(after, age.at_hand(environ), environ)
    if values.get(str(_value_at(after.data, field))) != secret:
        raise SecretError(f"what was encrypted into {before.file} does not read back")


def _loaded(raw: bytes, path: Path) -> Document:
    document = yaml.load(raw, str(path))
    if document.diagnostics:
        raise SecretError(str(document.diagnostics[0]), "repair the file first: modelops validate")
    return document


def _covers(document: Document, field: ValuePath) -> bool:
    try:
        is_selected = selection(read_metadata(document.sops or {}))
    except UnusualError:
        return True  # the result is checked in any case
    return is_selected([key for key in field if isinstance(key, str)])


def _with_value(document: Document, field: ValuePath, value: str) -> str:
    try:
        return splice.with_value(document.text, field, value, _NEIGHBORS)
    except ValueError as error:
        raise SecretError(f"{document.file}: {error}") from None


def _value_at(tree: object, path: ValuePath) -> object:
    """Return the value at a path, None where there is none."""
    for step in path:
        if isinstance(tree, dict) and isinstance(step, str):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree


def _without(tree: object, path: ValuePath) -> object:
    """Return the tree without the value at a path."""
    step, rest = path[0], path[1:]
    if isinstance(tree, dict):
        kept = {key: value for key, value in tree.items() if key != step}
        if rest and step in tree:
            kept[step] = _without(tree[step], rest)
        return kept
    if isinstance(tree, list) and isinstance(step, int):
        return [_without(item, rest) if at == step else item for at, item in enumerate(tree)]
    return tree
