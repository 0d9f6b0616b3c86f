"""The tools that choose: `route_prompt` and `list_experts`; and the expert that a call names, or the router finds."""

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from runner.errors import RunnerError
from runner.experts import AUTO, DEFAULT
from runner.serving.place import Place
from runner.serving.results import ExpertList, ExpertRow, Routed
from schemas.expert import Expert
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.paging import page_of
from servers.machine.wire import clean, shorten
from servers.machine.work import told

if TYPE_CHECKING:
    from runner.routing.placing import Looked
    from runner.routing.sending import Sent

__all__ = [
    "TEXT_LIMIT",
    "Chosen",
    "checked_model",
    "checked_text",
    "chosen_expert",
    "offer_experts",
    "offer_routing",
    "sent",
]

TEXT_LIMIT = 100_000
"""Characters of a prompt or an answer: more than any local context holds."""
_MOST_KEYWORDS = 12


class Chosen(NamedTuple):
    """An expert, and why it is this one; empty where it was named."""

    expert: Expert
    why: str


def checked_text(text: str, name: str) -> str:
    """Return a text that a call gave as the argument `name`. Raises ServerError where it is empty or too long."""
    if not text.strip():
        raise ServerError(f"{name} is empty; say what it is about")
    if len(text) > TEXT_LIMIT:
        raise ServerError(f"{name} has {len(text):,} characters; send {TEXT_LIMIT:,} at most, the part that matters")
    return clean(text)


def checked_model(model: str, *, scripts: bool = False) -> str:
    """Return the model that a call names. Raises ServerError where it is a file of this machine."""
    model = model.strip()[:500]
    provider, _, name = model.partition(":")
    if (provider == "scripted" and not scripts) or (provider != "scripted" and name.startswith(("/", "~", "."))):
        raise ServerError(
            "`model` is no file; give provider:name (ollama, embedded, claude, gemini, openai), or leave it empty. "
            "Scripts are run with afs-run"
        )
    return model


async def chosen_expert(place: Place, prompt: str, name: str) -> Chosen:
    """Return the expert of this name, or the one that the router finds for the prompt. Raises ServerError."""
    with told(RunnerError):
        experts = place.experts()
        if name:
            return Chosen(experts.find(name[:60]), "")
    found = (await _look(place, prompt)).route
    return Chosen(experts.find(found.expert), f"{found.intent}: {shorten(found.why, 500)}")


async def sent(place: Place, prompt: str, name: str, *, pinned: bool) -> "Sent":
    """Return who answers a prompt and where, as `afs-run` chooses it; `pinned`: the model is given.

    Raises ServerError.
    """
    from runner.routing.sending import send

    with told(RunnerError):
        return await send(
            prompt,
            place.experts(),
            place.settings,
            expert=name[:60] or AUTO,
            switches=place.switches(),
            pinned=pinned,
        )


async def _look(place: Place, prompt: str) -> "Looked":
    from runner.routing.placing import look

    with told(RunnerError):
        return await look(prompt, place.experts(), place.settings, switches=place.switches())


async def route(place: Place, prompt: str) -> Routed:
    """Return where the router sends a prompt. Raises ServerError."""
    from runner.routing.placing import placed_at

    looked = await _look(place, checked_text(prompt, "prompt"))
    found = looked.explained
    where: Literal["local", "cloud", "nowhere"] = "nowhere"
    try:
        choice = placed_at(looked).choice
        where, model, reason = choice.where, choice.model, choice.why
    except RunnerError as error:
        model, reason = "", str(error)
    shares = sorted(found.judgement.probabilities.items(), key=lambda item: -item[1])
    return Routed(
        expert=found.route.expert,
        intent=found.route.intent,
        confidence=found.route.confidence,
        complexity=found.route.complexity,
        why=shorten(found.route.why, 500),
        where=where,
        model=model,
        because=shorten(reason, 500),
        scores=tuple(f"{intent} {share:.2f}" for intent, share in shares),
        keywords=tuple(f"{hit.expert}: {', '.join(hit.words[:_MOST_KEYWORDS])}" for hit in found.hits),
    )


def listed(place: Place, *, offset: int, limit: int) -> ExpertList:
    """Return a page of the experts. Raises ServerError."""
    with told(RunnerError):
        experts = place.experts()
    rows = [
        ExpertRow(
            name=name,
            summary=shorten(expert.summary, 300),
            check=expert.check,
            models=tuple(f"{provider}:{model}" for provider, model in expert.models.items()),
            tools=experts.expand(expert.tools),
            planned=expert.planned,
        )
        for name, expert in sorted(experts.experts.items())
        if name != DEFAULT
    ]
    page = page_of(rows, offset=offset, limit=limit, weigh=lambda row: len(row.model_dump_json()))
    return ExpertList(total=len(rows), experts=page.items, next_offset=page.next_offset)


def offer_routing(face: Face, place: Place) -> None:
    """Offer the router."""

    @face.offer(READS, title="Route a prompt")
    async def route_prompt(prompt: Annotated[str, Field(description="the prompt as the user put it")]) -> Routed:
        """Say which expert a prompt would go to, how sure the router is, how complex the prompt is, on which model it
        would run now, and why. No model is asked and nothing runs. ask_expert without an expert routes by itself.
        """
        return await route(place, prompt)


def offer_experts(face: Face, place: Place) -> None:
    """Offer the list."""

    @face.offer(READS, title="List the experts")
    def list_experts(
        offset: Annotated[int, Field(ge=0, le=10_000, description="experts to skip, 0 to 10,000")] = 0,
        limit: Annotated[int, Field(ge=1, le=100, description="experts to return, 1 to 100")] = 50,
    ) -> ExpertList:
        """List the experts that can be asked: what each is for, its models and tools, and the tool that judges its
        answers. Users add their own.
        """
        return listed(place, offset=offset, limit=limit)
