"""What is filled in, from where, and what every value becomes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from config_support import VALID, model, resolved, with_provider

from modelops.resources import resolved as forms
from modelops.resources import state
from modelops.resources.configuration import Configuration, SecretSource


def provider(configuration: Configuration, name: str) -> forms.Provider:
    return state.providers(configuration.state)[name]


def test_a_preset_fills_in_what_is_not_written(tmp_path: Path) -> None:
    content = "provider: openai\napi_key: {env: MODELOPS_SECRET_X}\n"
    openai = provider(with_provider(tmp_path, content), "openai")
    assert (openai.preset, openai.protocol, openai.auth) == ("openai", "openai", "bearer")
    assert openai.base_url == "https://api.openai.com/v1"
    assert openai.sources["base_url"] == "preset"
    assert openai.sources["preset"] == "default"
    assert openai.sources["enabled"] == "default"
    assert "api_key" not in openai.sources


def test_what_is_written_wins_and_has_no_source(tmp_path: Path) -> None:
    content = (
        "provider: openai\nbase_url: https://EU.Example.com:443/v1/\nauth: {header: X-Key}\n"
        "enabled: true\ndisplay_name: Ours\nprotocol: openai\napi_key: {file: key}\n"
    )
    openai = provider(with_provider(tmp_path, content), "openai")
    assert openai.base_url == "https://eu.example.com:443/v1"
    assert (openai.auth, openai.display_name, openai.api_key) == ("x-key", "Ours", "file:key")
    assert not {"base_url", "auth", "enabled", "display_name", "protocol"} & set(openai.sources)


@pytest.mark.parametrize(
    ("lines", "auth"),
    [
        ("api_key: {env: MODELOPS_SECRET_X}\n", "bearer"),
        ("", "none"),
        ("auth: x-api-key\napi_key: {env: MODELOPS_SECRET_X}\n", "x-api-key"),
    ],
)
def test_auth_without_a_preset_follows_from_the_key(lines: str, auth: str, tmp_path: Path) -> None:
    content = f"provider: own\nprotocol: openai\nbase_url: https://own.example\n{lines}"
    assert provider(with_provider(tmp_path, content), "own").auth == auth


def test_a_key_for_a_local_preset_goes_as_a_bearer_token(tmp_path: Path) -> None:
    content = "provider: ollama\napi_key: {env: MODELOPS_SECRET_X}\n"
    assert provider(with_provider(tmp_path, content), "ollama").auth == "bearer"


def test_prices_by_service_tier_and_hour_resolve_whole(tmp_path: Path) -> None:
    text = VALID["providers.d/alpha.yaml"]
    more = (
        "output: 2, reasoning_output: 4.0, service_tiers: [{tier: flex, input: 0.50, output: 1,"
        " reasoning_output: 2,"
        " tiers: [{above_input_tokens: 9, input: 5, output: 6, reasoning_output: 7}]}],"
        ' hours: [{from: "22:00", to: "02:00", days: [fri, mon, fri], input: 3, output: 4,'
        " reasoning_output: 5, cache_read: 0}]}"
    )
    files = {"providers.d/alpha.yaml": text.replace("output: 2}", more)}
    large = resolved(tmp_path, files).state["model/alpha/large"]
    assert isinstance(large, forms.Model)
    assert large.price is not None
    (flex,), (night,) = large.price.service_tiers, large.price.hours
    assert (flex.tier, flex.input, flex.cache_write_1h) == ("flex", Decimal("0.5"), Decimal("0.5"))
    assert [(each.input, each.cache_read) for each in flex.tiers] == [(Decimal(5), Decimal(5))]
    assert large.sources["price.service_tiers[flex].tiers[9].cache_read"] == "default"
    assert b'"tiers":[]' not in state.encode(large).partition(b"hours")[2]
    assert str(large.price.reasoning_output) == "4"
    assert night.reasoning_output == Decimal(5)
    assert night.days == ("mon", "fri")
    assert (night.from_, night.to) == ("22:00", "02:00")
    assert (night.cache_read, night.cache_write) == (Decimal(0), Decimal(3))
    assert large.sources["price.hours[22:00].cache_write"] == "default"
    assert "price.hours[22:00].cache_read" not in large.sources
    assert state.decode(state.encode(large)) == large


def test_a_price_without_them_is_stored_as_it_was_before_there_were_any(tmp_path: Path) -> None:
    content = state.encode(resolved(tmp_path, {}).state["model/alpha/large"])
    assert b"service_tiers" not in content
    assert b"hours" not in content


def test_models_of_a_free_preset_cost_nothing(tmp_path: Path) -> None:
    content = "provider: ollama\nmodels: [{model: own-model}]\n"
    price = model(with_provider(tmp_path, content), "ollama/own-model").price
    assert price is not None
    assert price.input == price.output == price.cache_write_1h == 0


@pytest.mark.parametrize(
    ("targets", "timeout"),
    [("{model: alpha/large}", 60_000), ("{model: alpha/large}, {model: alpha/small}", 30_000)],
)
def test_the_usual_timeout_depends_on_the_number_of_targets(
    targets: str, timeout: int, tmp_path: Path
) -> None:
    files = {"chains.d/main.yaml": f"chain: main\ntargets: [{targets}]\n"}
    chain = state.chains(resolved(tmp_path, files).state)["main"]
    assert [target.timeout_ms for target in chain.targets] == [timeout] * len(chain.targets)
    assert all(target.answer_timeout_ms == 300_000 for target in chain.targets)
    assert chain.max_attempts == len(chain.targets) + 3
    assert (chain.deadline_ms, chain.max_duration_ms) == (300_000, 1_800_000)
    assert chain.sources["targets[alpha/large].timeout_ms"] == "default"


def test_an_agent_follows_the_default_chain(tmp_path: Path) -> None:
    dev = state.agents(resolved(tmp_path, {}).state)["dev"]
    assert (dev.chain, dev.allow) == ("main", ("chain/main",))
    assert dev.sources["chain"] == dev.sources["allow"] == "default"


def test_an_agent_may_have_no_chain(tmp_path: Path) -> None:
    files = {"modelops.yaml": "config: small\n"}
    dev = state.agents(resolved(tmp_path, files).state)["dev"]
    assert (dev.chain, dev.allow) == ("", ())


def test_secrets_say_where_they_come_from_and_may_go(tmp_path: Path) -> None:
    cipher = "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]"
    files = {
        "providers.d/alpha.yaml": VALID["providers.d/alpha.yaml"].replace(
            "{env: MODELOPS_SECRET_ALPHA}", cipher
        )
        + "sops: {age: [{recipient: age1x, enc: wrapped}], mac: x, lastmodified: z}\n",
        "agents.d/dev.yaml": (
            "agent: dev\ncredentials: [{provider: alpha, api_key: {env: MODELOPS_SECRET_DEV}}]\n"
        ),
    }
    configuration = resolved(tmp_path, files)
    sealed, lent = configuration.secrets
    assert sealed.data_key_sha256 != ""
    assert sealed == SecretSource(
        address="provider/alpha",
        field="api_key",
        kind="sops",
        value=cipher,
        origin="https://alpha.example:443",
        file="providers.d/alpha.yaml",
        data_key_sha256=sealed.data_key_sha256,
    )
    assert lent == SecretSource(
        address="agent/dev",
        field="credentials[alpha].api_key",
        kind="env",
        value="MODELOPS_SECRET_DEV",
        origin="https://alpha.example:443",
        file="agents.d/dev.yaml",
    )
    assert cipher not in str(state.encode(configuration.state["provider/alpha"]))


@pytest.mark.parametrize("spelling", ["3", "3.0", "3.00", "+3", "30.0e-01"])
def test_equal_prices_resolve_to_equal_content(spelling: str, tmp_path: Path) -> None:
    text = VALID["providers.d/alpha.yaml"]
    files = {"providers.d/alpha.yaml": text.replace("input: 1,", f"input: {spelling},")}
    content = state.encode(resolved(tmp_path, files).state["model/alpha/large"])
    assert b'"input":"3"' in content


@pytest.mark.parametrize(
    ("case", "warnings"),
    [("minimal", []), ("two-targets", ["name-owned-twice"]), ("full", ["price-differs"] * 2)],
)
def test_the_fixtures_resolve(case: str, warnings: list[str]) -> None:
    from modelops.config import load_configuration

    folder = Path(__file__).parents[2] / "fixtures" / "config" / case
    configuration = load_configuration(folder)
    assert [found.rule for found in configuration.warnings] == warnings
    for address, resource in configuration.state.items():
        assert state.decode(state.encode(resource)) == resource
        assert configuration.position(address) is not None
