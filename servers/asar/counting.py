"""The tool that counts what code costs: over all ways through it, and exactly for given inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from schemas.frozen import Frozen
from servers.asar.explaining import state_of
from servers.asar.source import CodeText, EntryText, Source, gather
from servers.asar.state import begin_of, start_of
from servers.asar.work import in_thread_of_code
from servers.machine.face import READS, Face
from servers.machine.paging import END, page_of
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.m65816.cycles import Count, LineCount
    from knowledge.m65816.flow_state import State
    from knowledge.m65816.outcome import Outcome, Start

__all__ = ["offer_counting"]

_MOST_REASONS = 24


class Span(Frozen):
    """Least and most; most is -1 where nothing bounds it."""

    least: int
    most: int

    def __str__(self) -> str:
        """Return `12`, `12 to 30` or `12 or more`."""
        if self.most < 0:
            return f"{self.least} or more"
        return f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"


class Exact(Frozen):
    """What one run cost."""

    stop: str
    instructions: int
    cycles: int
    clocks: int
    scanlines: float
    vblank_percent: float


class Counted(Frozen):
    """What `count_cycles` returns."""

    asar_version: str
    bytes: int = Field(description="bytes of the instructions that can be reached")
    cycles: Span = Field(description="CPU cycles of a call, its RTS or RTL included, over all inputs")
    clocks: Span = Field(description="master clocks with slow ROM")
    clocks_fast: Span = Field(description="master clocks with FastROM on (banks $80-$FF)")
    scanlines: list[float] = Field(description="least and most, slow ROM; -1: unbounded")
    vblank_percent: list[float] = Field(description="share of an NTSC vertical blank, least and most; -1: unbounded")
    reasons: list[str] = Field(description="why least and most differ")
    loops: list[str] = Field(description="loops: what one round costs, and whether their rounds are known")
    run: Exact | None = Field(default=None, description="the exact cost for the inputs that were given")
    lines: list[str] = Field(description="cost by source line (or instruction), each once; with a run, in all")
    lines_total: int
    offset: int
    next_offset: int = Field(description="offset of the next page of lines; -1: none")

    def as_text(self) -> str:
        """Say all that the fields say."""
        lines = [
            f"{self.cycles} CPU cycles, {self.clocks} master clocks ({self.clocks_fast} with FastROM)",
            f"{self.bytes} bytes",
            f"{_range(self.scanlines)} scanlines, {_range(self.vblank_percent)}% of an NTSC vblank; "
            f"asar {self.asar_version}",
        ]
        if self.run:
            lines.append(
                f"with these inputs exactly {self.run.cycles} CPU cycles, {self.run.clocks} master clocks, "
                f"{self.run.instructions} instructions, {self.run.scanlines:g} scanlines, "
                f"{self.run.vblank_percent:g}% of a vblank; it ended by {self.run.stop}"
            )
        lines += [f"range: {text}" for text in self.reasons] + [f"loop {text}" for text in self.loops]
        more = "" if self.next_offset == END else f"; more: call again with offset={self.next_offset}"
        return "\n".join([*lines, f"by line, from {self.offset} of {self.lines_total}{more}:", *self.lines])


def _range(pair: list[float]) -> str:
    low, high = pair
    if high < 0:
        return f"{low:g} or more"
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _span(least: int, most: int | None) -> Span:
    return Span(least=least, most=-1 if most is None else most)


def _exact(outcome: Outcome) -> Exact:
    from knowledge.m65816.cycles import scanlines, vblank_share

    return Exact(
        stop=outcome.stop,
        instructions=outcome.instructions,
        cycles=outcome.cycles,
        clocks=outcome.clocks,
        scanlines=round(scanlines(outcome.clocks), 2),
        vblank_percent=round(100 * vblank_share(outcome.clocks), 2),
    )


def _work(source: Source, state: State, start: Start | None, *, offset: int, limit: int) -> Counted:
    from knowledge.m65816.cycles import count, count_lines, measure, scanlines, vblank_share
    from knowledge.m65816.flow import Entry
    from knowledge.m65816.machine import Machine

    counted = count(source.program, Entry(source.program.start, state))
    outcome = Machine(source.program).run(start, profile=True) if start else None
    spent = measure(outcome, listing=source.listing) if outcome else None
    rows = spent.by_line if spent else count_lines(counted, source.listing)
    lines = [_line(row, ran=spent is not None) for row in rows] or [
        f"${address:06X} {row.instruction.opcode.mnemonic}: {_span(row.cost.cycles, row.cost.most_cycles)} CPU cycles, "
        f"{_span(row.cost.slow, row.cost.most_slow)} clocks"
        for address, row in counted.instructions.items()
    ]
    page = page_of(lines, offset=offset, limit=limit, weigh=len)
    low, high = counted.bounds.slow
    return Counted(
        asar_version=source.asar_version,
        bytes=counted.size,
        cycles=_span(*counted.bounds.cycles),
        clocks=_span(low, high),
        clocks_fast=_span(*counted.bounds.fast),
        scanlines=[round(scanlines(low), 2), -1 if high is None else round(scanlines(high), 2)],
        vblank_percent=[round(100 * vblank_share(low), 2), -1 if high is None else round(100 * vblank_share(high), 2)],
        reasons=_reasons(counted),
        loops=[
            f"at ${loop.head:06X}: {_span(loop.once.cycles, loop.once.most_cycles)} CPU cycles a round, "
            + ("counted in" if loop.counted else "rounds unknown: one is counted at least")
            for loop in counted.loops[:_MOST_REASONS]
        ],
        run=_exact(outcome) if outcome else None,
        lines=list(page.items),
        lines_total=len(lines),
        offset=offset,
        next_offset=page.next_offset,
    )


def _reasons(counted: Count) -> list[str]:
    lines = [f"${item.address:06X}: {item.text}" for item in counted.reasons[:_MOST_REASONS]]
    endless = counted.bounds.cycles == (0, None)
    return ["no way from the start leads to an end: the code never returns", *lines] if endless else lines


def _line(row: LineCount, *, ran: bool) -> str:
    cycles, clocks = _span(*row.cycles), _span(*row.clocks)
    times = f"{row.times} times, " if ran else ""
    return f"{row.line.file}:{row.line.line} {row.line.text.strip()}: {times}{cycles} CPU cycles, {clocks} clocks"


def offer_counting(face: Face, settings: Settings) -> None:
    """Offer `count_cycles`."""

    @face.offer(READS, title="Count cycles")
    async def count_cycles(
        code: CodeText,
        entry: EntryText = "",
        inputs: Annotated[
            list[str],
            Field(max_length=256, description="to count one run exactly: inputs as for run_code, e.g. X=3, $10=05"),
        ] = [],  # noqa: B006  # read only; a default that pydantic copies
        offset: Annotated[int, Field(ge=0, description="lines to skip, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=1, le=400, description="most lines, 1 to 400")] = 100,
    ) -> Counted:
        """Count what code costs: CPU cycles, master clocks (slow and fast ROM), bytes, scanlines, share of vblank.

        Gives the least and the most over all inputs, with the reasons for a range, and the cost of each line. With
        inputs it also runs the code once and counts exactly.
        """
        begin = begin_of(entry)
        source = await gather(code, settings, start=begin.start)
        start = start_of(begin.contract, inputs) if inputs else None
        state = state_of(begin.contract)
        return await in_thread_of_code(partial(_work, source, state, start, offset=offset, limit=limit))
