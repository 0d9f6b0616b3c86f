"""How the bodies of the spec become numbered operations: what each costs before it runs, and how often it is met."""

import ast
from typing import NamedTuple

from knowledge.m65816.cpu_spec import INTERRUPTS, STATES, Variant, variants

__all__ = ["Operation", "ids", "operations"]

_ACCESSES = {"R8": 1, "R16": 2, "R16B": 2, "R16P": 2, "R16V": 2, "W8": 1, "W16": 2, "W16B": 2, "W16H": 2, "W16BH": 2}

_OFTEN = {
    "LDA": 20, "STA": 16, "BNE": 14, "BEQ": 12, "CMP": 9, "INX": 6, "INY": 6, "DEX": 6, "DEY": 6, "AND": 7, "ADC": 7,
    "SBC": 4, "CLC": 6, "SEC": 4, "LDX": 7, "LDY": 7, "STX": 4, "STY": 4, "JSR": 5, "RTS": 5, "BRA": 5, "BCC": 5,
    "BCS": 5, "BPL": 5, "BMI": 5, "INC": 7, "DEC": 5, "ASL": 6, "LSR": 5, "ORA": 4, "EOR": 3, "REP": 4, "SEP": 4,
    "TAX": 4, "TAY": 4, "TXA": 4, "TYA": 4, "PHA": 4, "PLA": 4, "STZ": 4, "CPX": 4, "CPY": 3, "BIT": 3, "JSL": 2,
    "RTL": 2, "PHX": 2, "PLX": 2, "PHY": 2, "PLY": 2, "ROL": 2, "ROR": 2, "XBA": 2, "MVN": 2,
}  # fmt: skip
"""How often a mnemonic is met, roughly, in programs for the console: the hot ones are found first."""
_RARE_MODES = {"direct_y", "direct_x_indirect", "stack_relative_indirect_y", "direct_indirect_long_y"}


class Operation(NamedTuple):
    """A variant as the CPUs run it."""

    variant: Variant
    tree: ast.Module
    lead: int
    """Internal cycles before the first data access: charged with the fetches."""
    cycles: int
    """All cycles that it always takes, the fetch of the opcode too."""
    deep: int
    """1 when it takes a cycle more with DL not 0."""
    fetches: int
    """Bytes of the program that it fetches, the opcode too: its length, but for WDM, which skips its second byte."""
    weight: float
    """How often it is met, roughly."""


def _verb(node: ast.stmt) -> str:
    value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
    return value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""


def _weight(variant: Variant) -> float:
    if variant.opcode is None or variant.states == (7,):
        return 0.01
    often = _OFTEN.get(variant.opcode.mnemonic, 0.5)
    return often * (0.3 if variant.opcode.mode in _RARE_MODES else 1)


def _operation(variant: Variant) -> Operation:
    tree = ast.parse("\n".join(variant.body))
    lead, cycles, touched = 0, 1, False
    verbs = [_verb(node) for node in tree.body]
    for verb in verbs:
        cycles += _ACCESSES.get(verb, 1 if verb in ("IDLE", "FETCH") else 0)
        touched = touched or verb in _ACCESSES
        lead += verb == "IDLE" and not touched
    return Operation(variant, tree, lead, cycles, int("IDLEW" in verbs), 1 + verbs.count("FETCH"), _weight(variant))


def operations() -> tuple[Operation, ...]:
    """Return all operations, the most frequent first; the place is the number."""
    return tuple(sorted(map(_operation, variants()), key=lambda item: -item.weight))


def ids(made: tuple[Operation, ...]) -> dict[int, tuple[int, ...]]:
    """Return the numbers by state: 256 of the opcodes, then those of the interrupts."""
    found: dict[int, tuple[int, ...]] = {}
    for state in STATES:
        row = [0] * (256 + len(INTERRUPTS))
        for number, item in enumerate(made):
            if state in item.variant.states:
                opcode = item.variant.opcode
                row[256 + INTERRUPTS.index(item.variant.name) if opcode is None else opcode.code] = number
        found[state] = tuple(row)
    return found
