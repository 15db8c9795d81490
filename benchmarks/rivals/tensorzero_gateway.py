"""Runs TensorZero's gateway, which PyPI has only inside its Python client; prints its URL.

Run by the Python of TensorZero's own environment: `python tensorzero_gateway.py CONFIG`.
"""

from __future__ import annotations

import signal
import sys

import tensorzero  # type: ignore[import-not-found]  # of another environment

gateway = tensorzero._start_http_gateway(  # noqa: SLF001  # there is no public way
    config_file=sys.argv[1],
    clickhouse_url=None,
    postgres_url=None,
    valkey_url=None,
    async_setup=False,
)
sys.stdout.write(f"{gateway.base_url}\n")
sys.stdout.flush()
signal.pause()
