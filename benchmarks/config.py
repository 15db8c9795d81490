"""The config road on a large configuration, as whole processes, beside the floor.

1,000 providers with 10 models each, 300 chains and 300 agents in 1,600 files. The floor is libyaml
giving the events of the same bytes in one process: no tool that reads YAML from Python can be
faster. Run as `python -m benchmarks.config [--runs N] [--keep DIR]`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import process

PROVIDERS, MODELS, CHAINS, AGENTS = 1_000, 10, 300, 300

FLOOR = """
import pathlib, sys, yaml
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.yaml")):
    for event in yaml.parse(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
        pass
"""


def provider_text(number: int, price: int) -> str:
    """Return one provider file of ten models."""
    head = (
        f"provider: p{number:04}\nprotocol: openai\nbase_url: https://p{number:04}.example/v1\n"
        f"auth: bearer\napi_key: {{env: MODELOPS_SECRET_P{number:04}}}\n"
        f"labels: {{team: t{number % 20}}}\nmodels:\n"
    )
    return head + "".join(
        f"  - model: p{number:04}-m{model}\n    context_window: 200000\n"
        f"    max_output_tokens: 8192\n    capabilities: [vision, tools, json]\n"
        f"    price: {{input: {price}.25, output: {price + 10}, cache_read: 0.3}}\n"
        for model in range(MODELS)
    )


def chain_text(number: int) -> str:
    """Return one chain file of three targets."""
    targets = "".join(
        f"  - {{model: {name}/{name}-m{place}, max_retries: 1}}\n"
        for place, name in enumerate(
            f"p{(number * 3 + place) % PROVIDERS:04}" for place in range(3)
        )
    )
    return f"chain: c{number:03}\nrequires: [tools]\ntargets:\n{targets}"


def agent_text(number: int) -> str:
    """Return one agent file."""
    return (
        f"agent: a{number:03}\nchain: c{number % CHAINS:03}\n"
        f"labels: {{team: t{number % 20}, cost_center: '{4700 + number}'}}\n"
        f"parameters: {{max_tokens: 2048}}\n"
    )


def write(folder: Path, *, price: int = 1) -> None:
    """Write the whole configuration; another `price` changes every model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "modelops.yaml").write_text("config: large\ndefault_chain: c000\n", encoding="utf-8")
    kinds: tuple[tuple[str, str, int, Callable[[int], str]], ...] = (
        ("providers.d", "p{:04}.yaml", PROVIDERS, lambda number: provider_text(number, price)),
        ("chains.d", "c{:03}.yaml", CHAINS, chain_text),
        ("agents.d", "a{:03}.yaml", AGENTS, agent_text),
    )
    for name, pattern, count, text in kinds:
        (folder / name).mkdir(exist_ok=True)
        for number in range(count):
            (folder / name / pattern.format(number)).write_text(text(number), encoding="utf-8")


def measure(folder: Path, rounds: int) -> dict[str, process.Run]:
    """Return the median of each step, in the order in which a user meets them.

    Rounds go through all steps, so that a machine whose speed drifts is the same for all of them.
    """
    state = folder / ".modelops"
    modelops = [sys.executable, "-m", "modelops"]
    where = ["-C", str(folder), "--store", f"sqlite:///{state}/store.db"]
    steps = {
        "libyaml events (floor)": [sys.executable, "-c", FLOOR, str(folder)],
        "modelops --version": [*modelops, "--version"],
        "validate": [*modelops, "validate", "-C", str(folder)],
        "full plan": [*modelops, "plan", *where],
        "apply (11,601 resources)": [*modelops, "apply", "--yes", *where],
        "no-op plan": [*modelops, "plan", *where],
    }
    changed = "plan, 10,000 models changed"
    taken: dict[str, list[process.Run]] = {name: [] for name in (*steps, changed)}
    for _ in range(rounds):
        shutil.rmtree(state, ignore_errors=True)
        for name, command in steps.items():
            taken[name].append(process.run(command, folder))
        write(folder, price=2)
        taken[changed].append(process.run(steps["no-op plan"], folder))
        write(folder)
    return {name: process.median(runs) for name, runs in taken.items()}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="write the configuration here and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch) / "large"
        write(folder)
        results = measure(folder, options.runs)
    floor = next(iter(results.values())).cpu_s
    print("| step | wall s | CPU s | x floor (CPU) | peak MB | exit |\n|---|---|---|---|---|---|")
    for name, result in results.items():
        print(
            f"| {name} | {result.wall_s:.2f} | {result.cpu_s:.2f} | {result.cpu_s / floor:.1f} "
            f"| {result.peak_mb:.0f} | {result.code} |"
        )


if __name__ == "__main__":
    main()
