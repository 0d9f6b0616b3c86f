"""The tool that searches for faster or smaller code, and gives back only what was proved or tested."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import anyio.from_thread
import anyio.to_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from schemas.frozen import Frozen
from servers.asar.explaining import state_of
from servers.asar.proving import ClobberText, InputTexts, LiveText, Seed, reading
from servers.asar.source import CodeText, EntryText, Source, gather
from servers.asar.state import begin_of
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.m65816.contracts import Reading
    from knowledge.m65816.flow_state import State
    from knowledge.m65816.optimize.search import Candidate, Optimized

__all__ = ["offer_optimizing"]

_MOST_REWRITES = 40
_CANDIDATES = 20_000
_EVERY = 0.5
"""Seconds between two words on the progress."""


class Change(Frozen):
    """One rewrite, with why it is safe."""

    rule: str
    place: str = Field(description="SNES address in the original; empty: an earlier change made it")
    before: list[str]
    after: list[str]
    what: str
    why: str


class Version(Frozen):
    """Code that was accepted in place of the original."""

    code: str = Field(description="asar source text")
    hex: str = Field(description="its bytes")
    bytes: int
    clocks: float = Field(description="master clocks, the mean over the inputs tried")
    cycles: float = Field(description="CPU cycles, the mean")
    saved_percent: float = Field(description="master clocks saved, of the original's")
    result: Literal["proved", "tested"]
    method: str
    cases: int = Field(description="inputs that were run on both")
    changes: list[Change]


class OptimizedCode(Frozen):
    """What `optimize_code` returns."""

    asar_version: str
    improved: bool
    reason: str
    original_bytes: int
    original_clocks: float = Field(description="master clocks, the mean over the inputs tried")
    original_cycles: float
    best: Version | None = None
    others: list[Version] = Field(default=[], description="other versions that were accepted, e.g. shorter ones")
    looked: int = Field(description="rewrites that were looked at")
    refuted: int = Field(description="rewrites that running refuted")
    contract: str
    notes: list[str] = []

    def as_text(self) -> str:
        """Say all that the fields say."""
        lines = [self.reason]
        before = f"{self.original_clocks:g} clocks, {self.original_cycles:g} CPU cycles, {self.original_bytes} bytes"
        lines.append(f"original: {before}")
        for name, version in [("best", self.best), *(("other", item) for item in self.others)]:
            lines += _version_lines(name, version) if version else []
        lines.append(f"{self.looked} rewrites looked at, {self.refuted} refuted; contract: {self.contract}")
        lines += [f"note: {text}" for text in self.notes]
        return "\n".join([*lines, f"asar {self.asar_version}"])


def _version_lines(name: str, version: Version) -> list[str]:
    lines = [
        f"{name}: {version.clocks:g} clocks ({version.saved_percent:g}% saved), {version.cycles:g} CPU cycles, "
        f"{version.bytes} bytes; {version.result.upper()} ({version.method}, {version.cases} inputs run)",
        version.code.strip("\n"),
        f"bytes: {version.hex}",
    ]
    for change in version.changes:
        was, now = " / ".join(change.before) or "nothing", " / ".join(change.after) or "nothing"
        place = f" at {change.place}" if change.place else ""
        lines.append(f"  {change.rule}{place}: {was} -> {now}: {change.what}; safe: {change.why}")
    return lines


def _version(candidate: Candidate, state: State) -> Version:
    from knowledge.m65816.disassemble import disassemble
    from knowledge.m65816.flow import Entry
    from knowledge.m65816.outcome import CodeError

    verdict = candidate.verdict
    if verdict.result == "refuted":
        raise CodeError("the search returned code that was refuted; report this with the code")
    return Version(
        code=disassemble(candidate.program, [Entry(candidate.program.start, state)]).source(),
        hex=b"".join(block.data for block in candidate.program.blocks).hex(" ").upper(),
        bytes=candidate.measure.size,
        clocks=round(candidate.measure.clocks, 1),
        cycles=round(candidate.measure.cycles, 1),
        saved_percent=round(100 * candidate.saving, 1),
        result=verdict.result,
        method=verdict.method,
        cases=verdict.cases,
        changes=[
            Change(
                rule=item.rule,
                place=f"${item.address:06X}" if item.address >= 0 else "",
                before=list(item.before),
                after=list(item.after),
                what=item.what,
                why=item.why,
            )
            for item in candidate.rewrites[:_MOST_REWRITES]
        ],
    )


class _Told(NamedTuple):
    """The last word on the progress of a search: always more than before."""

    looked: int
    at: float


class _Cancelled(Exception):
    """The caller does not wait for the search any more."""


def _result(source: Source, found: Optimized, read: Reading) -> OptimizedCode:
    from knowledge.m65816.contracts import describe

    state = state_of(read.contract)
    return OptimizedCode(
        asar_version=source.asar_version,
        improved=found.best is not None,
        reason=found.reason,
        original_bytes=found.original.size,
        original_clocks=round(found.original.clocks, 1),
        original_cycles=round(found.original.cycles, 1),
        best=_version(found.best, state) if found.best else None,
        others=[_version(item, state) for item in found.alternatives[:2]],
        looked=found.looked,
        refuted=found.refuted,
        contract=describe(read.contract),
        notes=list(read.notes),
    )


async def _search(search: Callable[..., Optimized], ctx: Context) -> Optimized:
    """Search in a thread; progress is told, and a cancelled call ends the search. Raises ServerError."""
    from knowledge.m65816.outcome import CodeError

    gone = threading.Event()
    told = _Told(0, time.monotonic())

    def progress(looked: int) -> None:
        nonlocal told
        if gone.is_set():
            raise _Cancelled
        if looked > told.looked and time.monotonic() - told.at > _EVERY:
            told = _Told(looked, time.monotonic())
            anyio.from_thread.run(ctx.report_progress, looked, None, f"{looked} rewrites looked at")

    try:
        return await anyio.to_thread.run_sync(partial(search, on_progress=progress), abandon_on_cancel=True)
    except CodeError as error:
        raise ServerError(str(error)) from error
    finally:
        gone.set()


def offer_optimizing(face: Face, settings: Settings) -> None:
    """Offer `optimize_code`."""

    @face.offer(READS, title="Optimise 65816 code")
    async def optimize_code(
        code: CodeText,
        ctx: Context,
        entry: EntryText = "",
        live: LiveText = "",
        clobbers: ClobberText = "",
        inputs: InputTexts = [],  # noqa: B006  # read only; a default that pydantic copies
        goal: Annotated[Literal["clocks", "bytes"], Field(description="what to save first")] = "clocks",
        seed: Seed = 0,
        growth: Annotated[
            int,
            Field(ge=-1, le=256, description="bytes it may grow by, -1 to 256; -1: up to 8 where that saves clocks"),
        ] = -1,
    ) -> OptimizedCode:
        """Search for faster (or smaller) code that does the same, each version proved or tested by running it.

        Say in live what the caller uses afterwards: the less, the more can be saved; without it every register and flag
        is kept. Returns the code, its bytes, clocks before and after, each change with why it is safe, and the verdict;
        or says that nothing better was found. Never returns code that was refuted.
        """
        from knowledge.m65816.optimize.search import optimize

        begin = begin_of(entry)
        read = reading(entry=begin.text, live=live, clobbers=clobbers, inputs=inputs)
        source = await gather(code, settings, start=begin.start)
        limits: dict[str, Any] = {"seed": seed, "candidates": _CANDIDATES, "growth": None if growth < 0 else growth}
        search = partial(optimize, source.program, read.contract, goal=goal, **limits)
        return _result(source, await _search(search, ctx), read)
