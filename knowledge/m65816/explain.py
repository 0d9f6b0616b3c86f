"""What one instruction does, in plain short sentences: for every opcode and mode, in every width."""

from collections.abc import Mapping
from typing import NamedTuple

from knowledge.m65816.flow_state import State
from knowledge.m65816.instruction import Instruction
from knowledge.m65816.mnemonic_words import CYCLE_REASONS, FLAG_NAMES, WORDS, flag_sentences
from knowledge.m65816.opcodes import FLAGS, Opcode
from knowledge.m65816.places import MODE_WORDS, Place, address_words, place_of
from knowledge.m65816.spell import spell
from knowledge.snes.mapping import Mapper
from knowledge.snes.registers import describe_register, register_at

__all__ = ["Cycles", "Explanation", "cycles_of", "explain"]

_SAID = ("REP", "SEP", "PLP", "RTI", "XCE", "CLC", "CLD", "CLI", "CLV", "SEC", "SED", "SEI")
"""Their sentence names their flags already."""


class Cycles(NamedTuple):
    """CPU cycles of one instruction."""

    low: int
    high: int
    """The most that it can be with what is known; for a block move, of one byte."""
    reasons: tuple[str, ...]
    """Why it is not the least, and why it may vary."""

    def __str__(self) -> str:
        """Return `3 to 4 CPU cycles (+1 if ...)`."""
        count = f"{self.low}" if self.low == self.high else f"{self.low} to {self.high}"
        return f"{count} CPU cycles" + (f" ({'; '.join(self.reasons)})" if self.reasons else "")


class Explanation(NamedTuple):
    """All there is to say of one instruction."""

    address: int
    mnemonic: str
    data: bytes
    sentence: str
    """What it does, in one to three short sentences."""
    flags: str
    """What happens to each flag that may change."""
    mode: str
    """How the operand is found."""
    cycles: Cycles
    registers: tuple[str, ...]
    """The hardware registers that it reads or writes, with their meanings."""
    notes: tuple[str, ...]
    """What to look out for."""
    text: str
    """The instruction in asar's syntax; a branch with the address that it leads to, where asar needs a label."""

    def __str__(self) -> str:
        """Return it as lines of text."""
        lines = [
            f"${self.address:06X}  {self.data.hex(' ').upper()}  {self.text}: {self.sentence}",
            f"flags: {self.flags}",
        ]
        lines.append(f"operand: {self.mode}")
        lines.append(f"cost: {len(self.data)} byte{'s' * (len(self.data) > 1)}, {self.cycles}")
        lines += [f"register: {register}" for register in self.registers]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def explain(
    instruction: Instruction,
    *,
    state: State | None = None,
    symbols: Mapping[int, str] | None = None,
    mapper: Mapper = "lorom",
) -> Explanation:
    """Return what an instruction does. `state` is what is known before it (E, D, DB; by default native mode alone);
    `symbols` gives names by SNES address. The widths are those that the instruction was decoded with.
    """
    known = State() if state is None else state
    row = instruction.opcode
    place = _place(instruction, known, symbols or {}, mapper)
    written = _written(instruction)
    return Explanation(
        instruction.address,
        row.mnemonic,
        instruction.data,
        " ".join([_sentence(instruction, known, place, symbols or {}, mapper), _flags_short(row, written)]).strip(),
        ". ".join(flag_sentences(row.mnemonic, written, _bits(instruction))) or "none change",
        "a 16-bit address in the bank of the code" if _is_near(row) else MODE_WORDS[row.mode],
        cycles_of(instruction, known),
        _registers(instruction, place),
        tuple(_notes(instruction, known, place)),
        spell(instruction, label=_operand_label(instruction)),
    )


def _operand_label(instruction: Instruction) -> str:
    """Return the target of a branch as an address, since the bare displacement says nothing to a reader."""
    target = _relative_target(instruction)
    return "" if target is None else f"${target:06x}"


def _relative_target(instruction: Instruction) -> int | None:
    """Return the SNES address that a branch or PER names."""
    if not instruction.opcode.mode.startswith("relative"):
        return None
    if instruction.target is not None:
        return instruction.target
    return instruction.address & 0xFF0000 | instruction.next + instruction.operand & 0xFFFF


def _is_near(row: Opcode) -> bool:
    return row.mode == "absolute" and row.access in ("jump", "call")


