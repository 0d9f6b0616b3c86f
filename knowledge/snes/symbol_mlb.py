"""Mesen's label files: `memory:offset:label:comment`, with offsets in the ROM, WRAM or SRAM in place of addresses.

The form follows Mesen 2 (SourMesen/Mesen2, UI/Debugger/Labels), with the memory names of Mesen-S beside its own.
"""

import re
from collections.abc import Iterable, Iterator

from knowledge.snes.mapping import Mapper
from knowledge.snes.memory_map import region, rom_address, sram_address
from knowledge.snes.symbol_table import Problems, Symbol
from knowledge.snes.symbol_text import renamed
from knowledge.snes.wla import numbered_lines

__all__ = ["MEMORIES", "read_mlb", "write_mlb"]

MEMORIES = {
    "SnesPrgRom": "rom",
    "SnesWorkRam": "wram",
    "SnesSaveRam": "sram",
    "SnesRegister": "register",
    "SnesMemory": "cpu",
    "PRG": "rom",
    "WORK": "wram",
    "SAVE": "sram",
    "REG": "register",
}
"""Mesen's name of a memory to the kind of offset."""
_WRITTEN = {"rom": "SnesPrgRom", "wram": "SnesWorkRam", "sram": "SnesSaveRam", "register": "SnesRegister"}
_LINE = re.compile(
    r"(?P<memory>\w+):(?P<first>[0-9A-Fa-f]{1,8})(?:-(?P<last>[0-9A-Fa-f]{1,8}))?:(?P<rest>.*)", re.ASCII
)
_LABEL = re.compile(r"[@_a-zA-Z][@_a-zA-Z0-9]*")


def read_mlb(text: str, problems: Problems, mapper: Mapper) -> Iterator[tuple[int, Symbol]]:
    """Give the labels of a Mesen file with their lines; a comment without a label is left out."""
    others: dict[str, int] = {}
    for number, line in numbered_lines(text, problems):
        match = _LINE.fullmatch(line)
        if match is None:
            problems.add(number, f"no label: {line[:60]!r}; expected `SnesPrgRom:offset:label:comment`")
        elif match["memory"] not in MEMORIES:
            others[match["memory"]] = others.get(match["memory"], 0) + 1
        else:
            yield from ((number, symbol) for symbol in _symbol(number, match, problems, mapper))
    for memory, count in others.items():
        problems.add(0, f"{count} labels left out: {memory[:40]} is no memory of the 65816")


def _symbol(number: int, match: re.Match[str], problems: Problems, mapper: Mapper) -> Iterator[Symbol]:
    name, _, comment = match["rest"].partition(":")
    first = int(match["first"], 16)
    last = int(match["last"], 16) if match["last"] else first
    if not name:
        return
    address = _address(MEMORIES[match["memory"]], first, mapper)
    if not _LABEL.fullmatch(name):
        problems.add(number, f"{name[:60]!r} is no label for Mesen; it takes letters, digits, _ and @")
    elif last < first:
        problems.add(number, f"the range {match['first']}-{match['last']} ends before it starts")
    elif address is None:
        problems.add(number, f"{match['memory']} has no offset {match['first']} in {mapper}; check the mapper")
    else:
        yield Symbol(name, address, last - first + 1, comment.replace("\\n", "\n"))


def _address(memory: str, offset: int, mapper: Mapper) -> int | None:
    if memory == "rom":
        return rom_address(offset, mapper)
    if memory == "sram":
        return sram_address(offset, mapper)
    if memory == "wram":
        return 0x7E0000 + offset if offset < 0x20000 else None
    return offset if offset < (0x10000 if memory == "register" else 0x1000000) else None


def write_mlb(symbols: Iterable[Symbol], problems: Problems, mapper: Mapper) -> str:
    """Return a Mesen label file. What Mesen would drop or overwrite is a problem."""
    lines: list[tuple[str, int, str]] = []
    places: dict[tuple[str, int], str] = {}
    mirrors = 0
    for symbol in renamed(symbols, _LABEL, problems):
        area, offset = region(symbol.address, mapper)
        if area not in _WRITTEN:
            problems.add(0, f"{symbol.name[:60]} left out: ${symbol.address:06X} is no memory that Mesen labels")
            continue
        if (other := places.setdefault((area, offset), symbol.name)) != symbol.name:
            problems.add(0, f"{other} and {symbol.name} share an address; Mesen shows the last one")
        mirrors += _address(area, offset, mapper) != symbol.address
        end = f"-{offset + symbol.size - 1:04X}" if symbol.size > 1 else ""
        escaped = re.sub(r"[\ud800-\udfff]", "?", re.sub(r"\r\n?|\n", r"\\n", symbol.comment))
        comment = f":{escaped}" if escaped.strip() else ""
        lines.append((area, offset, f"{_WRITTEN[area]}:{offset:04X}{end}:{symbol.name}{comment}"))
    if mirrors:
        problems.add(0, f"{mirrors} addresses are mirrors: Mesen keeps offsets, which come back as the usual addresses")
    return "".join(f"{line}\n" for _, _, line in sorted(lines))
