"""The other gateways that can be had from PyPI and npm, started as their makers say for speed.

`install.sh FOLDER` puts them into a folder; here each is started on the servers' core in front of
the same upstream as modelops. None keeps books: LiteLLM would need Postgres for that, TensorZero
ClickHouse, and Portkey's are not in its open gateway.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import servers
from benchmarks.servers import Server

HERE = Path(__file__).parent
CHAT = "/v1/chat/completions"


@contextlib.contextmanager
def running(installed: Path, folder: Path, upstream: int) -> Iterator[list[Server]]:
    """Run those that are installed in a folder; `folder` takes their configurations."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(start(installed / name, folder, upstream))
            for name, start in STARTS.items()
            if (installed / name).is_dir()
        ]


def _configuration(name: str, folder: Path, upstream: int) -> str:
    """Write a configuration that names the upstream's port and return its path."""
    path = folder / name
    path.write_text((HERE / name).read_text().replace("UPSTREAM", str(upstream)))
    return str(path)


@contextlib.contextmanager
def _litellm(installed: Path, folder: Path, upstream: int) -> Iterator[Server]:
    port = servers.free_port()
    config = _configuration("litellm.yaml", folder, upstream)
    command = [str(installed / "bin" / "litellm"), "--config", config, "--port", str(port)]
    environment = {
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    with servers.running(
        [*command, "--host", "127.0.0.1", "--num_workers", "1"],
        servers.SERVER_CORE,
        port,
        environment,
    ) as pid:
        yield Server("LiteLLM 1.106.2", "127.0.0.1", port, CHAT, pid, "static", "sk-bench")


@contextlib.contextmanager
def _portkey(installed: Path, folder: Path, upstream: int) -> Iterator[Server]:
    port = servers.free_port()
    program = installed / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    headers = (
        "x-portkey-provider: openai\r\n"
        f"x-portkey-custom-host: http://127.0.0.1:{upstream}/first\r\n"
    )
    with servers.running(
        ["node", str(program), "--headless", f"--port={port}"],
        servers.SERVER_CORE,
        port,
        {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"},
    ) as pid:
        yield Server("Portkey 1.15.2", "127.0.0.1", port, CHAT, pid, "static", headers=headers)


@contextlib.contextmanager
def _tensorzero(installed: Path, folder: Path, upstream: int) -> Iterator[Server]:
    config = _configuration("tensorzero.toml", folder, upstream)
    program = [str(installed / "bin" / "python"), str(HERE / "tensorzero_gateway.py"), config]
    with servers.started(program, servers.SERVER_CORE, stdout=subprocess.PIPE) as process:
        port = _told_port(process)
        model = "tensorzero::model_name::static"
        path = "/openai" + CHAT
        yield Server("TensorZero 2026.6.0", "127.0.0.1", port, path, process.pid, model)


def _told_port(process: subprocess.Popen[bytes]) -> int:
    """Return the port of the URL a program prints among other lines; RuntimeError when it ends."""
    for line in process.stdout or ():
        if line.startswith(b"http://") and (port := urlsplit(line.decode().strip()).port):
            return port
    raise RuntimeError(f"{process.args!r} ended without a word of where it listens")


STARTS = {"tensorzero": _tensorzero, "portkey": _portkey, "litellm": _litellm}
"""How each is started, by the name of its folder."""
