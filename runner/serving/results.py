"""What the tools of the experts' server return."""

from typing import Literal, NamedTuple

from pydantic import Field

from schemas.frozen import Frozen
from schemas.route import Intent
from schemas.run import Run, Stop
from schemas.verdict import Checked, Verdict
from servers.machine.paging import END, PAGE_BUDGET
from servers.machine.wire import clean, shorten, weight

__all__ = ["Critique", "ExpertList", "ExpertRow", "Rated", "Routed", "RunTold", "check_lines", "page_of_text"]

_PAGE = 16_000
_MOST_CHECKS = 8


class RunTold(Frozen):
    """A run of an expert: how far it is, or how it ended."""

    run: str = Field(description="the id of the run, for run_status and rate_run")
    state: Literal["waiting", "running", "ended"]
    stop: Stop = Field(description="why it ended; answer: it has its answer")
    expert: str
    model: str = Field(default="", description="provider:name; empty until it is chosen")
    answer: str = Field(default="", description="one page of the answer")
    offset: int = 0
    next_offset: int = Field(default=END, description="offset of the answer's next page; -1: none")
    verdict: Verdict = "unchecked"
    checks: tuple[str, ...] = Field(default=(), description="each claim that tools checked, with the evidence")
    grounded: bool = Field(default=False, description="a tool result of the run stands behind the answer")
    steps: int = 0
    calls: tuple[str, ...] = Field(default=(), description="the tools that it called, in order")
    seconds: float = 0.0
    tokens: int = 0
    cost: float = Field(default=0.0, description="US dollars; 0 on local models")
    why: str = Field(default="", description="why this expert, where the router chose it")
    error: str = ""
    rating: str = Field(default="", description="what was last said of it with rate_run")
    note: str = Field(default="", description="what to do next")

    def as_text(self) -> str:
        """Return the answer, then a line for each thing there is to say about it."""
        used = f"{self.steps} steps, {self.seconds:.1f} s, {self.tokens} tokens, {self.cost:.4f} US dollars"
        rests = "rests on tool results" if self.grounded else "no tool result stands behind it"
        paged = f"offset {self.offset}, next_offset {self.next_offset}"
        lines = [
            self.answer,
            f"[run {self.run}: {self.state} ({self.stop}); {self.expert} on {self.model or '?'}; {used}]",
        ]
        lines += [f"[answer: {self.verdict}, {rests}; {paged}]"] if self.answer else []
        lines += [f"[check] {line}" for line in self.checks]
        lines += [f"[calls] {', '.join(self.calls)}"] if self.calls else []
        named = (("why", self.why), ("error", self.error), ("rating", self.rating), ("note", self.note))
        return "\n".join(filter(None, [*lines, *(f"[{name}] {text}" for name, text in named if text)]))


class Routed(Frozen):
    """Where the router sends a prompt."""

    expert: str
    intent: Intent
    confidence: float = Field(description="how sure it is of the intent, calibrated")
    complexity: float = Field(description="0 is trivial, 1 is hard; below 0.7 a local model should do")
    why: str
    where: Literal["local", "cloud", "nowhere"] = Field(description="where ask_expert would run it now")
    model: str = Field(default="", description="provider:name of the model that would answer")
    because: str = Field(default="", description="why there; where it is nowhere: what to set up")
    scores: tuple[str, ...] = Field(default=(), description="each intent with its probability, likeliest first")
    keywords: tuple[str, ...] = Field(default=(), description="experts whose keywords stand in the prompt, with them")

    def as_text(self) -> str:
        """Return the choice, then what it was made of."""
        head = (
            f"{self.expert} ({self.intent}, {self.confidence:.0%} sure, complexity {self.complexity:.2f}): {self.why}"
        )
        there = f"{', '.join(filter(None, (self.where, self.model)))}: {self.because}"
        shares = f"scores: {', '.join(self.scores)}"
        return "\n".join([head, there, shares, f"keywords: {'; '.join(self.keywords) or 'none'}"])


