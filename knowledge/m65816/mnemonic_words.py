"""What each mnemonic does, in one plain sentence with gaps, and what it does to each flag.

The sentences feed the explanation of one instruction and the opcode reference. Gaps: `{a}`, `{x}`, `{y}` are the
registers with their widths; `{source}` is `from PLACE` or `with the value $10`; `{value}` is the data itself; `{place}`
is where the data lies; `{top}` is its highest bit; `{bits}` its width; `{target}` is where control goes; `{flags}`,
`{from}` and `{to}` come from the operand. Source: WDC, W65C816S data sheet (2018), table 5-1 and chapter 5.
"""

from typing import NamedTuple

__all__ = ["CYCLE_REASONS", "FLAG_NAMES", "WORDS", "Words", "flag_sentences"]

FLAG_NAMES = {
    "n": "N (negative)",
    "v": "V (overflow)",
    "m": "M (accumulator width)",
    "x": "X (index width)",
    "d": "D (decimal)",
    "i": "I (interrupt disable)",
    "z": "Z (zero)",
    "c": "C (carry)",
    "e": "E (emulation)",
}
"""Flags by their small letters."""


CYCLE_REASONS = {
    "m": "+1 if the accumulator is 16 bits (M = 0)",
    "mm": "+2 if the accumulator is 16 bits (M = 0)",
    "x": "+1 if the index registers are 16 bits (X = 0)",
    "w": "+1 if the low byte of D is not 0",
    "p": "+1 if the index registers are 16 bits (X = 0) or the index crosses a page",
    "t": "+1 if the branch is taken",
    "e": "+1 if the branch is taken across a page in emulation mode",
    "n": "+1 in native mode",
    "b": "7 for each byte that is moved",
}
"""What each modifier of the opcode table adds to the CPU cycles, in words."""


class Words(NamedTuple):
    """What a mnemonic stands for and does."""

    title: str
    sentence: str


def _words(text: str) -> dict[str, Words]:
    found: dict[str, Words] = {}
    for line in text.strip().splitlines():
        mnemonic, title, sentence = (part.strip() for part in line.split("|"))
        found[mnemonic] = Words(title, sentence)
    return found


