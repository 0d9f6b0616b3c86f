"""A conversation: an expert on a model with a toolbox. It turns a prompt into a `Run` that is kept."""

import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import anyio
from pydantic import JsonValue

from runner.errors import ConfigError, KeepError, RunnerError
from runner.events import Event, Note, OnEvent, RunDone, RunStarted, StepDone, ignore_event
from runner.finish import Finish, Judged, Tools
from runner.history import window_of
from runner.hooks import Hooked, Hooks
from runner.journal import Journal
from runner.loop import Limits, Loop
from runner.models.model import Model
from runner.narrowing import left_out_line, narrowed
from runner.opening import CONTEXT_SECONDS, Gathered, gather
from runner.pages import Pages, kept_pages, result_limit, with_pictures
from runner.proof import with_proof
from runner.recorder import Recorder, new_run_id
from runner.toolbox import Toolbox
from schemas.expert import Example, Expert
from schemas.frozen import Frozen
from schemas.message import Message, ToolCall, ToolSpec
from schemas.route import Route
from schemas.run import Run, ServerState

__all__ = ["EVERYTHING", "Conversation", "Preview", "Servers", "allowed", "asked", "unstarted", "with_remark"]

_INTERRUPTED = "interrupted; go on with --resume"
EVERYTHING = "*"
"""In a list of tools: whatever else the servers offer."""


class Servers(Tools, Protocol):
    """A toolbox that also says how its servers are."""

    @property
    def states(self) -> tuple[ServerState, ...]:
        """How each server is now."""
        ...


def allowed(tools: Sequence[ToolSpec], names: Sequence[str]) -> tuple[ToolSpec, ...]:
    """Return the tools with these names, in the order of the names; all tools when there are no names.

    `*` stands for all tools of the servers that no name is of, `server.*` for those of one such server. A name is a
    tool's own or, where no tool has it, its name on its server (`look` finds `one_look` and `other_look` when two
    servers have one).
    """
    if not names:
        return tuple(tools)
    exact = {tool.name for tool in tools}
    named = [tool for name in names for tool in tools if name == (tool.name if name in exact else tool.remote_name)]
    known = {tool.server for tool in named}
    rest = [tool for tool in tools if tool.server not in known]
    return tuple(named) + tuple(tool for tool in rest if EVERYTHING in names or f"{tool.server}.*" in names)


def asked(prompt: str, earlier: Run | None) -> str:
    """Return a prompt as it is to be run: a blank one goes on with a run that has no answer yet.

    Raises:
        ConfigError: it is blank, and there is nothing to go on with.
    """
    if prompt.strip():
        return prompt
    if earlier is None:
        raise ConfigError("the prompt is empty; say what is asked, or name a run that has no answer yet to go on with")
    if earlier.stop == "answer":
        raise ConfigError(f"run {earlier.id} has its answer; give a new prompt to go on from there")
    return ""


def unstarted(prompt: str, expert: str, model: str, earlier: Run | None) -> Run:
    """Return a run of an expert on a model, by their names: interrupted, until it has an end of its own."""
    return Run(
        id=new_run_id(),
        prompt=prompt or (earlier.prompt if earlier else ""),
        expert=expert,
        model=model,
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        stop="interrupted",
        error=_INTERRUPTED,
        messages=(*(earlier.messages if earlier else ()), *([Message(role="user", text=prompt)] if prompt else [])),
        resumes=earlier.id if earlier else "",
        metadata={key: value for key, value in earlier.metadata.items() if key == "results"} if earlier else {},
    )


class Preview(Frozen):
    """What a run would begin with."""

    expert: str
    model: str
    servers: tuple[ServerState, ...]
    tools: tuple[str, ...]
    """The tools on offer."""
    context: tuple[dict[str, JsonValue], ...]
    """Which tools were asked for context, and what they said."""
    messages: tuple[Message, ...]
    """The first request."""
    tokens: int
    """Its tokens with the tools, estimated by its characters."""
    window: int
    """Tokens that the model can read and write; 0: not known."""
    route: Route | None = None
    """Where the prompt goes, where the router chose it."""


