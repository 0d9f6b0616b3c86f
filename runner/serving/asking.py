"""The tools that ask an expert and look at its run: `ask_expert` and `run_status`."""

from contextlib import suppress
from typing import Annotated, NamedTuple

import anyio
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import Field

from runner.errors import RunnerError
from runner.feedback import rating_line
from runner.serving.choosing import checked_model, checked_text, sent
from runner.serving.place import Place
from runner.serving.results import RunTold, told_of
from runner.serving.runs import Asked, Live, Runs
from schemas.run import Run
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.wire import shorten
from servers.machine.work import told

__all__ = ["offer_asking", "offer_status"]

_ASKS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)
"""A model runs with its tools: of them only those that read, or write where the suite's servers may write."""


class _Wanted(NamedTuple):
    prompt: str
    expert: str
    model: str
    earlier: str
    max_seconds: int
    max_steps: int


async def _ask(place: Place, runs: Runs, wanted: _Wanted, *, wait: float, ctx: Context) -> RunTold:
    """Begin a run and wait for it. Raises ServerError where it cannot begin; a cancelled call interrupts it."""
    prompt = checked_text(wanted.prompt, "prompt")
    model = checked_model(wanted.model, scripts=place.scripts)
    with told(RunnerError):
        place.sources()
        earlier = place.aliases.load(shorten(wanted.earlier, 60)) if wanted.earlier else None
    name = wanted.expert or (earlier.expert if earlier else "")
    chosen = await sent(place, prompt, name, pinned=bool(model))
    asked = Asked(prompt, chosen.expert, model, wanted.max_steps, wanted.max_seconds, earlier, chosen)
    live = runs.start(asked)
    try:
        await _follow(live, wait, ctx)
    except anyio.get_cancelled_exc_class():
        live.scope.cancel()
        raise
    why = f"{chosen.route.intent}: {chosen.route.why}" if chosen.route else ""
    return _told(place, live, offset=0).model_copy(update={"why": shorten(why, 500)})


async def _follow(live: Live, wait: float, ctx: Context) -> None:
    async def tell(at: float, now: str) -> None:
        await ctx.report_progress(at, live.asked.max_steps, now)

    await live.follow(wait, tell)


async def _look(place: Place, runs: Runs, name: str, *, wait: float, offset: int, ctx: Context) -> RunTold:
    """Tell of a run of this server, once it has ended or the wait is over, or of a kept one. Raises ServerError."""
    live = runs.find(name)
    if live is not None:
        await _follow(live, wait, ctx)
        return _told(place, live, offset=offset)
    with told(RunnerError):
        run = place.aliases.load(shorten(name, 60))
    return _with_rating(place, run, told_of(run, offset=offset, state="ended"))


def _told(place: Place, live: Live, *, offset: int) -> RunTold:
    if live.state == "ended" and not live.begun:
        raise ServerError(live.failed)
    found = told_of(_so_far(place, live), offset=offset, state=live.state)
    if live.state != "ended":
        note = f"it goes on: call run_status with run={live.run.id} and a wait"
        return found.model_copy(update={"stop": "running", "error": "", "note": note})
    if live.failed:
        return found.model_copy(update={"note": shorten(live.failed, 1_000)})
    return _with_rating(place, live.run, found)


def _so_far(place: Place, live: Live) -> Run:
    """Return the run as far as it is known: of one that goes on in the queue, its journal tells."""
    if live.joined and live.begun and live.state == "running":
        with suppress(RunnerError):
            return place.recorder.load(live.run.id)
    return live.run


def _with_rating(place: Place, run: Run, found: RunTold) -> RunTold:
    with told(RunnerError):
        rating = place.feedback.last_words().get(run.id)
    note = "say with rate_run whether it served" if run.answer and rating is None else ""
    if run.stop != "answer":
        note = f"go on from there with ask_expert, earlier={run.id}"
    return found.model_copy(update={"rating": rating_line(rating) if rating else "", "note": note})


def offer_asking(face: Face, place: Place, runs: Runs) -> None:
    """Offer the tool that asks an expert."""

    @face.offer(_ASKS, title="Ask an expert")
    async def ask_expert(
        prompt: Annotated[str, Field(description="the question or task, with all the code that it is about")],
        ctx: Context,
        expert: Annotated[str, Field(description="din, nayru, farore, veran, ...; empty: the router chooses")] = "",
        model: Annotated[
            str,
            Field(description="provider:name (ollama, embedded, claude, gemini, openai); empty: chosen"),
        ] = "",
        earlier: Annotated[str, Field(description="id of a run to go on from, or last; empty: begin anew")] = "",
        wait: Annotated[
            int, Field(ge=0, le=3_600, description="seconds to wait here, 0 to 3,600; the run goes on")
        ] = 50,
        max_seconds: Annotated[int, Field(ge=5, le=3_600, description="time of the whole run, 5 to 3,600")] = 600,
        max_steps: Annotated[int, Field(ge=1, le=50, description="replies of the model, 1 to 50")] = 10,
    ) -> RunTold:
        """Ask a local expert on 65816 code or A Link to the Past. It uses the suite's tools; the answer comes with the
        verdict of tools on it (proved, tested, refuted, unchecked), the run's id and its cost. din optimises, nayru
        writes, farore debugs, veran explains. Without a model it runs on this machine, or in the cloud where it is hard
        and the user has a key. Takes it longer than `wait`, the run goes on: wait for it with run_status. Cancelling
        this call interrupts the run; what it had done is kept.
        """
        wanted = _Wanted(prompt, expert, model, earlier, max_seconds, max_steps)
        return await _ask(place, runs, wanted, wait=wait, ctx=ctx)


def offer_status(face: Face, place: Place, runs: Runs) -> None:
    """Offer the look at a run."""

    @face.offer(READS, title="Look at a run")
    async def run_status(
        run: Annotated[str, Field(description="id of a run, the end of an id, or last")],
        ctx: Context,
        wait: Annotated[int, Field(ge=0, le=3_600, description="seconds to wait for its end, 0 to 3,600")] = 0,
        offset: Annotated[
            int, Field(ge=0, le=10_000_000, description="character of the answer to begin at, 0 to 10,000,000")
        ] = 0,
    ) -> RunTold:
        """Tell how far a run is, or how it ended: its answer a page at a time, its verdict and checks, its cost and its
        rating. It can wait for a run that goes on; cancelling that wait leaves the run alone.
        """
        return await _look(place, runs, run, wait=wait, offset=offset, ctx=ctx)
