"""Finds the model of this machine that plays an expert: Ollama's, a server's of the user's own, or the embedded one."""

import os
from typing import NamedTuple
from urllib.parse import urlsplit

import anyio

from runner.errors import ConfigError
from runner.models.bounds import UNBOUNDED, Bounds, leaves_machine, leaves_network
from schemas.expert import Expert
from servers.settings import Settings

__all__ = ["Local", "find_local", "has_model"]

_LISTEN_SECONDS = 0.3
"""Longest wait for a connection to a daemon before its client is even imported."""


class Local(NamedTuple):
    """The model that plays an expert on this machine."""

    name: str
    """provider:name; empty: there is none."""
    why: str
    """Why this one, or why none before it."""


async def find_local(expert: Expert, settings: Settings, bounds: Bounds = UNBOUNDED) -> Local:
    """Return the expert's Ollama model where a daemon answers and has it, else the expert's model of an
    OpenAI-compatible server of the user's own, else the embedded one where its weights are; bounded, never raises.
    """
    name = expert.models.get("ollama", "")
    why = f"{expert.name} names no Ollama model"
    if name:
        found = await _ollama(name, expert, bounds)
        if found.name:
            return found
        why = found.why
    own = expert.models.get("openai", "")
    if own and os.environ.get("OPENAI_BASE_URL", "").strip() and _is_near("openai", own, bounds):
        return Local(f"openai:{own}", f"{expert.name}'s model on your own server")
    from runner.models.weights import find_weights

    if find_weights(settings) is None:
        return Local("", why)
    from runner.models.embedded import NAME

    return Local(f"embedded:{NAME}", why)


def _is_near(provider: str, name: str, bounds: Bounds) -> bool:
    try:
        away = leaves_machine if bounds.local_only else leaves_network
        return not away(provider, name)
    except ConfigError:
        return False


async def _ollama(name: str, expert: Expert, bounds: Bounds) -> Local:
    barred = (bounds.local_only or bounds.offline) and not _is_near("ollama", name, bounds)
    if barred:
        return Local("", "Ollama is not on this machine")
    if not await _listens():
        return Local("", "no Ollama daemon answers")
    from runner.models.ollama import ollama_status

    status = await ollama_status()
    if not status.answers:
        return Local("", "no Ollama daemon answers")
    if not has_model(status.models, name):
        return Local("", f"Ollama has no {name}")
    return Local(f"ollama:{name}", f"{expert.name}'s model, and Ollama has it")


def has_model(models: tuple[str, ...], name: str) -> bool:
    """Tell whether a daemon with these models has one of this name."""
    return name in models or f"{name}:latest" in models


async def _listens() -> bool:
    """Tell whether anything listens where the daemon should be."""
    from runner.models.ollama_chat import daemon_url

    try:
        parts = urlsplit(daemon_url())
        with anyio.move_on_after(_LISTEN_SECONDS):
            async with await anyio.connect_tcp(parts.hostname or "", parts.port or 80):
                return True
    except (ConfigError, OSError, ValueError):
        pass
    return False
