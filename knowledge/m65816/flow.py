"""Where a program can go and what is known at each place: abstract interpretation over its control flow.

`analyse` follows code from its entries. States that reach one address with the same M, X and E are joined: what they
disagree about is unknown from there on. Routines are analysed once for each entry state (M, X, E, D, DB), and what
they return flows back to each call. Unknown is unknown: nothing here guesses. One thing is taken for granted: only
pushes, pulls and stack-relative stores change what lies on the stack.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.m65816.flow_solve import Edge, EdgeKind, ExitKind
from knowledge.m65816.flow_state import State
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.program import Program

__all__ = [
    "Assumption",
    "Conflict",
    "Edge",
    "EdgeKind",
    "Entry",
    "Exit",
    "ExitKind",
    "Flow",
    "Join",
    "JumpTable",
    "Node",
    "Routine",
    "Way",
    "analyse",
]


class Entry(NamedTuple):
    """A place where control may begin, and what is known there."""

    address: int
    state: State = State()


@dataclass(frozen=True, slots=True)
class Node:
    """One instruction that can be reached."""

    instruction: Instruction
    state: State
    """What holds before it on every path."""
    states: tuple[State, ...]
    """The same, apart for each routine, M, X and E it is reached with."""
    successors: tuple[Edge, ...]
    predecessors: tuple[int, ...]
    routines: tuple[int, ...]
    """Entries of the routines that it is reached in."""


class Way(NamedTuple):
    """One of two ways to come to an address."""

    state: State
    path: tuple[int, ...]
    """Addresses from the entry of the routine to here: first instruction, each jump target, last instructions."""


class Conflict(NamedTuple):
    """Bytes that are decoded in two ways."""

    address: int
    """Where the second decoding begins."""
    first: Instruction
    second: Instruction
    first_way: Way
    second_way: Way


class Join(NamedTuple):
    """Two paths that meet and disagree about something that is unknown from here on."""

    address: int
    field: str
    """m, x, e, d, db or stack."""
    first: Way
    second: Way


class JumpTable(NamedTuple):
    """Addresses in the program that a JMP or JSR (abs,X) reads."""

    at: int
    """SNES address of the jump."""
    address: int
    """SNES address of the first entry; two bytes each."""
    targets: tuple[int, ...]


class Exit(NamedTuple):
    """A place where control leaves a routine."""

    address: int
    kind: ExitKind
    state: State
    """Before the instruction there."""


class Assumption(NamedTuple):
    """Something that was taken for true without seeing it."""

    address: int
    text: str


@dataclass(frozen=True, slots=True)
class Routine:
    """Code from one entry, or one target of calls, to its exits; its callees are routines of their own."""

    address: int
    entry: State
    """What holds at the entry on every call."""
    nodes: tuple[int, ...]
    exits: tuple[Exit, ...]
    calls: tuple[int, ...]
    """Addresses of the calls in it."""
    callers: tuple[int, ...]
    """Addresses of the calls to it."""
    clobbers: frozenset[str]
    """Registers and flags that may differ at an exit from what they were at the entry, its callees' work included."""


@dataclass(frozen=True)
class Flow:
    """What `analyse` found. Conflicts and joins are the first 200 of each."""

    program: Program
    entries: tuple[Entry, ...]
    nodes: dict[int, Node]
    """By address of the instruction, ascending. Where bytes are decoded in two ways (see `conflicts`), the first."""
    routines: dict[int, Routine]
    conflicts: tuple[Conflict, ...] = ()
    joins: tuple[Join, ...] = ()
    tables: tuple[JumpTable, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    complete: bool = True
    """False when the limit on steps ended the analysis: what is there is right as far as it goes, but not all of it."""


def analyse(program: Program, entries: Sequence[Entry] = (), *, limit: int = 300_000, whole_rom: bool = False) -> Flow:
    """Follow the program from its entries and return what can be reached, and with which states.

    Without entries, from the program's start with nothing known but native mode. `limit` bounds the steps taken;
    with `whole_rom` code is followed into the ROM below the blocks, too.
    """
    from knowledge.m65816.flow_build import build

    starts = tuple(entries) or ((Entry(program.start),) if program.blocks else ())
    return build(program, starts, limit=limit, whole_rom=whole_rom)
