"""What a run may do with models: whether a prompt may leave this machine or its network, and what it may cost."""

import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from runner.errors import ConfigError, OverBudget
from runner.models.prices import LOCAL, price_of
from runner.models.provider_http import is_own
from runner.routing.choice import Budget, CloudModel, answer_tokens
from schemas.message import Message, ToolSpec

__all__ = [
    "UNBOUNDED",
    "Bounds",
    "Held",
    "Spending",
    "cloud_model",
    "is_elsewhere",
    "leaves_machine",
    "leaves_network",
    "request_bound",
    "text_bound",
]

LEAST_TOKENS = 64
"""An answer of fewer tokens is not worth its prompt."""
_PER_MESSAGE = 16
_PER_REQUEST = 800
"""Tokens that a provider may add of its own, most of them for tools."""
_PER_IMAGE = 6_000
_PIECE = re.compile(r"[A-Za-z]+|\s+|[^\sA-Za-z]")


def text_bound(text: str) -> int:
    """Return more tokens than a text has by the tokenizers of today: two letters each, all else one by one."""
    count = 0
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece.isascii():
            count += (len(piece) + 1) // 2 if piece[0].isalpha() else 1
        else:
            count += len(piece.encode("utf-8", "surrogatepass"))
    return count


def request_bound(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
    """Return more tokens than a request has: its messages, what is replayed of them, and the tools."""
    count = _PER_REQUEST
    for message in messages:
        rest = message.model_dump(mode="json", include={"calls", "thinking", "raw"}, exclude_defaults=True)
        count += _PER_MESSAGE + text_bound(message.text) + (text_bound(json.dumps(rest)) if rest else 0)
        count += _PER_IMAGE * len(message.images)
    return count + sum(_PER_MESSAGE + text_bound(tool.model_dump_json()) for tool in tools)


def cloud_model(provider: str, name: str, *, prompt_tokens: int = 0) -> CloudModel | None:
    """Return a model with the dearest that its tokens may cost, or None where the table has no price for it.

    Raises:
        ConfigError: the user's table of prices cannot be read.
    """
    row = price_of(provider, name, prompt_tokens=prompt_tokens)
    if row is None:
        return None
    return CloudModel(f"{provider}:{name}", max(row.prompt, row.written or 0.0, row.cached or 0.0), row.answer)


class Held(NamedTuple):
    """What is set aside for one request."""

    max_tokens: int
    """What its answer may have."""
    dollars: float
    """What it costs at most."""


@dataclass
class Spending:
    """The money of a run, shared by all models that take part in it. What is set aside counts as spent."""

    most: float
    """US dollars."""
    spent: float = 0.0

    def hold(self, provider: str, name: str, *, prompt_tokens: int, max_tokens: int) -> Held:
        """Set aside what a request costs at most, and say how long its answer may be.

        A request that fails keeps what was set aside: nobody says what it has cost.

        Raises:
            OverBudget: the rest does not pay for an answer.
        """
        model = cloud_model(provider, name, prompt_tokens=prompt_tokens)
        if model is None:  # on the user's own machine: see `Bounds.check`
            self._check(name)
            return Held(max_tokens, 0.0)
        budget = Budget(max(self.most, 1e-12), self.spent)
        allowed = answer_tokens(model, budget, prompt_tokens)
        tokens = max_tokens if allowed is None else min(max_tokens, allowed)
        if tokens < min(LEAST_TOKENS, max_tokens):
            least = model.dearest(prompt_tokens, LEAST_TOKENS)
            raise OverBudget(
                f"{self.spent:.4f} of {self.most:.4f} US dollars are used, and the next request to {model.name} may "
                f"cost {least:.4f}; raise --max-cost, or use a local model (--model embedded)"
            )
        held = Held(tokens, model.dearest(prompt_tokens, tokens))
        self.spent += held.dollars
        return held

    def settle(self, held: Held, dollars: float) -> None:
        """Put what a request has cost in the place of what was set aside for it."""
        self.spent = max(0.0, self.spent + dollars - held.dollars)

    def _check(self, name: str) -> None:
        if self.spent > self.most:
            raise OverBudget(
                f"{name} says that it has cost {self.spent:.4f} of {self.most:.4f} US dollars; raise --max-cost"
            )


class Bounds(NamedTuple):
    """What a run may do with models."""

    local_only: bool = False
    """Nothing of the prompt may leave this machine."""
    offline: bool = False
    """There is no network but the user's own."""
    spending: Spending | None = None
    """What may be spent; None: as much as it takes."""

    def check(self, provider: str, name: str) -> None:
        """Refuse a model that may not be asked.

        Raises:
            ConfigError: it is elsewhere and nothing may go there, or nobody can say what it costs.
        """
        barred = "--local-only keeps everything on this machine" if self.local_only else "this machine is offline"
        if (self.local_only and leaves_machine(provider, name)) or (self.offline and leaves_network(provider, name)):
            switch = "--local-only" if self.local_only else "--offline"
            raise ConfigError(
                f"{barred}, and {provider}:{name} is elsewhere; leave {switch} out, or use a local model "
                "(--model embedded, or ollama:NAME)"
            )
        free = provider in LOCAL or (provider == "openai" and not leaves_network(provider, name))
        if self.spending is not None and not free and price_of(provider, name) is None:
            raise ConfigError(
                f"{provider}:{name} has no price in the table, so --max-cost cannot be kept; add a row to the file "
                "that AFS_PRICES names, or leave --max-cost out"
            )


UNBOUNDED = Bounds()
"""No bounds."""


def is_elsewhere(url: str) -> bool:
    """Tell whether an address is on another machine."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def leaves_machine(provider: str, name: str) -> bool:
    """Tell whether what is asked of a model leaves this machine."""
    return is_elsewhere(_address(provider, name))


def leaves_network(provider: str, name: str) -> bool:
    """Tell whether what is asked of a model leaves the user's own network."""
    return not is_own(_address(provider, name))


def _address(provider: str, name: str) -> str:
    """Return where a model is asked; a provider that only passes requests on counts as being elsewhere."""
    if provider == "ollama" and not name.endswith(("-cloud", ":cloud")):
        from runner.models.ollama_chat import daemon_url

        return daemon_url()
    if provider == "openai":
        from runner.models.openai_chat import server_place

        return server_place().shown
    return "http://localhost" if provider in ("embedded", "scripted") else f"https://{provider}.invalid"
