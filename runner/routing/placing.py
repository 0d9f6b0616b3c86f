"""Placing: from a prompt to the expert that answers it and the model that plays the expert. One way for all faces.

`afs-run`, `afs agent route` and the server of experts call `place`; where a prompt goes is chosen by `choice`, by what
there is: the models of this machine, the keys that are set, prices, and the switches of the user.
"""

from typing import NamedTuple

from runner.errors import ConfigError
from runner.experts import Experts
from runner.models.bounds import cloud_model, leaves_network, text_bound
from runner.models.keys import KEY_VARIABLES, key_for
from runner.models.local import find_local
from runner.routing.choice import Budget, Choice, CloudModel, Situation, choose, placed
from runner.routing.router import Explained, explain_route
from runner.routing.switches import Switches
from schemas.expert import Expert
from schemas.route import Route
from servers.settings import Settings

__all__ = ["Looked", "Placed", "look", "place", "placed_at"]

_OTHERS = 4_000
"""Tokens of a first request beside the prompt: instructions and tools."""


class Looked(NamedTuple):
    """What there is for a prompt, before it is chosen."""

    explained: Explained
    """The route, with the reasons for it."""
    situation: Situation
    local_why: str
    """Why this local model, or why none before it."""
    notes: tuple[str, ...] = ()
    """What the user should know: a key that cannot be read."""

    @property
    def route(self) -> Route:
        """Who answers."""
        return self.explained.route


class Placed(NamedTuple):
    """Where a prompt goes."""

    route: Route
    """With where it goes, on which model, and why."""
    choice: Choice
    looked: Looked


async def place(
    prompt: str, experts: Experts, settings: Settings, *, switches: Switches, expert: Expert | None = None
) -> Placed:
    """Choose who answers `prompt` and where; with `expert` only where. Nothing of the prompt is sent anywhere.

    Raises:
        ConfigError: no model may, or can, take it; the text says what to set up.
    """
    return placed_at(await look(prompt, experts, settings, switches=switches, expert=expert))


def placed_at(looked: Looked) -> Placed:
    """Choose by what there is.

    Raises:
        ConfigError: as `place`.
    """
    choice = choose(looked.route, looked.situation)
    if choice.where == "local":
        choice = choice._replace(why=f"{choice.why}; {looked.local_why}")
    return Placed(placed(looked.route, choice), choice, looked)


async def look(
    prompt: str, experts: Experts, settings: Settings, *, switches: Switches, expert: Expert | None = None
) -> Looked:
    """Return the route of `prompt`, and the models that could take it: one bounded look for a daemon, no request.

    Raises:
        ConfigError: the weights of the router, or a table of prices, cannot be read.
    """
    explained = explain_route(prompt, experts)
    if expert is not None:
        asked = {"expert": expert.name, "why": f"{expert.name} was asked for"}
        explained = explained._replace(route=explained.route.model_copy(update=asked))
    who = expert or experts.find(explained.route.expert)
    bounds = switches.bounds()
    local = await find_local(who, settings, bounds)
    barred = switches.offline or switches.local_only
    tokens = _OTHERS + (len(prompt) // 2 if switches.max_cost is None else text_bound(prompt))
    cloud = _cloud_models(who, switches, tokens)
    situation = Situation(
        local={who.name: local.name} if local.name else {},
        cloud=cloud.models,
        offline=switches.offline,
        local_only=switches.local_only,
        threshold=switches.threshold,
        budget=Budget() if switches.max_cost is None else Budget(max(switches.max_cost, 1e-12)),
        prompt_tokens=tokens,
    )
    return Looked(explained, situation, local.why, () if barred else cloud.notes)


class _Cloud(NamedTuple):
    models: tuple[CloudModel, ...]
    notes: tuple[str, ...]


def _cloud_models(expert: Expert, switches: Switches, prompt_tokens: int) -> _Cloud:
    """Return the expert's models in the cloud that a key is there for; under a budget those that have a price."""
    found: list[CloudModel] = []
    notes: list[str] = []
    for provider, name in expert.models.items():
        if provider not in KEY_VARIABLES:
            continue
        try:
            if not key_for(provider) or (provider == "openai" and not leaves_network(provider, name)):
                continue
        except ConfigError as error:
            notes.append(f"{provider} is left out: {error}")
            continue
        model = cloud_model(provider, name, prompt_tokens=prompt_tokens)
        if model is None and switches.max_cost is not None:
            notes.append(f"{provider}:{name} is left out: it has no price, which --max-cost needs (AFS_PRICES)")
        else:
            found.append(model or CloudModel(f"{provider}:{name}"))
    return _Cloud(tuple(found), tuple(dict.fromkeys(notes)))
