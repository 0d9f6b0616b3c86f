"""The loop: ask the model, run what it calls, give it the results, until there is an answer or a reason to stop."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import anyio

from runner.errors import ModelError, OverBudget
from runner.events import CallDone, CallStarted, Note, OnEvent, StepDone, StepStarted, Text, ignore_event
from runner.finish import Tools
from runner.grounding import is_good, is_grounded, unsupported, without_code
from runner.guard import RepeatGuard
from runner.history import History, question_in
from runner.hooks import Hooked, Hooks, Refusal
from runner.models.model import Model, Reply
from runner.pages import READ_RESULT, Pages
from runner.untrusted import framed
from schemas.message import Message, ToolCall, ToolSpec, Usage
from schemas.run import CallRecord, Step, Stop
from servers.machine.wire import clean

__all__ = ["Asked", "Limits", "Loop"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When to stop. Zero means no limit."""

    max_steps: int = 10
    max_tokens: int = 0
    """Prompt and answer tokens of all steps together."""
    max_seconds: float = 0.0
    same_results: int = 2
    """After so many identical calls with the identical result the model has to answer; one more ends the run."""
    warned_calls: int = 3
    """At so many calls of one tool with the same arguments the model is told, whatever the results are."""
    stopped_calls: int = 5
    """So many end the run; the last of them is not run."""
    rounds: int = 2
    """How often a check may send an answer back."""
    window: int | None = None
    """Tokens that the model can read and write; what is sent is fitted to it. None: by the model."""


_CHARACTERS_PER_TOKEN = 4
_LAST = "This is the last step: answer now from the results above."
_SAME = "You made this call before and its result is the same. Use it: answer now."
_OFTEN = "You have made this call {} times with the same arguments. Do something else, or answer."


