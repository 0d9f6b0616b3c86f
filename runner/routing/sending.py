"""Sending: what of a request its user has pinned, and what the router chooses.

    given                     the expert           the model
    nothing                   the router's         placed: local or cloud
    --expert NAME             NAME                 placed
    --model NAME              default              NAME
    --model, --expert auto    the router's         NAME
    --tools                   default              placed

The router's expert is given the tools of the servers that only the user knows, too.
"""

from collections.abc import Sequence
from typing import NamedTuple

from runner.experts import AUTO, DEFAULT, Experts
from runner.routing.placing import Placed, place
from runner.routing.router import route
from runner.routing.switches import Switches
from schemas.expert import Expert
from schemas.route import Route
from servers.settings import Settings

__all__ = ["Sent", "send"]


class Sent(NamedTuple):
    """Who answers, and where."""

    expert: Expert
    placed: Placed | None = None
    """Where; None: the model is given, or each expert that takes part finds its own."""
    route: Route | None = None
    """The router's word; None: it was not asked."""


async def send(
    prompt: str,
    experts: Experts,
    settings: Settings,
    *,
    expert: str = AUTO,
    switches: Switches,
    pinned: bool = False,
    own_servers: Sequence[str] = (),
) -> Sent:
    """Choose the expert and its model for `prompt`; `expert` is a name or AUTO, `pinned`: the model is given.

    `own_servers` are those whose tools the router's expert gets beside its own.

    Raises:
        ConfigError: there is no such expert, or no model that may, or can, take the prompt.
    """
    named = None if expert == AUTO else experts.find(expert)
    if pinned:
        if named is not None:
            return Sent(named)
        found = route(prompt, experts)
        return Sent(_with_tools(experts.find(found.expert), own_servers), route=found)
    placed = await place(prompt, experts, settings, switches=switches, expert=named)
    who = named or _with_tools(experts.find(placed.route.expert), own_servers)
    return Sent(who, placed, placed.route)


def _with_tools(expert: Expert, servers: Sequence[str]) -> Expert:
    if not expert.tools or not servers or expert.name == DEFAULT:
        return expert
    return expert.model_copy(update={"tools": (*expert.tools, *(f"{name}.*" for name in servers))})
