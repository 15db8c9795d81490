"""Keys that are not age: PGP with the real gpg, Vault's transit engine with a stand-in server.

The `sops` program is the real one each time. What it takes to reach AWS, GCP, Azure or Huawei
cannot be run without an account; their files go the same way as these.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from modelops.cli.group import root
from modelops.cli.main import run
from modelops.resources.errors import ExitCode
from modelops.secrets import server_identity
from modelops.secrets.seal import Binding, unseal
from modelops.store import open_store

KEY = "sk-canary-0123456789"
TOKEN = "hvs.the-token-of-this-job"
PROVIDER = "provider: openai\nmodels: [{model: gpt-4o}]\n"


@pytest.fixture(scope="module")
def gnupg() -> Iterator[tuple[str, str]]:
    """Return the home of a gpg with one key, and the key's fingerprint."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed: apt-get install gnupg")
    home = tempfile.mkdtemp(prefix="gpg-", dir="/tmp")  # its socket's path must be short
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet"]
    name = "Test <test@example.com>"
    generate = [*gpg, "--passphrase", "", "--quick-generate-key", name, "future-default"]
    subprocess.run([*generate, "default", "never"], check=True, capture_output=True)
    listed = subprocess.run(
        [*gpg, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True
    )
    lines = (line.split(":") for line in listed.stdout.splitlines())
    yield home, next(fields[9] for fields in lines if fields[0] == "fpr")
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
    shutil.rmtree(home, ignore_errors=True)  # the agent takes its sockets away meanwhile


class Transit(BaseHTTPRequestHandler):
    """Vault's transit engine, as far as sops asks: it "encrypts" by a prefix, for one token."""

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["X-Vault-Token"] != TOKEN:
            self._answer(403, {"errors": ["permission denied"]})
        elif "/encrypt/" in self.path:
            mixed = base64.b64encode(body["plaintext"].encode()[::-1]).decode()
            self._answer(200, {"data": {"ciphertext": f"vault:v1:{mixed}"}})
        else:
            plain = base64.b64decode(body["ciphertext"].removeprefix("vault:v1:"))[::-1]
            self._answer(200, {"data": {"plaintext": plain.decode()}})

    def _answer(self, status: int, document: object) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@pytest.fixture
def vault() -> Iterator[str]:
    """Return the address of a stand-in for Vault."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Transit) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a configuration the working directory, without an age key at hand."""
    (tmp_path / "modelops.yaml").write_text("config: acme\n")
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "providers.d" / "openai.yaml").write_text(PROVIDER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "VAULT_ADDR", "MODELOPS_SOPS_ALLOW"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def rule(folder: Path, stanza: str) -> None:
    regex = "encrypted_regex: ^api_key$\n    mac_only_encrypted: true"
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - {stanza}\n    {regex}\n")


def set_secret() -> None:
    result = CliRunner().invoke(root, ["secret", "set", "provider/openai"], input=KEY, obj={})
    assert result.exit_code == 0, result


def sealed_key(folder: Path) -> str:
    """Return what the server beside the folder's store opens."""

    async def blob() -> str:
        store = open_store(f"sqlite:///{folder}/.modelops/store.db")
        (row,) = await store.secrets()
        await store.close()
        return row.blob

    bound = Binding(
        config="acme",
        environment="",
        address="provider/openai",
        field="api_key",
        origin="https://api.openai.com:443",
    )
    identities = server_identity.load(folder / ".modelops" / "server.key")
    return unseal(asyncio.run(blob()), bound, identities).reveal()


def test_pgp_from_secret_set_to_the_server(
    folder: Path, gnupg: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, fingerprint = gnupg
    monkeypatch.setenv("GNUPGHOME", home)
    rule(folder, f"pgp: {fingerprint}")
    set_secret()
    text = (folder / "providers.d" / "openai.yaml").read_text()
    assert "-----BEGIN PGP MESSAGE-----" in text
    assert text.startswith(PROVIDER.partition("\n")[0])
    assert KEY not in text
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert sealed_key(folder) == KEY
    set_secret()  # again, into the block that is there
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert sealed_key(folder) == KEY


def test_pgp_that_the_policy_forbids_or_no_key_opens(
    folder: Path,
    gnupg: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home, fingerprint = gnupg
    monkeypatch.setenv("GNUPGHOME", home)
    rule(folder, f"pgp: {fingerprint}")
    set_secret()
    monkeypatch.setenv("MODELOPS_SOPS_ALLOW", "age")
    assert run(["apply", "--yes"]) == ExitCode.ERROR
    told = capsys.readouterr().err
    assert "keys of type pgp, which is not allowed" in told
    assert "MODELOPS_SOPS_ALLOW=pgp" in told
    monkeypatch.delenv("MODELOPS_SOPS_ALLOW")
    (folder / "empty").mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(folder / "empty"))
    assert run(["apply", "--yes"]) == ExitCode.ERROR
    told = capsys.readouterr().err
    assert "none of the keys at hand opens it" in told
    assert "it is encrypted to pgp" in told
    assert run(["plan"]) == ExitCode.DONE


def test_vault_only_when_it_is_allowed_and_the_one_at_hand(
    folder: Path,
    vault: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VAULT_ADDR", vault)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    rule(folder, f"hc_vault_transit_uri: {vault}/v1/transit/keys/modelops")
    monkeypatch.setenv("MODELOPS_SOPS_ALLOW", "hc_vault")
    set_secret()
    assert "hc_vault:" in (folder / "providers.d" / "openai.yaml").read_text()
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert sealed_key(folder) == KEY
    shutil.rmtree(folder / ".modelops")
    monkeypatch.delenv("MODELOPS_SOPS_ALLOW")
    assert run(["apply", "--yes"]) == ExitCode.ERROR
    assert "keys of type hc_vault, which is not allowed" in capsys.readouterr().err
    monkeypatch.setenv("MODELOPS_SOPS_ALLOW", "hc_vault")
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.com")
    assert run(["apply", "--yes"]) == ExitCode.ERROR
    assert "a Vault server other than VAULT_ADDR" in capsys.readouterr().err
