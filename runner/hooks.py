"""Hooks: functions of the user, plain or async, that are called around each request, each tool call and at the end.

A hook that raises is reported as a note and never ends the run. `before_tool` may change a call or refuse it; one
that fails counts as a refusal, since it may have been there to keep something from happening.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, TypeVar, cast

from runner.models.model import Reply
from schemas.message import Message, ToolCall, ToolSpec
from schemas.run import CallRecord, Run
from servers.machine.wire import clean, shorten

__all__ = ["Hooked", "Hooks", "Refusal"]

T = TypeVar("T")


class Refusal(NamedTuple):
    """What `before_tool` returns to keep a call from being run."""

    why: str
    """What the model is told."""


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """The hooks of an agent; each may be a plain function or an async one."""

    before_model: Callable[[tuple[Message, ...], tuple[ToolSpec, ...]], Awaitable[None] | None] | None = None
    """Sees the request: the messages and the tools on offer."""
    after_model: Callable[[Reply], Awaitable[None] | None] | None = None
    before_tool: Callable[[ToolCall], Awaitable[ToolCall | Refusal | None] | ToolCall | Refusal | None] | None = None
    """Returns None to let the call run as it is, another call to run that one, or a `Refusal`."""
    after_tool: Callable[[CallRecord], Awaitable[None] | None] | None = None
    on_run_complete: Callable[[Run], Awaitable[None] | None] | None = None
    """Sees each run that came to an end of its own; one that was interrupted it does not see."""


class _Reported:
    """Takes an error of a hook and reports it; a cancellation passes."""

    def __init__(self, name: str, report: Callable[[str], None]) -> None:
        self._name = name
        self._report = report
        self.failed = ""

    def __enter__(self) -> "_Reported":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.failed = f"the hook {self._name} failed ({type(error).__name__}: {shorten(clean(str(error)), 300)})"
        self._report(f"{self.failed}; mend it or leave it out")
        return True


class Hooked:
    """Calls the hooks of a run. `report` is told when one fails."""

    def __init__(self, hooks: Hooks, report: Callable[[str], None]) -> None:
        self._hooks = hooks
        self._report = report

    async def before_model(self, messages: tuple[Message, ...], tools: tuple[ToolSpec, ...]) -> None:
        """Show the request."""
        if self._hooks.before_model is not None:
            with _Reported("before_model", self._report):
                await _settled(self._hooks.before_model(messages, tools))

    async def after_model(self, reply: Reply) -> None:
        """Show the reply."""
        if self._hooks.after_model is not None:
            with _Reported("after_model", self._report):
                await _settled(self._hooks.after_model(reply))

    async def before_tool(self, call: ToolCall) -> ToolCall | Refusal:
        """Return the call to run, under the id that the model gave it, or why none is."""
        if self._hooks.before_tool is None:
            return call
        with _Reported("before_tool", self._report) as guard:
            said = await _settled(self._hooks.before_tool(call))
            if isinstance(said, Refusal):
                return said
            return call if said is None else said.model_copy(update=_origin(call))
        return Refusal(f"{guard.failed}, so {call.name} was not run")

    async def after_tool(self, record: CallRecord) -> None:
        """Show what came back."""
        if self._hooks.after_tool is not None:
            with _Reported("after_tool", self._report):
                await _settled(self._hooks.after_tool(record))

    async def on_run_complete(self, run: Run) -> None:
        """Show the run."""
        if self._hooks.on_run_complete is not None:
            with _Reported("on_run_complete", self._report):
                await _settled(self._hooks.on_run_complete(run))


def _origin(call: ToolCall) -> dict[str, object]:
    """Return what a call keeps, whatever a hook makes of it: whose it is, and where it stood."""
    return {"id": call.id, "from_text": call.from_text, "in_prose": call.in_prose}


async def _settled(value: Awaitable[T] | T) -> T:
    if inspect.isawaitable(value):
        return cast(T, await value)
    return value
