"""The end of a run: where checks judge an answer before it is given, and may send it back with a diagnosis.

A `Finish` is asked whenever the model has answered. It gets the run so far, as it would be kept with this answer, and
the toolbox, and returns the run with what it found (an answer with its verdict, fields of its own) and a diagnosis.
The diagnosis goes to the model as a message while `Limits.rounds` and the steps last; an empty one, the same answer
again, or the end of these gives the best answer so far, as it was judged:

    async def finish(run: Run, toolbox: Tools) -> Judged:
        (record,) = await toolbox.call_all([ToolCall(id="check", name="assemble", arguments={"code": code_in(run)})])
        return Judged(run) if record.ok else Judged(run, f"Your code does not assemble: {record.text}")

What it raises as a `RunnerError` is a note, and the answer stands unjudged. Its calls count for no step.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from schemas.message import ToolCall, ToolSpec
from schemas.run import CallRecord, Run

__all__ = ["UNPROVEN", "Finish", "Judged", "Tools"]

UNPROVEN = "\n\n(unproven: "
"""How the line begins that stands under an answer for which the expert's proving tool has accepted nothing."""


class Tools(Protocol):
    """What the loop, and a check, needs of a toolbox."""

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools on offer."""
        ...

    async def call_all(self, calls: Sequence[ToolCall]) -> tuple[CallRecord, ...]:
        """Run the calls at the same time; one record each, in their order; never raises but for cancellation."""
        ...


class Judged(NamedTuple):
    """What a `Finish` found."""

    run: Run
    """The run with what was found."""
    diagnosis: str = ""
    """What the model has to mend; empty: nothing, or nothing that it could."""
    worth: tuple[int, ...] = ()
    """How good the answer is, the greater the better: of several answers the best is given, of equals the last."""


Finish = Callable[[Run, Tools], Awaitable[Judged]]
