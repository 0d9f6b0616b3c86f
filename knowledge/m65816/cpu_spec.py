"""The one statement of what each opcode does, cycle by cycle, from which every CPU here is generated.

A body is a list of statements in a small language that is valid Python on whole numbers. Names: `a x y s d` 16 bits;
`db` the data bank shifted to bits 16-23; `pc` and `nx` 24 bits, the instruction and the one behind it; `o` the operand;
flags `c` 0 or 1, `n` and `v` set when not 0, `z` set when 0, `di` 8 or 0 (decimal), `ii` 4 or 0 (interrupts off); `st`
the state that decides how bytes decode: 1 X, 2 M, 4 emulation, 8 DL is not 0; scratch `t u r q ea`.

Verbs, each on its own line: FETCH() one operand byte; IDLE(address) an internal cycle, IDLEW() one when DL is not 0;
R8 R16 (carries into the next bank) R16B (wraps in bank 0) R16P (program bytes, wraps in the bank) R16V (vector);
W8 W16 W16B (low byte first) W16H W16BH (high byte first); STATE() after `st` changed; LANDED() after a vector; WAIT();
HALT(). TARGET() is where a branch leads. An access stands outside any `if`; an IDLE inside one costs only when met.

Sources: WDC, W65C816S data sheet (2018), tables 5-4 to 5-7 with notes; Bruce Clark, 65C816 Opcodes, for what wraps in
emulation mode; gilyon's cputest (run on a console) for PLB and for the pointer of (d,X), which neither of them states.
"""

from typing import NamedTuple

from knowledge.m65816 import cpu_spec_flow, cpu_spec_modes
from knowledge.m65816.opcodes import OPCODES, Opcode

__all__ = ["FUNCTIONS", "INTERRUPTS", "STATES", "Body", "Variant", "variants"]

STATES: tuple[int, ...] = (0, 1, 2, 3, 7)
"""The widths and modes an opcode can be met in: bits 1 X, 2 M, 4 emulation (which makes M and X 1)."""

INTERRUPTS: tuple[str, ...] = ("NMI", "IRQ", "ABORT", "RESET")

Body = tuple[str, ...]


class Variant(NamedTuple):
    """One opcode in the states in which it does the same."""

    name: str
    """`LDA absolute_x`, or the name of an interrupt."""
    opcode: Opcode | None
    """None for an interrupt."""
    states: tuple[int, ...]
    length: int
    """Bytes; 0 for an interrupt."""
    body: Body


def _body(row: Opcode, state: int) -> Body:
    made = cpu_spec_flow.body(row, state) or cpu_spec_modes.body(row, state)
    return tuple(line for part in made for line in part.split("\n"))


def variants() -> tuple[Variant, ...]:
    """Return all variants: opcodes in their order, states that share a body together, interrupts last."""
    found: list[Variant] = []
    for row in OPCODES:
        shared: dict[tuple[int, Body], list[int]] = {}
        for state in STATES:
            length = row.length(state >> 1 & 1, state & 1)
            shared.setdefault((length, _body(row, state)), []).append(state)
        name = f"{row.mnemonic} {row.mode}"
        found += [Variant(name, row, tuple(states), length, body) for (length, body), states in shared.items()]
    for name in INTERRUPTS:
        both: dict[Body, list[int]] = {}
        for state in STATES:
            both.setdefault(cpu_spec_flow.interrupt(name, state), []).append(state)
        found += [Variant(name, None, tuple(states), 0, body) for body, states in both.items()]
    return tuple(found)


FUNCTIONS = '''\
def adc_decimal(a: int, t: int, c: int, top: int) -> int:
    """Add in decimal digit by digit; `top` is the shift of the highest digit. Return sum, carry << 16, V << 17."""
    r = c
    low = 0
    place = 0
    while place <= top:
        r = (a & 15 << place) + (t & 15 << place) + (r << place) + low
        if place == top:
            overflow = ~(a ^ t) & (a ^ r) & 8 << place
            if r > (10 << place) - 1:
                r += 6 << place
            return r & (16 << place) - 1 | (65536 if r >= 16 << place else 0) | (131072 if overflow else 0)
        if r > (10 << place) - 1:
            r += 6 << place
        low = r & (16 << place) - 1
        r = 1 if r >= 16 << place else 0
        place += 4
    return 0


def sbc_decimal(a: int, t: int, c: int, top: int) -> int:
    """Subtract in decimal; `t` comes complemented. Return difference, carry << 16, V << 17."""
    r = c
    low = 0
    place = 0
    while place <= top:
        r = (a & 15 << place) + (t & 15 << place) + (r << place) + low
        if place == top:
            overflow = ~(a ^ t) & (a ^ r) & 8 << place
            carried = 65536 if r >= 16 << place else 0
            if carried == 0:
                r -= 6 << place
            return r & (16 << place) - 1 | carried | (131072 if overflow else 0)
        u = 1 if r >= 16 << place else 0
        if u == 0:
            r -= 6 << place
        low = r & (16 << place) - 1
        r = u
        place += 4
    return 0
'''
"""Functions of the language, as text."""
