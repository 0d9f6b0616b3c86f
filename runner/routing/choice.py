"""Where a prompt runs: on a local model or in the cloud, and what follows when that fails. Pure functions.

In this order, the first that applies decides:
1. offline, or `local_only`: local, always;
2. complexity below the threshold (0.7) and a local model for the expert: local;
3. a cloud model whose dearest request is within the budget: cloud;
4. a local model: local, whatever the complexity; nothing at all is an error that says what to set up.

After an error or a failed check on a local model, `after_failure` gives the cloud as the second choice, under the same
switches; after a cloud that cannot be had, the expert's local model. Nothing follows a second choice.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from runner.errors import ConfigError
from schemas.route import Route, Where

__all__ = [
    "THRESHOLD",
    "Budget",
    "Choice",
    "CloudModel",
    "Situation",
    "after_failure",
    "answer_tokens",
    "choose",
    "not_asked",
    "placed",
]

THRESHOLD = 0.7
"""A complexity below this stays on a local model."""
MOST_TOKENS = 1_000_000
"""No answer is longer."""


class Budget(NamedTuple):
    """Money of a run, in US dollars. `most` 0 is no limit."""

    most: float = 0.0
    spent: float = 0.0

    @property
    def left(self) -> float:
        """What may still be spent; infinite without a limit."""
        return max(0.0, self.most - self.spent) if self.most else math.inf

    def allows(self, cost: float) -> bool:
        """Tell whether a request that costs at most `cost` keeps the run within its limit."""
        return cost <= self.left


class CloudModel(NamedTuple):
    """A model in the cloud that could answer: a key for it is there."""

    name: str
    """provider:name"""
    prompt_price: float = 0.0
    """US dollars for a million tokens read."""
    answer_price: float = 0.0
    """US dollars for a million tokens written."""

    def dearest(self, prompt_tokens: int, answer_tokens: int) -> float:
        """Return what a request costs at most, when it writes all the tokens that it may."""
        return (prompt_tokens * self.prompt_price + answer_tokens * self.answer_price) / 1_000_000


class Situation(NamedTuple):
    """What there is to choose from."""

    local: Mapping[str, str] = {}
    """Expert -> provider:name of the local model that plays it; an expert that is missing has none."""
    cloud: tuple[CloudModel, ...] = ()
    """The cloud models in the order of preference, whether they may be asked or not."""
    offline: bool = False
    local_only: bool = False
    """Nothing of the prompt may leave this machine."""
    threshold: float = THRESHOLD
    budget: Budget = Budget()
    prompt_tokens: int = 4_000
    """Estimate of the first request, tools and context with it."""
    answer_tokens: int = 1_000
    """Least room that an answer needs."""


class Choice(NamedTuple):
    """Where a prompt runs."""

    where: Where
    model: str
    why: str
    fallback: bool = False
    """It is the second choice; goes to `Run.metadata["fallback"]`."""


def choose(route: Route, situation: Situation) -> Choice:
    """Choose where `route` runs.

    Raises:
        ConfigError: no model may, or can, take it; the text says what to set up.
    """
    local = situation.local.get(route.expert, "")
    barred = _barred(situation)
    if barred:
        if local:
            return Choice("local", local, barred)
        raise ConfigError(f"{barred}, and {route.expert} has no local model; {_GET_LOCAL}")
    if local and route.complexity < situation.threshold:
        return Choice("local", local, f"complexity {route.complexity:.2f} is below {situation.threshold:.2f}")
    cloud = _affordable(situation)
    reason = (
        f"complexity {route.complexity:.2f} is {situation.threshold:.2f} or more"
        if local
        else f"{route.expert} has no local model"
    )
    if cloud:
        return Choice("cloud", cloud.name, reason)
    if local:
        why = "every cloud model is above the budget" if situation.cloud else "there is no cloud model"
        return Choice("local", local, f"{reason}, but {why}")
    if situation.cloud:
        raise ConfigError(f"{reason}, and every cloud model is above --max-cost; raise it, or {_GET_LOCAL}")
    raise ConfigError(
        f"{reason}, and there is no cloud model; set the key of one (GEMINI_API_KEY, ...), or {_GET_LOCAL}"
    )


_GET_LOCAL = "run `afs fetch model`, or start Ollama with the expert's model"


def after_failure(choice: Choice, situation: Situation, *, problem: str, expert: str) -> Choice | None:
    """Return what follows after `choice` for `expert` ended with an error or a failed check; None: that was the end."""
    if choice.fallback:
        return None
    if choice.where == "cloud":
        local = situation.local.get(expert, "")
        return Choice("local", local, f"the cloud failed: {problem}", fallback=True) if local else None
    if _barred(situation):
        return None
    cloud = _affordable(situation)
    return Choice("cloud", cloud.name, f"the local model failed: {problem}", fallback=True) if cloud else None


def not_asked(choice: Choice, situation: Situation) -> str:
    """Say why no cloud model follows a local `choice` that fails, and what would change it; empty: there is none."""
    names = ", ".join(model.name for model in situation.cloud)
    if choice.where == "cloud" or not names:
        return ""
    if situation.local_only or situation.offline:
        switch = "--local-only" if situation.local_only else "--offline"
        return f"the cloud ({names}) was not asked because of {switch}; leave {switch} out to have it asked"
    if _affordable(situation) is None:
        return f"the cloud ({names}) was not asked because a request could cost more than --max-cost; raise it"
    return ""


def answer_tokens(model: CloudModel, budget: Budget, prompt_tokens: int) -> int | None:
    """Return how many tokens the next request may write so that the run stays within its budget; 0: don't ask.

    None: as many as the model likes. Give it to the model as its limit; so a run never exceeds `--max-cost`.
    """
    if math.isinf(budget.left) or (model.answer_price <= 0 and model.prompt_price <= 0):
        return None
    rest = budget.left - prompt_tokens * model.prompt_price / 1_000_000
    if rest < 0:
        return 0
    return None if model.answer_price <= 0 else math.floor(min(MOST_TOKENS, rest * 1_000_000 / model.answer_price))


def placed(route: Route, choice: Choice) -> Route:
    """Return the route with the choice in it, as it is kept in a Run."""
    return route.model_copy(
        update={
            "where": choice.where,
            "model": choice.model,
            "fallback": choice.fallback,
            "why": f"{route.why}; {choice.why}",
        }
    )


def _barred(situation: Situation) -> str:
    if situation.local_only:
        return "--local-only keeps everything on this machine"
    return "this machine is offline" if situation.offline else ""


def _affordable(situation: Situation) -> CloudModel | None:
    return next(
        (
            model
            for model in situation.cloud
            if situation.budget.allows(model.dearest(situation.prompt_tokens, situation.answer_tokens))
        ),
        None,
    )
