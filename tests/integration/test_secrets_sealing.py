"""The road of a key: YAML to rows of a store to the server, and the attacks on it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from row_samples import sealed

from modelops.config import InvalidConfigurationError, load_configuration
from modelops.operations.sealing import seal_secrets
from modelops.operations.secret import set_secret
from modelops.resources.configuration import Configuration
from modelops.secrets import identities, server_identity
from modelops.secrets.errors import NoKeyError, SecretError, TamperedError
from modelops.secrets.opening import open_sources
from modelops.secrets.seal import seal
from modelops.secrets.sealed import Place, SealedSecret, secret_changes, unconsented
from modelops.secrets.sealing import (
    binding,
    open_row,
)
from modelops.secrets.secret import Secret
from modelops.secrets.sops import program, verbs
from modelops.secrets.sops.program import run

CI = identities.generate()
SERVER = identities.generate()
ATTACKER = identities.generate()
ENVIRON = {"SOPS_AGE_KEY": CI.reveal(), "PATH": "/usr/bin:/bin"}
KEY = "sk-canary-0123456789"

PROVIDER = "provider: {name}\nprotocol: openai\nbase_url: https://api.{name}.example/v1\n"
AGENT = "agent: dev\ncredentials:\n  - provider: first\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "modelops.yaml", f"config: acme\nserver_recipients: [{SERVER.recipient}]\n")
    write(
        tmp_path,
        ".sops.yaml",
        f"creation_rules:\n  - age: {CI.recipient}\n"
        "    encrypted_regex: ^api_key$\n    mac_only_encrypted: true\n",
    )
    for name in ("first", "second"):
        write(tmp_path, f"providers.d/{name}.yaml", PROVIDER.format(name=name))
        set_secret(tmp_path, f"provider/{name}", "", Secret(f"{KEY}-{name}"), ENVIRON)
    write(tmp_path, "agents.d/dev.yaml", AGENT)
    set_secret(tmp_path, "agent/dev", "first", Secret(f"{KEY}-own"), ENVIRON)
    return tmp_path


def write(folder: Path, file: str, text: str) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(text)


def edit(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after))


class Store:
    """Rows of secrets as a store keeps them: one by address and field."""

    def __init__(self, state_directory: Path | None = None) -> None:
        self.rows: dict[Place, SealedSecret] = {}
        self.state_directory = state_directory

    def apply(
        self, folder: Path, environment: str = "", now_us: int = 1
    ) -> tuple[SealedSecret, ...]:
        """Apply as the program does, and return what was written."""
        written = seal_secrets(
            folder,
            load_configuration(folder, environment),
            list(self.rows.values()),
            ENVIRON,
            state_directory=self.state_directory,
            now_us=now_us,
        )
        self.rows |= {row.place: row for row in written}
        return written

    def open(
        self,
        configuration: Configuration,
        address: str,
        field: str = "api_key",
        key: identities.Identity = SERVER,
    ) -> str:
        """Open a key as the server does."""
        bound = binding(
            configuration.config, configuration.environment, configuration.state, address, field
        )
        return open_row(self.rows, bound, [key]).reveal()


def test_applied_keys_open_on_the_server_only(folder: Path) -> None:
    store = Store()
    store.apply(folder)
    configuration = load_configuration(folder)
    assert store.open(configuration, "provider/first") == f"{KEY}-first"
    assert store.open(configuration, "provider/second") == f"{KEY}-second"
    assert store.open(configuration, "agent/dev", "credentials[first].api_key") == f"{KEY}-own"
    with pytest.raises(NoKeyError):
        store.open(configuration, "provider/first", key=CI)
    assert KEY not in repr(store.rows)
    assert KEY.encode() not in msgspec.json.encode(list(store.rows.values()))


def test_applying_twice_opens_nothing(folder: Path) -> None:
    store = Store()
    assert len(store.apply(folder)) == 3
    assert store.apply(folder) == ()
    set_secret(folder, "provider/first", "", Secret("sk-new"), ENVIRON)
    assert [row.address for row in store.apply(folder, now_us=2)] == ["provider/first"]
    assert store.open(load_configuration(folder), "provider/first") == "sk-new"


def test_plan_sees_changes_without_a_key(folder: Path) -> None:
    store = Store()
    store.apply(folder)
    set_secret(folder, "provider/first", "", Secret("sk-new"), ENVIRON)
    sops = program.find(ENVIRON)
    run(sops, ["rotate", "-i", str(folder / "providers.d/second.yaml")])
    changes = secret_changes(list(store.rows.values()), load_configuration(folder).secrets)
    assert {change.address: change.action for change in changes} == {
        "agent/dev": "unchanged",
        "provider/first": "changed",
        "provider/second": "re-encrypted",
    }


def test_changed_recipients_seal_anew_and_both_open(folder: Path) -> None:
    store = Store()
    store.apply(folder)
    new = identities.generate()
    edit(folder, "modelops.yaml", SERVER.recipient, f"{SERVER.recipient}, {new.recipient}")
    assert len(store.apply(folder)) == 3
    configuration = load_configuration(folder)
    assert store.open(configuration, "provider/first", key=SERVER) == f"{KEY}-first"
    assert store.open(configuration, "provider/first", key=new) == f"{KEY}-first"


def test_local_store_seals_to_the_identity_beside_it(folder: Path) -> None:
    edit(folder, "modelops.yaml", f"server_recipients: [{SERVER.recipient}]\n", "")
    with pytest.raises(SecretError, match="no recipient"):
        Store().apply(folder)
    store = Store(folder / ".modelops")
    assert len(store.apply(folder)) == 3
    (made,) = server_identity.load(folder / ".modelops" / "server.key")
    assert (folder / ".modelops" / ".gitignore").read_text() == "*\n"
    assert store.open(load_configuration(folder), "provider/first", key=made) == f"{KEY}-first"
    server_identity.rotate(folder / ".modelops" / "server.key")
    assert len(store.apply(folder, now_us=2)) == 3
    assert store.apply(folder, now_us=3) == ()


def test_declared_recipients_need_no_identity_here(folder: Path) -> None:
    Store(folder / ".modelops").apply(folder)
    assert not (folder / ".modelops").exists()


def test_deleted_row_is_kept_and_does_not_open(folder: Path) -> None:
    store = Store()
    store.apply(folder)
    configuration = load_configuration(folder)
    (folder / "agents.d/dev.yaml").unlink()
    (gone,) = store.apply(folder, now_us=7)
    assert (gone.address, gone.deleted_at) == ("agent/dev", 7)
    with pytest.raises(SecretError, match="no key"):
        store.open(configuration, "agent/dev", "credentials[first].api_key")


def test_rows_swapped_in_the_store_do_not_open(folder: Path) -> None:
    store = Store()
    store.apply(folder)
    first, second = (
        store.rows["provider/first", "api_key"],
        store.rows["provider/second", "api_key"],
    )
    store.rows[first.place] = msgspec.structs.replace(first, blob=second.blob)
    with pytest.raises(TamperedError, match="provider/second"):
        store.open(load_configuration(folder), "provider/first")


@pytest.mark.parametrize(
    "url", ["https://api.first.example.evil.com/v1", "https://api.first.example:8443/v1"]
)
def test_provider_redirected_in_the_store_does_not_open(folder: Path, url: str) -> None:
    store = Store()
    store.apply(folder)
    edit(folder, "providers.d/first.yaml", "https://api.first.example/v1", url)
    redirected = load_configuration(folder)  # stands for a row of the store that was changed
    with pytest.raises(TamperedError, match="origin"):
        store.open(redirected, "provider/first")
    with pytest.raises(TamperedError, match="origin"):
        store.open(redirected, "agent/dev", "credentials[first].api_key")


def test_path_below_the_same_origin_may_change(folder: Path) -> None:
    store = Store()
    store.apply(folder)
    edit(folder, "providers.d/first.yaml", "/v1", "/v2")
    assert store.apply(folder) == ()
    assert store.open(load_configuration(folder), "provider/first") == f"{KEY}-first"


@pytest.mark.parametrize(("environment", "config"), [("staging", "acme"), ("", "other")])
def test_rows_of_another_environment_or_configuration(
    folder: Path, environment: str, config: str
) -> None:
    store = Store()
    store.apply(folder)
    edit(folder, "modelops.yaml", "config: acme", f"config: {config}")
    with pytest.raises(TamperedError, match=r"environment|config"):
        store.open(load_configuration(folder, environment), "provider/first")


def test_recipient_planted_in_the_store_is_not_sealed_to(folder: Path) -> None:
    store = Store()
    store.apply(folder)
    for place, row in store.rows.items():
        store.rows[place] = msgspec.structs.replace(
            row, blob=row.blob.replace(".", f".{ATTACKER.recipient}+", 1), source_sha256="0" * 64
        )
    store.apply(folder, now_us=2)
    configuration = load_configuration(folder)
    assert store.open(configuration, "provider/first") == f"{KEY}-first"
    with pytest.raises(NoKeyError):
        store.open(configuration, "provider/first", key=ATTACKER)


def test_redirect_in_a_pull_request_needs_consent(folder: Path) -> None:
    """mac_only_encrypted and the boundary trick both let it past sops."""
    store = Store()
    store.apply(folder)
    rows = list(store.rows.values())
    edit(folder, "providers.d/first.yaml", "api.first.example", "api.first.example.evil.com")
    refused = unconsented(secret_changes(rows, load_configuration(folder).secrets), [])
    assert [change.address for change in refused] == ["agent/dev", "provider/first"]
    assert refused[1].old_origin == "https://api.first.example:443"


def test_file_copied_under_another_name_needs_consent(folder: Path) -> None:
    store = Store()
    store.apply(folder)
    copy = (
        (folder / "providers.d/first.yaml").read_text().replace("provider: first", "provider: evil")
    )
    write(folder, "providers.d/evil.yaml", copy.replace("api.first.example", "evil.example"))
    changes = secret_changes(list(store.rows.values()), load_configuration(folder).secrets)
    (refused,) = unconsented(changes, [])
    assert refused.address == "provider/evil"
    assert refused.copied_from in ("provider/first", "agent/dev")


@pytest.mark.parametrize(
    "change",
    [
        ("https://api.first", "http://api.first"),  # downgrade
        ("api_key: ENC[", "api_key: {env: DATABASE_URL}\nx: ENC["),
        ("api_key: ENC[", "api_key: {file: ../../etc/passwd}\nx: ENC["),
    ],
)
def test_what_the_loader_refuses(folder: Path, change: tuple[str, str]) -> None:
    edit(folder, "providers.d/first.yaml", *change)
    with pytest.raises(InvalidConfigurationError):
        load_configuration(folder)


def test_file_that_changes_between_plan_and_apply(folder: Path) -> None:
    configuration = load_configuration(folder)
    set_secret(folder, "provider/first", "", Secret("sk-new"), ENVIRON)
    with pytest.raises(Exception, match="changed while it was read") as caught:
        open_sources(folder, configuration.secrets, ENVIRON)
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("value", ["sk\r\nx-evil: 1", "sk\n", "schlüssel", "sk\x00"])
def test_value_that_no_header_carries(folder: Path, value: str) -> None:
    """Written with sops itself; it would end the header and begin another."""
    sops = program.find(ENVIRON)
    verbs.set_value(sops, folder / "providers.d/first.yaml", ["api_key"], value)
    store = Store()
    with pytest.raises(SecretError, match=r"providers\.d/first\.yaml: the api_key") as caught:
        store.apply(folder)
    assert value not in str(caught.value)
    configuration = load_configuration(folder)
    bound = binding("acme", "", configuration.state, "provider/first", "api_key")
    written = seal(Secret(value), bound, [SERVER.recipient])  # by someone who writes to the store
    row = sealed(address="provider/first", origin=bound.origin, blob=written)
    with pytest.raises(SecretError, match="the sealed key"):
        open_row({row.place: row}, bound, [SERVER])


def test_what_is_encrypted_to_the_demo_identity_is_refused(folder: Path) -> None:
    from modelops.secrets.demo import DEMO_IDENTITY, DEMO_RECIPIENT

    environ = {**ENVIRON, "SOPS_AGE_KEY": DEMO_IDENTITY}
    edit(folder, ".sops.yaml", CI.recipient, DEMO_RECIPIENT)
    write(folder, "providers.d/demo.yaml", PROVIDER.format(name="demo"))
    set_secret(folder, "provider/demo", "", Secret("made-up"), environ)
    sources = [s for s in load_configuration(folder).secrets if s.address == "provider/demo"]
    with pytest.raises(SecretError, match="demo identity"):
        open_sources(folder, sources, environ)