class Critique(Frozen):
    """What tools found out about an answer."""

    verdict: Verdict
    judged_as: str = Field(description="the expert whose rules it was judged by, and its check")
    checks: tuple[str, ...] = Field(default=(), description="each claim that was checked, with the evidence")
    diagnosis: str = Field(default="", description="what to mend; empty: nothing that a tool could tell")
    servers: tuple[str, ...] = Field(default=(), description="the servers that were asked, and those that failed")

    def as_text(self) -> str:
        """Return the verdict, each check, and what to mend."""
        lines = [f"{self.verdict} (judged as {self.judged_as}; servers: {', '.join(self.servers) or 'none'})"]
        lines += [f"- {line}" for line in self.checks] or ["- nothing in the answer could be checked by a tool"]
        return "\n".join(filter(None, [*lines, self.diagnosis]))


class ExpertRow(Frozen):
    """An expert."""

    name: str
    summary: str
    check: str = Field(description="the tool that judges its answers; none: none does")
    models: tuple[str, ...] = Field(default=(), description="models that can play it, as provider:name")
    tools: tuple[str, ...] = ()
    planned: bool = Field(default=False, description="it has no model of its own yet; another one plays the part")

    def as_text(self) -> str:
        """Return the expert in two lines."""
        planned = ", planned" if self.planned else ""
        models = ", ".join(self.models) or "the embedded model"
        tools = ", ".join(self.tools) or "all"
        return f"{self.name}: {self.summary}  [check {self.check}{planned}]\n  models: {models}; tools: {tools}"


class ExpertList(Frozen):
    """The experts, a page of them."""

    total: int
    experts: tuple[ExpertRow, ...]
    next_offset: int = Field(default=END, description="offset of the next page; -1: none")

    def as_text(self) -> str:
        """Return the experts, and how to get more."""
        more = "" if self.next_offset == END else f"more: call again with offset={self.next_offset}"
        return "\n".join([f"{self.total} experts", *(row.as_text() for row in self.experts), more]).rstrip()


class Rated(Frozen):
    """A rating that was kept."""

    run: str
    rating: Literal[-1, 1]
    text: str = ""
    at: str = Field(description="UTC, ISO 8601")

    def as_text(self) -> str:
        """Return it in one line."""
        return f"run {self.run} is rated {self.rating:+d} at {self.at}" + (f": {self.text}" if self.text else "")


class TextPart(NamedTuple):
    """A page of a text; `next_offset` is END on the last one."""

    text: str
    next_offset: int


def page_of_text(text: str, offset: int) -> TextPart:
    """Return a page of a text from a character on, cut behind a line where one ends near; empty behind the end."""
    part = text[offset : offset + _PAGE]
    while weight(part) > PAGE_BUDGET * 2 // 3:
        part = part[: len(part) * 2 // 3]
    if offset + len(part) < len(text):
        line = part.rfind("\n", len(part) // 2) + 1
        part = part[:line] if line else part
        return TextPart(part, offset + len(part))
    return TextPart(part, END)


def check_lines(checks: tuple[Checked, ...]) -> tuple[str, ...]:
    """Return a line for each check, the first few."""
    shown = [
        clean(f"{check.tool}: {check.claim}: {check.verdict}") + (f" ({_brief(check.said)})" if check.said else "")
        for check in checks[:_MOST_CHECKS]
    ]
    return tuple(shown)


def _brief(text: str) -> str:
    return shorten(clean(" ".join(text.split())), 400)


def told_of(run: Run, *, offset: int, state: Literal["waiting", "running", "ended"]) -> RunTold:
    """Return a run for the wire, with one page of its answer."""
    page = page_of_text(run.answer, offset)
    calls = [record.call.name for step in run.steps for record in step.calls]
    return RunTold(
        run=run.id,
        state=state,
        stop=run.stop,
        expert=run.expert,
        model=run.model,
        answer=page.text,
        offset=offset,
        next_offset=page.next_offset,
        verdict=run.verdict,
        checks=check_lines(run.checks),
        grounded=run.grounded,
        steps=len(run.steps),
        calls=tuple(shorten(name, 64) for name in calls[:40]),
        seconds=run.seconds,
        tokens=run.usage.total,
        cost=run.usage.cost,
        error=shorten(run.error, 1_000),
    )