def _bits(instruction: Instruction) -> int:
    """Return the width of the data in bits: 8 or 16."""
    width = instruction.opcode.width
    if instruction.opcode.mnemonic in ("TAX", "TAY", "TSX", "TXY", "TYX", "INX", "INY", "DEX", "DEY"):
        width = "x"
    elif instruction.opcode.mnemonic in ("TXA", "TYA"):
        width = "m"
    elif instruction.opcode.mnemonic in ("TCD", "TDC", "TSC", "TCS"):
        width = "16"
    narrow = {"m": instruction.m, "x": instruction.x, "16": 0}.get(width, 1)
    return 8 if narrow else 16


def _place(instruction: Instruction, state: State, symbols: Mapping[int, str], mapper: Mapper) -> Place:
    row = instruction.opcode
    has_data = row.access in ("read", "write", "modify") or row.mnemonic == "PEI"
    if has_data and not row.mode.startswith(("immediate", "accumulator")):
        return place_of(instruction, state, symbols, mapper)
    return Place("")


def _value(instruction: Instruction, place: Place) -> str:
    """Return the data in words: `the value $10`, or `the byte at PLACE`."""
    row, operand = instruction.opcode, instruction.operand
    if row.mode.startswith("immediate"):
        digits = (instruction.size - 1) * 2
        return f"the value ${operand:0{digits}X} ({operand})"
    if row.mode == "accumulator":
        return _register("accumulator (A)", instruction.m)
    wide = row.mnemonic == "PEI" or _bits(instruction) == 16
    return f"the {'16-bit value' if wide else 'byte'} at {place.words}"


def _register(name: str, narrow: int) -> str:
    return f"the {8 if narrow else 16}-bit {name}"


def _sentence(instruction: Instruction, state: State, place: Place, symbols: Mapping[int, str], mapper: Mapper) -> str:
    row = instruction.opcode
    value = _value(instruction, place)
    immediate = row.mode.startswith("immediate")
    text = WORDS[row.mnemonic].sentence.format_map(
        {
            "a": _register("accumulator (A)", instruction.m),
            "x": _register("X register", instruction.x),
            "y": _register("Y register", instruction.x),
            "value": value,
            "source": f"with {value}" if immediate else f"from {place.words}",
            "place": place.words,
            "top": _bits(instruction) - 1,
            "bits": f"{_bits(instruction)} bits",
            "target": _target(instruction, symbols, mapper),
            "flags": _listed(_written(instruction)),
            "from": f"${instruction.operand >> 8 & 0xFF:02X}",
            "to": f"${instruction.operand & 0xFF:02X}",
        }
    )
    return " ".join([text, *_more(instruction, state)])


def _listed(flags: str) -> str:
    """Return flags as `the flags M (accumulator width) and X (index width)`."""
    names = [FLAG_NAMES[flag] for flag in flags]
    if len(names) < 2:
        return f"the flag {names[0]}" if names else "no flag at all"
    return f"the flags {', '.join(names[:-1])} and {names[-1]}"


def _more(instruction: Instruction, state: State) -> list[str]:
    """Return what REP, SEP and arithmetic in decimal mode mean for what follows."""
    row, operand = instruction.opcode, instruction.operand
    said: list[str] = []
    if row.mnemonic in ("REP", "SEP") and state.e != 1:
        bits = 16 if row.mnemonic == "REP" else 8
        what = [
            name for name, flag in (("the accumulator", "m"), ("the X and Y registers", "x")) if operand & FLAGS[flag]
        ]
        if what:
            said.append(
                f"From here on {' and '.join(what)} {'is' if what == ['the accumulator'] else 'are'} {bits} bits."
            )
    if row.mnemonic in ("ADC", "SBC") and state.flag("d") == 1:
        said.append("The decimal flag is set: it works on BCD digits.")
    return said


def _target(instruction: Instruction, symbols: Mapping[int, str], mapper: Mapper) -> str:
    """Return where control goes, in words."""
    mode, operand = instruction.opcode.mode, instruction.operand
    target = instruction.target if instruction.target is not None else _relative_target(instruction)
    if target is not None:
        name = symbols.get(target, "")
        return f"${target:06X}" + (f" ({name})" if name else "")
    if mode == "absolute_indirect":
        return f"the address that the 16-bit pointer at {address_words(operand, symbols, mapper)} holds, in this bank"
    if mode == "absolute_indirect_long":
        return f"the address that the 24-bit pointer at {address_words(operand, symbols, mapper)} holds"
    place = instruction.address & 0xFF0000 | operand
    return f"the address that entry X of the table at ${place:06X} holds, in this bank"


