"""Chooses the model of a run, and says why it was chosen."""

from pathlib import Path
from typing import NamedTuple

from runner.errors import ConfigError, ModelError, ModelMissing
from runner.models.bounds import UNBOUNDED, Bounds
from runner.models.local import find_local, has_model
from runner.models.model import Model
from schemas.expert import Expert
from servers.settings import Settings

__all__ = ["OTHER_NAMES", "PROVIDERS", "Opened", "check_model", "open_model"]

PROVIDERS = ("embedded", "ollama", "openai", "claude", "gemini", "scripted")
"""Providers by the name before the colon of `--model provider:name`."""
OTHER_NAMES = {"anthropic": "claude", "google": "gemini"}
"""What a provider may be called as well."""


class Opened(NamedTuple):
    """A model, and why it was chosen."""

    model: Model
    why: str


async def open_model(wanted: str, expert: Expert, settings: Settings, bounds: Bounds = UNBOUNDED) -> Opened:
    """Open the model `wanted` (`provider:name`, or the bare name of an Ollama model).

    A provider alone means the expert's model of that provider. With an empty `wanted`: the expert's Ollama model
    where a daemon answers and has it, else the embedded one. A hosted provider is asked nothing yet.

    Raises:
        ConfigError: no such provider, no key for it, or the model may not be asked within `bounds`.
        ModelError: the model cannot be had; the text says how it could.
    """
    if not wanted:
        return await _choose(expert, settings, bounds)
    provider, name = _split(wanted, expert)
    bounds.check(provider, name)
    if provider == "scripted":
        return Opened(_scripted(name), "asked for")
    if provider == "embedded":
        return Opened(_embedded(name, expert, settings), "asked for")
    if provider == "ollama":
        return Opened(await _ollama(name, expert), "asked for")
    return Opened(_hosted(provider, name, expert, bounds), "asked for")


def check_model(wanted: str, expert: Expert, bounds: Bounds) -> None:
    """Refuse the model `wanted` before anything is started.

    Raises:
        ConfigError: no such provider, or the model may not be asked within `bounds`.
    """
    provider, name = _split(wanted, expert)
    bounds.check(provider, name)


class _Wanted(NamedTuple):
    provider: str
    name: str


def _split(wanted: str, expert: Expert) -> _Wanted:
    given, _, name = wanted.partition(":")
    provider = OTHER_NAMES.get(given, given)
    if provider not in PROVIDERS:
        if not _looks_like_a_name(wanted):
            raise ConfigError(
                f"{wanted!r} is not a model; write --model provider:name, e.g. ollama:nayru-v5:latest "
                f"(providers: {', '.join(PROVIDERS)})"
            )
        return _Wanted("ollama", wanted)
    name = name or expert.models.get(provider, "")
    if provider != "embedded" and not (bool(name) if provider == "scripted" else _looks_like_a_name(name)):
        raise ConfigError(
            f"--model {wanted} names no model; write {provider}:{'FILE' if provider == 'scripted' else 'NAME'}"
        )
    return _Wanted(provider, name)


def _looks_like_a_name(text: str) -> bool:
    return bool(text) and text.isprintable() and " " not in text and not text.startswith((":", "-"))


async def _choose(expert: Expert, settings: Settings, bounds: Bounds) -> Opened:
    found = await find_local(expert, settings, bounds)
    provider, _, name = found.name.partition(":")
    if provider == "ollama":
        return Opened(_of_ollama(name, expert), found.why)
    if provider == "openai":
        return Opened(_hosted(provider, name, expert, bounds), found.why)
    return Opened(_embedded("", expert, settings), found.why)


def _hosted(provider: str, name: str, expert: Expert, bounds: Bounds) -> Model:
    if provider == "openai":
        from runner.models.openai import OpenAIModel

        return OpenAIModel(name, temperature=expert.temperature, spending=bounds.spending)
    from runner.models.keys import need_key

    need_key(provider)
    if provider == "claude":
        from runner.models.claude import ClaudeModel

        return ClaudeModel(name, spending=bounds.spending)
    from runner.models.gemini import GeminiModel

    return GeminiModel(name, spending=bounds.spending)


def _scripted(name: str) -> Model:
    from runner.models.scripted import load_script

    return load_script(Path(name))


def _embedded(name: str, expert: Expert, settings: Settings) -> Model:
    from runner.models.embedded import NAME, EmbeddedModel
    from runner.models.weights import find_weights

    if name not in ("", NAME):
        raise ModelMissing(f"no embedded model named {name!r}; there is {NAME} (--model embedded:{NAME})")
    path = find_weights(settings)
    if path is None:
        raise ModelMissing(
            "the embedded model is not here yet; run `afs fetch model` (1.1 GB), "
            "or use a running Ollama with --model ollama:NAME"
        )
    return EmbeddedModel(path, num_ctx=expert.num_ctx, temperature=expert.temperature)


async def _ollama(name: str, expert: Expert) -> Model:
    from runner.models.ollama import ollama_status

    status = await ollama_status()
    if not status.answers:
        raise ModelError(
            f"{name!r} is taken for an Ollama model, and no Ollama daemon answers ({status.detail}); "
            f"set OLLAMA_HOST, or use another provider (--model {', '.join(PROVIDERS)})"
        )
    if not has_model(status.models, name):
        known = ", ".join(status.models[:8]) or "no model at all"
        raise ModelMissing(f"Ollama has no model {name!r}; run `ollama pull {name}` (it has {known})")
    return _of_ollama(name, expert)


def _of_ollama(name: str, expert: Expert) -> Model:
    from runner.models.ollama import OllamaModel

    return OllamaModel(name, num_ctx=expert.num_ctx, temperature=expert.temperature, think=expert.think)
