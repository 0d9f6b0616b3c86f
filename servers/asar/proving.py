"""The tools that judge code by running it: compare two versions, and search for a better one."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from schemas.contract import Counterexample, Difference, Verdict
from schemas.frozen import Frozen
from servers.asar.source import CodeText, EntryText, gather
from servers.asar.state import begin_of
from servers.asar.work import in_thread_of_code
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.m65816.contracts import Reading

__all__ = ["offer_proving"]

LiveText = Annotated[
    str,
    Field(
        max_length=1_000,
        description="what the caller uses afterwards, e.g. A X c; of A B X Y n v z c all others are then dead; "
        "empty: everything is live. Memory is always live",
    ),
]
ClobberText = Annotated[
    str,
    Field(
        max_length=1_000,
        description="what may be destroyed, e.g. A, n z c, $7E0F00-$7E0FFF, hardware order (then only the final VRAM, "
        "CGRAM and OAM count); empty: nothing",
    ),
]
InputTexts = Annotated[
    list[str],
    Field(
        max_length=32,
        description="what inputs may hold, e.g. A=0..15, X in 0,2,4, $7E0010.w=0..$7FFF; default anything",
    ),
]
Seed = Annotated[int, Field(ge=0, le=1_000_000_000, description="seed of the random inputs, 0 to 1000000000")]


class Compared(Frozen):
    """What `compare_code` returns."""

    asar_version: str
    result: Literal["proved", "tested", "refuted"]
    method: str = Field(description="identical, smt, exhaustive or vectors")
    cases: int = Field(description="inputs that were run on both")
    reason: str
    original_bytes: int
    candidate_bytes: int
    counterexample: Counterexample | None = None
    contract: str = Field(description="what was promised and relied on, in words")
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Say all that the fields say."""
        lines = [f"{self.result.upper()} ({self.method}, {self.cases} inputs run): {self.reason}"]
        if self.counterexample:
            lines += counterexample_lines(self.counterexample)
        lines.append(f"{self.original_bytes} bytes originally, {self.candidate_bytes} in the candidate")
        lines.append(f"contract: {self.contract}")
        lines += [f"assumed: {text}" for text in self.assumptions]
        lines += [f"note: {text}" for text in self.notes]
        return "\n".join([*lines, f"asar {self.asar_version}"])


def counterexample_lines(example: Counterexample) -> list[str]:
    """Return an input and what came of it, a line for the input and one for each difference."""
    registers = " ".join(f"{name}=${value:02X}" for name, value in example.registers.items())
    memory = " ".join(f"{place}={value:02X}" for place, value in example.memory.items())
    lines = [f"with {registers}" + (f" and memory {memory}" if memory else "")]
    return lines + [_difference(item) for item in example.differences]


def _difference(item: Difference) -> str:
    return f"  {item.where}: original {item.original}, candidate {item.candidate}"


_FINAL = re.compile(r"\bhardware[ _]order\b", re.IGNORECASE)


def reading(*, entry: str, live: str, clobbers: str, inputs: list[str], budget: int = 20_000) -> Reading:
    """Return the contract that a call spells; `hardware order` among the clobbers compares final images alone.

    Raises ServerError with the right spelling.
    """
    from knowledge.m65816.contracts import read_contract
    from knowledge.m65816.outcome import CodeError

    try:
        return read_contract(
            entry=entry,
            live=live,
            clobbers=_FINAL.sub(" ", clobbers),
            inputs=inputs,
            hardware="final" if _FINAL.search(clobbers) else "ordered",
            budget=budget,
        )
    except CodeError as error:
        raise ServerError(str(error)) from error


def _compared(verdict: Verdict, read: Reading, sizes: tuple[int, int], version: str) -> Compared:
    from knowledge.m65816.contracts import describe

    return Compared(
        asar_version=version,
        result=verdict.result,
        method=verdict.method,
        cases=verdict.cases,
        reason=verdict.reason,
        original_bytes=sizes[0],
        candidate_bytes=sizes[1],
        counterexample=verdict.counterexample,
        contract=describe(read.contract),
        assumptions=verdict.assumptions,
        notes=read.notes,
    )


def offer_proving(face: Face, settings: Settings) -> None:
    """Offer `compare_code`."""

    @face.offer(READS, title="Compare two versions of code")
    async def compare_code(
        original: CodeText,
        candidate: Annotated[str, Field(description="the code that should do the same, written as original is")],
        entry: EntryText = "",
        live: LiveText = "",
        clobbers: ClobberText = "",
        inputs: InputTexts = [],  # noqa: B006  # read only; a default that pydantic copies
        seed: Seed = 0,
        budget: Annotated[
            int, Field(ge=1, le=1_000_000, description="instructions a run may take, 1 to 1000000")
        ] = 20_000,
    ) -> Compared:
        """Find out by running both whether a candidate does what the original does: proved, tested or refuted.

        proved: for all inputs (SMT or every input run). tested: on all inputs tried, which is no proof. refuted: with
        an input on which they differ. Say in live what the caller uses afterwards; without it every register and flag
        counts. Both are run as subroutines from the same state.
        """
        from knowledge.m65816.equivalence import compare

        begin = begin_of(entry)
        read = reading(entry=begin.text, live=live, clobbers=clobbers, inputs=inputs, budget=budget)
        first = await gather(original, settings, start=begin.start, what="original")
        second = await gather(candidate, settings, start=begin.start, what="candidate")
        verdict = await in_thread_of_code(partial(compare, first.program, second.program, read.contract, seed=seed))
        return _compared(verdict, read, (first.program.size, second.program.size), first.asar_version)
