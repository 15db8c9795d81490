"""schemathesis against a running server: no 500, and no answer that is off the schema.

Every route is asked, of the providers the tests and discovery too: they are the simulator.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from server_process import apply, serving, write_configuration

CHECKS = (
    "not_a_server_error,response_schema_conformance,status_code_conformance,"
    "content_type_conformance"
)

SETTINGS = """
[parameters]
"path.provider" = "first"
"path.name" = "first/sim-chat"
"""
"""Names that exist, so that tests, discovery and single models are come to."""


def write_whole_configuration(folder: Path, simulator_url: str) -> None:
    """Declare a target that counts tokens, and a model that embeds."""
    write_configuration(folder, simulator_url)
    (folder / "providers.d/third.yaml").write_text(
        f"provider: third\nprotocol: anthropic\nbase_url: {simulator_url}/third\n"
        "api_key: {env: MODELOPS_SECRET_TEST}\nmodels:\n  - model: sim-chat\n"
    )
    for name, more in (
        ("providers.d/first", "  - {model: sim-embed, type: embedding}\n"),
        ("chains.d/production", "  - {model: third/sim-chat}\n"),
    ):
        with (folder / f"{name}.yaml").open("a") as file:
            file.write(more)


def test_what_the_schema_says_is_what_is_answered(tmp_path: Path, simulator_url: str) -> None:
    write_whole_configuration(tmp_path, simulator_url)
    apply(tmp_path)
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    with serving(tmp_path) as server:
        ended = subprocess.run(
            [
                str(Path(sys.executable).with_name("st")),
                "run",
                f"{server.url}/schema",
                "--checks",
                CHECKS,
                "--max-examples=5",
                "--phases=coverage,fuzzing",
                "--seed=1",
                "--request-timeout=60",
                "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-4_000:]
        assert server.stop() == 0
    assert "Traceback" not in server.errors.read_text()
    assert re.search(r"(\d+) selected / \1 total", ended.stdout), "a route was left out"
