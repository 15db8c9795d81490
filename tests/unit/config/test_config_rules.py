"""Every rule with a configuration that breaks it, and only it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from config_support import NOW, VALID, found, look, write
from marked_files import (
    ALPHA,
    BETA,
    DEV,
    LARGE,
    MAIN,
    MARK,
    SMALL,
    Files,
    agent,
    alpha,
    chain,
    settings,
    unmarked,
)

from modelops.config.load import inspect
from modelops.config.report import FORMATS, render
from modelops.config.rules import RULES

SHA = "0123456789abcdef" * 4


KEY = "sk-" + "a1b2c3d4" * 4


CIPHERTEXT = "ENC[AES256_GCM,data:aa,iv:bb,tag:cc,type:str]"


def ciphered(more: str) -> Files:
    """Return the valid provider with ciphertext for a key, and a block."""
    files = alpha("{env: MODELOPS_SECRET_ALPHA}", CIPHERTEXT)
    return {name: f"{text}{more}" for name, text in files.items()}


CASES: list[tuple[str, Files]] = [
    ("file-too-large", {DEV: MARK + "#" * (5 << 20)}),
    ("control-character", {DEV: "agent: dev▸\x07\n"}),
    ("settings-twice", {"modelops.yml": "▸config: x\n"}),
    ("yaml-syntax", agent("labels: {a\n▸")),
    ("yaml-duplicate-key", agent("▸agent: dev\n")),
    ("yaml-anchor", agent("labels: ▸&x {a: b}\n")),
    ("yaml-tag", agent("labels: ▸!!map {a: b}\n")),
    ("yaml-ambiguous", agent("labels: {a: ▸no}\n")),
    ("yaml-key", agent("labels: {▸1: a}\n")),
    ("yaml-documents", agent("▸---\nagent: x\n")),
    ("yaml-too-deep", agent("labels: " + "[" * 63 + "▸[[")),
    ("wrong-kind", {"agents.d/x.yaml": "▸chain: x\n"}),
    ("file-name", {"agents.d/x.yaml": "agent: ▸other\n"}),
    ("unknown-field", agent("▸lables: {}\n")),
    ("missing-field", agent("keys: [▸{name: a}]\n")),
    ("wrong-type", agent("keys: ▸nothing\n")),
    ("bad-value", agent("parameters: {max_tokens: ▸0}\n")),
    ("bad-value", agent("labels: {▸A: b}\n")),
    ("bad-value", alpha("api_key:", "auth: {header: ▸Host}\napi_key:")),
    ("unencrypted-secret", alpha("{env: MODELOPS_SECRET_ALPHA}", "▸hunter2")),
    ("sops-block", alpha("{env: MODELOPS_SECRET_ALPHA}", f"▸{CIPHERTEXT}")),
    ("sops-block", ciphered("▸sops: {lastmodified: x}\n")),
    ("sops-block", agent(f"credentials: [{{provider: alpha, api_key: ▸{CIPHERTEXT!r}}}]\n")),
    ("exposed-key", agent(f"# ▸{KEY}\n")),
    ("exposed-key", agent(f"labels: {{a: ▸{KEY}}}\n")),
    ("duplicate-address", {"agents.d/more/dev.yaml": "agent: ▸dev\n"}),
    ("duplicate-address", alpha("model: small", "model: ▸large")),
    ("unknown-reference", chain("{model: ▸alfa/large}")),
    ("unknown-reference", chain("{model: ▸alpha/lagre}")),
    ("unknown-reference", agent("chain: ▸mian\n")),
    ("unknown-reference", agent("prefer: ▸beta\n")),
    ("unknown-reference", agent("allow: [chain/main, ▸chain/x, ▸model/alpha/x]\n")),
    ("unknown-reference", {"modelops.yaml": "config: small\ndefault_chain: ▸mian\n"}),
    ("unknown-reference", agent("credentials: [{provider: ▸beta, api_key: {file: x}}]\n")),
    (
        "name-taken",
        {"chains.d/other.yaml": f"chain: other\naliases: [▸main]\ntargets: [{SMALL}]\n"},
    ),
    ("reserved-name", chain(LARGE, "aliases: [▸alpha/x]\n")),
    ("reserved-name", chain(LARGE, "aliases: [▸default]\n")),
    ("shadowed-model", chain(LARGE, "aliases: [▸large]\n")),
    ("name-owned-twice", {"providers.d/beta.yaml": BETA}),
    (
        "name-owned-twice",
        {
            "providers.d/beta.yaml": BETA.replace("model: ▸small", "model: mini")
            + "    upstream_model: ▸small\n"
        },
    ),
    ("repeated-target", chain(f"{LARGE}, {{model: ▸alpha/large}}")),
    (
        "disabled-reference",
        {
            "providers.d/beta.yaml": VALID[ALPHA].replace("alpha", "beta") + "enabled: false\n",
            **chain(f"{{model: ▸beta/large}}, {LARGE}"),
        },
    ),
    (
        "disabled-reference",
        {
            "providers.d/beta.yaml": VALID[ALPHA].replace("alpha", "beta") + "enabled: false\n",
            **agent("prefer: ▸beta\n"),
        },
    ),
    (
        "no-usable-target",
        {
            ALPHA: VALID[ALPHA] + "enabled: false\n",
            MAIN: f"chain: main\n▸targets: [{LARGE}]\n",
        },
    ),
    ("idle-allow", agent("allow: [chain/main, ▸model/beta/*]\n")),
    ("refused-caller", {"modelops.yaml": "config: small\n", DEV: "agent: ▸dev\n"}),
    ("refused-caller", agent("allow: ▸[]\n")),
    ("refused-caller", agent("allow: ▸[model/alpha/*]\n")),
    ("moved-address", settings("moved: [▸{from: chain/old, to: chain/new}]\n")),
    ("moved-address", settings("moved: [{from: ▸chain, to: chain/main}]\n")),
    ("moved-address", settings("moved: [▸{from: agent/x, to: chain/main}]\n")),
    ("moved-address", settings("moved: [▸{from: agent/dev, to: agent/dev}]\n")),
    (
        "moved-address",
        settings("moved: [{from: agent/x, to: agent/dev}, ▸{from: agent/x, to: agent/dev}]\n"),
    ),
    ("removed-address", settings("removed: [▸agent/dev, agent/gone]\n")),
    ("removed-address", settings("removed: [▸something]\n")),
    ("unknown-preset", alpha("protocol: openai", "preset: ▸opnai")),
    ("incomplete-provider", alpha("provider: alpha\nprotocol: openai\n", "provider: ▸alpha\n")),
    ("bad-url", alpha("https://alpha.example/v1", "▸https://alpha.example:99999/v1")),
    ("bad-url", alpha("https://alpha.example/v1", "▸https://älpha.example/v1")),
    ("bad-url", alpha("https://alpha.example/v1", "▸https://[alpha/v1")),
    ("insecure-url", alpha("https:", "▸http:")),
    ("unused-key", alpha("api_key:", "auth: none\n▸api_key:")),
    (
        "unused-key",
        {
            **alpha("api_key: {env: MODELOPS_SECRET_ALPHA}", "auth: none"),
            **agent("credentials: [{provider: ▸alpha, api_key: {file: x}}]\n"),
        },
    ),
    (
        "missing-key",
        alpha(
            "provider: alpha\nprotocol: openai\nbase_url: https://alpha.example/v1\n"
            "api_key: {env: MODELOPS_SECRET_ALPHA}\n",
            "provider: ▸alpha\nprotocol: openai\nbase_url: https://alpha.example/v1\n"
            "auth: bearer\n",
        ),
    ),
    (
        "two-defaults",
        alpha(
            "  - model: small\n",
            "    default: true\n  - model: small\n    default: ▸true\n",
        ),
    ),
    ("price-range", alpha("input: 1,", "input: ▸-1,")),
    ("price-range", alpha("input: 1,", "input: ▸1000001,")),
    ("price-range", alpha("input: 1,", 'input: ▸"NaN",')),
    ("price-range", alpha("input: 1,", 'input: ▸"sNaN",')),
    ("price-range", alpha("input: 1,", 'input: ▸"1e999999999",')),
    ("price-range", alpha("input: 1,", 'input: ▸"1",')),
    ("price-range", alpha("input: 1,", "input: ▸0.1234567890123,")),
    ("price-output", alpha("price: {input: 1, output: 2}", "price: ▸{input: 1}")),
    (
        "price-tiers",
        alpha(
            "output: 2}",
            "output: 2, tiers: [{above_input_tokens: 9, input: 1, output: 1},"
            " {above_input_tokens: ▸9, input: 1, output: 1}]}",
        ),
    ),
    (
        "price-tiers",
        alpha(
            "output: 2}",
            "output: 2, service_tiers: [{tier: flex, input: 1, output: 1, tiers:"
            " [{above_input_tokens: 9, input: 1, output: 1},"
            " {above_input_tokens: ▸8, input: 1, output: 1}]}]}",
        ),
    ),
    (
        "price-tiers",
        alpha(
            "output: 2}",
            "output: 2, tiers: [{above_input_tokens: 9, input: 1, output: 1}],"
            ' hours: [▸{from: "16:30", to: "00:30", input: 1, output: 1}],'
            " service_tiers: [▸{tier: flex, input: 1, output: 1}, {tier: priority, input: 1,"
            " output: 1, tiers: [{above_input_tokens: 9, input: 1, output: 1}]}]}",
        ),
    ),
    (
        "price-reasoning",
        alpha(
            "output: 2}",
            "output: 2, reasoning_output: 4, service_tiers: [▸{tier: flex, input: 1, output: 1}],"
            ' hours: [{from: "16:30", to: "00:30", input: 1, output: 1, reasoning_output: 2,'
            " tiers: [▸{above_input_tokens: 9, input: 1, output: 1}]}]}",
        ),
    ),
    (
        "price-service-tiers",
        alpha("output: 2}", "output: 2, service_tiers: [{tier: ▸default, input: 1, output: 1}]}"),
    ),
    (
        "price-service-tiers",
        alpha(
            "output: 2}",
            "output: 2, service_tiers: [{tier: flex, input: 1, output: 1},"
            " {tier: ▸flex, input: 1, output: 1}]}",
        ),
    ),
    (
        "price-hours",
        alpha(
            "output: 2}", 'output: 2, hours: [{from: ▸"16:30", to: "16:30", input: 1, output: 1}]}'
        ),
    ),
    (
        "price-hours",
        alpha(
            "output: 2}",
            'output: 2, hours: [{from: "22:00", to: "02:00", input: 1, output: 1},'
            ' {from: ▸"01:59", to: "03:00", input: 1, output: 1}]}',
        ),
    ),
    (
        "price-hours",
        alpha(
            "output: 2}",
            'output: 2, hours: [{from: "01:00", to: "04:00", days: [mon], input: 1, output: 1},'
            ' {from: "02:00", to: "03:00", days: [tue], input: 1, output: 1},'
            ' {from: ▸"03:59", to: "05:00", days: [sun, mon], input: 1, output: 1},'
            ' {from: ▸"01:00", to: "02:00", days: [wed], input: 1, output: 1}]}',
        ),
    ),
    (
        "price-range",
        alpha(
            "output: 2}",
            'output: 2, hours: [{from: "22:00", to: "02:00", input: ▸-1, output: 1}]}',
        ),
    ),
    (
        "bad-value",
        alpha(
            "output: 2}", 'output: 2, hours: [{from: ▸"24:00", to: "02:00", input: 1, output: 1}]}'
        ),
    ),
    (
        "unpriced-model",
        alpha(
            "  - model: small\n    capabilities: [tools]\n    price: {input: 0.5, output: 1}\n",
            "  - model: ▸small\n    capabilities: [tools]\n",
        ),
    ),
    ("duration-range", chain(LARGE, "deadline: ▸2h\n")),
    ("duration-range", chain(LARGE, "max_duration: ▸25h\n")),
    ("duration-range", chain("{model: alpha/large, timeout: ▸500ms}")),
    ("duration-range", chain("{model: alpha/large, timeout: ▸11m}")),
    ("duration-range", chain("{model: alpha/large, answer_timeout: ▸301s}")),
    ("unreachable-target", chain(f"{LARGE}, ▸{SMALL}", "deadline: 30s\n")),
    ("unreachable-target", chain(f"{LARGE}, ▸{SMALL}", "deadline: 50s\n")),
    ("unreachable-target", chain(f"▸{LARGE}", "deadline: 30s\n")),
    ("unreachable-target", chain(f"{LARGE}, ▸{SMALL}", "max_attempts: 1\n")),
    ("unmet-requirement", chain("{model: ▸alpha/large}", "requires: [tools, vision]\n")),
    (
        "unknown-capability",
        {
            **alpha("    capabilities: [tools]\n", ""),
            **chain("{model: ▸alpha/large}", "requires: [tools]\n"),
        },
    ),
    (
        "mixed-types",
        {
            **alpha("model: small", "model: small\n    type: embedding"),
            **chain(f"{LARGE}, {{model: ▸alpha/small}}"),
        },
    ),
    ("unmet-parameter", agent("parameters: {max_tokens: ▸4097}\n")),
    ("parameter-range", agent("parameters: {temperature: ▸2.1, top_p: ▸-0.1}\n")),
    ("parameter-range", agent('parameters: {temperature: ▸"1"}\n')),
    (
        "repeated-name",
        agent(f"keys: [{{name: a, sha256: {SHA}}}, {{name: ▸a, sha256: {SHA}}}]\n"),
    ),
    (
        "repeated-name",
        settings("operators: [{operator: a, role: viewer}, {operator: ▸a, role: viewer}]\n"),
    ),
    (
        "repeated-name",
        agent(
            "credentials: [{provider: alpha, api_key: {file: x}},"
            " {provider: ▸alpha, api_key: {file: z}}]\n"
        ),
    ),
    (
        "shared-key",
        {
            **settings(
                f"operators: [{{operator: a, role: viewer, keys: [{{name: a, sha256: {SHA}}}]}}]\n"
            ),
            **agent(f"keys: [{{name: a, sha256: ▸{SHA}}}]\n"),
        },
    ),
    ("bad-date", agent(f'keys: [{{name: a, sha256: {SHA}, expires: ▸"2026-02-30"}}]\n')),
    ("expired-key", agent(f'keys: [{{name: a, sha256: {SHA}, expires: ▸"2026-11-20"}}]\n')),
    ("expiring-key", agent(f'keys: [{{name: a, sha256: {SHA}, expires: ▸"2026-12-21"}}]\n')),
    (
        "expiring-key",
        agent(
            f'keys: [{{name: a, sha256: {SHA}, expires: "2026-12-01"}},'
            f' {{name: b, sha256: {SHA}, expires: ▸"2026-12-02"}}]\n'
        ),
    ),
    (
        "expiring-key",
        agent(
            f'keys: [{{name: a, sha256: {SHA}, expires: "2026-12-02"}},'
            f' {{name: b, sha256: {SHA}, expires: ▸"2026-12-02"}}]\n'
        ),
    ),
    ("unknown-timezone", settings("timezone: ▸Europe/Belrin\n")),
    ("unknown-timezone", settings("timezone: ▸../../etc/passwd\n")),
    ("unknown-timezone", settings("timezone: ▸Europe\n")),
]


ELSEWHERE = {
    *("unreadable-file", "symlink", "settings-missing"),
    *("encoding", "yaml-too-many", "deprecated-model", "price-differs"),
}
"""Rules that need a file system, a folder or a catalog of their own, tested beside those."""


def test_the_valid_configuration_has_no_diagnostics(tmp_path: Path) -> None:
    assert found(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("rule", "files"), CASES, ids=[f"{place}-{rule}" for place, (rule, _) in enumerate(CASES)]
)
def test_a_rule_finds_what_it_is_for(rule: str, files: Files, tmp_path: Path) -> None:
    clean, places = unmarked(files)
    assert places
    assert found(tmp_path, clean) == [f"{rule} {place}" for place in places]


def test_every_format_names_the_rule(tmp_path: Path) -> None:
    for rule, files in dict(CASES).items():
        report = look(tmp_path / rule, unmarked(files)[0]).report
        for output_format in FORMATS:
            assert rule in render(report, output_format), (rule, output_format)


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, _ in CASES} | ELSEWHERE == set(RULES)


def test_rules_are_documented_in_sentences() -> None:
    assert all(rule.doc.endswith(".") and rule.doc[0].isupper() for rule in RULES.values())


@pytest.mark.parametrize(
    ("zone", "hour", "expired"),
    [
        ("UTC", 23, False),
        ("Pacific/Auckland", 23, True),  # where the 21st is over
        ("America/Los_Angeles", 5, False),
    ],
)
def test_a_key_expires_at_the_end_of_its_day_in_the_zone_of_the_configuration(
    zone: str, hour: int, expired: bool, tmp_path: Path
) -> None:
    write(
        tmp_path,
        {
            **settings(f"timezone: {zone}\n"),
            **agent(f'keys: [{{name: a, sha256: {SHA}, expires: "2026-11-21"}}]\n'),
        },
    )
    # five hours past midnight in UTC it is still the day before in Los Angeles
    now = NOW.replace(hour=hour) + timedelta(days=1 if hour == 5 else 0)
    rules = [diagnostic.rule for diagnostic in inspect(tmp_path, now=now).diagnostics]
    assert rules == (["expired-key"] if expired else ["expiring-key"])


@pytest.mark.parametrize("other", ["", ', expires: "2026-12-22"'])
def test_a_key_that_another_outlives_may_expire(other: str, tmp_path: Path) -> None:
    old = f'{{name: a, sha256: {SHA}, expires: "2026-12-01"}}'
    new = f"{{name: b, sha256: {SHA[::-1]}{other}}}"
    assert found(tmp_path, agent(f"keys: [{old}, {new}]\n")) == []
