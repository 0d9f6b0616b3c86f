"""A prompt with what its right answer does: data, with a right and some wrong answers that its grader is held to."""

import hashlib
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from schemas.frozen import Frozen

__all__ = ["EXPERTS", "ExpertName", "Prompt", "Vector", "load_prompts"]

ExpertName = Literal["din", "nayru", "farore", "veran"]
EXPERTS: tuple[ExpertName, ...] = get_args(ExpertName)


class Vector(Frozen):
    """A state of the machine at entry, and what must be true at exit."""

    registers: dict[str, int] = Field(default={}, description="at entry: a x y d db, c and z as 0 or 1; others are 0")
    memory: dict[str, str] = Field(default={}, description="at entry: hexadecimal bytes by $address; others: anything")
    gives: dict[str, str] = Field(default={}, description="bytes at exit, by $address")
    gives_registers: dict[str, int] = Field(
        default={}, description="at exit: a (16 bits), al (its low byte), x, y, d, db, c, z, and the widths m and xw"
    )
    gives_hardware: dict[str, int] = Field(default={}, description="the last value written to a register, by $address")


class Prompt(Frozen):
    """What is asked of an expert, and what a right answer is.

    Code is run from every vector and may write nothing but what a vector gives, `scratch` and the stack. An optimised
    `original` must do the same under the contract of `entry`, `live` and `inputs`, in fewer bytes or clocks.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    expert: ExpertName
    level: Literal[1, 2, 3] = Field(description="1: a few instructions, 2: a loop, a width or a branch, 3: several")
    prompt: str
    entry: str = Field(default="m8 x8", description="widths at entry, as compare_code takes them")
    ends: tuple[str, ...] = Field(default=("rts", "rtl"), description="how the code may return")
    vectors: tuple[Vector, ...] = ()
    scratch: tuple[str, ...] = Field(default=(), description="ranges that may be overwritten, $first-$last")
    original: str = Field(default="", description="the code to make smaller, or to mend")
    live: str = Field(default="", description="what the caller uses of an optimised routine")
    inputs: tuple[str, ...] = Field(default=(), description="what its inputs may hold")
    says: tuple[str, ...] = Field(default=(), description="patterns that its words must hold, in any case")
    never: tuple[str, ...] = Field(default=(), description="patterns that they must not hold")
    right: str = Field(description="an answer that the grader must take")
    wrong: tuple[str, ...] = Field(min_length=1, description="answers that it must refuse")

    def digest(self) -> str:
        """Return what tells this prompt from a changed one: runs of the other do not count for it."""
        return hashlib.sha256(f"{self.expert}\n{self.prompt}".encode()).hexdigest()[:12]


def load_prompts(folder: Path = Path(__file__).parent) -> tuple[Prompt, ...]:
    """Read the prompts of all four experts, in the order of their files."""
    files = [folder / f"prompts_{expert}.jsonl" for expert in EXPERTS]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return tuple(Prompt.model_validate_json(line) for line in lines if line.strip())
