"""One instruction as text that asar 1.91 assembles back to the same bytes.

Widths are always written (`.b`, `.w`, `.l`), so that asar has nothing to guess. A branch without a label is written as
asar reads a number there: the displacement itself, not the address.
"""

from typing import Final

from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import Mode

__all__ = ["spell"]

_FORMS: Final[dict[Mode, str]] = {
    "implied": "",
    "accumulator": " a",
    "immediate_m": ".{w} #{v}",
    "immediate_x": ".{w} #{v}",
    "immediate_8": " #{v}",
    "immediate_16": ".w {v}",
    "direct": ".b {v}",
    "direct_x": ".b {v},x",
    "direct_y": ".b {v},y",
    "direct_indirect": ".b ({v})",
    "direct_x_indirect": ".b ({v},x)",
    "direct_indirect_y": ".b ({v}),y",
    "direct_indirect_long": ".b [{v}]",
    "direct_indirect_long_y": ".b [{v}],y",
    "absolute": ".w {v}",
    "absolute_x": ".w {v},x",
    "absolute_y": ".w {v},y",
    "absolute_long": ".l {v}",
    "absolute_long_x": ".l {v},x",
    "absolute_indirect": ".w ({v})",
    "absolute_x_indirect": ".w ({v},x)",
    "absolute_indirect_long": ".w [{v}]",
    "relative": " {v}",
    "relative_long": " {v}",
    "stack_relative": ".b {v},s",
    "stack_relative_indirect_y": ".b ({v},s),y",
}
_DIGITS: Final[dict[Mode, int]] = {
    "immediate_16": 4, "absolute": 4, "absolute_x": 4, "absolute_y": 4, "absolute_long": 6, "absolute_long_x": 6,
    "absolute_indirect": 4, "absolute_x_indirect": 4, "absolute_indirect_long": 4, "relative_long": 4,
}  # fmt: skip
_PLAIN: Final = frozenset(("JMP", "JSR", "JSL"))
"""Mnemonics that have one width in each mode, and are written without it."""


def spell(instruction: Instruction, *, label: str = "") -> str:
    """Return an instruction in asar's syntax, in small letters.

    `label` stands for the operand: for the target of a branch, jump or call, or the address of data. It has to be worth
    exactly the operand (for a branch or PER, the address that it leads to).
    """
    row = instruction.opcode
    name = row.mnemonic.lower()
    if row.mode == "block_move":
        return f"{name} ${instruction.operand & 0xFF:02x},${instruction.operand >> 8:02x}"
    digits = _DIGITS.get(row.mode, 2)
    if row.mode.startswith("immediate") and digits == 2:
        digits = 2 * (instruction.size - 1)
    form = _FORMS[row.mode]
    if row.mnemonic == "PEI":
        form = " ({v})"
    elif row.mnemonic in _PLAIN and "." in form:
        form = form[2:]
    if row.mnemonic == "JMP" and row.mode in ("absolute_long", "absolute_indirect_long"):
        name = "jml"
    return name + form.format(w="b" if digits == 2 else "w", v=label or f"${instruction.operand:0{digits}x}")
