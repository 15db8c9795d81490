"""Opening secrets when a revision goes live: seals, references, and what is said when one fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from row_samples import head, sealed
from server_support import provider, state

from modelops.resources.state import State
from modelops.secrets import server_identity
from modelops.secrets.seal import seal
from modelops.secrets.sealed import SealedSecret
from modelops.secrets.sealing import binding
from modelops.secrets.secret import Secret
from modelops.server.opener import Opener, files_changed, masked
from modelops.store.protocol import Snapshot

KEY = "sk-test-0123456789abcdefghijklmnop"
HEAD = head(environment="prod")
SEALED = state(provider("openai", auth="bearer", api_key="sealed"))


def sealed_row(resources: State, folder: Path, config: str = "acme") -> SealedSecret:
    """Seal the key of provider/openai as apply does."""
    _, identity = server_identity.create(folder, {})
    bound = binding(config, "prod", resources, "provider/openai", "api_key")
    return sealed(origin=bound.origin, blob=seal(Secret(KEY), bound, [identity.recipient]))


def opener(resources: State, folder: Path, *rows: SealedSecret, **environ: str) -> Opener:
    return Opener(Snapshot(head=HEAD, state=resources), rows, folder, environ)


def test_a_seal_opens_with_the_servers_identity(tmp_path: Path) -> None:
    opens = opener(SEALED, tmp_path, sealed_row(SEALED, tmp_path))
    assert opens("provider/openai", "api_key") == Secret(KEY)
    assert opens.errors == {}
    assert opens.masks == {"provider/openai": "...mnop"}


@pytest.mark.parametrize("case", ["no row", "other origin", "other config", "no identity"])
def test_a_seal_that_does_not_fit_gives_a_reason_without_the_value(
    tmp_path: Path, case: str
) -> None:
    rows = [sealed_row(SEALED, tmp_path, config="other" if case == "other config" else "acme")]
    resources = SEALED
    if case == "no row":
        rows = []
    if case == "other origin":
        moved = provider(
            "openai", auth="bearer", api_key="sealed", base_url="https://evil.example/v1"
        )
        resources = state(moved)
    folder = tmp_path / "elsewhere" if case == "no identity" else tmp_path
    opens = opener(resources, folder, *rows)
    assert opens("provider/openai", "api_key") is None
    assert opens.errors["provider/openai"].startswith("api_key: ")
    assert KEY not in str(opens.errors)


def test_a_reference_to_a_variable(tmp_path: Path) -> None:
    resources = state(provider("openai", auth="bearer", api_key="env:MODELOPS_SECRET_X"))
    opens = opener(resources, tmp_path, MODELOPS_SECRET_X=KEY)
    assert opens("provider/openai", "api_key") == Secret(KEY)
    assert opener(resources, tmp_path)("provider/openai", "api_key") is None


def test_files_are_remembered_so_that_a_change_is_seen(tmp_path: Path) -> None:
    environ = {"MODELOPS_SECRETS_DIR": str(tmp_path)}
    resources = state(provider("openai", auth="bearer", api_key="file:openai.key"))
    opens = opener(resources, tmp_path, **environ)
    assert opens("provider/openai", "api_key") is None
    assert not files_changed(opens.files, environ)
    path = tmp_path / "openai.key"
    path.write_text(KEY)
    path.chmod(0o600)
    assert files_changed(opens.files, environ)


def test_a_field_without_a_secret_is_a_mistake_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="agent/dev-agent has no secret"):
        opener(SEALED, tmp_path)("agent/dev-agent", "credentials[openai].api_key")


def test_a_deleted_row_does_not_open(tmp_path: Path) -> None:
    row = replace(sealed_row(SEALED, tmp_path), deleted_at=5)
    assert opener(SEALED, tmp_path, row)("provider/openai", "api_key") is None


@pytest.mark.parametrize(
    ("value", "shown"), [("short", "..."), ("x" * 23, "..."), ("x" * 20 + "wxyz", "...wxyz")]
)
def test_masks_show_nothing_of_a_short_key(value: str, shown: str) -> None:
    assert masked(Secret(value)) == shown
