"""The four renderings of one report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from config_support import NOW, write

from modelops.config.report import FORMATS, render
from modelops.config.report.document import Report
from modelops.operations.validate import validate
from modelops.resources.configuration import Diagnostic, Position

REPORT = Report(
    folder="deploy/llm",
    files=12,
    providers=1,
    models=1041,
    chains=3,
    agents=0,
    diagnostics=(
        Diagnostic(
            position=Position("chains.d/a b,c.yaml", 3, 5),
            severity="error",
            rule="unknown-reference",
            message="there is no chain '100%'\nreally",
            hint="did you mean 'x'?",
        ),
        Diagnostic(
            position=Position("modelops.yaml", 1, 1),
            severity="warning",
            rule="missing-key",
            message="no key",
        ),
    ),
)


def test_text_is_a_line_each_and_a_summary() -> None:
    assert render(REPORT, "text").splitlines()[-2:] == [
        "modelops.yaml:1:1: warning: no key [missing-key]",
        "12 files, 1 provider, 1,041 models, 3 chains, 0 agents: 1 error, 1 warning",
    ]
    assert render(REPORT, "text").startswith("chains.d/a b,c.yaml:3:5: there is no chain")


def test_json_has_every_field() -> None:
    document = json.loads(render(REPORT, "json"))
    assert document["valid"] is False
    assert document["summary"]["errors"] == 1
    assert document["diagnostics"][1] == {
        "severity": "warning",
        "rule": "missing-key",
        "file": "modelops.yaml",
        "line": 1,
        "column": 1,
        "message": "no key",
        "hint": "",
    }


def test_github_commands_cannot_be_broken_out_of() -> None:
    first, second, _ = render(REPORT, "github").splitlines()
    assert first == (
        "::error file=deploy/llm/chains.d/a b%2Cc.yaml,line=3,col=5,"
        "title=modelops unknown-reference"
        "::there is no chain '100%25'%0Areally (did you mean 'x'?)"
    )
    assert second.startswith("::warning file=deploy/llm/modelops.yaml,")


def test_sarif_names_rule_and_region() -> None:
    (run,) = json.loads(render(REPORT, "sarif"))["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "missing-key",
        "unknown-reference",
    ]
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "deploy/llm/chains.d/a%20b%2Cc.yaml"
    assert location["region"] == {"startLine": 3, "startColumn": 5}


@pytest.mark.parametrize("output_format", FORMATS)
def test_no_format_shows_a_secret(output_format: str, tmp_path: Path) -> None:
    canary = "sk-" + "c4n4ry" * 5
    write(
        tmp_path,
        {
            "providers.d/alpha.yaml": (
                f"provider: alpha\nprotocol: {canary}\napi_key: {canary}\nauth: {canary}\n"
                f"{canary}: 1\nlabels: {{{canary}: {canary}}}\nenabled: {canary}\n"
                f"base_url: https://{canary}@alpha.example\n# {canary}\n"
            ),
            "agents.d/dev.yaml": (
                f"agent: dev\nchain: {canary}\ncredentials:\n"
                f"  - {{provider: alpha, api_key: {{env: {canary}}}}}\n"
            ),
            "modelops.yaml": f"config: small\ntimezone: {canary}\nremoved: [{canary}]\n",
        },
    )
    report = validate(tmp_path, "", NOW)
    assert report.errors > 10
    assert canary not in render(report, output_format)
    assert canary not in repr(report)
