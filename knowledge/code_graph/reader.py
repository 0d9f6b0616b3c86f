"""One source file read by itself: its symbols, its lines, and every place where it names something."""

from functools import partial

from knowledge.code_graph.dialect import DATA, ENDS, LONGEST_LINE, decode, detect, directive
from knowledge.code_graph.directives import DIRECTIVES, IN_MACROS, brace, in_another_language
from knowledge.code_graph.expressions import Number, evaluate, literal, symbols_in
from knowledge.code_graph.openbody import OpenBody
from knowledge.code_graph.operands import Operand, read_operand
from knowledge.code_graph.parsed import AFTER, FIXED, LOST, SIZED, Anchor, Include, Parsed, Place, RawSymbol, Sized, Use
from knowledge.code_graph.scopes import Scopes
from knowledge.code_graph.sizes import data_size, elements
from knowledge.code_graph.statements import Statement, read_line, stated_address
from knowledge.code_graph.types import Line, Problem
from knowledge.code_graph.uses import data_uses, uses_of

__all__ = ["Reader", "read_source"]

_MOST_PROBLEMS = 50
_BY_VALUE = ("ca65", "wla", "bass")
"""Dialects in which the value of an operand decides how long it is, or a directive, rather than its digits."""
_RULE = " \t;-=*#_/"
"""What lines that only divide are drawn with."""


def read_source(path: str, data: bytes) -> Parsed:
    """Return what a file says by itself; any bytes have an answer, and what could not be read is among its problems."""
    decoded = decode(data)
    if decoded.problem:
        return Parsed(problems=[Problem(path, 0, decoded.problem)])
    return Reader(path, decoded.lines).read()


