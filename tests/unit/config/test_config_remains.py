"""A file with an error of form: what else is wrong is still found, and nothing that follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from config_support import VALID, found
from marked_files import ALPHA, BETA, DEV, MAIN, MARK, Files, unmarked
from test_config_rules import CASES, SHA

from modelops.config import yaml

FORM = {"unknown-field", "missing-field", "wrong-type", "bad-value", "unencrypted-secret"}
OF_WHAT_IS_MISSING = {
    *("incomplete-provider", "no-usable-target", "unreachable-target", "idle-allow"),
    *("refused-caller", "unmet-parameter", "price-tiers", "price-reasoning", "price-hours"),
}
OF_A_WHOLE_PROVIDER = {
    *("insecure-url", "missing-key", "unpriced-model", "name-owned-twice", "shadowed-model"),
    *("unmet-requirement", "unknown-capability", "mixed-types", "disabled-reference"),
    "price-output",
}
"""What takes a provider that is known whole, in the file of that provider or of another."""


def told(rule: str, files: Files) -> bool:
    """Say whether a rule is one for the remains of a file."""
    if rule in OF_A_WHOLE_PROVIDER:
        return not any(name.startswith("providers.d/") for name in files)
    others = ("yaml", "file", "control", "settings", "wrong", "exposed")
    return rule not in FORM | OF_WHAT_IS_MISSING and not rule.startswith(others)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(files, id=f"{place}-{rule}")
        for place, (rule, files) in enumerate(CASES)
        if told(rule, files) and "agents.d/more/dev.yaml" not in files
    ],
)
def test_an_error_of_form_hides_nothing_else_in_its_file(files: Files, tmp_path: Path) -> None:
    clean, places = unmarked(files)
    wrong = {place.partition(":")[0] for place in places}
    also = {name: f"{clean[name]}unheard_of: 1\n" for name in wrong}
    lines = found(tmp_path, {**clean, **also})
    elsewhere = [line.split()[1] for line in lines if not line.startswith("unknown-field")]
    assert elsewhere == places


def test_every_file_is_told_of_in_one_run(tmp_path: Path) -> None:
    files = {
        "modelops.yaml": "config: small\ntimezone: ▸Europe/Belrin\nform: ▸2\n",
        ALPHA: (
            "▸zzz: 1\nprovider: alpha\nprotocol: ▸opnai\nbase_url: ▸https://alpha.example:99999/v1\n"
            "models:\n  - model: large\n    price: {input: ▸-1, output: 2}\n"
            "  - model: ▸large\n    context_window: ▸yes\n  - ▸{price: {input: 1}}\n"
        ),
        MAIN: (
            "chain: main\ndeadline: ▸10\ntargets:\n"
            "  - {model: alpha/larg, timeout: ▸20m, answer_timeout: 400s}\n"
            "  - {model: ▸alpha/larg, max_retries: ▸99}\n"
        ),
        DEV: (
            f"agent: dev\nkeys: [{{name: a, sha256: ▸zz}}, {{name: b, sha256: {SHA}}},"
            f" {{name: ▸b, sha256: {SHA}, expires: ▸'2020-13-01'}}]\n"
        ),
    }
    clean, places = unmarked(files)
    assert sorted(line.split()[1] for line in found(tmp_path, clean)) == sorted(places)


def test_an_agent_file_that_is_yaml_only_in_part_may_still_lend_a_key(tmp_path: Path) -> None:
    files = {
        "providers.d/beta.yaml": RICH["providers.d/beta.yaml"],
        DEV: "agent: dev\ncredentials: [{provider: beta, api_key: {file: x}}]\nlabels: {a: [\n",
    }
    assert {line.split()[0] for line in found(tmp_path, files)} == {"yaml-syntax"}


def _steps(data: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value in some data."""
    keyed = dict(enumerate(data)) if isinstance(data, list) else data
    for step, value in keyed.items() if isinstance(keyed, dict) else ():
        yield (*path, step)
        yield from _steps(value, (*path, step))


_LARGER = "tiers: [{above_input_tokens: 9, input: 2, output: 3, reasoning_output: 4}]"
_SAME = f"input: 1, output: 2, reasoning_output: 3, {_LARGER}"
PRICE = (
    f"{{{_SAME}, service_tiers: [{{tier: flex, {_SAME}}}],"
    f' hours: [{{from: "01:00", to: "04:00", days: [mon], {_SAME}}},'
    f' {{from: "02:00", to: "05:00", days: [tue], {_SAME}}}]}}'
)

RICH: dict[str, str] = {
    "modelops.yaml": (
        "config: small\ndefault_chain: main\ntimezone: Europe/Berlin\n"
        f"operators: [{{operator: a, role: viewer, keys: [{{name: a, sha256: {SHA}}}]}}]\n"
        "moved:\n  - {from: model/alpha/old, to: model/alpha/small}\n"
        "  - {from: chain/old, to: chain/main}\n"
    ),
    ALPHA: VALID[ALPHA].replace("{input: 1, output: 2}", PRICE)
    + "labels: {team: a}\ninsecure: true\n",
    "providers.d/beta.yaml": (
        BETA.replace(MARK, "")
        .replace("small", "tiny")
        .replace("api_key: {env: MODELOPS_SECRET_BETA}\n", "auth: bearer\n")
        .replace("https", "http")
        + "    capabilities: [tools, vision]\ninsecure: true\n"
    ),
    MAIN: (
        "chain: main\nrequires: [tools]\naliases: [best]\ntargets:\n"
        "  - {model: beta/tiny, timeout: 40s, answer_timeout: 10m, max_retries: 0}\n"
        "  - {model: alpha/large, timeout: 300s}\n"
        "deadline: 20m\nmax_attempts: 9\n"
    ),
    DEV: (
        "agent: dev\nchain: main\nprefer: beta\n"
        "allow: [chain/*, model/beta/*, model/alpha/large]\n"
        "parameters: {max_tokens: 4096, temperature: 1}\n"
        "credentials:\n  - {provider: beta, api_key: {env: MODELOPS_SECRET_DEV}}\n"
        f'keys:\n  - {{name: a, sha256: {SHA[::-1]}, expires: "2027-01-01"}}\n'
    ),
    "agents.d/lean.yaml": "agent: lean\n",
}


@pytest.mark.parametrize("name", RICH)
def test_nothing_follows_from_a_value_of_the_wrong_form(name: str, tmp_path: Path) -> None:
    assert found(tmp_path / "right", RICH) == []
    whole = yaml.load(RICH[name].encode(), name).data
    for number, path in enumerate(_steps(whole)):
        data: Any = yaml.load(RICH[name].encode(), name).data
        inner = data
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = {"no": {"such": ["thing"]}}
        spoilt = {**RICH, name: json.dumps(data, default=float)}
        rules = {line.split()[0] for line in found(tmp_path / str(number), spoilt)}
        assert rules, path
        assert rules <= FORM, (path, rules)
