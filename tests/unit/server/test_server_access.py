"""Who is let in: with keys, and without them from this machine alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server_support import agent, key, operator, settings, state

from modelops.resources.loopback import is_loopback
from modelops.server.access import (
    AccessError,
    admin_caller,
    data_plane_caller,
    host_name,
    remote_reason,
    require_role,
)
from modelops.server.keys import Caller, ExpiredKeyError, compile_keyring, find, tokens

HERE = ("127.0.0.1", 50_000)
LOCAL = {b"host": b"127.0.0.1:8400"}
KEYED = compile_keyring(
    state(
        agent("dev-agent", key("mo_a1_old", expires="2026-06-30"), key("mo_a2_new", name="k2")),
        settings(operators=(operator("ada", "deployer", key("mo_o1_secret")),)),
    )
)
KEYLESS = compile_keyring(state())
NOW = datetime(2026, 7, 15, tzinfo=UTC).timestamp()


def test_both_headers_are_read() -> None:
    headers = {b"authorization": b"bearer one", b"x-api-key": b"two"}
    assert tokens(headers) == [b"one", b"two"]


@pytest.mark.parametrize("value", [b"Basic b25l", b"Bearer", b"Bearer ", b"one", b""])
def test_other_schemes_show_no_key(value: bytes) -> None:
    assert tokens({b"authorization": value}) == []


@pytest.mark.parametrize(
    ("zone", "last"),
    [("UTC", "2026-06-30T23:59:59+00:00"), ("Asia/Kolkata", "2026-06-30T18:29:59+00:00")],
)
def test_a_key_works_through_its_last_day_in_the_configurations_zone(zone: str, last: str) -> None:
    keyring = compile_keyring(
        state(settings(timezone=zone), agent("a", key("secret", expires="2026-06-30")))
    )
    end = datetime.fromisoformat(last).timestamp()
    assert find(keyring.agents, b"secret", end) == Caller(kind="agent", name="a")
    with pytest.raises(ExpiredKeyError, match="2026-06-30"):
        find(keyring.agents, b"secret", end + 1)


@given(st.binary(max_size=80))
def test_no_other_token_is_a_key(token: bytes) -> None:
    assert find(KEYED.operators, token, NOW) is None


@pytest.mark.parametrize("cut", range(12))
def test_no_part_of_a_key_is_a_key(cut: int) -> None:
    """CVE-2026-35030: a cache keyed by the first 20 characters of a token."""
    assert find(KEYED.operators, b"mo_o1_secret"[:cut], NOW) is None
    assert find(KEYED.operators, b"mo_o1_secret" + b"x" * cut, NOW) is None or cut == 0


def test_candidates_that_share_a_bucket_are_told_apart() -> None:
    many = tuple(key(f"mo_{n}_secret", name=f"k{n}") for n in range(300))
    keyring = compile_keyring(state(agent("many", *many), agent("one", key("other"))))
    assert all(find(keyring.agents, f"mo_{n}_secret".encode(), 0) for n in range(300))
    found = find(keyring.agents, b"other", 0)
    assert found is not None
    assert found.name == "one"


def call(headers: dict[bytes, bytes], **fields: Any) -> Caller:
    values: dict[str, Any] = {"keyring": KEYED, "client": HERE, "agents": {"dev-agent"}}
    values |= {"unix_s": NOW} | fields
    return data_plane_caller(headers=headers, **values)


def refusal(headers: dict[bytes, bytes], **fields: Any) -> AccessError:
    with pytest.raises(AccessError) as caught:
        call(headers, **fields)
    return caught.value


def test_an_agents_key_is_known_from_anywhere() -> None:
    remote = ("203.0.113.9", 50_000)
    assert call({b"x-api-key": b"mo_a2_new"}, client=remote).name == "dev-agent"


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        (LOCAL, "an agent's key is needed"),
        ({b"x-api-key": b"wrong"}, "not a valid agent key"),
        ({b"x-api-key": b"mo_o1_secret"}, "not a valid agent key"),
        ({b"x-api-key": b"mo_a1_old"}, "expired after 2026-06-30"),
        ({b"authorization": b"Bearer ' OR 1=1 --"}, "not a valid agent key"),
    ],
    ids=["none", "wrong", "an operator's", "expired", "sql (CVE-2026-42208)"],
)
def test_where_agents_have_keys_nothing_else_opens(headers: dict[bytes, bytes], part: str) -> None:
    error = refusal(headers)
    assert error.status == 401
    assert part in error.message
    assert "wrong" not in error.message
    assert "mo_" not in error.message


def test_without_keys_this_machine_may_name_its_agent() -> None:
    named = {**LOCAL, b"x-modelops-agent": b"dev-agent"}
    assert call(named, keyring=KEYLESS) == Caller(kind="local", name="dev-agent")
    assert call(LOCAL, keyring=KEYLESS) == Caller(kind="local", name="")
    unknown = {**LOCAL, b"x-modelops-agent": b"nobody"}
    assert refusal(unknown, keyring=KEYLESS).status == 403


def test_with_keys_the_agent_header_is_ignored() -> None:
    headers = {b"x-api-key": b"mo_a2_new", b"x-modelops-agent": b"other"}
    assert call(headers, agents={"dev-agent", "other"}).name == "dev-agent"


@pytest.mark.parametrize(
    "change",
    [
        {"client": ("192.168.1.20", 1)},
        {"client": None},
        {b"host": b"gateway.example"},
        {b"host": b"127.0.0.1.evil.example"},
        {b"host": b"localhost.evil.example:8400"},
        {b"host": b"evil.example@127.0.0.1"},
        {b"host": b"127.0.0.1/../evil.example"},
        {b"host": b"[::1].evil.example"},
        {b"host": b""},
        {b"origin": b"https://evil.example"},
        {b"origin": b"null"},
        {b"origin": b"http://localhost:3000"},
        {b"x-forwarded-for": b"203.0.113.9"},
        {b"forwarded": b"for=203.0.113.9"},
    ],
    ids=str,
)
def test_without_keys_nothing_from_elsewhere_is_answered(change: dict[Any, Any]) -> None:
    fields = {"client": change.pop("client")} if "client" in change else {}
    assert refusal(LOCAL | change, keyring=KEYLESS, **fields).status == 401


@pytest.mark.parametrize(
    "change",
    [
        {b"content-type": b"text/plain"},
        {b"content-type": b"application/x-www-form-urlencoded"},
        {b"content-type": b"multipart/form-data; boundary=x"},
        {b"content-type": b""},
        {b"content-length": b"2"},
        {b"transfer-encoding": b"chunked"},
    ],
    ids=str,
)
def test_without_keys_a_body_is_json_alone(change: dict[bytes, bytes]) -> None:
    error = refusal(LOCAL | change, keyring=KEYLESS)
    assert (error.status, "content-type: application/json" in error.message) == (415, True)
    assert refusal({**LOCAL, **change, b"via": b"x"}, keyring=KEYLESS).status == 401
    assert call({**LOCAL, **change, b"x-api-key": b"mo_a2_new"}).name == "dev-agent"
    with pytest.raises(AccessError) as caught:
        admin_caller(KEYLESS, LOCAL | change, HERE, NOW)
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        (("127.0.0.1", 1), {b"host": b"localhost:8400"}),
        (("127.8.8.8", 1), {b"host": b"127.0.0.1"}),
        (("::1", 1), {b"host": b"[::1]:8400"}),
        (("::ffff:127.0.0.1", 1), {b"host": b"localhost"}),
        (HERE, LOCAL | {b"origin": b"http://127.0.0.1:8400"}),
        (
            HERE,
            LOCAL | {b"content-type": b"application/json; charset=utf-8", b"content-length": b"2"},
        ),
    ],
    ids=str,
)
def test_this_machines_own_programs_are_answered(client: Any, headers: dict[bytes, bytes]) -> None:
    assert remote_reason(headers, client) == ""


@pytest.mark.parametrize("name", ["1.2.3.4", "10.0.0.1", "::", "localhost.", "", "127.1"])
def test_not_loopback(name: str) -> None:
    assert not is_loopback(name)


@given(st.text(max_size=60))
def test_a_host_header_never_raises(host: str) -> None:
    assert isinstance(is_loopback(host_name(host)), bool)


def test_operators_and_agents_are_known_to_the_admin_side() -> None:
    assert admin(b"mo_o1_secret") == Caller(kind="operator", name="ada", role="deployer")
    assert admin(b"mo_a2_new") == Caller(kind="agent", name="dev-agent")
    with pytest.raises(AccessError, match="not a valid operator key"):
        admin(b"wrong")
    with pytest.raises(AccessError, match="an operator's key is needed"):
        admin_caller(KEYED, LOCAL, HERE, NOW)


def admin(token: bytes) -> Caller:
    return admin_caller(KEYED, {b"authorization": b"Bearer " + token}, HERE, NOW)


def test_without_operator_keys_this_machine_may_all() -> None:
    keyring = compile_keyring(state(agent("a", key("secret"))))
    caller = admin_caller(keyring, LOCAL, HERE, NOW)
    require_role(caller, "deployer")
    with pytest.raises(AccessError, match="only this machine"):
        admin_caller(keyring, LOCAL, ("203.0.113.9", 1), NOW)


@pytest.mark.parametrize(
    ("held", "needed", "enough"),
    [
        ("viewer", "viewer", True),
        ("viewer", "operator", False),
        ("operator", "viewer", True),
        ("operator", "deployer", False),
        ("deployer", "operator", True),
        ("", "viewer", False),
    ],
)
def test_each_role_may_what_those_before_it_may(held: Any, needed: Any, enough: bool) -> None:
    caller = Caller(kind="operator", name="ada", role=held)
    if enough:
        require_role(caller, needed)
    else:
        with pytest.raises(AccessError, match=f"needs the role {needed}"):
            require_role(caller, needed)