WORDS: dict[str, Words] = _words(
    """
ADC | add with carry | Adds {value} and the carry flag to {a}.
AND | bitwise AND | Keeps in {a} only the bits that are also 1 in {value} (bitwise AND).
ASL | arithmetic shift left | Shifts {value} left by one bit. Bit {top} goes into carry, and a 0 comes in at bit 0.
BCC | branch if carry clear | Branches to {target} if the carry flag is 0.
BCS | branch if carry set | Branches to {target} if the carry flag is 1.
BEQ | branch if equal | Branches to {target} if the zero flag is 1 (the last result was zero, or equal).
BIT | test bits | Tests {value} with {a} (bitwise AND). The result is not kept.
BMI | branch if minus | Branches to {target} if the negative flag is 1.
BNE | branch if not equal | Branches to {target} if the zero flag is 0 (the last result was not zero, or not equal).
BPL | branch if plus | Branches to {target} if the negative flag is 0.
BRA | branch always | Always branches to {target}.
BRK | software interrupt | Calls the BRK interrupt handler. The byte behind the opcode is skipped on return.
BRL | branch always, long | Always branches to {target}; the target may be anywhere in the bank.
BVC | branch if overflow clear | Branches to {target} if the overflow flag is 0.
BVS | branch if overflow set | Branches to {target} if the overflow flag is 1.
CLC | clear carry | Sets the carry flag to 0.
CLD | clear decimal | Sets the decimal flag to 0, so that ADC and SBC work in binary.
CLI | clear interrupt disable | Sets the interrupt disable flag to 0, so that IRQs are answered.
CLV | clear overflow | Sets the overflow flag to 0.
CMP | compare with the accumulator | Compares {a} with {value} (subtracts, and keeps only the flags).
COP | coprocessor interrupt | Calls the COP interrupt handler. The byte behind the opcode is skipped on return.
CPX | compare with X | Compares {x} with {value} (subtracts, and keeps only the flags).
CPY | compare with Y | Compares {y} with {value} (subtracts, and keeps only the flags).
DEC | subtract 1 | Subtracts 1 from {value}.
DEX | subtract 1 from X | Subtracts 1 from {x}.
DEY | subtract 1 from Y | Subtracts 1 from {y}.
EOR | bitwise exclusive OR | Flips in {a} every bit that is 1 in {value} (exclusive OR).
INC | add 1 | Adds 1 to {value}.
INX | add 1 to X | Adds 1 to {x}.
INY | add 1 to Y | Adds 1 to {y}.
JMP | jump | Jumps to {target}.
JSL | call a routine in any bank | Calls {target}. Pushes a 3-byte return address; the routine must end with RTL.
JSR | call a routine in this bank | Calls {target}. Pushes a 2-byte return address; the routine must end with RTS.
LDA | load the accumulator | Loads {a} {source}.
LDX | load X | Loads {x} {source}.
LDY | load Y | Loads {y} {source}.
LSR | logical shift right | Shifts {value} right by one bit. Bit 0 goes into carry, and a 0 comes in at bit {top}.
MVN | block move up | Copies A + 1 bytes from bank {from} at X to bank {to} at Y, both going up. DB is then {to}.
MVP | block move down | Copies A + 1 bytes from bank {from} at X to bank {to} at Y, both going down. DB is then {to}.
NOP | no operation | Does nothing.
ORA | bitwise OR | Sets in {a} every bit that is 1 in {value} (bitwise OR).
PEA | push an address | Pushes {value} onto the stack, 2 bytes.
PEI | push an indirect address | Pushes {value} onto the stack, 2 bytes.
PER | push a relative address | Pushes the address {target} onto the stack, 2 bytes.
PHA | push the accumulator | Pushes {a} onto the stack.
PHB | push the data bank | Pushes the data bank register (DB) onto the stack, 1 byte.
PHD | push the direct page | Pushes the direct page register (D) onto the stack, 2 bytes.
PHK | push the program bank | Pushes the program bank (the bank of this code) onto the stack, 1 byte.
PHP | push the flags | Pushes the status flags (P) onto the stack, 1 byte.
PHX | push X | Pushes {x} onto the stack.
PHY | push Y | Pushes {y} onto the stack.
PLA | pull the accumulator | Pulls {a} from the stack.
PLB | pull the data bank | Pulls the data bank register (DB) from the stack, 1 byte.
PLD | pull the direct page | Pulls the direct page register (D) from the stack, 2 bytes.
PLP | pull the flags | Pulls the status flags (P) from the stack, 1 byte. M and X may change.
PLX | pull X | Pulls {x} from the stack.
PLY | pull Y | Pulls {y} from the stack.
REP | reset flags | Sets to 0 {flags}.
ROL | rotate left | Rotates {value} left by one bit. The old carry comes in at bit 0, and bit {top} goes into carry.
ROR | rotate right | Rotates {value} right by one bit. The old carry comes in at bit {top}, and bit 0 goes into carry.
RTI | return from interrupt | Returns from an interrupt: pulls the flags and the return address from the stack.
RTL | return from a long call | Returns to the caller that used JSL: pulls a 3-byte address from the stack.
RTS | return from a call | Returns to the caller that used JSR: pulls a 2-byte address from the stack.
SBC | subtract with borrow | Subtracts {value} from {a}, and 1 more if the carry flag is 0.
SEC | set carry | Sets the carry flag to 1.
SED | set decimal | Sets the decimal flag to 1, so that ADC and SBC work on BCD digits.
SEI | set interrupt disable | Sets the interrupt disable flag to 1, so that IRQs wait.
SEP | set flags | Sets to 1 {flags}.
STA | store the accumulator | Stores {a} to {place}.
STP | stop the processor | Stops the processor until a reset.
STX | store X | Stores {x} to {place}.
STY | store Y | Stores {y} to {place}.
STZ | store zero | Stores 0 ({bits}) to {place}.
TAX | copy A to X | Copies the accumulator to {x}.
TAY | copy A to Y | Copies the accumulator to {y}.
TCD | copy A to the direct page | Copies all 16 bits of the accumulator to the direct page register (D).
TCS | copy A to the stack pointer | Copies all 16 bits of the accumulator to the stack pointer (S).
TDC | copy the direct page to A | Copies the direct page register (D) to all 16 bits of the accumulator.
TRB | test and reset bits | Sets to 0 in {value} every bit that is 1 in {a}.
TSB | test and set bits | Sets to 1 in {value} every bit that is 1 in {a}.
TSC | copy the stack pointer to A | Copies the stack pointer (S) to all 16 bits of the accumulator.
TSX | copy the stack pointer to X | Copies the stack pointer (S) to {x}.
TXA | copy X to A | Copies X to {a}.
TXS | copy X to the stack pointer | Copies X to the stack pointer (S).
TXY | copy X to Y | Copies X to {y}.
TYA | copy Y to A | Copies Y to {a}.
TYX | copy Y to X | Copies Y to {x}.
WAI | wait for interrupt | Waits until an interrupt comes.
WDM | reserved | Does nothing; its second byte is skipped. The opcode is reserved.
XBA | swap the bytes of A | Swaps the low byte (A) and the high byte (B) of the accumulator.
XCE | swap carry and emulation | Swaps the carry flag and the emulation flag (CLC then XCE: native; SEC: emulation).
"""
)
"""Title and sentence of every mnemonic."""

