"""The source text beside the bytes: commands with their addresses and sizes, labels, and simple defines."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from knowledge.m65816.opcodes import ASAR_MNEMONICS
from knowledge.m65816.program import Listing, Program

__all__ = ["Command", "Kind", "LabelText", "Source", "number", "plain"]

Kind = Literal["code", "data", "other"]
"""What a command makes: an instruction, data bytes, or nothing that can be told from its text."""

_DATA = frozenset(("db", "dw", "dl", "dd", "dq", "fill", "fillbyte", "incbin", "pad", "ds"))
_LABEL = re.compile(r"^(?:(#?[A-Za-z_]\w*):(?!:)|((?:\?|#)?\.+[A-Za-z_]\w*):?|(\?[A-Za-z_]\w*):?|([+-]+):?)(?:\s+|$)")
_DEFINE = re.compile(r"^\s*!(\w+)\s*(?:=|:=|#=)\s*(\S+)\s*$")
_WORD = re.compile(r"^([A-Za-z]+)(?:\.([bwl]))?(?=\s|$)", re.IGNORECASE)
_USE = re.compile(r"!(\w+)|!\{(\w+)\}")
_NUMBER = re.compile(r"^([+-]?)(?:\$([0-9A-Fa-f]{1,16})|%([01]{1,64})|(\d{1,19}))$")
_PLACES = frozenset(("org", "freecode", "freedata", "freespace", "pushpc", "pullpc", "skip", "base"))
_LONGEST = 2_000
"""Characters of a line that are looked at."""


def plain(text: str) -> str:
    """Return a line without its comment; a semicolon within quotes does not begin one."""
    text = text[:_LONGEST]
    if ";" not in text:
        return text
    quote = ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter == '"':
            quote = letter
        elif letter == ";":
            return text[:place]
    return text


def number(text: str) -> int | None:
    """Return the value of a literal number as asar writes it: `$12`, `%101`, `18`, `-1`; None for anything else."""
    match = _NUMBER.match(text.strip())
    if match is None:
        return None
    value = int(match[2], 16) if match[2] else int(match[3], 2) if match[3] else int(match[4])
    return -value if match[1] == "-" else value


class LabelText(NamedTuple):
    """A label where the text sets it."""

    name: str
    """As written: `Main`, `.loop`; `+` and `-` for anonymous ones."""
    file: str
    line: int
    """1-based."""
    address: int
    """SNES address of what follows; -1 when that is unknown."""


class Command(NamedTuple):
    """One command of a line."""

    file: str
    line: int
    text: str
    """Without labels and comment, defines still in it."""
    name: str
    """Its first word in small letters, without a size suffix."""
    suffix: str
    """`b`, `w`, `l` or nothing."""
    raw: str
    """What follows, as it is written."""
    operand: str
    """The same with simple defines put in."""
    kind: Kind
    address: int = -1
    """SNES address of its first byte; -1 when it made none or that is unknown."""
    size: int = 0
    """Bytes up to the next command's; 0 when unknown."""


def _parts(text: str) -> list[str]:
    """Split a line into its commands at ` : `, as asar does, but not within quotes."""
    if ":" not in text:
        return [text]
    if '"' not in text:
        return re.split(r"\s+:(?:\s+|$)", text)
    parts, start, quoted = list[str](), 0, False
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif (
            letter == ":" and not quoted and text[place - 1 : place].isspace() and text[place + 1 : place + 2] in " \t"
        ):
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


