"""Code put to the proof: assembled by asar in its sandbox, then run on our 65816 from given states."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.experts.prompt import Vector
from knowledge.m65816.contracts import parse_contract
from knowledge.m65816.machine import Machine
from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.outcome import CodeError, Outcome, Start
from knowledge.m65816.program import Block, Program
from knowledge.m65816.registers import Registers
from servers.machine.asar import Assembly, assemble_code
from servers.machine.asar_source import checked
from servers.machine.errors import ServerError
from servers.settings import Settings

__all__ = ["Assembled", "assembled", "clocks_of", "fault"]

_BUDGET = 50_000
_STACK = range(0x7E0100, 0x7E0200)
_SEEDS = range(1, 9)


class Assembled(NamedTuple):
    """What came of code; without a program, `problem` says why."""

    program: Program | None
    problem: str = ""


async def assembled(code: str, settings: Settings) -> Assembled:
    """Assemble code.

    Raises:
        ServerError: asar or the sandbox are missing; the text says how to get them.
    """
    try:
        checked(code)
    except ServerError as error:
        return Assembled(None, f"does not assemble: {error}")
    assembly = await assemble_code(code, settings)
    if not assembly.ok or not assembly.size:
        errors = [item for item in assembly.diagnostics if item.severity == "error"]
        said = f"line {errors[0].line}: {errors[0].message}" if errors else "no bytes"
        return Assembled(None, f"does not assemble: {said}")
    return Assembled(_program(assembly))


def _program(assembly: Assembly) -> Program:
    """Return an assembly as a program that begins at the first line that wrote anything."""
    first = next((line.address for line in assembly.listing().lines if line.address >= 0), -1)
    return Program(tuple(Block(item.address, item.data) for item in assembly.blocks), assembly.mapper, first)


def fault(
    program: Program, vectors: Sequence[Vector], *, entry: str, ends: Sequence[str], scratch: Sequence[str] = ()
) -> str:
    """Run a program from every vector; say what the first one shows to be wrong, or nothing."""
    free = [_range(text) for text in scratch]
    try:
        machine = Machine(program)
        for number, vector in enumerate(vectors, 1):
            outcome = machine.run(_start(vector, entry, seed=number), budget=_BUDGET)
            wrong = _wrong(vector, outcome, ends, free)
            if wrong:
                return f"state {number}: {wrong}"
    except CodeError as error:
        return f"cannot be run: {error}"
    return ""


def clocks_of(program: Program, entry: str) -> int:
    """Return the master clocks that a program takes from eight states, added up. Raises CodeError."""
    machine = Machine(program)
    return sum(machine.run(_start(Vector(), entry, seed=seed), budget=_BUDGET).clocks for seed in _SEEDS)


def _start(vector: Vector, entry: str, *, seed: int) -> Start:
    contract = parse_contract(entry=entry)
    given = vector.registers
    state = {"i": 1, "m": contract.m, "x": contract.x, "c": given.get("c", 0), "z": given.get("z", 0)}
    registers = Registers(
        a=given.get("a", 0),
        x=given.get("x", 0),
        y=given.get("y", 0),
        d=given.get("d", contract.d or 0),
        db=given.get("db", contract.db or 0),
        p=sum(FLAGS[name] for name, value in state.items() if value),
    )
    return Start(registers, {_address(at): bytes.fromhex(data) for at, data in vector.memory.items()}, poison=seed)


def _wrong(vector: Vector, outcome: Outcome, ends: Sequence[str], free: Sequence[range]) -> str:
    if outcome.stop not in ends:
        return f"it ends with {outcome.stop}, not with {' or '.join(ends)}"
    before, after = _bytes(vector.memory), _bytes(vector.gives)
    for address, value in after.items():
        found = outcome.memory.get(address, before.get(address))
        if found != value:
            return f"${address:06X} is {_hex(found)}, not ${value:02X}"
    for address, value in outcome.memory.items():
        allowed = address in after or address in _STACK or any(address in item for item in free)
        if not allowed and before.get(address) != value:
            return f"it writes ${address:06X} too"
    registers = _registers(outcome.registers)
    for name, value in vector.gives_registers.items():
        if registers[name] != value:
            return f"{name} is ${registers[name]:X}, not ${value:X}"
    return _wrong_hardware(vector, outcome)


def _wrong_hardware(vector: Vector, outcome: Outcome) -> str:
    written = {item.address: item.value for item in outcome.hardware if item.kind == "write"}
    wanted = {_address(at): value for at, value in vector.gives_hardware.items()}
    for address in sorted(written.keys() | wanted.keys()):
        if written.get(address) != wanted.get(address):
            return f"${address:04X} got {_hex(written.get(address))}, not {_hex(wanted.get(address))}"
    return ""


def _registers(found: Registers) -> Mapping[str, int]:
    return {
        "a": found.a,
        "al": found.a & 0xFF,
        "x": found.x,
        "y": found.y,
        "d": found.d,
        "db": found.db,
        "c": int(bool(found.p & FLAGS["c"])),
        "z": int(bool(found.p & FLAGS["z"])),
        "m": 8 if found.p & FLAGS["m"] else 16,
        "xw": 8 if found.p & FLAGS["x"] else 16,
    }


def _bytes(places: Mapping[str, str]) -> dict[int, int]:
    return {_address(at) + index: byte for at, data in places.items() for index, byte in enumerate(bytes.fromhex(data))}


def _address(text: str) -> int:
    return int(text.removeprefix("$"), 16)


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(_address(first), _address(last or first) + 1)


def _hex(value: int | None) -> str:
    return "nothing" if value is None else f"${value:02X}"