class Asked(NamedTuple):
    """One request."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    """The tools that may be called; none: an answer is due."""
    tokens: int
    """Estimated, of both together."""


class _Nudge(NamedTuple):
    kind: str
    text: str


def _unproven(names: frozenset[str]) -> _Nudge:
    return _Nudge(
        "unproven",
        f"Your answer names {', '.join(sorted(names))}, which no tool result of this run holds. "
        "Look it up with a tool, or answer only with what the results hold.",
    )


@dataclass(kw_only=True)
class Loop:
    """One run in progress. What it holds is kept whole at any moment, so that an interrupted run can be saved."""

    model: Model
    toolbox: Tools
    limits: Limits
    messages: list[Message]
    prompt: str = ""
    """The question as the user put it."""
    context: str = ""
    """What tools said before the first step, and the first message holds; it counts as a result."""
    offered: tuple[ToolSpec, ...] = ()
    """The tools that the model may see; a call to any other is answered with an error."""
    proof: str = ""
    """A tool that has to accept something before an answer counts; empty: none."""
    judge: Callable[[], Awaitable[str]] | None = None
    """Asked about each answer; returns what the model has to mend, or nothing."""
    pages: Pages = field(default_factory=Pages)
    """Where the full texts of long results are."""
    hooks: Hooks = Hooks()
    on_event: OnEvent = ignore_event
    steps: list[Step] = field(default_factory=list[Step])
    usage: Usage = Usage()
    uncounted: int = 0
    """Estimated tokens of a reply that broke off before its provider had counted them."""
    stop: Stop = "running"
    answer: str = ""
    error: str = ""
    grounded: bool = False
    _guard: RepeatGuard = field(default_factory=RepeatGuard)
    _nudged: set[str] = field(default_factory=set[str])
    """Kinds of what the model was told, and the user, and is to be told once."""
    _rounds: int = 0
    _diagnoses: list[str] = field(default_factory=list[str])
    """What the checks said to the model: tools stand behind it, so an answer may say it too."""
    _must_answer: bool = False

    def __post_init__(self) -> None:
        """Have failures of the hooks told as notes, and find the question."""
        question = question_in(self.messages, self.prompt)
        self._history = History(question, window=self.limits.window or 0, line=self._left_out)
        self._hooked = Hooked(self.hooks, lambda text: self.on_event(Note(text)))

    async def run(self) -> None:
        """Take steps until `stop` says why it ended; a model's failure ends the run, it does not raise."""
        deadline = self.limits.max_seconds or float("inf")
        with anyio.move_on_after(deadline) as scope:
            try:
                await self._run()
            except ModelError as error:
                self.answer = error.partial.strip() or self.answer
                self._end("budget" if isinstance(error, OverBudget) else "model_error", str(error))
        if scope.cancelled_caught:
            self._end("budget", "the time limit is over; raise --max-seconds")

    async def _run(self) -> None:
        while self.stop == "running":
            index = len(self.steps) + 1
            if index > self.limits.max_steps:
                self._end("max_steps", f"no answer after {self.limits.max_steps} steps; raise --max-steps")
                return
            last = index == self.limits.max_steps and index > 1
            if last and not self._must_answer:
                self._tell(_LAST)
            self.on_event(StepStarted(index))
            forced = last or self._must_answer
            reply = await self._ask(must_answer=forced)
            self.usage += reply.usage
            if reply.refused:
                self._decline(index, reply)
            elif reply.message.calls and forced:
                self._refuse(index, reply)
            elif reply.message.calls:
                await self._run_calls(index, reply)
            else:
                await self._hear(index, reply, last=last)
            self._check_budget()

    async def _ask(self, *, must_answer: bool) -> Reply:
        request = self.request(must_answer=must_answer)
        if self._history.trimmed:
            self._note_once("trimmed", "the conversation outgrew the model's window: its oldest parts are left out")
        await self._hooked.before_model(request.messages, request.tools)
        try:
            reply = await self.model.reply(
                request.messages,
                request.tools or self.offered,
                on_text=lambda text: self.on_event(Text(text)),
                must_answer=must_answer,
            )
        except ModelError as error:
            self._count_dead(error, request.tokens)
            raise
        self._history.estimate.learn(request.tokens, reply.usage.prompt_tokens)
        await self._hooked.after_model(reply)
        return reply

    def _count_dead(self, error: ModelError, asked: int) -> None:
        """Count what a reply that broke off took: what was told of it, and the rest by the estimate."""
        self.usage += error.usage
        if error.partial:
            self.uncounted = max(0, asked + len(error.partial) // _CHARACTERS_PER_TOKEN - error.usage.total)

    def request(self, *, must_answer: bool) -> Asked:
        """Return what the model is to be asked next, fitted to its window."""
        tools = () if must_answer else self._tools()
        shown = self._history.shown(self.messages, tools)
        return Asked(shown.messages, tools, shown.tokens)

    def _tools(self) -> tuple[ToolSpec, ...]:
        return (*self.offered, *self.pages.offered(self.offered))

    def _left_out(self, index: int) -> str:
        return self.pages.left_out(_results_in(self.messages[: index + 1]), self.messages[index])

    def _note_once(self, kind: str, text: str) -> None:
        if kind not in self._nudged:
            self._nudged.add(kind)
            self.on_event(Note(text))

    async def _run_calls(self, index: int, reply: Reply) -> None:
        made = self._guard.made(reply.message.calls)
        if self.limits.stopped_calls and made >= self.limits.stopped_calls:
            why = f"not run: it was called {made} times with the same arguments"
            self._keep_calls(index, reply, tuple(_failed(call, why) for call in reply.message.calls))
            self._end_as_loop(reply.message.calls[0])
            return
        for call in reply.message.calls:
            self.on_event(CallStarted(call))
        try:
            records = await self._call(reply.message.calls)
        except anyio.get_cancelled_exc_class():
            self._keep_calls(index, reply, tuple(_failed(call, "interrupted") for call in reply.message.calls))
            raise
        self._keep_calls(index, reply, records)
        if self._guard.brought(records) >= (self.limits.same_results or len(self.messages)):
            self._must_answer = True
            self._tell(_SAME)
        elif self.limits.warned_calls and made >= self.limits.warned_calls:
            self._tell(_OFTEN.format(made))

    async def _call(self, calls: Sequence[ToolCall]) -> tuple[CallRecord, ...]:
        """Run the calls of tools that are on offer; any other is refused without asking a server."""
        allowed = [await self._allowed(call) for call in calls]
        ran = iter(await self.toolbox.call_all([call for call in allowed if isinstance(call, ToolCall)]))
        records = tuple(call if isinstance(call, CallRecord) else next(ran) for call in allowed)
        for record in records:
            await self._hooked.after_tool(record)
        first = _results_in(self.messages) + 1
        paged = tuple(self.pages.take(number, record) for number, record in enumerate(records, first))
        if self.pages.problem:
            self._note_once("pages", f"a long result could not be kept in full: {self.pages.problem}")
        return paged

    async def _allowed(self, call: ToolCall) -> ToolCall | CallRecord:
        """Return the call that may be run, or the record of one that may not."""
        hooked = await self._hooked.before_tool(call)
        if isinstance(hooked, Refusal):
            return _failed(call, hooked.why)
        if hooked.name == READ_RESULT.name and self.pages.offered(self.offered):
            return self.pages.read(hooked)
        names = [tool.name for tool in self._tools()]
        if hooked.name in names:
            return hooked
        there = f"there are {', '.join(names)}" if names else "there is none"
        return _failed(hooked, f"no tool {hooked.name!r} in this run; {there}")

    def _keep_calls(self, index: int, reply: Reply, records: tuple[CallRecord, ...]) -> None:
        self.messages.append(reply.message)
        for record in records:
            self.on_event(CallDone(record))
            self.messages.append(_result(record))
        self._close_step(index, reply, records)

    def _refuse(self, index: int, reply: Reply) -> None:
        self._close_step(index, reply, ())
        if self._must_answer:
            self._end_as_loop(reply.message.calls[0])
        else:
            self._end("max_steps", f"no answer after {self.limits.max_steps} steps; raise --max-steps")

    def _end_as_loop(self, call: ToolCall) -> None:
        self._end(
            "loop", f"the model goes on repeating {clean(call.name)} with the same arguments; rephrase the prompt"
        )

    def _decline(self, index: int, reply: Reply) -> None:
        """End with what the model said in place of an answer: asking the same again would bring the same."""
        text = reply.message.text.strip()
        if text:  # alone: a call that is never answered could not be sent back
            self.messages.append(Message(role="assistant", text=text))
        self._close_step(index, reply, ())
        self.answer = text
        self._end("model_error", f"{self.model.name} declined to answer; rephrase the prompt, or try another model")

    async def _hear(self, index: int, reply: Reply, *, last: bool) -> None:
        text = reply.message.text.strip()
        nudge = self._nudge(reply, text)
        if text:
            self.messages.append(reply.message)
        self._close_step(index, reply, ())
        if nudge and not last and nudge.kind not in self._nudged:
            self._nudged.add(nudge.kind)
            self._must_answer = False
            self._tell(nudge.text)
        elif text:
            if reply.cut_off:
                self.on_event(Note("the answer ended at the model's limit of tokens; ask it to go on, or for less"))
            self.answer = text
            self.grounded = is_grounded(text, self._results(), self._asked())
            await self._finish(last=last)
        else:
            self._end("model_error", f"{self.model.name} replied with nothing twice; try another model or prompt")

    async def _finish(self, *, last: bool) -> None:
        """End with the answer, unless a check finds something that the model may mend."""
        diagnosis = await self.judge() if self.judge is not None else ""
        if diagnosis and not last and self._rounds < self.limits.rounds:
            self._rounds += 1
            self._must_answer = False
            self._diagnoses.append(diagnosis)
            self._tell(diagnosis)
        else:
            self._end("answer")

    def _nudge(self, reply: Reply, text: str) -> _Nudge | None:
        if not text and reply.cut_off:
            return _Nudge("empty", "Your reply was cut off. Say it shorter.")
        if not text:
            return _Nudge("empty", "Your reply was empty. Call a tool, or answer the question.")
        if self.proof and not any(item.tool == self.proof and not item.failed for item in self.messages):
            return _Nudge("proof", f"{self.proof} has accepted nothing yet. Mend the code and call {self.proof} again.")
        return self._doubt(text) if self.offered else None

    def _doubt(self, text: str) -> _Nudge | None:
        stated = text if self.judge is None else without_code(text)
        names = " ".join(tool.name for tool in self._tools())
        missing = unsupported(stated, [*self._results(), *self._diagnoses], f"{self._asked()}\n{names}")
        return _unproven(missing) if missing else None

    def _results(self) -> list[str]:
        said = [item.text for item in self.messages if item.role == "tool" and not item.failed]
        return [self.context, *said] if self.context else said

    def _asked(self) -> str:
        """Return all that the user has said, in earlier runs too: what it names needs no proof."""
        said = [item.text for item in self.messages if item.role == "user" and not (item.example or item.told)]
        return "\n".join((*said, self.prompt))

    def _tell(self, text: str) -> None:
        self.messages.append(Message(role="user", text=text, told=True))
        self.on_event(Note(text))

    def _close_step(self, index: int, reply: Reply, records: tuple[CallRecord, ...]) -> None:
        step = Step(
            index=index,
            text=reply.message.text,
            thinking=reply.message.thinking,
            calls=records,
            usage=reply.usage,
            seconds=reply.seconds,
            note=reply.note,
        )
        self.steps.append(step)
        self.on_event(StepDone(step))

    def _check_budget(self) -> None:
        if self.stop == "running" and self.limits.max_tokens and self.usage.total >= self.limits.max_tokens:
            self._end("budget", f"{self.usage.total} tokens used of {self.limits.max_tokens}; raise --max-tokens")

    def _end(self, stop: Stop, error: str = "") -> None:
        self.stop = stop
        self.error = error


def _results_in(messages: Sequence[Message]) -> int:
    return sum(item.role == "tool" for item in messages)


def _failed(call: ToolCall, why: str) -> CallRecord:
    return CallRecord(call=call, ok=False, text=clean(why))


def _result(record: CallRecord) -> Message:
    return Message(
        role="tool",
        text=framed(record.text) if record.outside else record.text,
        call_id=record.call.id,
        tool=record.call.name,
        failed=not is_good(record),
        images=record.images,
    )
