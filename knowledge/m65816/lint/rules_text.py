"""Rules over the text alone: numbers that asar cuts to size without a word, and branches to a number."""

import re
from collections.abc import Iterator

from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.finding import Finding
from knowledge.m65816.lint.source import Command, number
from knowledge.m65816.opcodes import BRANCHES

__all__ = ["text_rules"]

_BITS = {"db": 8, "dw": 16, "dl": 24, "dd": 32}
_BRANCHES = frozenset(name.lower() for name in BRANCHES) | {"per"}
_IMMEDIATE = frozenset(["adc", "and", "bit", "cmp", "cpx", "cpy", "eor", "lda", "ldx", "ldy", "ora", "sbc"])
_ADDRESS = _IMMEDIATE | frozenset(["asl", "dec", "inc", "lsr", "rol", "ror", "sta", "stx", "sty", "stz", "trb", "tsb"])
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_JUMPS = frozenset(("jsr", "jmp", "jml", "jsl"))


def text_rules(context: Context) -> Iterator[Finding]:
    """Find what the text says and the bytes do not."""
    if any(command.name == "arch" for command in context.source.commands):
        return
    seen: set[tuple[str, int, str]] = set()
    for command in context.source.commands:
        key = (command.file, command.line, command.text)
        if (command.file, command.line) not in context.source.made or key in seen:
            continue
        seen.add(key)
        yield from _command(context, command)


def _command(context: Context, command: Command) -> Iterator[Finding]:
    if command.name in _BITS:
        yield from _data(context, command)
    elif command.name in _BRANCHES:
        yield from _branch(context, command)
    elif command.name in ("mvn", "mvp"):
        yield from _move(context, command)
    elif command.name in _ADDRESS | _JUMPS | {"rep", "sep"}:
        yield from _operand(context, command)


def _data(context: Context, command: Command) -> Iterator[Finding]:
    bits = _BITS[command.name]
    for part in _QUOTED.sub("0", command.raw).split(","):
        value = number(part)
        if value is not None and not _fits(value, bits):
            wider = {8: "dw", 16: "dl", 24: "dd"}.get(bits)
            yield context.at_command(
                "truncated-data",
                command,
                f"{command.name} writes {_kept(value, bits)}: {_show(value)} does not fit in {bits} bits",
                fix=f"write a value that fits, or use {wider}" if wider else "write a value that fits",
            )


def _branch(context: Context, command: Command) -> Iterator[Finding]:
    value = number(command.operand)
    if value is None:
        return
    bits = 16 if command.name in ("brl", "per") else 8
    lands = ""
    if command.address >= 0:
        size = 3 if bits == 16 else 2
        distance = (value + (1 << bits - 1) & (1 << bits) - 1) - (1 << bits - 1)
        target = command.address & 0xFF0000 | command.address + size + distance & 0xFFFF
        lands = f", and goes to ${target:06X}"
    yield context.at_command(
        "numeric-branch",
        command,
        f"asar takes the number {_show(value)} as the displacement itself, not as an address: "
        f"{command.name} gets {_kept(value, bits)}{lands}",
        fix=f"put a label at the target and write {command.name} label",
    )


def _move(context: Context, command: Command) -> Iterator[Finding]:
    parts = [part.strip() for part in command.operand.split(",")]
    if len(parts) == 1 and (value := number(parts[0])) is not None:
        first, second = value & 0xFF, value >> 8 & 0xFF
        yield context.at_command(
            "block-move-spelling",
            command,
            f"one number is written low byte first: the destination is bank ${first:02X}, the source ${second:02X}",
            fix=f"write both banks, destination first: {command.name} ${first:02X},${second:02X} for these bytes, "
            f"{command.name} ${second:02X},${first:02X} for the other way round",
        )
    for part in parts if len(parts) == 2 else ():
        value = number(part.removeprefix("#"))
        if value is not None and not _fits(value, 8):
            yield context.at_command(
                "truncated-address",
                command,
                f"a bank is one byte: {_show(value)} becomes {_kept(value, 8)}",
                fix="write the bank byte alone, e.g. $7E",
            )


def _operand(context: Context, command: Command) -> Iterator[Finding]:
    immediate = command.raw.startswith("#")
    literal = command.raw.removeprefix("#").partition(",")[0].strip("()[] \t")
    value = number(literal)
    if value is None or (immediate and command.name not in _IMMEDIATE | {"rep", "sep"}):
        return
    if immediate:
        bits = 8 if command.suffix == "b" or command.name in ("rep", "sep") else 16
        if not _fits(value, bits):
            wider = "use .w in 16-bit mode, or " if bits == 8 and command.suffix and _fits(value, 16) else ""
            yield context.at_command(
                "truncated-immediate",
                command,
                f"{_show(value)} does not fit in {bits} bits: asar writes {_kept(value, bits)}",
                fix=f"{wider}write the part that is meant, e.g. #{_show(value)}&${(1 << bits) - 1:X} or >>8",
            )
        return
    yield from _address(context, command, value)


def _address(context: Context, command: Command, value: int) -> Iterator[Finding]:
    bits = 8 if command.suffix == "b" else 16
    if command.suffix == "w":
        if command.name in _JUMPS or value < 0x1000000:
            return
    elif command.suffix == "l" or not command.suffix:
        bits = 24
    if _fits(value, bits):
        return
    if bits == 8 and _in_direct_page(value, context.direct_page(command.address)):
        return
    wider = {8: ".w", 16: ".l", 24: "a 24-bit address"}[bits]
    yield context.at_command(
        "truncated-address",
        command,
        f"{_show(value)} does not fit in {bits} bits: asar writes {_kept(value, bits)}",
        fix=f"use {wider}" + (", or write the offset in the direct page" if bits == 8 else ""),
    )


def _in_direct_page(value: int, page: int | None) -> bool:
    """Tell whether the low byte of an address reaches it all the same, by D or as the start of WRAM."""
    if value >> 16 in (0x7E, 0x80) or page is not None:
        return 0 <= (value & 0xFFFF) - (page or 0) < 0x100 and not (page or 0) & 0xFF
    return False


def _fits(value: int, bits: int) -> bool:
    return -(1 << bits - 1) <= value < 1 << bits


def _kept(value: int, bits: int) -> str:
    return f"${value & (1 << bits) - 1:0{bits // 4}X}"


def _show(value: int) -> str:
    return f"{'-' if value < 0 else ''}${abs(value):02X}"
