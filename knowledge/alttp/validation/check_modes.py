"""Checks of code lines that belong together: immediates against the width that REP and SEP set, and masks of bits."""

import re
from collections.abc import Iterator
from itertools import groupby

from knowledge.alttp.validation.assembly import Instruction, instructions, is_mnemonic, split_comment
from knowledge.alttp.validation.check_bits import bits_at
from knowledge.alttp.validation.check_values import value_found
from knowledge.alttp.validation.choice import misplaced
from knowledge.alttp.validation.claims import doubtful
from knowledge.alttp.validation.found import Found, opcode_fact
from knowledge.alttp.validation.passages import CodeLine, Passages
from knowledge.alttp.validation.places import fact_of, place_of
from knowledge.snes.addresses import show

__all__ = ["check_modes"]

_ACC = frozenset(("LDA", "ADC", "SBC", "CMP", "AND", "ORA", "EOR", "BIT"))
_INDEX = frozenset(("LDX", "LDY", "CPX", "CPY"))
_JUMPS = frozenset(("JSR", "JSL", "JMP", "JML", "RTS", "RTL", "RTI", "PLP", "XCE", "BRA", "BRL"))
_LABEL = re.compile(
    r"^\s*(?:[A-Za-z_.!?@][\w.!?@]*:|\.\w+\s*$|[+-]+(?:\s|$)|#_|[A-Za-z_]\w*\s*$)|^\s*(?:%|!|macro|if|else|end|org)"
)
_BUTTONS = re.compile(r"\b(?P<name>[ABXYLR]|Start|Select|Up|Down|Left|Right)\b(?:\s+(?:button|pressed|held|key))?")


def check_modes(found: Passages) -> Iterator[Found]:
    """Give immediates of the wrong width, and masks that test another bit than their comment says."""
    for _, lines in groupby(found.code, key=lambda line: line.block):
        yield from _Block().check(list(lines))


_IN_ONE_LINE = re.compile(r"\s:\s")
_NAME_ONLY = re.compile(
    r"^\W*(?:(?:is|are|a|an|the|id of|id|=|for) )*(?P<name>[A-Za-z][\w' -]{2,30}?)\W*(?:\([^()]*\))?\W*$"
)


def _valued(holder: Instruction, one: Instruction, comment: str, span: tuple[int, int]) -> Iterator[Found]:
    """Give that a comment, which is a name and nothing more, is another value's of the byte."""
    name = _NAME_ONLY.match(comment)
    if name is None or holder.operand.startswith(("(", "[")) or (holder.digits not in (2, 3) and holder.indexed):
        return
    place = place_of(f"${holder.number:0{max(1, holder.digits) * 2}X}") if holder.number >= 0 else None
    if place is not None and len(name["name"].split()) <= 3:
        yield from value_found(place, [one.number], name["name"], span)


def _digits(one: Instruction) -> int:
    """Return the bytes that an immediate is written with in hexadecimal digits; 0 when they do not tell."""
    return {4: 1, 6: 2}.get(len(one.operand), 0) if one.operand.startswith("#$") else 0


class _Block:
    """One block of code, with the widths that are known at each line."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.acc = self.index = 0
        self.loaded: Instruction | None = None
        self.constant: tuple[Instruction, str, int] | None = None
        """The last `LDA #` with its comment, and where the comment ends, until something else than a store follows."""

    def check(self, lines: list[CodeLine]) -> Iterator[Found]:
        for line in lines:
            if _LABEL.match(line.text) and not is_mnemonic(line.text.strip()):
                self.acc = self.index = 0
            for one in instructions(line.text, line.start):
                if not is_mnemonic(one.name):
                    self.acc = self.index = 0
                    continue
                if not doubtful(line.text):
                    yield from self.width(one)
                    yield from self.mask(one, line)
                    yield from self.value(one, line)
                self.step(one)

    def step(self, one: Instruction) -> None:
        """Follow what an instruction does to the widths and to the accumulator."""
        if one.mnemonic in ("REP", "SEP") and one.immediate and one.number >= 0:
            bits = 16 if one.mnemonic == "REP" else 8
            self.acc = bits if one.number & 0x20 else self.acc
            self.index = bits if one.number & 0x10 else self.index
        elif one.mnemonic in _JUMPS:
            self.acc = self.index = 0
        if one.mnemonic == "LDA":
            self.loaded = one if one.digits and not one.immediate and not one.operand.startswith(("(", "[")) else None
        elif one.mnemonic not in ("STA", "CMP", "BIT", "REP", "SEP", "NOP") and not one.name.startswith("B"):
            self.loaded = None

    def width(self, one: Instruction) -> Iterator[Found]:
        """Check an immediate whose width is written out: by a suffix, or by four digits in 8-bit mode."""
        now = self.acc if one.mnemonic in _ACC else self.index if one.mnemonic in _INDEX else 0
        if not now or not one.immediate or one.number < 0 or re.search(r"[<>^|!+*/&-]", one.operand):
            return
        written = one.width or _digits(one)
        if written in (1, 2) and written * 8 != now:
            yield Found(
                "wrong-width",
                one.start,
                one.end,
                f"{one.name} {one.operand} has {written} byte{'s' if written > 1 else ''} of operand where the CPU "
                f"reads {now // 8}.",
                f"{'The accumulator' if one.mnemonic in _ACC else 'The index registers'} is {now} bits wide here.",
                opcode_fact("an immediate has 1 byte while its register is 8 bits wide (M or X set), 2 while it is 16"),
            )

    def value(self, one: Instruction, line: CodeLine) -> Iterator[Found]:
        """Check `LDA $0E20,X : CMP #$15 ; Cucco` and `LDA #$16 ; boss : STA $012C`: the value against its comment."""
        comment, end = split_comment(line.text)[1], line.start + len(line.text)
        if one.mnemonic == "CMP" and one.immediate and one.number >= 0 and self.loaded and comment:
            yield from _valued(self.loaded, one, comment, (one.start, end))
        if one.mnemonic == "LDA":
            told = one.immediate and one.number >= 0 and comment and not _IN_ONE_LINE.search(line.text)
            self.constant = (one, comment, end) if told else None
        elif one.mnemonic == "STA" and self.constant:
            load, said, last = self.constant
            yield from _valued(one, load, said, (load.start, last))
        else:
            self.constant = None

    def mask(self, one: Instruction, line: CodeLine) -> Iterator[Found]:
        """Check `LDA $F6 : AND #$80 ; A`: the bit against the button or the flag that the comment names."""
        comment = split_comment(line.text)[1]
        if one.mnemonic not in ("AND", "BIT") or not one.immediate or self.loaded is None or not comment:
            return
        if one.number not in (1, 2, 4, 8, 16, 32, 64, 128) or self.loaded.indexed:
            return
        place = place_of(f"${self.loaded.number:0{self.loaded.digits * 2}X}")
        known = bits_at(place) if place else ()
        bit = one.number.bit_length() - 1
        here = " ".join(text for low, high, text in known if low <= bit <= high)
        others = [text for low, high, text in known if not low <= bit <= high]
        fact = fact_of(place) if place else None
        if not here or not fact or not place:
            return
        button = _BUTTONS.match(comment)
        wrong = misplaced(comment, here, others)
        if button and here != button["name"] and button["name"] in others:
            wrong = others.index(button["name"])
        elif button:
            wrong = -1
        if wrong >= 0:
            yield Found(
                "wrong-bits",
                one.start,
                line.start + len(line.text),
                f"#${one.number:02X} in {show(place.address)} is not {comment[:40]!r}: it is {here}.",
                f"{others[wrong]} is another bit of it.",
                fact,
            )
