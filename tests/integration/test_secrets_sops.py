"""The in-process reader against the real sops program, and every change it must refuse."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelops.config import yaml
from modelops.secrets import identities
from modelops.secrets.errors import NoKeyError, SecretError, TamperedError, UnusualError
from modelops.secrets.opening import open_file
from modelops.secrets.secret import Secret
from modelops.secrets.sops import program, verbs
from modelops.secrets.sops.ciphertext import is_encrypted
from modelops.secrets.sops.program import Sops
from modelops.secrets.sops.reader import open_document

KEY = "sk-canary-0123456789"
ALICE = identities.generate()
BOB = identities.generate()
ENVIRON = {"SOPS_AGE_KEY": ALICE.reveal(), "PATH": "/usr/bin:/bin"}

PROVIDER = f"""\
# who owns this: platform
provider: openai
base_url: https://api.openai.com/v1   # the global one
description: main
api_key: {KEY}
max_concurrent_requests: 64
enabled: true
labels: {{}}
models:
  # the big one
  - model: gpt-4o
    price: {{input: 2.5, output: 10, cache_read: 1.25}}
  - model: gpt-4o-mini
    default: true
    context_window: null
    note: ''
"""
TWO_KEYS = f"""\
agent: research
credentials:
  - provider: openrouter
    api_key: {KEY}
  - provider: openai
    api_key: {KEY}-second
