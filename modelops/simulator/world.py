"""What the simulator remembers between requests, and what makes its answers reproducible.

One world per simulator, handed to every protocol: clock, ids, prompt caches, the models each
provider offers, and the conversations that OpenAI's responses and Anthropic's threads keep.
"""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from modelops.simulator.prompt_cache import PromptCache
from modelops.simulator.question import Segment
from modelops.simulator.wire import RequestError

MAX_CONVERSATIONS = 1_000
"""Stored responses, and threads, that can be continued; the oldest are forgotten first."""

MAX_MODELS_SEEN = 1_000
"""Names of models that are listed because they were asked for."""


class World:
    """The simulator's memory. `clock` returns Unix time in seconds."""

    def __init__(self, seed: int = 0, clock: Callable[[], float] = time.time) -> None:
        self.seed = seed
        self.clock = clock
        self.cache = PromptCache()
        self.conversations: OrderedDict[str, tuple[Segment, ...]] = OrderedDict()
        self.threads: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self._offered: dict[str, tuple[str, ...]] = {}
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._chance = random.Random(seed)  # noqa: S311 - reproducible ids are the point

    def new_id(self, prefix: str) -> str:
        """Return a new id: a prefix and 24 hex digits that follow from the seed."""
        return f"{prefix}{self._chance.getrandbits(96):024x}"

    def now(self) -> int:
        """Return Unix time in whole seconds."""
        return int(self.clock())

    def offer(self, provider: str, models: Sequence[str]) -> None:
        """Declare what a provider offers: any other model is then unknown to it."""
        self._offered[provider] = tuple(models)

    def need_provider(self, provider: str) -> None:
        """Raise RequestError unless the provider is declared; '' will do, and any while none is."""
        if provider and self._offered and provider not in self._offered:
            names = ", ".join(sorted(self._offered))
            raise RequestError(f"there is no provider {provider!r}, only {names}")

    def models(self, provider: str) -> tuple[str, ...]:
        """Return what a provider offers: what was declared, else what has been asked of it."""
        if provider in self._offered:
            return self._offered[provider]
        return tuple(model for name, model in self._seen if name == provider)

    def need_model(self, provider: str, model: str) -> None:
        """Raise RequestError unless the provider offers the model."""
        offered = self._offered.get(provider)
        if offered is None:
            self._seen[provider, model] = None
            if len(self._seen) > MAX_MODELS_SEEN:
                self._seen.popitem(last=False)
        elif model not in offered and not model.startswith(("sim-", "static")):
            raise RequestError(
                f"The model `{model}` does not exist or you do not have access to it.",
                status=404,
                code="model_not_found",
            )

    def keep_conversation(self, response_id: str, prompt: tuple[Segment, ...]) -> None:
        """Remember a conversation under the id of its last response."""
        self.conversations[response_id] = prompt
        if len(self.conversations) > MAX_CONVERSATIONS:
            self.conversations.popitem(last=False)

    def keep_thread(self, provider: str, message_id: str, fields: dict[str, Any]) -> None:
        """Remember a thread, the fields of a request, under the id of its last answer."""
        self.threads[provider, message_id] = fields
        if len(self.threads) > MAX_CONVERSATIONS:
            self.threads.popitem(last=False)