class Reader:
    """Reads the lines of one file, one after the other."""

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path = path
        self.parsed = Parsed(detect(path, lines), len(lines) - (lines[-1:] == [""]))
        self.scopes = Scopes(self.parsed.dialect)
        self.body: OpenBody | None = None
        self.macro = ""
        """The name of the macro whose body is read; empty outside."""
        self.struct = ""
        self.number = 0
        """The line that is read, 1-based."""
        self.comment = ""
        self.depth = 0
        """Conditionals that are open."""
        self.braces: list[str] = []
        """bass: what each open brace closes."""
        self.foreign = False
        """The code here is of another processor."""
        self.member = 0
        """Offset or address of the next member of the struct or enum; -1 when it is not known."""
        self.members = False
        """Bare names are members of a struct, enum or RAM section."""
        self.returns: list[Place] = []
        """What `pullpc` goes back to."""
        self._lines = lines
        self._place = Place(0, 0)
        self._block = False
        self._above: list[str] = []
        self._values: dict[str, Number | None] = {}

    def read(self) -> Parsed:
        """Read all lines."""
        for number, text in enumerate(self._lines, start=1):
            self.number = number
            if len(text) > LONGEST_LINE:
                self.problem(f"a line of {len(text)} characters: only the first {LONGEST_LINE} are read")
                text = text[:LONGEST_LINE]
            self._line(text)
        self.close()
        if self.macro:
            self.problem(f"macro {self.macro} has no end")
        if self.depth:
            self.problem("an `if` has no end")
        self.parsed.end = self._place
        self._settle()
        return self.parsed

    def _settle(self) -> None:
        """Give a label with nothing under it the kind of what follows, and forget that code goes on into data."""
        symbols, uses = self.parsed.symbols, self.parsed.uses
        falls = {use.owner: use for use in uses if use.kind == "fall"}
        kinds = {symbol.name: symbol.kind for symbol in symbols}
        for owner in sorted(falls, reverse=True):
            symbol = symbols[owner]
            if symbol.kind == "label":
                kinds[symbol.name] = kinds.get(falls[owner].text, "label")
                symbols[owner] = symbol._replace(kind=kinds[symbol.name])
        self.parsed.uses = [
            use for use in uses if use.kind != "fall" or symbols[use.owner].kind == kinds.get(use.text) == "routine"
        ]

    def problem(self, text: str) -> None:
        """Note what could not be read in this line."""
        if len(self.parsed.problems) < _MOST_PROBLEMS:
            self.parsed.problems.append(Problem(self.path, self.number, text))

    def _line(self, text: str) -> None:
        if "*/" in text and self._block:
            text, self._block = text.partition("*/")[2], False
        if self._block or not text or text.isspace():
            self._above = self._above if text else self._above[-8:]
            return
        if "/*" in text and self.parsed.dialect in ("wla", "ca65", "bass") and text.lstrip()[:2] == "/*":
            self._block = "*/" not in text
            return
        found = read_line(text, self.parsed.dialect)
        self.comment = found.comment
        if found.address >= 0 and not self.macro:
            self._anchored(found.address)
        for statement in found.statements:
            self._statement(statement, found.address)
        plain = found.comment.strip(_RULE) if found.comment else ""
        if not found.statements:
            if plain and len(self._above) < 40:
                self._above.append(plain)
            return
        if self.body:
            for comment in (*self._above, plain):
                self.body.say(comment)
        self._above = []

    def take_above(self) -> str:
        """Return the comment that stands right above, and in this line; it is taken once."""
        here = self.comment.strip(_RULE)
        text = " ".join((*self._above[-6:], here)).strip()
        self._above = []
        return text[:400]

    # places

    def place(self) -> Place:
        """Return where the next byte goes."""
        return self._place

    def move(self, place: Place) -> None:
        """Go on at a place."""
        self._place = place

    def anchor(self, kind: int, value: int = 0) -> None:
        """Go on at a new anchor."""
        if kind == LOST and self.parsed.anchors[self._place.anchor].kind == LOST:
            return
        self.parsed.anchors.append(Anchor(kind, value))
        self._place = Place(len(self.parsed.anchors) - 1, 0)

    def here(self) -> int:
        """Return the SNES address of the next byte as far as this file alone tells it; -1 when it does not."""
        anchor = self.parsed.anchors[self._place.anchor]
        return anchor.value + self._place.offset if anchor.kind == FIXED else -1

    def _anchored(self, address: int) -> None:
        """Take an address that the source states; labels that were set since the last byte have it too."""
        if self.here() != address:
            before = self._place
            self.anchor(FIXED, address)
            if self.body:
                self.body.moved(before, self._place)

    def advance(self, size: int) -> None:
        """Count bytes; a negative size is not known."""
        if size < 0:
            self.anchor(LOST)
        else:
            self._place = Place(self._place.anchor, self._place.offset + size)

    # bodies

    def open(self, name: str, *, first: int = 0) -> OpenBody:
        """Begin the body of a global label, or of code without one."""
        self.close(into=name)
        self.body = OpenBody(name, first or self.number, self._place, self.scopes.prefix, len(self.parsed.symbols))
        self.parsed.symbols.append(RawSymbol(name, "routine", self.number, self.number))
        return self.body

    def close(self, *, into: str = "", last: int = 0) -> None:
        """End the body that is open, in its last line unless `last` says where; control may go on `into` the next."""
        if self.body is not None:
            self.body.finish(self.parsed, last=last, into=into)
        self.body = None

    def _owner(self) -> OpenBody:
        """Return the body that a statement belongs to, a new one without a label if need be."""
        if self.body is None:
            here = self.here()
            self.open(f"${here:06X}" if here >= 0 else f"{self.path}:{self.number}")
        assert self.body is not None  # open() has set it
        return self.body

    # statements

    def _statement(self, statement: Statement, address: int) -> None:
        if statement.kind == "=":
            *labels, name = statement.labels
            self._labels(tuple(labels))
            self.define(name, statement.rest)
            return
        if statement.labels:
            self._labels(statement.labels)
        if not statement.kind:
            return
        if self.foreign and statement.kind == "code":
            self._owner().add(Line(self.number, "data", "db", statement.rest[:80], address=address, depth=self.depth))
            self.advance(-1)
        elif statement.kind == "code":
            self._code(statement, address)
        elif statement.kind == "data":
            self._data(statement, address)
        elif statement.kind == "macro":
            self._called(statement)
        else:
            self._directive(statement)

    def _labels(self, labels: tuple[str, ...]) -> None:
        for label in labels:
            if not label.strip("+-"):
                mark = self.scopes.anonymous(label, self.number)
                if self.body:
                    self.body.add(Line(self.number, "label", mark, depth=self.depth))
            elif self.macro or label[0] == "?":
                self._owner().add(Line(self.number, "label", label, depth=self.depth))
            elif self.struct:
                self.define(f"{self.struct}.{label.lstrip('.')}", f"${self.member:X}")
            else:
                self._label(label)

    def _label(self, label: str) -> None:
        local = self.scopes.is_local(label) or (label[:1] == "#" and self.body is not None)
        name = self.scopes.define(label)
        if not local:
            text = self.take_above()
            body = self.open(name)
            body.text = text
            self._tell(name, body)
        else:
            self._owner().label(name, self.number, self._place, self.take_above(), self.scopes.parent)
            self._owner().add(Line(self.number, "label", name, depth=self.depth))

    def _tell(self, name: str, body: OpenBody) -> None:
        """Take the address that a label's comment or name states."""
        stated = stated_address(name, self.comment)
        if stated >= 0 and self.here() < 0:
            self.anchor(FIXED, stated)
            body.place = self._place

    def define(self, name: str, value: str) -> None:
        """Give a name to a text or number."""
        name = self.scopes.full(name)
        full = name if name[:1] == "!" or self.scopes.is_local(name) else self.scopes.prefix + name
        text = value[:200]
        number = evaluate(text, self._values.get) if not self.depth else None
        if name[:1] == "!":  # a label's size is chosen by its bank, a define is put in as it is written
            self._values[name] = number
        self.parsed.symbols.append(
            RawSymbol(full, "define", self.number, self.number, text=text, scope=self.scopes.prefix, said=self.comment)
        )

    def _code(self, statement: Statement, address: int) -> None:
        operand = read_operand(statement.word, statement.rest, statement.width)
        body, rest = self._owner(), statement.rest[:200]
        target = self._target(operand, body) if operand.expression else ""
        body.add(
            Line(
                self.number,
                "code",
                operand.mnemonic,
                rest,
                operand.width,
                operand.mode,
                target=target,
                address=address,
                depth=self.depth,
            )
        )
        if operand.shape in ("rel", "plain"):
            self.scopes.follow(operand.expression, partial(body.aim, len(body.lines) - 1))
        body.code += 1
        body.ends = operand.mnemonic in ENDS and not self.depth
        size = self._size(operand)
        if size < 0 and "!" in operand.expression and self.parsed.anchors[self._place.anchor].kind != LOST:
            here = Sized(*self._place, self.scopes.prefix, self.scopes.expression(operand.expression))
            self.parsed.sized.append(here)
            self.anchor(SIZED, len(self.parsed.sized) - 1)
        else:
            self.advance(size)

    def _size(self, operand: Operand) -> int:
        """Return the bytes of an instruction, -1 when the assembler chooses and the file does not tell how."""
        if not operand.shape:
            return 1
        if self.parsed.dialect in _BY_VALUE and not operand.width and not _certain(operand):
            return -1
        if not operand.size and operand.shape != "rel":
            number = evaluate(operand.expression, self._values.get)
            operand = operand._replace(size=number.size if number else 0)
        return 1 + operand.size if operand.size else -1

    def _target(self, operand: Operand, body: OpenBody) -> str:
        """Note what an instruction names, and return the name or number for its line."""
        full = self.scopes.expression(operand.expression)
        for use in uses_of(operand, full, self.number, here=self.here()):
            body.uses.append(use)
        names = symbols_in(full)
        if names:
            body.name(names[0].text)
            return names[0].text
        number = literal(full)
        return f"${number.value:0{2 * number.size}X}" if number else ""

    def _data(self, statement: Statement, address: int) -> None:
        word = directive(statement.word)
        if self.struct:
            self.member += max(data_size(statement.word, statement.rest), 0)
            return
        body = self._owner()
        body.data += 1
        body.ends = True
        body.add(Line(self.number, "data", word, statement.rest[:200], address=address, depth=self.depth))
        if word == "incbin":
            self.include(statement.rest, binary=True)
        else:
            for use in data_uses(statement.rest, self.scopes.expression, self.number):
                body.uses.append(use)
                body.name(use.text)
        self.advance(data_size(statement.word, statement.rest) if statement.word in DATA else -1)

    def _called(self, statement: Statement) -> None:
        if self.members:
            self._member(statement.word, statement.rest)
            return
        body = self._owner()
        name = "%" + statement.word
        body.add(Line(self.number, "macro", statement.word, statement.rest[:200], depth=self.depth))
        body.uses.append(Use(0, "macro", "", name, self.number, arguments=self._arguments(statement.rest)))
        body.name(statement.word)
        body.calls += 1
        body.ends = False
        self.anchor(LOST)

    def _member(self, name: str, rest: str) -> None:
        """Define a member of a struct, enum or RAM section: `name dw`, `name dsb 4`, `name .word`."""
        join = "::" if self.parsed.dialect == "ca65" else "."
        self.define(self.struct + join + name if self.struct else name, f"${self.member:X}" if self.member >= 0 else "")
        word, _, count = rest.strip().lower().lstrip(".").partition(" ")
        size = data_size(word, count or "0")
        self.member = self.member + size if self.member >= 0 and size >= 0 else -1

    def _arguments(self, text: str) -> str:
        return ",".join(self.scopes.expression(piece.strip()) for piece in elements(text[:400])[:16])

    def _directive(self, statement: Statement) -> None:
        word = directive(statement.word)
        if word in DIRECTIVES and (not self.macro or word in IN_MACROS):
            DIRECTIVES[word](self, statement.rest)
        elif self.parsed.dialect == "bass" and word[:1] in "{}":
            brace(self, word + statement.rest)
        elif word in in_another_language(self.parsed.dialect) and self.body:
            self.body.add(Line(self.number, "directive", word, statement.rest[:200], depth=self.depth))

    def include(self, rest: str, *, binary: bool) -> None:
        """Put another file in here."""
        path = rest.strip().lstrip("<")
        path = path[1:].partition(path[0])[0] if path[:1] in ('"', "'") else path.split(",")[0].split(">")[0].strip()
        if not path:
            self.problem("an include names no file")
            return
        self.parsed.includes.append(Include(self.number, path[:400], binary, self._place))
        if not binary:
            self.close()
            self.anchor(AFTER, len(self.parsed.includes) - 1)


def _certain(operand: Operand) -> bool:
    """Whether an operand without a stated width is equally long by its digits and by its value."""
    if operand.shape == "#":
        return operand.mode not in ("immediate_m", "immediate_x")
    number = literal(operand.expression)
    return operand.shape in ("rel", "block") or number is None or number.value >= 1 << 8 * (number.size - 1)
