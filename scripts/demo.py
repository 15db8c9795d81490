"""`make demo`: the whole journey as one shot, on this repository's own configuration.

Validate, plan, apply, serve, a plain and a streamed request with the official OpenAI SDK, the first
provider made to answer 529, the same request failing over, the usage report, stop. It needs neither
keys nor network: the simulator stands behind every provider. What it prints is a transcript of
commands that can be typed; it ends with 1 if anything did not happen as told.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai
from openai.types.chat import ChatCompletionUserMessageParam

ROOT = Path(__file__).resolve().parent.parent
CHAIN = "production"
FIRST = "anthropic"
"""The provider of the chain's first target, which is made to fail."""

HELLO: list[ChatCompletionUserMessageParam] = [
    {"role": "user", "content": "Name three uses of a failover chain."}
]


def main() -> None:
    """Run the demo."""
    with tempfile.TemporaryDirectory(prefix="modelops-demo-") as folder:
        store = f"sqlite:///{folder}/store.db"
        print(f"# MODELOPS_STORE={store}\n")
        run("validate")
        run("plan", store=store, last_lines=1)
        run("apply", "--yes", store=store, last_lines=1)
        with (
            started("simulator") as simulator,
            started("serve", "--port", "0", "--simulator", simulator, store=store) as server,
        ):
            client = openai.OpenAI(base_url=f"{server}/v1", api_key="none", max_retries=0)
            print(f'>>> client = openai.OpenAI(base_url="{server}/v1", api_key="none")\n')
            ask(client, expected=f"{FIRST}/")
            stream(client)
            break_provider(simulator)
            ask(client, expected="fallback")
        run("usage", "--by", "model", store=store)


def run(*arguments: str, store: str = "", last_lines: int = 0) -> None:
    """Run a command to its end and show it; `last_lines` shows only so many lines of it."""
    ended = subprocess.run(
        command(*arguments, store=store),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = ended.stdout.strip().splitlines()
    tail = f" | tail -n {last_lines}" if last_lines else ""
    print("\n".join([f"$ modelops {' '.join(arguments)}{tail}", *lines[-last_lines:], ""]))
    if ended.returncode != 0:
        raise SystemExit(f"modelops {arguments[0]} ended with {ended.returncode}")


@contextlib.contextmanager
def started(*arguments: str, store: str = "") -> Iterator[str]:
    """Run a program that serves while the context is open, and give its URL."""
    print(f"$ modelops {' '.join(arguments)} &")
    with subprocess.Popen(
        command(*arguments, store=store), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise SystemExit(process.communicate()[1].decode())
            print(line.decode())
            yield json.loads(line)["url"]
        finally:
            process.terminate()
            process.communicate()


def command(*arguments: str, store: str) -> list[str]:
    """Return the command line of the program of this repository."""
    where = ["--store", store] if store else []
    return [sys.executable, "-m", "modelops", *arguments, *where]


def ask(client: openai.OpenAI, *, expected: str) -> None:
    """Send a plain request and show the answer and how it came."""
    print(f'>>> client.chat.completions.create(model="{CHAIN}", messages=hello)')
    raw = client.chat.completions.with_raw_response.create(model=CHAIN, messages=HELLO)
    print(raw.parse().choices[0].message.content)
    came = {name: text for name, text in raw.headers.items() if name.startswith("x-modelops-")}
    for name in ("target", "attempts", "fallback", "revision"):
        if f"x-modelops-{name}" in came:
            print(f"x-modelops-{name}: {came[f'x-modelops-{name}']}")
    print()
    if not any(expected in f"{name}: {text}" for name, text in came.items()):
        raise SystemExit(f"the answer did not come as expected ({expected}): {came}")


def stream(client: openai.OpenAI) -> None:
    """Send a streamed request and show its pieces as they come, apart by bars."""
    print(f'>>> client.chat.completions.create(model="{CHAIN}", messages=hello, stream=True)')
    pieces = [
        chunk.choices[0].delta.content or ""
        for chunk in client.chat.completions.create(model=CHAIN, messages=HELLO, stream=True)
        if chunk.choices
    ]
    print("|".join(piece for piece in pieces if piece), end="\n\n")


def break_provider(simulator: str) -> None:
    """Make the simulator answer 529 for the first provider of the chain."""
    fault = json.dumps({"provider": FIRST, "status": 529})
    print(f"$ curl {simulator}/_simulator/faults -d '{fault}'")
    url = f"{simulator}/_simulator/faults"
    asked = urllib.request.Request(url, data=fault.encode())  # noqa: S310 - our own simulator
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        print(answer.read().decode(), end="\n\n")


if __name__ == "__main__":
    main()
