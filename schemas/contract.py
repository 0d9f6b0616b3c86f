"""`Contract` and `Verdict`: what two pieces of code must agree on, and whether they do."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen

__all__ = ["Contract", "Counterexample", "Difference", "Input", "MemoryRange", "Verdict"]


class MemoryRange(Frozen):
    """Bytes from `start` to `end`, both included, as SNES addresses."""

    start: int = Field(ge=0, le=0xFFFFFF)
    end: int = Field(ge=0, le=0xFFFFFF)


class Input(Frozen):
    """What one live-in may hold. Without an Input, a register or byte may hold anything."""

    name: str = Field(description="register (A, B, X, Y, S, D, DB), flag (n v d i z c) or address ($7E0010)")
    size: Literal[1, 2] = Field(default=1, description="bytes, for an address")
    low: int = Field(default=0, ge=0, le=0xFFFF)
    high: int = Field(default=0xFFFF, ge=0, le=0xFFFF)
    values: tuple[int, ...] = Field(default=(), description="when given, just these")


class Contract(Frozen):
    """What the caller promises at entry and relies on at exit.

    Registers by capital letters: A is the low byte of the accumulator, B the high byte; flags by small letters and `e`.
    Everything is live unless it is named in `clobbers`: all registers, all flags, all memory above the stack pointer,
    the ordered hardware writes, and how the code ends.
    """

    m: Literal[0, 1] = 1
    x: Literal[0, 1] = 1
    e: Literal[0, 1] = 0
    d: int | None = Field(default=0, ge=0, le=0xFFFF, description="direct page at entry; None: anything")
    db: int | None = Field(default=0, ge=0, le=0xFF, description="data bank at entry; None: anything")
    decimal: bool | None = Field(default=False, description="D flag at entry; None: either")
    clobbers: frozenset[str] = Field(default=frozenset(), description="registers and flags that are dead at exit")
    memory_clobbers: tuple[MemoryRange, ...] = Field(default=(), description="memory that is dead at exit")
    inputs: tuple[Input, ...] = ()
    hardware: Literal["ordered", "final"] = Field(
        default="ordered", description="compare the ordered hardware writes, or only the final VRAM, CGRAM and OAM"
    )
    budget: int = Field(default=20_000, ge=1, le=10_000_000, description="instructions a run may take")


class Difference(Frozen):
    """One place where the two ended differently."""

    where: str
    original: str
    candidate: str


class Counterexample(Frozen):
    """An input on which the two differ, to be run again."""

    registers: dict[str, int] = Field(description="registers and flags (small letters); what is not named is 0")
    memory: dict[str, int] = Field(description="bytes that were set, by $address")
    poison: int = Field(default=0, description="seed of all other memory; 0: every byte is $55")
    differences: tuple[Difference, ...]


class Verdict(Frozen):
    """Whether a candidate does what the original does, under a contract."""

    result: Literal["proved", "tested", "refuted"]
    method: Literal["identical", "smt", "exhaustive", "vectors"]
    cases: int = Field(ge=0, description="inputs that were run on both")
    reason: str = Field(description="one sentence for the reader")
    counterexample: Counterexample | None = None
    assumptions: tuple[str, ...] = Field(default=(), description="what the verdict rests on, e.g. D = $0000 at entry")
