"""An agent: an expert on a model with a toolbox. It turns a prompt into a `Run` that is kept."""

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import anyio

from runner.errors import KeepError
from runner.grounding import is_good
from runner.loop import Limits, Loop, Note, OnEvent, Tools
from runner.models.model import Model
from runner.recorder import Recorder, new_run_id
from schemas.expert import Example, Expert
from schemas.message import Message, ToolCall, ToolSpec
from schemas.run import CallRecord, Run, ServerState

__all__ = ["EVERYTHING", "Agent", "Servers", "allowed", "unstarted"]

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

    `*` stands for all tools of the servers that no name is of. A name is a tool's own, or its name on its server
    (`look` finds `other_look` too when two servers have one).
    """
    if not names:
        return tuple(tools)
    named = [tool for name in names for tool in tools if name in (tool.name, tool.remote_name)]
    known = {tool.server for tool in named}
    return tuple(named) + tuple(tool for tool in tools if EVERYTHING in names and tool.server not in known)


def unstarted(prompt: str, expert: Expert, model: Model, earlier: Run | None) -> Run:
    """Return a run that has not begun: interrupted, until it has an end of its own."""
    return Run(
        id=new_run_id(),
        prompt=prompt or (earlier.prompt if earlier else ""),
        expert=expert.name,
        model=model.name,
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        stop="interrupted",
        error=_INTERRUPTED,
        messages=(*(earlier.messages if earlier else ()), *([Message(role="user", text=prompt)] if prompt else [])),
        resumes=earlier.id if earlier else "",
    )


@dataclass(kw_only=True)
class Agent:
    """Runs prompts. Holds nothing of a run between two of them."""

    expert: Expert
    model: Model
    toolbox: Servers
    offered: tuple[ToolSpec, ...]
    recorder: Recorder | None = None
    limits: Limits = Limits()
    on_event: OnEvent = lambda _: None

    async def run(self, prompt: str, *, earlier: Run | None = None) -> Run:
        """Run `prompt` to its end and keep the run; `earlier` is a run to continue.

        Raises:
            KeepError: the run could not be kept; its `run` attribute holds it, so the answer is not lost.
        """
        begun = time.monotonic()
        loop = Loop(
            model=self.model,
            toolbox=self.toolbox,
            limits=self.limits,
            messages=self._opening(prompt, earlier),
            offered=self.offered,
            on_event=self.on_event,
            proof=self._required_proof(),
        )
        blank = unstarted(prompt, self.expert, self.model, earlier)
        try:
            await loop.run()
        finally:
            if loop.stop == "running":  # cancelled, or something nobody foresaw: what there is is kept all the same
                loop.stop, loop.error = "interrupted", _INTERRUPTED
                with anyio.CancelScope(shield=True):
                    self._keep(self._close(blank, loop, begun))
        return self._keep(self._close(blank, loop, begun))

    def _required_proof(self) -> str:
        names = {tool.remote_name or tool.name for tool in self.offered}
        return self.expert.proof if self.expert.must_prove and self.expert.proof in names else ""

    def _opening(self, prompt: str, earlier: Run | None) -> list[Message]:
        system = Message(role="system", text=self.expert.instructions)
        names = {tool.remote_name or tool.name for tool in self.offered}
        shown = [line for item in self.expert.examples if item.tool in names for line in _shown(item)]
        kept = earlier.messages if earlier else ()
        history = [item for item in kept if item.role != "system" and not item.example]
        asked = [Message(role="user", text=prompt)] if prompt else []
        return [system, *shown, *history, *asked]

    def _close(self, blank: Run, loop: Loop, begun: float) -> Run:
        answer = loop.answer
        if loop.stop == "answer" and self.expert.proof:
            answer = _with_proof(answer, self.expert, [call for step in loop.steps for call in step.calls])
        return blank.model_copy(
            update={
                "seconds": round(time.monotonic() - begun, 3),
                "stop": loop.stop,
                "answer": answer,
                "error": loop.error,
                "grounded": loop.grounded,
                "steps": tuple(loop.steps),
                "messages": tuple(loop.messages),
                "servers": self.toolbox.states,
                "usage": loop.usage,
                "metadata": {"offered": [tool.name for tool in self.offered]},
            }
        )

    def _keep(self, run: Run) -> Run:
        if self.recorder is not None:
            try:
                self.recorder.keep(run)
            except KeepError as error:
                self.on_event(Note(str(error)))
                error.run = run
                raise
        return run


def _shown(example: Example) -> list[Message]:
    call = ToolCall(id="example", name=example.tool, arguments=example.arguments)
    asked = Message(role="user", text=example.prompt, example=True)
    return [asked, Message(role="assistant", calls=(call,), example=True)]


def _with_proof(answer: str, expert: Expert, records: Sequence[CallRecord]) -> str:
    """Quote the last good result of the proving tool, and the code it was given, where the answer lacks them."""
    tool = expert.proof
    good = [record for record in records if record.call.name == tool and is_good(record)]
    if not good and not expert.must_prove:
        return answer
    if not good:
        return f"{answer}\n\n(unproven: {tool} has accepted no code in this run)"
    code, result = str(good[-1].call.arguments.get("code", "")).strip(), good[-1].text.strip()
    quoted = [f"```asm\n{code}\n```"] if code and _plain(code) not in _plain(answer) else []
    quoted += [result] if result not in answer else []
    return "\n\n".join([answer, *quoted])


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
