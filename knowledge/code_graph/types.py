"""What an index of source code is made of: files, lines, symbols, accesses, and what could not be read."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, Protocol

from knowledge.m65816.opcodes import Mode

__all__ = [
    "ACCESS_KINDS",
    "DIALECTS",
    "RELATIONS",
    "SYMBOL_KINDS",
    "Access",
    "AccessKind",
    "Body",
    "Cancelled",
    "Code",
    "CodeError",
    "Codebase",
    "Dialect",
    "Line",
    "LineKind",
    "Problem",
    "Progress",
    "Report",
    "SourceFile",
    "Symbol",
    "SymbolKind",
    "Width",
    "contents",
]

Dialect = Literal["asar", "ca65", "wla", "bass", "listing"]
"""How a file is written: asar (and xkas), ca65, wla-dx, bass, or a listing with addresses before the lines."""
DIALECTS: tuple[Dialect, ...] = ("asar", "ca65", "wla", "bass", "listing")

SymbolKind = Literal["routine", "data", "label", "macro", "define"]
"""`routine`: a global label with code under it; `data`: one with data alone; `label`: a label within another;
`define`: a name for a text or number, struct members too."""
SYMBOL_KINDS: tuple[SymbolKind, ...] = ("routine", "data", "label", "macro", "define")

AccessKind = Literal["call", "jump", "branch", "fall", "read", "write", "pointer", "use", "macro", "include"]
"""`call` JSR/JSL, `jump` JMP/JML/BRA/BRL and `branch` the conditional ones, all to another routine; `fall`: the code
goes on into the next routine; `read` and `write` of memory (both for INC and its like); `pointer`: the address itself
is taken (`dw Label`, `#Label`, `PEA`); `use` of a define; `macro`: it is called; `include` of a file."""
ACCESS_KINDS: tuple[AccessKind, ...] = (
    "call", "jump", "branch", "fall", "read", "write", "pointer", "use", "macro", "include",
)  # fmt: skip

RELATIONS: dict[AccessKind, str] = {
    "call": "calls",
    "jump": "jumps_to",
    "branch": "jumps_to",
    "fall": "jumps_to",
    "read": "reads",
    "write": "writes",
    "pointer": "references",
    "use": "references",
    "macro": "calls",
    "include": "includes",
}
"""The relation that an access is as an edge of the graph; `defined_in` leads from each symbol to its file."""

Width = Literal["", "b", "w", "l"]
"""The width that the source states: `.b`, `.w`, `.l` (in ca65 `z:`, `a:`, `f:`; `<`, `!`, `>` of other assemblers)."""

LineKind = Literal["code", "label", "data", "macro", "condition", "directive"]


Progress = Callable[[int, int], None]
"""Is told how many files are done, of how many."""


class CodeError(ValueError):
    """Something that an index of code cannot do; the text names the next step."""


class Cancelled(CodeError):
    """The update was called off; the index is as it was before."""


class SourceFile(NamedTuple):
    """A file to index."""

    path: str
    """Relative to the root of the codebase, with `/`: what includes name, and what places show."""
    read: Callable[[], bytes]
    """Gives its bytes; OSError becomes a problem of the report. It is called once in an update."""


def contents(path: str, data: bytes) -> SourceFile:
    """Return a file whose bytes are at hand."""
    return SourceFile(path, lambda: data)


class Problem(NamedTuple):
    """Something that could not be read."""

    file: str
    line: int
    """1-based; 0 for the file as a whole."""
    text: str


class Line(NamedTuple):
    """One statement within a routine, table or macro; a source line may hold several."""

    number: int
    """Line in the file, 1-based."""
    kind: LineKind
    word: str
    """code: the mnemonic in capitals, in the opcode table's spelling (JMP for JML); label: its full name, `+` or `-`
    for an anonymous one; macro: its name; data, condition and directive: the directive in small letters, without a
    dot."""
    operand: str = ""
    """As written, without a width; the arguments of a macro or directive."""
    width: Width = ""
    mode: Mode | Literal[""] = ""
    """Addressing mode as far as the text says it; for a plain symbol `direct` or `absolute_long` where its value is
    known, else `absolute`. Empty for all but code, and for what the CPU cannot do."""
    target: str = ""
    """The full name of the symbol in the operand, or its number as `$7E0010` in as many digits as it was written;
    `+@120` for the anonymous label `+` in line 120; empty when it has none."""
    value: int = -1
    """The number that the operand comes to (the immediate, the address), when it is known, with the symbols of the
    codebase put in; -1 when not. It is what is written: `$10` is 16, whatever D is."""
    address: int = -1
    """SNES address of the line, where the source states it; -1 elsewhere."""
    depth: int = 0
    """How many conditionals (`if`) it stands in: 0 when it always counts."""


class Symbol(NamedTuple):
    """A name that a codebase defines."""

    codebase: str
    name: str
    """Its full name: `Link_Main`, `Link_Main_loop` for `.loop` in it, `!health` for a define, `%move` for a macro."""
    kind: SymbolKind
    file: str
    first: int
    """First line, 1-based."""
    last: int
    address: int = -1
    """SNES address; the value of a define that is one number; -1 where it is not known."""
    parent: str = ""
    """The global label that a label stands under."""
    text: str = ""
    """The comment on it; the value of a define as it is written; the parameters of a macro."""

    @property
    def place(self) -> str:
        """Return file and line: `main.asm:12`."""
        return f"{self.file}:{self.first}"


class Body(NamedTuple):
    """A routine, table or macro with all its lines, those of the labels in it among them."""

    symbol: Symbol
    lines: tuple[Line, ...]


class Access(NamedTuple):
    """One place where code or data names something."""

    owner: str
    """Full name of the routine, table or macro that it stands in; the path of the file outside of any."""
    kind: AccessKind
    target: str
    """As it is understood: for memory and registers the ref of the fact (`ram:7E0010`, `register:2116`), however it was
    named; else the full name of a symbol of the codebase, or the path of a file; else what was written."""
    file: str
    line: int
    address: int = -1
    """SNES address that it names, where it is known."""
    written: str = ""
    """The name or number as it stands in the source."""
    indexed: bool = False
    """With an index register: the target is where an array begins."""
    indirect: bool = False
    """Through a pointer: the target holds the address."""
    via: str = ""
    """The macro whose body it comes from; empty when it stands in the file itself."""


class Codebase(NamedTuple):
    """A source tree that is indexed."""

    name: str
    files: int
    lines: int
    routines: int
    labels: int
    accesses: int


class Report(NamedTuple):
    """What an update did."""

    files: int
    """All files of the codebase."""
    changed: int
    """Files that were parsed, new ones among them."""
    removed: int
    routines: int
    """Routines and macros, in the whole codebase; so for the next two."""
    labels: int
    accesses: int
    problems: tuple[Problem, ...]
    """Of all its files, at most 200."""
    problem_count: int
    seconds: float


class Code(Protocol):
    """An index of source code that can be read; `CodeIndex` is one. CodeError for a codebase that is not there."""

    def codebases(self) -> tuple[Codebase, ...]:
        """Return what is indexed, by name."""
        ...

    def stamp(self, codebase: str) -> str:
        """Return a text that differs once one of the files differs; it costs well under a millisecond."""
        ...

    def symbols(self, codebase: str, *, kind: SymbolKind | Literal[""] = "") -> Iterator[Symbol]:
        """Give the symbols of a codebase, of all kinds or one, by file and line."""
        ...

    def bodies(self, codebase: str, *, name: str = "") -> Iterator[Body]:
        """Give the routines, tables and macros with their lines, by file and line; with `name` those of that name."""
        ...

    def accesses(self, codebase: str, *, owner: str = "") -> Iterator[Access]:
        """Give the accesses of a codebase, by file and line; with `owner` those of one routine, table or macro."""
        ...

    def excerpt(self, codebase: str, file: str, *, first: int, last: int) -> str:
        """Return lines of a file as they are written, without the line ends; at most 200 lines."""
        ...
