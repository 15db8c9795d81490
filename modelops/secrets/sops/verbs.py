"""What the sops program is asked to do: decrypt, encrypt, set one value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from modelops.secrets.sops.program import Sops, run

_YAML = ("--input-type", "yaml")


def decrypt(sops: Sops, text: str) -> dict[str, Any]:
    """Return the tree of a file, decrypted, its MAC checked. Check `policy` before."""
    output = run(
        sops,
        ["decrypt", *_YAML, "--output-type", "json", "--filename-override", "modelops.yaml"],
        text.encode(),
    )
    tree: dict[str, Any] = msgspec.json.decode(output, type=dict[str, Any])
    return tree


def encrypt(sops: Sops, text: str, path: Path, rules: Path) -> str:
    """Return a text encrypted by the rule of a `.sops.yaml` that matches the path it will have."""
    name = ("--filename-override", str(path.absolute()))
    command = ["--config", str(rules), "encrypt", *_YAML, "--output-type", "yaml", *name]
    output = run(sops, command, text.encode())
    return output.decode()


def set_value(sops: Sops, path: Path, keys: Sequence[str | int], value: str) -> None:
    """Set one value in an encrypted file in place; sops does not replace it atomically.

    Use it on a private copy. `keys` is the path to the value.
    """
    index = "".join(f"[{msgspec.json.encode(key).decode()}]" for key in keys)
    run(sops, ["set", "--value-stdin", str(path), index], msgspec.json.encode(value))
