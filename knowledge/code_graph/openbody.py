"""A routine, table or macro while its lines are read."""

from knowledge.code_graph.dialect import ENDS
from knowledge.code_graph.expressions import symbols_in
from knowledge.code_graph.parsed import Parsed, Place, RawSymbol, Use, pack
from knowledge.code_graph.types import Line, SymbolKind

__all__ = ["OpenBody"]

_SAID = 4_000
_NAMES = 400


class OpenBody:
    """What has been read of it so far."""

    def __init__(self, name: str, first: int, place: Place, scope: str, index: int) -> None:
        self.symbol = name
        self.first = first
        self.place = place
        self.scope = scope
        self.index = index
        """Which symbol of the file it is."""
        self.text = ""
        self.code = 0
        self.data = 0
        self.calls = 0
        """Macros that it calls."""
        self.ends = False
        """Control does not go on behind the last line."""
        self.lines: list[Line] = []
        self.uses: list[Use] = []
        self.macro = False
        self._labels: list[RawSymbol] = []
        self._said: list[str] = []
        self._room = _SAID
        self._names: dict[str, None] = {}

    def add(self, line: Line) -> None:
        """Add a line."""
        self.lines.append(line)

    def aim(self, index: int, mark: str, line: int) -> None:
        """Tell which line an operand `+`, `-` or `:+` of one of its lines leads to."""
        self.lines[index] = self.lines[index]._replace(target=f"{mark}@{line}")

    def say(self, comment: str) -> None:
        """Add a comment."""
        if comment and self._room > 0:
            self._said.append(comment[: self._room])
            self._room -= len(comment)

    def name(self, text: str) -> None:
        """Note a name that it uses."""
        if len(self._names) < _NAMES:
            self._names[text] = None

    def label(self, name: str, line: int, place: Place, text: str, parent: str) -> None:
        """Add a label within."""
        self._labels.append(RawSymbol(name, "label", line, line, place, parent, text))

    def moved(self, before: Place, after: Place) -> None:
        """Move what was set at a place whose address has turned out."""
        if self.place == before:
            self.place = after
        for index in range(len(self._labels) - 1, -1, -1):
            if self._labels[index].place != before:
                break
            self._labels[index] = self._labels[index]._replace(place=after)

    def _name_fully(self, known: set[str]) -> None:
        """Let the lines of a procedure name its labels by their full names."""
        for index, line in enumerate(self.lines):
            if line.target and self.scope + line.target in known:
                self.lines[index] = line._replace(target=self.scope + line.target)

    @property
    def kind(self) -> SymbolKind:
        """What it has turned out to be; a label with nothing under it is a label."""
        if self.macro:
            return "macro"
        return "routine" if self.code else "data" if self.data else "routine" if self.calls else "label"

    def finish(self, parsed: Parsed, *, last: int, into: str) -> None:
        """Put it into what the file says. It ends in its last line or in `last` if that is later; `into` is the next
        label, empty when control cannot get there."""
        last = max(last, self.first, self.lines[-1].number if self.lines else 0)
        known = {label.name for label in self._labels}
        if self.scope and known:
            self._name_fully(known)
        lines = "\n".join(map(pack, self.lines))
        parameters = set(self.text.partition(";")[0].split(",")) if self.macro else set[str]()
        for use in self.uses:
            inside = use.text in known or self.scope + use.text in known or use.text == self.symbol
            if use.kind in ("jump", "branch") and inside:
                continue
            if self.macro and ("\\" in use.text or parameters & {token.text for token in symbols_in(use.text)}):
                continue
            parsed.uses.append(use._replace(owner=self.index, scope=self.scope))
        named = self.symbol[0] != "$" and ":" not in self.symbol.replace("::", "")
        into = into if named or self.code else ""
        code = next((line for line in reversed(self.lines) if line.kind in ("code", "macro")), None)
        if into and not self.macro and not self.ends and (code is None or code.word not in ENDS or code.depth):
            parsed.uses.append(Use(self.index, "fall", "", into, code.number if code else self.first))
        parsed.symbols[self.index] = RawSymbol(
            name=self.symbol,
            kind=self.kind,
            first=self.first,
            last=last,
            place=self.place,
            text=self.text,
            scope=self.scope,
            lines=lines,
            said=" ".join(self._said),
            names=" ".join(self._names),
        )
        ends = [label.first - 1 for label in self._labels[1:]] + [last]
        for label, end in zip(self._labels, ends[: len(self._labels)], strict=True):
            parsed.symbols.append(label._replace(last=max(end, label.first), scope=self.scope))