def _written(instruction: Instruction) -> str:
    """Return the flags that may change, REP and SEP by their operand."""
    row = instruction.opcode
    if row.mnemonic in ("REP", "SEP"):
        return "".join(flag for flag, bit in FLAGS.items() if instruction.operand & bit)
    return row.flags_written


def _flags_short(row: Opcode, written: str) -> str:
    if not written or row.mnemonic in _SAID:
        return ""
    letters = [flag.upper() for flag in written]
    return f"Sets {', '.join(letters[:-1])}{' and ' if len(letters) > 1 else ''}{letters[-1]}."


def cycles_of(instruction: Instruction, state: State) -> Cycles:
    """Return the CPU cycles of an instruction, with the reasons for what is added and what is not known.

    Source: the one opcode table. Master clocks depend on the memory too: each cycle takes 6, 8 or 12.
    """
    row = instruction.opcode
    if state.e is None and not (instruction.m and instruction.x):
        state = state._replace(e=0)  # emulation mode has 8-bit registers alone
    low = high = row.cycles
    reasons: list[str] = []
    for modifier in sorted(row.modifiers):
        applies = _applies(modifier, instruction, state)
        added = {"mm": 2, "b": 0}.get(modifier, 1)
        if applies is not False:
            high += added
            reasons.append(CYCLE_REASONS[modifier])
        if applies is True:
            low += added
            reasons[-1] = reasons[-1].replace(" if ", ": ", 1).replace(" in ", ": ", 1) if added else reasons[-1]
    return Cycles(low, high, tuple(reasons))


def _crosses(instruction: Instruction, state: State) -> bool | None:
    """Tell whether indexing takes one cycle more."""
    if not instruction.x:
        return True
    mode, low = instruction.opcode.mode, instruction.operand & 0xFF
    if not mode.startswith("absolute"):
        return None
    index = state.yr if mode.endswith("_y") else state.xr
    if low == 0:
        return False
    return None if index is None else low + (index & 0xFF) > 0xFF


def _applies(modifier: str, instruction: Instruction, state: State) -> bool | None:
    """Tell whether a modifier counts; None when it is not known."""
    if modifier in ("m", "mm"):
        return not instruction.m
    if modifier == "x":
        return not instruction.x
    if modifier == "w":
        return None if state.d is None else bool(state.d & 0xFF)
    if modifier == "p":
        return _crosses(instruction, state)
    if modifier == "e":
        crosses = instruction.target is None or (instruction.target ^ instruction.next) & 0xFF00 != 0
        if state.e == 0 or not crosses:
            return False
        return True if state.e == 1 and instruction.opcode.mnemonic == "BRA" else None
    if modifier == "n":
        return None if state.e is None else not state.e
    return True if modifier == "b" else None


def _registers(instruction: Instruction, place: Place) -> tuple[str, ...]:
    """Return the hardware registers that the data lies in, both of them for 16 bits."""
    if place.register is None or place.address is None:
        return ()
    found = [describe_register(place.register.address)]
    after = register_at(place.address + 1)
    if place.exact and _bits(instruction) == 16 and after:
        found.append(describe_register(after.address))
    return tuple(found)


def _notes(instruction: Instruction, state: State, place: Place) -> list[str]:
    row = instruction.opcode
    notes = [f"named {place.doubt}"] if place.doubt else []
    register = place.register
    if register and row.access in ("read", "modify") and not register.readable and place.exact:
        notes.append(f"{register.name} is write-only: a read gives open bus, not its value")
    if register and row.access in ("write", "modify") and not register.writable and place.exact:
        notes.append(f"{register.name} is read-only: the write does nothing")
    if register and place.exact and _bits(instruction) == 16:
        notes.append(f"16 bits wide: the high byte is that of ${register.address + 1:04X}")
    for name, width in (("M", state.m), ("X", state.x)):
        used = (name == "M" and row.width == "m") or (name == "X" and row.width == "x")
        decoded = instruction.m if name == "M" else instruction.x
        if used and width is not None and width != decoded:
            notes.append(f"{name} is {width} here, but it was decoded with {name} = {decoded}")
    if state.e == 1 and row.mnemonic in ("REP", "SEP") and instruction.operand & 0x30:
        notes.append("in emulation mode M and X stay 1")
    if row.mnemonic in ("ADC", "SBC") and state.flag("d") is None:
        notes.append("with the decimal flag (D) set it works on BCD digits instead")
    return notes