@dataclass(kw_only=True)
class Conversation:
    """Runs prompts. Holds nothing of a run between two of them."""

    expert: Expert
    model: Model
    toolbox: Servers
    offered: tuple[ToolSpec, ...]
    named: tuple[ToolSpec, ...] | None = None
    """Those of `offered` that are shown whatever the prompt is, of the others some (see `runner.narrowing`); None:
    all are shown."""
    recorder: Recorder | None = None
    limits: Limits = Limits()
    hooks: Hooks = Hooks()
    finish: Finish | None = None
    """Judges each answer; none: an answer is given as it is."""
    on_event: OnEvent = ignore_event
    context_budget: int = 0
    """Tokens of context that are gathered before the first step; 0: none."""
    metadata: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What each run is to hold beside what it tells itself."""
    remark: str = ""
    """What is added to the error of a run whose model failed."""

    async def run(self, prompt: str, *, earlier: Run | None = None) -> Run:
        """Run `prompt` to its end and keep the run; `earlier` is a run to continue.

        Raises:
            ConfigError: as `asked`.
            KeepError: the run could not be kept; its `run` attribute holds it, so the answer is not lost.
        """
        said = asked(prompt, earlier)
        return await self._for(said, earlier)._run(said, earlier)

    def _for(self, prompt: str, earlier: Run | None) -> "Conversation":
        """Return the conversation with the tools that are to be shown for a prompt."""
        if self.named is None:
            return self
        said = [item.text for item in earlier.messages if item.role == "user" and not item.told] if earlier else []
        offered = narrowed(self.offered, self.named, "\n".join((*said, prompt)))
        if len(offered) < len(self.offered):
            self.on_event(Note(left_out_line(len(offered), len(self.offered))))
        return replace(self, offered=offered, named=None)

    async def _run(self, prompt: str, earlier: Run | None) -> Run:
        blank = unstarted(prompt, self.expert.name, self.model.name, earlier)
        blank = blank.model_copy(update={"metadata": {**blank.metadata, **self.metadata}})
        taken = _Taken(self, blank, self._opening(prompt, earlier), self._pages(blank, earlier))
        self.on_event(RunStarted(taken.blank))
        if self.recorder is not None:
            taken.begin(self.recorder.journal(taken.blank))
        try:
            if prompt:
                await taken.prepare()
            await taken.loop.run()
        finally:
            if taken.loop.stop == "running":  # cancelled, or something nobody foresaw: what there is, is kept
                taken.loop.stop, taken.loop.error = "interrupted", _INTERRUPTED
                with anyio.CancelScope(shield=True):
                    self._keep(taken, taken.closed())
        run = taken.closed()
        try:
            self._keep(taken, run)
        finally:
            await Hooked(self.hooks, lambda text: self.on_event(Note(text))).on_run_complete(run)
            self.on_event(RunDone(run))
        return run

    async def preview(self, prompt: str, *, earlier: Run | None = None) -> Preview:
        """Return what the first request of a run would be; nothing is sent to the model, and nothing is kept."""
        said = asked(prompt, earlier)
        return await self._for(said, earlier)._preview(said, earlier)

    async def _preview(self, prompt: str, earlier: Run | None) -> Preview:
        blank = unstarted(prompt, self.expert.name, self.model.name, earlier)
        taken = _Taken(replace(self, recorder=None), blank, self._opening(prompt, earlier), Pages())
        if prompt:
            await taken.prepare()
        request = taken.loop.request(must_answer=False)
        return Preview(
            expert=self.expert.name,
            model=self.model.name,
            servers=self.toolbox.states,
            tools=tuple(tool.name for tool in request.tools),
            context=taken.gathered.sources,
            messages=request.messages,
            tokens=request.tokens,
            window=taken.loop.limits.window or 0,
        )

    def _pages(self, blank: Run, earlier: Run | None) -> Pages:
        limit = result_limit(self.model.name, self.expert.num_ctx)
        if self.recorder is None:
            return Pages(None, limit)
        folder = self.recorder.folder
        kept = kept_pages(folder, earlier.metadata.get("results") if earlier else None)
        return Pages(folder / f"{blank.id}.results", limit, kept)

    def fitted(self) -> Limits:
        """Return the limits, with the window of the model where they name none."""
        if self.limits.window is not None:
            return self.limits
        return replace(self.limits, window=window_of(self.model.name, self.expert.num_ctx))

    def required_proof(self) -> str:
        """Return the tool that has to accept something before an answer counts; empty: none, or it is not on offer."""
        names = {tool.remote_name or tool.name for tool in self.offered}
        return self.expert.proof if self.expert.must_prove and self.expert.proof in names else ""

    def _opening(self, prompt: str, earlier: Run | None) -> list[Message]:
        system = Message(role="system", text=self.expert.system)
        names = {tool.remote_name or tool.name for tool in self.offered}
        shown = [line for item in self.expert.examples if item.answer or item.tool in names for line in _shown(item)]
        kept = earlier.messages if earlier else ()
        folder = self.recorder.folder if self.recorder is not None else None
        history = [with_pictures(item, folder) for item in kept if item.role != "system" and not item.example]
        asked = [Message(role="user", text=prompt)] if prompt else []
        return [system, *shown, *history, *asked]

    def _keep(self, taken: "_Taken", run: Run) -> None:
        if self.recorder is not None:
            try:
                self.recorder.keep(run)
            except KeepError as error:
                self.on_event(Note(str(error)))
                error.run = run
                raise
            taken.kept()


class _Taken:
    """One run of a conversation, and the `Run` that has become of it so far."""

    def __init__(self, conversation: Conversation, blank: Run, messages: list[Message], pages: Pages) -> None:
        self.blank = blank
        self._begun = time.monotonic()
        self._of = conversation
        self._best: Judged | None = None
        self._judged = _Answers("", "")
        self.gathered = Gathered()
        """The context that was gathered."""
        self._journal: Journal | None = None
        self._tools = conversation.toolbox
        if isinstance(self._tools, Toolbox):
            self._tools = self._tools.for_run(blank.id, tainted=bool(blank.resumes))
        self.loop = Loop(
            model=conversation.model,
            toolbox=self._tools,
            limits=conversation.fitted(),
            messages=messages,
            prompt=blank.prompt,
            offered=conversation.offered,
            pages=pages,
            hooks=conversation.hooks,
            on_event=self._hear,
            proof=conversation.required_proof(),
            judge=self._judge if conversation.finish is not None else None,
        )

    def begin(self, journal: Journal) -> None:
        """Have each step written down as it is done."""
        self._journal = journal

    def kept(self) -> None:
        """Drop the journal: the run itself is kept."""
        if self._journal is not None:
            self._journal.drop()

    def _hear(self, event: Event) -> None:
        if isinstance(event, StepDone) and self._journal is not None:
            self._journal.add(event.step, self.loop.messages)
        self._of.on_event(event)

    async def prepare(self) -> None:
        """Gather the context for the prompt, and put it before the question."""
        of, loop = self._of, self.loop
        seconds = min(CONTEXT_SECONDS, of.limits.max_seconds or CONTEXT_SECONDS)
        self.gathered = await gather(self._tools, loop.prompt, of.context_budget, seconds=seconds)
        for note in self.gathered.notes:
            of.on_event(Note(note))
        loop.context = self.gathered.text
        if loop.context:
            loop.messages[-1] = Message(role="user", text=loop.context + loop.prompt)

    async def _judge(self) -> str:
        """Have the answer judged, keep the best one; return what to mend, unless the model repeats itself."""
        assert self._of.finish is not None
        run = self._so_far(answered=True)
        before = self._judged.given
        try:
            judged: Judged = await self._of.finish(run, self._tools)
        except RunnerError as error:
            self._of.on_event(Note(f"the answer was not checked: {error}"))
            self._best = None
            return ""
        if self._best is None or judged.worth >= self._best.worth:
            self._best = judged
        self._judged = _Answers(self.loop.answer, run.answer)
        return "" if run.answer == before else judged.diagnosis

    def closed(self) -> Run:
        """Return the run as it stands, with the best answer that was judged and what the checks found of it.

        An answer that no check has seen, since the time was over, stands in for one that was refuted.
        """
        judged = self.loop.answer == self._judged.said
        run = self._so_far(answered=judged or self.loop.stop == "answer")
        if self._best is None or not (judged or self._best.run.verdict != "refuted"):
            return run
        return run.model_copy(
            update={key: getattr(self._best.run, key) for key in Run.model_fields if key not in _PROGRESS}
        )

    def _so_far(self, *, answered: bool) -> Run:
        loop, expert = self.loop, self._of.expert
        answer = loop.answer
        if answered and expert.proof:
            records = [call for step in loop.steps for call in step.calls]
            answer = with_proof(answer, expert, records, judged=self._of.finish is not None)
        return self.blank.model_copy(
            update={
                "seconds": round(time.monotonic() - self._begun, 3),
                "stop": loop.stop,
                "answer": answer,
                "error": with_remark(loop.error, self._of.remark) if loop.stop == "model_error" else loop.error,
                "grounded": loop.grounded,
                "steps": tuple(loop.steps),
                "messages": tuple(loop.messages),
                "servers": self._of.toolbox.states,
                "usage": loop.usage,
                "metadata": self._metadata(),
            }
        )

    def _metadata(self) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {**self._of.metadata, "offered": [tool.name for tool in self._of.offered]}
        if self.gathered.sources:
            told["context"] = list(self.gathered.sources)
        if self.loop.uncounted:
            told["uncounted"] = self.loop.uncounted
        if self.loop.pages.places:
            told["results"] = self.loop.pages.places
        return told


class _Answers(NamedTuple):
    """The answer that was judged last, as the model said it, and as it was given to the checks."""

    said: str
    given: str


_PROGRESS = frozenset({"seconds", "stop", "error", "steps", "messages", "servers", "usage"})
"""Fields of a `Run` in which the loop has the last word, after the checks."""


def with_remark(error: str, remark: str) -> str:
    """Return an error of a model with a remark about it, in one text."""
    return "; ".join(filter(None, (error, remark)))


def _shown(example: Example) -> list[Message]:
    asked = Message(role="user", text=example.prompt, example=True)
    if example.answer:
        return [asked, Message(role="assistant", text=example.answer.strip(), example=True)]
    call = ToolCall(id="example", name=example.tool, arguments=example.arguments)
    return [asked, Message(role="assistant", calls=(call,), example=True)]