_RESULT = {"n": "N: bit {top} of the result", "z": "Z: 1 if the result is 0, else 0"}
_SHIFT = _RESULT | {"c": "C: the bit that was shifted out"}
_COMPARE = {
    "n": "N: bit {top} of the difference",
    "z": "Z: 1 if both are equal, else 0",
    "c": "C: 1 if the register is greater or equal (unsigned), else 0",
}
_FLAG_SENTENCES: dict[str, dict[str, str]] = {
    "ADC": _RESULT | {"v": "V: 1 if the signed result does not fit", "c": "C: 1 if there is a carry out"},
    "SBC": _RESULT | {"v": "V: 1 if the signed result does not fit", "c": "C: 1 if there is no borrow"},
    "BIT": {
        "n": "N: bit {top} of the data itself",
        "v": "V: bit {below} of the data itself",
        "z": "Z: 1 if data AND accumulator is 0, else 0",
    },
    "TRB": {"z": "Z: 1 if data AND accumulator was 0, else 0"},
    "TSB": {"z": "Z: 1 if data AND accumulator was 0, else 0"},
    "XBA": {"n": "N: bit 7 of the new low byte", "z": "Z: 1 if the new low byte is 0, else 0"},
    "BRK": {"d": "D: 0", "i": "I: 1"},
    "COP": {"d": "D: 0", "i": "I: 1"},
    "CLC": {"c": "C: 0"}, "CLD": {"d": "D: 0"}, "CLI": {"i": "I: 0"}, "CLV": {"v": "V: 0"},
    "SEC": {"c": "C: 1"}, "SED": {"d": "D: 1"}, "SEI": {"i": "I: 1"},
    "XCE": {"c": "C: the old E", "e": "E: the old C", "m": "M: 1 when E becomes 1", "x": "X: 1 when E becomes 1"},
} | dict.fromkeys(("ASL", "LSR", "ROL", "ROR"), _SHIFT) | dict.fromkeys(("CMP", "CPX", "CPY"), _COMPARE)  # fmt: skip


def flag_sentences(mnemonic: str, written: str, bits: int | None) -> list[str]:
    """Return what happens to each of the flags in `written` (small letters): `N: bit 7 of the result`.

    `bits` is the width of the data, 8 or 16; None where it depends.
    """
    if mnemonic in ("PLP", "RTI"):
        return ["all flags: from the stack"]
    if mnemonic in ("REP", "SEP"):
        return [f"{flag.upper()}: {int(mnemonic == 'SEP')}" for flag in written]
    top = f"{bits - 1}" if bits else "7 (15 when 16 bits wide)"
    below = f"{bits - 2}" if bits else "6 (14 when 16 bits wide)"
    sentences = _FLAG_SENTENCES.get(mnemonic, _RESULT)
    return [sentences[flag].format(top=top, below=below) for flag in written]
