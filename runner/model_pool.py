"""The models that the experts of one run share: each is opened once, and serves one expert at a time.

A local model costs seconds to load and a script goes on where it was, so these are lent again. Of the embedded model
one is in memory at any time. Hosted models are opened for each expert: there is nothing to load, and they answer
several at the same time.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

import anyio

from runner.models.bounds import UNBOUNDED, Bounds
from runner.models.model import Model
from runner.models.open import open_model
from schemas.expert import Expert
from servers.settings import Settings

__all__ = ["ModelPool"]

_SHARED = ("embedded", "ollama", "scripted")


class _Key(NamedTuple):
    name: str
    num_ctx: int
    temperature: float
    think: bool


class ModelPool:
    """Opens models and lends them, as an async context manager; all that were opened are closed when it is left."""

    def __init__(self, settings: Settings, bounds: Bounds = UNBOUNDED) -> None:
        self._settings = settings
        self._bounds = bounds
        self._kept: dict[_Key, Model] = {}
        self._turns: dict[str, anyio.Lock] = {}

    async def __aenter__(self) -> Self:
        """Return the pool; nothing is opened yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what was opened."""
        kept, self._kept = list(self._kept.values()), {}
        with anyio.CancelScope(shield=True):
            for model in kept:
                await model.close()

    @asynccontextmanager
    async def lend(self, wanted: str, expert: Expert) -> AsyncGenerator[Model]:
        """Lend the model `wanted` for `expert`, as `open_model` finds it; wait while another expert has it.

        Raises:
            ConfigError, ModelError: as `open_model`.
        """
        model = (await open_model(wanted, expert, self._settings, self._bounds)).model
        provider = model.name.partition(":")[0]
        if provider not in _SHARED:
            try:
                yield model
            finally:
                with anyio.CancelScope(shield=True):
                    await model.close()
            return
        told = provider != "scripted"
        settings = (expert.num_ctx, expert.temperature, expert.think) if told else (0, 0.0, False)
        key = _Key(model.name, *settings)
        async with self._turns.setdefault("embedded" if provider == "embedded" else model.name, anyio.Lock()):
            if key in self._kept:
                await model.close()
            elif provider == "embedded":
                await self._close_all(provider)
            yield self._kept.setdefault(key, model)

    async def _close_all(self, provider: str) -> None:
        for key in [key for key in self._kept if key.name.startswith(f"{provider}:")]:
            await self._kept.pop(key).close()
