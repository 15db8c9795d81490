"""The store: whether it is there, readable, and this configuration's."""

from __future__ import annotations

from datetime import datetime

from modelops.config.declaration import Declaration
from modelops.operations.doctor.finding import Finding
from modelops.resources.errors import ModelopsError
from modelops.store import open_for_commands


async def store(url: str, declaration: Declaration | None, now: datetime) -> list[Finding]:
    """Return how the store stands; a store that is not there yet is no fault."""
    shown = _without_password(url)
    try:
        opened = open_for_commands(url)
        try:
            head = await opened.head()
            newest = await opened.revisions(1)
        finally:
            await opened.close()
    except ModelopsError as error:
        return [Finding("fail", "store", shown, error.message, error.hint)]
    if not head.revision:
        return [Finding("note", "store", shown, "empty: nothing has been applied")]
    settings = declaration.settings if declaration else None
    declared = settings.value.config if settings else head.config
    environment = declaration.environment if declaration else head.environment
    if (head.config, head.environment) != (declared, environment):
        message = f"it belongs to {_name(head.config, head.environment)}"
        hint = f"this is {_name(declared, environment)}: name its store with --store, or --env"
        return [Finding("fail", "store", shown, message, hint)]
    applied_us = newest[0].info.created_at_us
    if applied_us > now.timestamp() * 1_000_000:
        message = f"revision {head.revision} was applied in the future"
        return [Finding("warning", "clock", shown, message, "one machine's clock is wrong")]
    return [Finding("ok", "store", shown, f"revision {head.revision} of {head.config}")]


def _name(config: str, environment: str) -> str:
    return f"{config} in environment {environment}" if environment else config


def _without_password(url: str) -> str:
    """Return a store's URL as it may be shown: options may hold a password too."""
    scheme, separator, rest = url.partition("://")
    if scheme != "sqlite":
        rest = rest.partition("?")[0]
    credentials, at, place = rest.rpartition("@")
    return f"{scheme}{separator}{credentials.partition(':')[0]}{at}{place}"
