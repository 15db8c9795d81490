"""Files that hold keys: which sops rule matches each, who can open it, and whether we can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from modelops.config.declaration import Declaration, Entry
from modelops.operations.doctor.finding import Finding
from modelops.operations.doctor.sops_rules import Rule, matching, read_rules
from modelops.resources.declared import Agent, Provider
from modelops.resources.errors import ModelopsError
from modelops.secrets import identities as age
from modelops.secrets.demo import DEMO_RECIPIENT
from modelops.secrets.errors import SecretError, UnusualError
from modelops.secrets.identities import Identity
from modelops.secrets.opening import open_file
from modelops.secrets.sops.metadata import age_recipients, key_types
from modelops.secrets.sops.selection import RULE_FIELDS, selects
from modelops.secrets.writing import find_rules


def encryption(declaration: Declaration, environ: Mapping[str, str]) -> list[Finding]:
    """Return the findings on every file that holds a key or may get one."""
    try:
        at_hand = age.at_hand(environ)
    except SecretError:
        at_hand = ()  # reported where the keys are looked at
    entries: list[Entry[Provider] | Entry[Agent]] = [
        *declaration.providers.values(),
        *(entry for entry in declaration.agents.values() if entry.value.credentials),
    ]
    findings: list[Finding] = []
    for entry in sorted(entries, key=lambda entry: entry.document.file):
        rule = _rule(declaration.folder, entry.document.file, findings)
        if entry.document.sops is not None:
            findings += _encrypted(entry, rule, at_hand, environ)
    return findings


def _rule(folder: Path, file: str, findings: list[Finding]) -> Rule | None:
    """Report which rule is taken for a file, and return it."""
    try:
        path = find_rules(folder / file)
        relative = (folder / file).resolve().relative_to(path.parent)
        rule = matching(read_rules(path), relative.as_posix())
    except ModelopsError as error:
        findings.append(Finding("note", "rules", file, error.message, error.hint))
        return None
    if rule is None:
        message = f"no creation rule of {path} matches it, so no key can be encrypted into it"
        hint = "add a rule whose path_regex matches, with encrypted_regex: ^api_key$"
        findings.append(Finding("warning", "rules", file, message, hint))
        return None
    shown = f"rule {rule.number} of {path} ({rule.path_regex or 'every path'})"
    problem = _rule_problem(rule)
    if problem:
        hint = "let it select secrets only: encrypted_regex: ^api_key$"
        findings.append(Finding("fail", "rules", file, f"{shown} {problem}", hint))
    elif not rule.mac_only_encrypted:
        hint = "set mac_only_encrypted: true in the rule"
        message = f"{shown}: its MAC covers plain values too, so only key holders can edit the file"
        findings.append(Finding("note", "rules", file, message, hint))
    else:
        findings.append(Finding("ok", "rules", file, shown))
    return rule


def _rule_problem(rule: Rule) -> str:
    try:
        if not selects(rule.selects, ["api_key"]):
            return "would leave api_key in plain text"
        if selects(rule.selects, ["base_url"]) or selects(rule.selects, ["models", "model"]):
            return "would encrypt more than keys"
    except SecretError as error:
        return f"cannot be used: {error.message}"
    except UnusualError:
        return ""  # sops will judge it
    return ""


def _encrypted(
    entry: Entry[Provider] | Entry[Agent],
    rule: Rule | None,
    at_hand: Sequence[Identity],
    environ: Mapping[str, str],
) -> Iterator[Finding]:
    """Yield who can open a file, how that differs from its rule, and whether it opens here."""
    document = entry.document
    file, block = document.file, document.sops or {}
    recipients = set(age_recipients(block))
    others = [kind for kind in key_types(block) if kind != "age"]
    readers = ", ".join([*sorted(recipients), *others]) or "nobody"
    if DEMO_RECIPIENT in recipients:
        message = "it is encrypted to the published demo identity: everyone can read it"
        yield Finding("fail", "recipients", file, message, "encrypt keys of your own anew")
    elif rule and (recipients != set(rule.age)):
        message = f"readers are {readers}; the rule names {', '.join(rule.age) or 'none'}"
        hint = f"sops updatekeys {file}; for those taken out also sops rotate, and replace the keys"
        yield Finding("warning", "recipients", file, message, hint)
    else:
        yield Finding("ok", "recipients", file, readers)
    kept = {name: block[name] for name in RULE_FIELDS if block.get(name)}
    if rule and kept != rule.selects:
        message = "it keeps the rule it was encrypted with, which differs from .sops.yaml"
        yield Finding("warning", "rules", file, message, "decrypt it and encrypt it again")
    try:
        count = len(open_file(document, at_hand, environ))
    except SecretError as error:
        reason = error.message.removeprefix(f"{file}: ")
        yield Finding("warning", "opening", file, reason, error.hint)
    else:
        yield Finding("ok", "opening", file, f"{count} encrypted, MAC in order")
