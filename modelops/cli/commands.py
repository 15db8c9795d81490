"""Every command by name: what `modelops --help` lists, and where each is imported from when called.

Nothing is imported before: `modelops --version` and `validate` must not pay for SQLAlchemy,
Litestar or an SDK.
"""

from __future__ import annotations

import importlib

import click

COMMANDS: dict[str, str] = {
    "init": "Begin a configuration that can be applied at once.",
    "validate": "Check a configuration folder; needs no key, store or network.",
    "fmt": "Bring every file into one layout.",
    "schema": "Print or write the JSON Schemas of the YAML form.",
    "plan": "Show what applying the folder would change.",
    "apply": "Move the store to what the folder declares, in one transaction.",
    "show": "Show a resource, or all of them, as the store holds them.",
    "history": "List the store's revisions.",
    "diff": "Show how two revisions differ.",
    "rollback": "Make a new revision with the content of an old one.",
    "dump": "Write what the store holds as a configuration folder.",
    "test": "Test the connections to providers: reached, key taken, models offered.",
    "discover": "Compare what a provider offers with what is declared.",
    "status": "Show what is live where, and what is broken.",
    "route": "Explain which targets a request would meet, and in which order.",
    "usage": "Report requests, tokens, cost and latency.",
    "catalog": "Show built-in presets, models and prices.",
    "key": "Make a key for an agent or an operator.",
    "identity": "Make, show and replace the key by which the server opens secrets.",
    "secret": "Encrypt a key into the file of a provider or an agent.",
    "doctor": "Check sops rules, keys, store and machine.",
    "up": "Validate, plan, apply and serve on a local store, in one.",
    "serve": "Serve the store's configuration over HTTP.",
    "simulator": "Run a provider to practise on, with faults on demand.",
}
"""Every command with its one-line help; `cli/NAME.py` holds its `command`."""


def load(name: str) -> click.Command:
    """Import the module of one command and return its `command`."""
    command: click.Command = importlib.import_module(f"modelops.cli.{name}").command
    return command
