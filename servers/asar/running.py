"""The tool that runs code on the 65816 and shows what it did."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import anyio.to_thread
from pydantic import Field

from schemas.frozen import Frozen
from servers.asar.source import CodeText, EntryText, gather
from servers.asar.state import begin_of, start_of
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.paging import END, page_of
from servers.settings import Settings

if TYPE_CHECKING:
    from knowledge.m65816.outcome import HardwareAccess, Outcome, Remark, Start, TraceLine
    from knowledge.m65816.program import Program
    from knowledge.m65816.registers import Registers

    pass

__all__ = ["flag_letters", "offer_running", "register_values", "run_program"]

Show = Literal["summary", "memory", "hardware", "trace"]
_FEW = 24
"""Entries of each list that the summary shows."""
_MOST_TRACE = 20_000
_MOST_WATCHED = 100_000
"""Instructions of a run that is looked at access by access."""
_STOPS = {
    "rts": "returned by RTS",
    "rtl": "returned by RTL",
    "rti": "returned by RTI",
    "end": "ran past its last byte (no RTS or RTL there)",
    "outside": "left the code: it ran into bytes that are no part of it",
    "budget": "was stopped: the instruction budget was used up (raise budget, or look for an endless loop)",
    "stp": "stopped by STP",
    "wai": "waits in WAI for an interrupt that never comes (set interrupts to on)",
    "interrupt": "went to an interrupt vector that leads nowhere (BRK, COP, NMI or IRQ: write the vector, for example "
    "org $00FFEA, dw Handler for NMI)",
}


class RunResult(Frozen):
    """What `run_code` returns."""

    asar_version: str
    stop: str = Field(description="rts, rtl, rti, end, outside, budget, stp, wai or interrupt")
    reason: str
    registers: dict[str, str] = Field(
        description="after the run: A (16 bits), X, Y, S, D, DB, P, E; PB and PC unless it returned"
    )
    flags: str = Field(description="NVMXDIZC, a capital letter where set")
    instructions: int
    cycles: int = Field(description="CPU cycles")
    clocks: int = Field(description="master clocks (21.477 MHz)")
    scanlines: float = Field(description="lines of the picture that the clocks last, without refresh")
    memory: list[str] = Field(description="bytes written, e.g. $7E0010: 12 34")
    memory_total: int = Field(description="bytes written in all")
    hardware: list[str] = Field(default=[], description="accesses of hardware registers, in order")
    hardware_total: int = 0
    remarks: list[str] = Field(default=[], description="what real hardware would answer in a way not to rely on")
    trace: list[str] = []
    trace_total: int = 0
    offset: int = 0
    next_offset: int = Field(default=END, description="offset of the next page of the list shown; -1: none")

    def as_text(self) -> str:
        """Say all that the fields say."""
        values = " ".join(f"{name}={value}" for name, value in self.registers.items())
        lines = [
            f"{self.reason} ({self.stop}) after {self.instructions} instructions",
            f"{values} flags {self.flags}",
            f"{self.cycles} CPU cycles, {self.clocks} master clocks, {self.scanlines} scanlines; "
            f"asar {self.asar_version}",
        ]
        parts = (
            ("memory written", self.memory, f"{self.memory_total} bytes"),
            ("hardware", self.hardware, f"{self.hardware_total} accesses"),
            ("trace", self.trace, f"{self.trace_total} instructions"),
        )
        for name, items, total in parts:
            if items:
                lines += [f"{name} ({total} in all):", *(f"  {item}" for item in items)]
        if self.hardware_total > len(self.hardware) and not self.offset and self.next_offset == END:
            lines.append(f"{self.hardware_total} hardware accesses in all; show=hardware lists them")
        lines += [f"note: {item}" for item in self.remarks]
        if self.offset or self.next_offset != END:
            more = (
                "this is the last page"
                if self.next_offset == END
                else f"more: call again with offset={self.next_offset}"
            )
            lines.append(f"shown from {self.offset}; {more}")
        return "\n".join(lines)


def flag_letters(p: int) -> str:
    """Return P as `nVmxdizc`: a capital letter where the flag is set."""
    from knowledge.m65816.opcodes import FLAGS

    return "".join(name.upper() if p & bit else name for name, bit in FLAGS.items())


def register_values(registers: Registers) -> dict[str, str]:
    """Return the registers as hexadecimal text."""
    wide = {"A": registers.a, "X": registers.x, "Y": registers.y, "S": registers.s, "D": registers.d}
    narrow = {"DB": registers.db, "PB": registers.pb, "P": registers.p}
    values = {name: f"${value:04X}" for name, value in wide.items()}
    values |= {name: f"${value:02X}" for name, value in narrow.items()}
    return values | {"E": str(registers.e)}


def _registers_after(outcome: Outcome) -> dict[str, str]:
    """Return the registers as a caller finds them: S as it was before the call when it returned; else where it is."""
    registers = outcome.registers.copy()
    if outcome.stop == "rts":  # the frame has a third byte for RTL, which RTS leaves
        registers.s = registers.s + 1 & 0xFFFF
    values = register_values(registers)
    if outcome.stop in ("rts", "rtl", "rti"):
        return {name: value for name, value in values.items() if name != "PB"}
    return values | {"PC": f"${registers.pc:04X}"}


def _memory_lines(memory: dict[int, int]) -> list[str]:
    """Return the written bytes, sixteen a line, consecutive ones together."""
    lines: list[str] = []
    row: list[int] = []
    for address in sorted(memory):
        if row and (address != row[-1] + 1 or len(row) == 16):
            lines.append(_row(row, memory))
            row = []
        row.append(address)
    return [*lines, _row(row, memory)] if row else lines


def _row(addresses: list[int], memory: dict[int, int]) -> str:
    return f"${addresses[0]:06X}: " + " ".join(f"{memory[address]:02X}" for address in addresses)


def _access_line(access: HardwareAccess) -> str:
    from knowledge.snes.registers import register_at

    arrow = "<-" if access.kind == "write" else "->"
    known = register_at(access.address)
    name = known.name if known else "unmapped"
    by = " by DMA" if access.by == "dma" else ""
    return f"clock {access.clock}: ${access.address:04X} {name} {arrow} ${access.value:02X}{by} at ${access.pc:06X}"


def _trace_line(line: TraceLine) -> str:
    return f"{line.registers} cycles {line.cycles}"


def _remark_line(remark: Remark) -> str:
    return f"${remark.pc:06X} {remark.code}: {remark.message}"


class _Lists(NamedTuple):
    memory: list[str]
    hardware: list[str]
    trace: list[str]
    next_offset: int


def _page(outcome: Outcome, show: Show, offset: int, limit: int) -> _Lists:
    lists: dict[str, list[str]] = {
        "memory": _memory_lines(outcome.memory),
        "hardware": [_access_line(access) for access in outcome.hardware] if show != "summary" else [],
        "trace": [_trace_line(line) for line in outcome.trace],
    }
    if show == "summary":
        hardware = [_access_line(access) for access in outcome.hardware[:_FEW]]
        return _Lists(lists["memory"][:_FEW], hardware, [], END)
    page = page_of(lists[show], offset=offset, limit=limit, weigh=len)
    chosen = {name: list(page.items) if name == show else [] for name in lists}
    return _Lists(chosen["memory"], chosen["hardware"], chosen["trace"], page.next_offset)


def run_program(program: Program, start: Start, *, budget: int, trace: bool = False) -> Outcome:
    """Run a program. Raises ServerError when it cannot be run.

    A run that is not too long is made a second time with every access of the bus looked at, which is far slower.
    """
    from knowledge.m65816.machine import Machine
    from knowledge.m65816.outcome import CodeError

    try:
        machine = Machine(program)
        outcome = machine.run(start, budget=budget, trace=trace)
        if outcome.instructions > _MOST_WATCHED:
            return outcome
        return machine.run(start, budget=budget, trace=trace, watch=True)
    except CodeError as error:
        raise ServerError(str(error)) from error


def _result(outcome: Outcome, version: str, *, show: Show, offset: int, limit: int) -> RunResult:
    from knowledge.m65816.cycles import scanlines

    lists = _page(outcome, show, offset, limit)
    return RunResult(
        asar_version=version,
        stop=outcome.stop,
        reason="the code " + _STOPS[outcome.stop],
        registers=_registers_after(outcome),
        flags=flag_letters(outcome.registers.p),
        instructions=outcome.instructions,
        cycles=outcome.cycles,
        clocks=outcome.clocks,
        scanlines=round(scanlines(outcome.clocks), 2),
        memory=lists.memory,
        memory_total=len(outcome.memory),
        hardware=lists.hardware,
        hardware_total=len(outcome.hardware),
        remarks=[_remark_line(remark) for remark in outcome.remarks[:_FEW]],
        trace=lists.trace,
        trace_total=len(outcome.trace),
        offset=offset,
        next_offset=lists.next_offset,
    )


def offer_running(face: Face, settings: Settings) -> None:
    """Offer `run_code`."""

    @face.offer(READS, title="Run 65816 code")
    async def run_code(
        code: CodeText,
        entry: EntryText = "",
        inputs: Annotated[
            list[str],
            Field(
                max_length=256,
                description="registers, flags and memory at entry, e.g. A=$12, X=3, c=1, $7E0010=12 34 (bytes), "
                "$10=$1234 (a word); all else is 0, memory $55. Also joypad=$8000, interrupts=on, poison=7 (other "
                "memory by a seed)",
            ),
        ] = [],  # noqa: B006  # read only; a default that pydantic copies
        show: Annotated[
            Show, Field(description="what to list in full: memory, hardware or trace; or a summary")
        ] = "summary",
        budget: Annotated[
            int, Field(ge=1, le=1_000_000, description="most instructions to run, 1 to 1000000")
        ] = 100_000,
        offset: Annotated[int, Field(ge=0, description="entries of the list to skip, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=1, le=500, description="most entries of the list, 1 to 500")] = 200,
    ) -> RunResult:
        """Run 65816 code on a cycle-exact CPU and return registers, memory written, hardware accesses and exact clocks.

        Give the code, the state at entry and the inputs. It runs as a subroutine: RTS or RTL ends it. Nothing on this
        machine is touched. The trace shows the state before each instruction.
        """
        begin = begin_of(entry)
        source = await gather(code, settings, start=begin.start)
        first = start_of(begin.contract, inputs)
        if show == "trace":
            budget = min(budget, _MOST_TRACE)
        run = partial(run_program, source.program, first, budget=budget, trace=show == "trace")
        outcome = await anyio.to_thread.run_sync(run, abandon_on_cancel=True)
        return _result(outcome, source.asar_version, show=show, offset=offset, limit=limit)