"""
ONLY_KEYS = "encrypted_regex: ^(api_key|token)$"
MODES = {
    "regex": ONLY_KEYS,
    "mac only": f"{ONLY_KEYS}\n    mac_only_encrypted: true",
    "suffix": "encrypted_suffix: _key",
    "unencrypted regex": "unencrypted_regex: ^(provider|base_url|models|labels)$",
    "unencrypted suffix": "unencrypted_suffix: _plain",
    "everything": "",
}


@pytest.fixture(scope="module")
def sops() -> Sops:
    return program.find(ENVIRON)


@pytest.fixture
def encrypt(tmp_path: Path, sops: Sops) -> Callable[..., str]:
    def run(text: str, mode: str = ONLY_KEYS, recipients: str = ALICE.recipient) -> str:
        rules = tmp_path / ".sops.yaml"
        rules.write_text(f"creation_rules:\n  - age: {recipients}\n    {mode}\n")
        return verbs.encrypt(sops, text, tmp_path / "providers.d" / "openai.yaml", rules)

    return run


def read(text: str, *keys: identities.Identity) -> dict[str, Secret]:
    document = yaml.load_text(text, "providers.d/openai.yaml")
    assert not document.diagnostics
    assert isinstance(document.data, dict)
    assert document.sops is not None
    return open_document(document.data, document.sops, keys or (ALICE,))


def revealed(secrets: dict[str, Secret]) -> list[str]:
    return [secret.reveal() for secret in secrets.values()]


def as_program_reads(sops: Sops, text: str) -> list[str]:
    """Return the plaintext of what is encrypted in a text, in order, as the program gives it."""

    def walk(before: object, after: object) -> list[str]:
        if isinstance(before, dict) and isinstance(after, dict):
            return [leaf for key in before for leaf in walk(before[key], after[key])]
        if isinstance(before, list) and isinstance(after, list):
            items = [item for item in before if not str(item).endswith("type:comment]")]
            return [leaf for pair in zip(items, after, strict=True) for leaf in walk(*pair)]
        return [str(after)] if is_encrypted(before) else []

    return walk(yaml.load_text(text, "f").data, verbs.decrypt(sops, text))


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("text", [PROVIDER, TWO_KEYS], ids=["provider", "agent"])
def test_same_as_the_program(sops: Sops, encrypt: Callable[..., str], text: str, mode: str) -> None:
    encrypted = encrypt(text, mode)
    assert KEY not in encrypted
    assert KEY in revealed(read(encrypted))
    assert revealed(read(encrypted)) == as_program_reads(sops, encrypted)


scalars = (
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
    | st.integers(-(2**63), 2**63 - 1)
    | st.decimals(-(10**6), 10**6, places=3).filter(lambda value: value != 0).map(float)
    | st.booleans()
    | st.none()
)
keys = st.from_regex(r"[a-z][a-z0-9:._-]{0,8}", fullmatch=True).filter(lambda key: key != "sops")
trees = st.dictionaries(
    keys | st.just("api_key"),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=5,
)


@given(tree=trees, mode=st.sampled_from(list(MODES.values())))
@settings(max_examples=30)
def test_same_as_the_program_for_any_document(
    sops: Sops, encrypt: Callable[..., str], tree: dict[str, object], mode: str
) -> None:
    text = json.dumps(tree, ensure_ascii=False)  # JSON is YAML
    encrypted = encrypt(text, mode)
    if yaml.load_text(encrypted, "f").diagnostics:
        return  # the strict loader refuses what sops has written, such as an exponent
    try:
        ours = revealed(read(encrypted))
    except UnusualError:
        return
    assert ours == as_program_reads(sops, encrypted)


def swap(text: str, first: str, second: str) -> str:
    return text.replace(first, "\0").replace(second, first).replace("\0", second)


def ciphertexts(text: str) -> list[str]:
    return re.findall(r"api_key: (ENC\[[^\]]+\])", text)


REFUSED: dict[str, Callable[[str], str]] = {
    "edited host": lambda t: t.replace("api.openai.com", "evil.example"),
    "deleted secret": lambda t: re.sub(r" +-? *api_key: ENC.*\n", "", t, count=1),
    "blanked secret": lambda t: t.replace(ciphertexts(t)[0], '""'),
    "plain secret": lambda t: t.replace(ciphertexts(t)[0], "sk-PLAINTEXT-LEAK"),
    "null secret": lambda t: t.replace(ciphertexts(t)[0], "null"),
    "swapped items": lambda t: swap(t, *ciphertexts(t)),
    "ciphertext elsewhere": lambda t: t.replace("    api_key: ", "    token: ", 1),
    "mac_only_encrypted turned on": lambda t: t + "    mac_only_encrypted: true\n",
    "other rule": lambda t: t.replace("^(api_key|token)$", "^(token)$"),
    "no mac": lambda t: re.sub(r"    mac: .*\n", "", t),
    "empty mac": lambda t: re.sub(r"    mac: .*\n", '    mac: ""\n', t),
    "other date": lambda t: re.sub(r'lastmodified: "....', 'lastmodified: "1999', t),
    "other type": lambda t: t.replace("type:str]", "type:int]", 1),
    "cut block": lambda t: t[: t.index("    lastmodified")],
    "flipped bit": lambda t: t.replace("data:", "data:AAAA", 1),
    "two rules": lambda t: t + "    encrypted_suffix: _key\n",
}
ACCEPTED: dict[str, Callable[[str], str]] = {
    # plain keys, their nesting and the borders between values are outside the MAC: this is why a
    # seal is bound to an origin and a plan compares origins
    "moved border": lambda t: t.replace(
        "https://api.openai.com/v1", "https://api.openai.co"
    ).replace("description: main", "description: m/v1main"),
    "renamed plain key": lambda t: t.replace("description:", "homepage:"),
    "nested plain key": lambda t: t.replace("description:", "about:\n    description:"),
    "added null": lambda t: "x: null\n" + t,
    "added nothing": lambda t: 'x: ""\nlist: []\nmap: {}\n' + t,
    "boolean as text": lambda t: t.replace("shared: true", 'shared: "True"'),
}
DOCUMENT = TWO_KEYS.replace(
    "agent: research\n",
    "base_url: https://api.openai.com/v1\ndescription: main\nshared: true\n",
)


@pytest.mark.parametrize("tamper", REFUSED.values(), ids=REFUSED)
def test_tampering_is_refused_by_both(
    sops: Sops, encrypt: Callable[..., str], tamper: Callable[[str], str]
) -> None:
    changed = tamper(encrypt(DOCUMENT))
    with pytest.raises((SecretError, UnusualError)) as caught:
        read(changed)
    assert KEY not in str(caught.value)
    assert "PLAINTEXT" not in str(caught.value)
    with pytest.raises(SecretError) as failed:
        verbs.decrypt(sops, changed)
    assert "PLAINTEXT" not in str(failed.value)
    assert not re.search(r"[0-9A-Fa-f]{64}", str(failed.value))


def test_a_duplicate_key_is_refused_by_both(sops: Sops, encrypt: Callable[..., str]) -> None:
    encrypted = encrypt(DOCUMENT)
    changed = encrypted.replace("description: main", "description: main\ndescription: main")
    assert [found.rule for found in yaml.load_text(changed, "f").diagnostics] == [
        "yaml-duplicate-key"
    ]
    with pytest.raises(SecretError):
        verbs.decrypt(sops, changed)


@pytest.mark.parametrize("tamper", ["plain secret", "flipped bit", "ciphertext elsewhere"])
def test_a_value_that_does_not_fit_is_named_by_its_keys(
    encrypt: Callable[..., str], tamper: str
) -> None:
    with pytest.raises(TamperedError, match=r"^credentials\.(api_key|token): "):
        read(REFUSED[tamper](encrypt(DOCUMENT)))


@pytest.mark.parametrize("tamper", ACCEPTED.values(), ids=ACCEPTED)
def test_what_the_mac_does_not_cover(
    sops: Sops, encrypt: Callable[..., str], tamper: Callable[[str], str]
) -> None:
    encrypted = encrypt(DOCUMENT)
    changed = tamper(encrypted)
    assert changed != encrypted
    assert revealed(read(changed)) == [KEY, f"{KEY}-second"] == as_program_reads(sops, changed)


def test_mac_only_encrypted_leaves_plain_values_to_everyone(encrypt: Callable[..., str]) -> None:
    encrypted = encrypt(DOCUMENT, MODES["mac only"])
    assert KEY in revealed(read(encrypted.replace("api.openai.com", "evil.example")))
    for name in ("deleted secret", "swapped items", "blanked secret", "other date", "no mac"):
        with pytest.raises(SecretError):
            read(REFUSED[name](encrypted))
    with pytest.raises(TamperedError):
        read(encrypted.replace("mac_only_encrypted: true", "mac_only_encrypted: false"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("encrypted_regex: ^(api_key|token)$", "encrypted_regex: (api_key+)+$"),
        ("encrypted_regex: ^(api_key|token)$", "encrypted_regex: ^\\x61pi_key$"),
        ("encrypted_regex: ^(api_key|token)$", "encrypted_comment_regex: secret"),
        ("    version:", "    new_field: 1\n    version:"),
        ('Z"', '+02:00"'),
        ("type:str]", "type:bytes]"),
    ],
)
def test_unusual_is_left_to_the_program(
    encrypt: Callable[..., str], before: str, after: str
) -> None:
    encrypted = encrypt(DOCUMENT)
    assert before in encrypted
    with pytest.raises(UnusualError):
        read(encrypted.replace(before, after))


def open_text(text: str, environ: dict[str, str]) -> list[str]:
    document = yaml.load_text(text, "providers.d/openai.yaml")
    return revealed(open_file(document, identities.at_hand(environ), environ))


def test_unusual_file_is_read_by_the_program(encrypt: Callable[..., str]) -> None:
    encrypted = encrypt(PROVIDER, "encrypted_regex: ^api_key{1}$")
    with pytest.raises(UnusualError):
        read(encrypted)
    assert open_text(encrypted, ENVIRON) == [KEY]
    with pytest.raises(SecretError, match="takes the sops program"):
        open_text(encrypted, {**ENVIRON, "MODELOPS_SOPS": "/nowhere/sops"})


def test_shares_of_several_key_groups(tmp_path: Path, sops: Sops) -> None:
    rules = tmp_path / ".sops.yaml"
    rules.write_text(
        f"creation_rules:\n  - encrypted_regex: ^api_key$\n    shamir_threshold: 2\n"
        f"    key_groups:\n      - age: [{ALICE.recipient}]\n      - age: [{BOB.recipient}]\n"
    )
    encrypted = verbs.encrypt(sops, PROVIDER, tmp_path / "openai.yaml", rules)
    both = {**ENVIRON, "SOPS_AGE_KEY": f"{ALICE.reveal()}\n{BOB.reveal()}"}
    assert open_text(encrypted, both) == [KEY]
    with pytest.raises(NoKeyError):
        open_text(encrypted, ENVIRON)


def test_no_key_at_hand_names_recipients_and_keys(encrypt: Callable[..., str]) -> None:
    encrypted = encrypt(PROVIDER)
    with pytest.raises(NoKeyError, match=r"providers\.d/openai\.yaml") as caught:
        open_text(encrypted, {"SOPS_AGE_KEY": BOB.reveal()})
    assert ALICE.recipient in caught.value.hint
    assert BOB.recipient in caught.value.hint
    assert "AGE-SECRET" not in caught.value.hint


def test_second_recipient_opens_too(encrypt: Callable[..., str]) -> None:
    encrypted = encrypt(PROVIDER, recipients=f"{ALICE.recipient},{BOB.recipient}")
    assert revealed(read(encrypted, BOB)) == [KEY]
    assert revealed(read(encrypted, identities.generate(), BOB)) == [KEY]


def with_stanza(text: str, stanza: str) -> str:
    return text.replace("sops:\n", f"sops:\n{stanza}", 1)


VAULT = """\
    hc_vault:
        - vault_address: {address}
          engine_path: transit
          key_name: k
          created_at: "2026-11-21T00:00:00Z"
          enc: vault:v1:xxxx
"""


@pytest.mark.parametrize("field", ["hc_vault", "HC_Vault"])
def test_foreign_vault_is_never_called(encrypt: Callable[..., str], field: str) -> None:
    """The program would send the token in VAULT_TOKEN to the address in the file."""
    reached: list[str] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            reached.append("called")

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        planted = with_stanza(encrypt(PROVIDER), VAULT.format(address=address))
        planted = planted.replace("hc_vault", field)
        environ = {
            **ENVIRON,
            "SOPS_AGE_KEY": BOB.reveal(),
            "VAULT_TOKEN": "hvs.CI-TOKEN",
            "VAULT_ADDR": "https://vault.example.com",
        }
        with pytest.raises(SecretError):
            open_text(planted, environ)
        with pytest.raises(SecretError):
            open_text(planted, {**environ, "MODELOPS_SOPS_ALLOW": "age hc_vault"})
        server.shutdown()
        thread.join()
    assert reached == []
