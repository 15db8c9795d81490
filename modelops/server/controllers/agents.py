"""`/api/agents`: who may call, and what. Keys are named, never shown, not even their hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from litestar import get

from modelops.resources.resolved import Agent
from modelops.server.pages import LIMIT_DEFAULT, Cursor, Limit, Page, page
from modelops.server.parts import Parts


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key by name; `expires` is its last day, '' when it has none."""

    name: str
    expires: str


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """An agent. `chain` and `prefer` are '' when there is none.

    `credentials` names the providers it has keys of its own for.
    """

    agent: str
    display_name: str
    chain: str
    allow: Sequence[str]
    prefer: str
    keys: Sequence[KeyView]
    credentials: Sequence[str]
    labels: Mapping[str, str]


@get("/agents", sync_to_thread=False)
def list_agents(
    runtime: Parts, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[AgentView]:
    """Return all agents by name."""
    views = [_view(agent) for agent in runtime.required().agents.values()]
    return page(views, lambda view: view.agent, limit, cursor)


def _view(agent: Agent) -> AgentView:
    return AgentView(
        agent=agent.agent,
        display_name=agent.display_name,
        chain=agent.chain,
        allow=agent.allow,
        prefer=agent.prefer,
        keys=[KeyView(name=key.name, expires=key.expires) for key in agent.keys],
        credentials=[credential.provider for credential in agent.credentials],
        labels=agent.labels,
    )