@dataclass
class Source:
    """The text of a program, read once. Without a listing everything in it is empty."""

    listing: Listing
    program: Program
    commands: list[Command] = field(default_factory=list[Command])
    labels: list[LabelText] = field(default_factory=list[LabelText])
    defines: dict[str, str] = field(default_factory=dict[str, str])
    """Defines that are set exactly once, to a plain word."""
    origins: set[int] = field(default_factory=set[int])
    """Addresses of what follows an `org` or the like."""

    def __post_init__(self) -> None:
        """Read the listing."""
        self.defines = _defines(self.listing)
        starts = sorted({line.address for line in self.listing.lines if line.address >= 0})
        self._starts = starts
        self._moved, self._struct, self._foreign = True, False, False
        lines: dict[tuple[str, int], list[int]] = {}
        texts: dict[tuple[str, int], str] = {}
        for line in self.listing.lines:
            place = lines.setdefault((line.file, line.line), [])
            texts[line.file, line.line] = line.text
            if line.address >= 0:
                place.append(line.address)
        pending: list[LabelText] = []
        for where, addresses in lines.items():
            self._line(where, texts[where], addresses, pending)

    def _line(self, place: tuple[str, int], text: str, addresses: list[int], pending: list[LabelText]) -> None:
        named: list[LabelText] = []
        commands: list[Command] = []
        for part in _parts(plain(text)):
            rest = part.strip()
            while match := _LABEL.match(rest):
                name = match[1] or match[2] or match[3] or match[4]
                named.append(LabelText(name, *place, -1))
                rest = rest[match.end() :].lstrip()
            if rest:
                commands.append(self._command(place, rest))
        self._watch(commands)
        if self._foreign:
            commands = [command._replace(kind="data") if command.kind == "code" else command for command in commands]
        placed = list(self._placed(commands, addresses))
        self.commands += placed
        moved = any(command.name in _PLACES or _tells_place(command) for command in commands)
        self._moved = self._moved or moved
        if addresses and self._moved:
            self.origins.add(addresses[0])
            self._moved = False
        first = addresses[0] if addresses else -1
        pending += () if self._struct else named
        if first >= 0:
            self.labels += [label._replace(address=first) for label in pending]
            pending.clear()
        elif moved:
            self.labels += pending
            pending.clear()

    def _watch(self, commands: list[Command]) -> None:
        """Note where structs and code for other processors begin and end."""
        for command in commands:
            if command.name in ("struct", "endstruct"):
                self._struct = command.name == "struct"
            elif command.name == "arch":
                self._foreign = "65816" not in command.raw
            elif command.name in ("spcblock", "endspcblock"):
                self._foreign = command.name == "spcblock"

    def _command(self, place: tuple[str, int], text: str) -> Command:
        word = _WORD.match(text)
        name = word[1].lower() if word else text.split(None, 1)[0].lower()
        raw = text[word.end() :].strip() if word else ""
        operand = self.expand(raw)
        kind: Kind = "other"
        if name in ASAR_MNEMONICS and not (name == "rep" and operand[:1] not in ("#", "")):
            kind = "code"
        elif name in _DATA or text.startswith('"'):
            kind = "data"
        suffix = (word[2] or "").lower() if word else ""
        return Command(*place, text, name, suffix, raw, operand, kind)

    def _placed(self, commands: list[Command], addresses: list[int]) -> Iterator[Command]:
        makers = [command for command in commands if command.kind != "other"]
        others = [command for command in commands if command.kind == "other" and command.name.startswith(("%", "rep"))]
        yield from (command for command in commands if command.kind == "other")
        if len(makers) == len(addresses) and not others:
            for command, address in zip(makers, addresses, strict=True):
                yield self._at(command, address)
        elif len(makers) == 1:
            for address in addresses:
                yield self._at(makers[0], address)
            if not addresses:
                yield makers[0]
        else:
            yield from makers

    def _at(self, command: Command, address: int) -> Command:
        return command._replace(address=address, size=self._size(address))

    def _size(self, address: int) -> int:
        place = bisect_right(self._starts, address)
        end = self._starts[place] if place < len(self._starts) else 0x1000000
        for block in self.program.blocks:
            if block.address <= address < block.address + len(block.data):
                return min(end, block.address + len(block.data)) - address
        return 0

    def expand(self, text: str) -> str:
        """Return a text with the defines put in that are set once."""
        if "!" not in text:
            return text
        return _USE.sub(lambda match: self.defines.get(match[1] or match[2], match[0]), text)

    @cached_property
    def by_address(self) -> dict[int, Command]:
        """The command that made the byte at an address, by the address of its first byte.

        Where two commands made bytes at one address the later one is there.
        """
        return {command.address: command for command in self.commands if command.address >= 0}

    @cached_property
    def made(self) -> frozenset[tuple[str, int]]:
        """Files and lines that made bytes."""
        return frozenset((line.file, line.line) for line in self.listing.lines if line.address >= 0)

    @cached_property
    def named(self) -> dict[int, str]:
        """A label for each address, the first one by name."""
        found: dict[int, str] = {}
        for name, address in sorted(self.listing.labels.items()):
            if not name.startswith(":"):
                found.setdefault(address, name)
        return found

    def begins(self, address: int) -> bool:
        """Tell whether an instruction may begin at an address: not within another one, nor in data."""
        command = self.at(address)
        return command is None or (command.kind != "data" and (command.address == address or command.size > 4))

    def at(self, address: int) -> Command | None:
        """Return the command that made the byte at an address, its first or a later one; None without source."""
        exact = self.by_address.get(address)
        if exact is not None:
            return exact
        place = bisect_right(self._starts, address) - 1
        found = self.by_address.get(self._starts[place]) if place >= 0 else None
        return found if found is not None and address < found.address + found.size else None


def _tells_place(command: Command) -> bool:
    """Tell whether a command prints the place, by which insertion tools find what follows: `print "MAIN ",pc`."""
    return command.name == "print" and re.search(r"\bpc\b", command.raw) is not None


def _defines(listing: Listing) -> dict[str, str]:
    found: dict[str, str] = {}
    many: set[str] = set()
    for line in listing.lines:
        if "!" not in line.text:
            continue
        match = _DEFINE.match(plain(line.text))
        if match is None:
            continue
        value = match[2].strip('"')
        if _USE.search(value) or found.setdefault(match[1], value) != value:
            many.add(match[1])
    return {name: value for name, value in found.items() if name not in many}
