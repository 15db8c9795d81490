"""Open the secrets that a configuration encrypts with SOPS: what apply does before it seals them.

In process with age where that is possible, else with the sops program; a file is read once, however
many secrets it holds. References are not opened here: the server does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from modelops.config import yaml
from modelops.config.yaml import Document
from modelops.resources.configuration import SecretSource
from modelops.resources.errors import StaleError
from modelops.secrets import identities as age
from modelops.secrets.demo import refuse_demo
from modelops.secrets.errors import NoKeyError, SecretError, UnusualError
from modelops.secrets.identities import Identity
from modelops.secrets.references import checked
from modelops.secrets.sealed import Place
from modelops.secrets.secret import Secret
from modelops.secrets.sops import policy, program, reader, verbs
from modelops.secrets.sops.ciphertext import is_comment, is_encrypted
from modelops.secrets.sops.metadata import age_recipients, key_types
from modelops.secrets.sops.reader import leaves

PROGRAMS_AT_ONCE = 4
"""Files read at the same time: the sops program may wait for a key service, one file at a time."""

_X25519 = re.compile(r"age1[02-9ac-hj-np-z]{58}")  # a plugin's recipient has another `1` inside


def open_sources(
    folder: Path, sources: Iterable[SecretSource], environ: Mapping[str, str]
) -> dict[Place, Secret]:
    """Return the secrets of all `sops` sources by address and field.

    `environ` names the keys at hand, as for sops. SecretError names the file that does not open.
    """
    by_file: dict[str, list[SecretSource]] = {}
    for source in sources:
        if source.kind == "sops":
            by_file.setdefault(source.file, []).append(source)
    if not by_file:
        return {}
    at_hand = age.at_hand(environ)

    def values(file: str) -> dict[str, Secret]:
        document = _read(folder, file)
        refuse_demo(age_recipients(document.sops or {}), file)
        return open_file(document, at_hand, environ)

    opened: dict[Place, Secret] = {}
    with ThreadPoolExecutor(max_workers=PROGRAMS_AT_ONCE) as pool:
        for found, wanted in zip(pool.map(values, by_file), by_file.values(), strict=True):
            for source in wanted:
                opened[source.address, source.field] = _wanted(source, found)
    return opened


def _wanted(source: SecretSource, found: Mapping[str, Secret]) -> Secret:
    if source.value not in found:
        raise StaleError(f"{source.file} changed while it was read", "run the command again")
    what = f"{source.file}: the {source.field} of {source.address}"
    return checked(found[source.value].reveal(), what)


def open_file(
    document: Document, at_hand: Sequence[Identity], environ: Mapping[str, str]
) -> dict[str, Secret]:
    """Return every secret of one file by its ciphertext, by whichever reader can."""
    tree, block, file = document.data, document.sops, document.file
    if not isinstance(tree, dict) or block is None:
        raise SecretError(f"{file}: it holds encrypted values but no sops block")
    try:
        try:
            return reader.open_document(tree, block, at_hand)
        except UnusualError as reason:
            return _with_program(document, environ, str(reason))
        except NoKeyError:
            if not _program_may_hold_a_key(block, environ):
                raise
            return _with_program(document, environ, "no age key fits")
    except NoKeyError:
        raise no_key(block, file, at_hand) from None
    except SecretError as error:
        raise type(error)(
            f"{file}: {error.message.removeprefix(file + ': ')}", error.hint
        ) from None


def no_key(block: Mapping[str, object], file: str, at_hand: Sequence[Identity]) -> NoKeyError:
    """Return the error that says to whom a file is encrypted, and whose keys are at hand."""
    recipients = (*age_recipients(block), *(t for t in key_types(block) if t != "age"))
    return NoKeyError(
        f"{file}: none of the keys at hand opens it",
        f"it is encrypted to {', '.join(recipients) or 'nobody'}; at hand: "
        f"{', '.join(identity.recipient for identity in at_hand) or 'none'} "
        "(from SOPS_AGE_KEY, SOPS_AGE_KEY_FILE or sops/age/keys.txt)",
    )


def _read(folder: Path, file: str) -> Document:
    try:
        document = yaml.load((folder / file).read_bytes(), file)
    except OSError as error:
        raise SecretError(f"{file} cannot be read: {error.strerror}") from None
    if document.diagnostics:
        raise SecretError(str(document.diagnostics[0]))
    return document


def _program_may_hold_a_key(block: Mapping[str, object], environ: Mapping[str, str]) -> bool:
    """Say whether sops knows keys that are not known here: other types, plugins, ssh, a command."""
    return (
        set(key_types(block)) != {"age"}
        or "SOPS_AGE_KEY_CMD" in environ
        or not all(_X25519.fullmatch(recipient) for recipient in age_recipients(block))
    )


def _with_program(document: Document, environ: Mapping[str, str], reason: str) -> dict[str, Secret]:
    policy.check(document.sops or {}, policy.allowed_key_types(environ), environ, document.file)
    try:
        sops = program.find(environ)
    except SecretError as error:
        raise SecretError(
            f"it takes the sops program to read it ({reason}): {error.message}", error.hint
        ) from None
    return dict(_pairs(document.data, verbs.decrypt(sops, document.text)))


def _pairs(tree: object, plain: object) -> Iterable[tuple[str, Secret]]:
    """Pair every ciphertext with what sops made of it.

    sops drops the comments it has encrypted as items of lists, and nothing else.
    """
    encrypted = [leaf for leaf in leaves(tree) if not is_comment(leaf[1])]
    decrypted = list(leaves(plain))
    if [path for path, _ in encrypted] != [path for path, _ in decrypted]:
        raise SecretError("sops reads the file differently; its layout is not understood")
    for (_, before), (_, after) in zip(encrypted, decrypted, strict=True):
        if is_encrypted(before) and isinstance(before, str):
            yield before, Secret(after if isinstance(after, str) else str(after))
