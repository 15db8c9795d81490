"""What a name that is not declared may have meant, and names that several own."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_support import found, look
from marked_files import (
    ALPHA,
    BETA,
    DEV,
    LARGE,
    MAIN,
    Files,
    agent,
    alpha,
    chain,
    settings,
    unmarked,
)


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        (agent("lables: {}\n"), "did you mean 'labels'?"),
        (agent("chain: mian\n"), "did you mean 'main'?"),
        (chain("{model: alfa/large}"), "did you mean 'alpha'?"),
        (chain("{model: alpha/lagre}"), "did you mean 'large'?"),
        (alpha("protocol: openai", "preset: opnai"), "did you mean 'openai'?"),
        (alpha("protocol: openai", "protocol: opnai"), "did you mean 'openai'?"),
        (settings("timezone: Europe/Belrin\n"), "did you mean 'Europe/Berlin'?"),
        ({DEV: "agnet: dev\n"}, "did you mean 'agent'?"),
    ],
)
def test_a_misspelt_name_brings_the_right_one(files: Files, hint: str, tmp_path: Path) -> None:
    (diagnostic,) = look(tmp_path, files).diagnostics
    assert diagnostic.hint == hint


def test_a_broken_file_does_not_make_its_references_wrong(tmp_path: Path) -> None:
    files = {ALPHA: "provider: alpha\nmodles: []\n", **agent("prefer: alpha\n")}
    assert [line.split()[0] for line in found(tmp_path, files)] == ["unknown-field"]


def test_a_form_error_does_not_hide_what_its_file_refers_to(tmp_path: Path) -> None:
    files = {
        **settings("default_chain: mian\ntimezne: UTC\n"),
        **chain("{model: alpha/lagre, timeout: 5x}, {model: nobody}", "requires: [tols]\n"),
        **agent(
            "chian: main\nprefer: alfa\nallow: [chain/nain, model/alpha/*, model/alpha/x, 7]\n"
            "credentials: [{provider: beta}, {provider: alpha}]\n"
        ),
    }
    wrong = [line for line in found(tmp_path, files) if line.startswith("unknown-reference")]
    assert [place.split(":")[0] for place in wrong] == [
        *(f"unknown-reference {DEV}",) * 4,
        f"unknown-reference {MAIN}",
        "unknown-reference modelops.yaml",
    ]


@pytest.mark.parametrize(
    "files",
    [
        {"providers.d/beta.yaml": BETA + "enabled: false\n"},
        {"providers.d/openrouter.yaml": BETA.replace("beta", "openrouter")},
        {"providers.d/beta.yaml": BETA.replace("small", "alpha/large")},
        {
            "providers.d/beta.yaml": BETA.replace("small", "mini"),
            "providers.d/gamma.yaml": BETA.replace("beta", "gamma").replace("small", "mini"),
            **chain(LARGE, "aliases: [mini]\n"),
        },
    ],
    ids=["disabled", "aggregator", "read as provider/model", "a chain's"],
)
def test_a_name_that_two_own_but_one_gets_is_no_tie(files: Files, tmp_path: Path) -> None:
    clean, _ = unmarked(files)
    assert not [line for line in found(tmp_path, clean) if line.startswith("name-owned-twice")]


def test_a_tie_of_many_names_a_few(tmp_path: Path) -> None:
    many = [f"beta-{letter}" for letter in "abcdef"]
    files = {f"providers.d/{name}.yaml": BETA.replace("beta", name) for name in many}
    clean, _ = unmarked(files)
    (diagnostic,) = look(tmp_path, clean).diagnostics
    assert diagnostic.message == (
        "'small' alone is refused as ambiguous: alpha/small, beta-b/small, beta-c/small "
        "and 3 more go by it too"
    )
