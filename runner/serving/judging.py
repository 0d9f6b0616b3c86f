"""The tools that judge: `critique` asks tools about an answer, `rate_run` keeps what somebody thought of a run."""

from typing import Annotated, Literal

import anyio
from mcp.server.mcpserver import Context
from pydantic import BeforeValidator, Field

from runner.checks import judge
from runner.claims import code_in
from runner.conversation import unstarted
from runner.errors import RunnerError
from runner.serving.choosing import checked_text, chosen_expert
from runner.serving.place import Place
from runner.serving.results import Critique, Rated, check_lines
from runner.serving.runs import Runs
from runner.toolbox import Toolbox
from schemas.expert import Expert
from schemas.message import Message
from schemas.rating import Rating
from servers.machine.errors import ServerError
from servers.machine.face import APPENDS, READS, Face
from servers.machine.wire import clean, shorten
from servers.machine.work import in_thread, told

__all__ = ["offer_critique", "offer_rating"]

_SECONDS = 120.0
"""Longest critique."""
_CONNECT = 20.0
_JUDGES = ("asar", "graph")
"""The servers whose tools judge."""


async def _criticise(place: Place, answer: str, question: str, name: str, ctx: Context) -> Critique:
    """Have tools judge an answer. Raises ServerError where it takes too long or nothing can be asked."""
    answer = checked_text(answer, "answer")
    question = checked_text(question, "question") if question else ""
    chosen = await chosen_expert(place, question or answer, name)
    expert = _judging(chosen.expert, answer)
    with told(RunnerError):
        sources = place.sources(*_JUDGES)
    await ctx.report_progress(0, 2, "servers are starting")
    with anyio.move_on_after(_SECONDS):
        async with Toolbox(sources, connect_timeout=_CONNECT) as toolbox:
            await ctx.report_progress(1, 2, "tools are judging")
            begun = unstarted(question, expert.name, "critique", None)
            said = (*begun.messages, Message(role="assistant", text=answer))
            run = begun.model_copy(update={"answer": answer, "messages": said})
            judged = await judge(run, toolbox, expert=expert)
            return Critique(
                verdict=judged.verdict,
                judged_as=f"{expert.name} ({expert.check})",
                checks=check_lines(judged.checks),
                diagnosis=shorten(judged.diagnosis, 4_000),
                servers=tuple(shorten(f"{state.name} {state.state}", 200) for state in toolbox.states),
            )
    raise ServerError(f"the tools took more than {_SECONDS:.0f} s; send less of the answer, the code that matters")


def _judging(expert: Expert, answer: str) -> Expert:
    """Return the expert with a check: the answers of one that has none are judged by what is in them."""
    if expert.check != "none":
        return expert
    return expert.model_copy(update={"check": "lint" if code_in(answer) else "validate_output"})


def _signed(word: object) -> object:
    """Return a rating with its sign: `1` is meant for `+1`."""
    return f"+{word.strip()}" if isinstance(word, str) and word.strip() == "1" else word


async def _rate(place: Place, runs: Runs, run: str, rating: Literal["+1", "-1"], text: str) -> Rated:
    live = runs.find(run)
    named = live.run.id if live else shorten(run, 60)

    def keep() -> Rating:
        known = place.aliases.load(named).id
        return place.feedback.rate(known, 1 if rating == "+1" else -1, text=clean(text), by="tool")

    said = await in_thread(keep, RunnerError)
    return Rated(run=said.run, rating=said.rating, text=said.text, at=said.at)


def offer_critique(face: Face, place: Place) -> None:
    """Offer the judgement of an answer."""

    @face.offer(READS, title="Judge an answer")
    async def critique(
        answer: Annotated[str, Field(description="the answer to judge, code in ```asm blocks")],
        ctx: Context,
        question: Annotated[str, Field(description="what was asked, with the original code; empty: not known")] = "",
        expert: Annotated[
            str, Field(description="by whose rules: din, nayru, farore, veran; empty: the router's")
        ] = "",
    ) -> Critique:
        """Judge an answer by running tools, no model: its code is assembled and linted, compared with the question's
        code where the expert optimises, and its statements are held against known facts. The verdict is refuted with
        evidence and what to mend, or tested, proved, or unchecked where no tool could tell.
        """
        return await _criticise(place, answer, question, expert, ctx)


def offer_rating(face: Face, place: Place, runs: Runs) -> None:
    """Offer feedback."""

    @face.offer(APPENDS, title="Rate a run")
    async def rate_run(
        run: Annotated[str, Field(description="id of the run, the end of an id, or last")],
        rating: Annotated[
            Literal["+1", "-1"], BeforeValidator(_signed), Field(description="+1: the answer served; -1: it did not")
        ],
        text: Annotated[str, Field(description="what was good or wrong, at most 4,000 characters")] = "",
    ) -> Rated:
        """Keep what you or the user thought of a run's answer; of several ratings of a run the last counts. Later
        training reads them, so say what was wrong.
        """
        return await _rate(place, runs, run, rating, text)
