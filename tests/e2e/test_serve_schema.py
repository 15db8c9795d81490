"""schemathesis against a running server: no 500, and no answer that is off the schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from server_process import modelops, serving, simulator, write_configuration

CHECKS = "not_a_server_error,response_schema_conformance,status_code_conformance"
NOT_ASKED = r"/test$|/discover$|^/v1/(embeddings|messages/count_tokens)$"
"""Tests and discovery go out to providers; what no declared model can do is rightly a 502."""


def test_what_the_schema_says_is_what_is_answered(tmp_path: Path) -> None:
    with simulator() as simulator_url:
        write_configuration(tmp_path, simulator_url)
        assert modelops("apply", "-C", str(tmp_path), "--yes").returncode == 0
        with serving(tmp_path) as server:
            ended = subprocess.run(
                [
                    str(Path(sys.executable).with_name("st")),
                    "run",
                    f"{server.url}/schema",
                    "--checks",
                    f"{CHECKS},content_type_conformance",
                    "--max-examples=5",
                    "--phases=coverage,fuzzing",
                    "--seed=1",
                    "--no-color",
                    f"--exclude-path-regex={NOT_ASKED}",
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
