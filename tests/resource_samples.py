"""Resolved resources as most tests want them: whatever matters to a test, it says itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from modelops.resources.resolved import (
    Agent,
    Chain,
    Model,
    Parameters,
    Price,
    Provider,
    Settings,
    Target,
)

RATES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")


def settings(**fields: Any) -> Settings:
    """Return the settings of `acme`, without a default chain."""
    values: dict[str, Any] = {
        "config": "acme",
        "default_chain": "",
        "timezone": "UTC",
        "server_recipients": (),
        "operators": (),
    }
    return Settings(**(values | fields))


def provider(name: str = "openai", **fields: Any) -> Provider:
    """Return a provider that speaks the OpenAI protocol and has a sealed key."""
    values: dict[str, Any] = {
        "provider": name,
        "preset": name,
        "display_name": name,
        "protocol": "openai",
        "base_url": f"https://api.{name}.example/v1",
        "auth": "bearer",
        "api_key": "sealed",
        "enabled": True,
        "insecure": False,
        "max_concurrent_requests": 0,
        "labels": {},
        "aggregator": False,
        "token_limit_field": "max_tokens",
        "key_test": "models",
        "key_url": "",
        "docs_url": "",
        "protected": False,
    }
    return Provider(**(values | fields))


def rates(amount: Decimal | int | str) -> dict[str, Decimal]:
    """Return one price for every kind of token, in USD per million."""
    return dict.fromkeys(RATES, Decimal(amount))


def price(amount: Decimal | int | str = "3", **fields: Any) -> Price:
    """Return a price of `amount` for every kind of token that is not named."""
    values: dict[str, Any] = {**rates(amount), "tiers": ()}
    return Price(**(values | fields))


def model(name: str = "openai/gpt-4o", **fields: Any) -> Model:
    """Return a chat model, named provider/model, of which nothing is known."""
    owner, _, own = name.partition("/")
    values: dict[str, Any] = {
        "provider": owner,
        "model": own,
        "upstream_model": own,
        "type": "chat",
        "context_window": None,
        "max_output_tokens": None,
        "capabilities": None,
        "price": None,
        "default": False,
        "protected": False,
    }
    return Model(**(values | fields))


def target(name: str = "openai/gpt-4o", **fields: Any) -> Target:
    """Return a target with 2 retries and 30 s each."""
    values: dict[str, Any] = {
        "model": name,
        "max_retries": 2,
        "timeout_ms": 30_000,
        "answer_timeout_ms": 300_000,
    }
    return Target(**(values | fields))


def chain(name: str = "production", *targets: str | Target, **fields: Any) -> Chain:
    """Return a chain, of `openai/gpt-4o` unless its targets are named, that has 300 s."""
    given = targets or ("openai/gpt-4o",)
    values: dict[str, Any] = {
        "chain": name,
        "display_name": name,
        "aliases": (),
        "requires": (),
        "targets": tuple(target(item) if isinstance(item, str) else item for item in given),
        "deadline_ms": 300_000,
        "max_duration_ms": 1_800_000,
        "max_attempts": len(given) + 3,
        "protected": False,
    }
    return Chain(**(values | fields))


def agent(name: str = "dev-agent", **fields: Any) -> Agent:
    """Return an agent without a key that may call everything."""
    values: dict[str, Any] = {
        "agent": name,
        "display_name": name,
        "chain": "",
        "allow": ("chain/*", "model/*"),
        "parameters": Parameters(max_tokens=None, temperature=None, top_p=None),
        "keys": (),
        "credentials": (),
        "prefer": "",
        "labels": {},
        "protected": False,
    }
    return Agent(**(values | fields))
