"""`Fact`: one thing that is known about the game or the console, and `Lookup`: the answer to a question."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen

__all__ = [
    "KIND_NAMES",
    "AskedKind",
    "Candidate",
    "Confidence",
    "Fact",
    "FactKind",
    "Lookup",
    "Related",
    "SymbolHit",
    "Symbols",
]

FactKind = Literal[
    "ram",
    "register",
    "routine",
    "data",
    "sublabel",
    "sprite",
    "overlord",
    "ancilla",
    "garnish",
    "item",
    "menu_item",
    "room",
    "overworld",
    "module",
    "link_state",
    "sprite_state",
    "song",
    "entrance",
    "tile_type",
    "dungeon",
    "follower",
    "room_tag",
    "room_effect",
    "secret",
    "door_type",
    "room_object",
]
"""What a fact is about. `routine` is a ROM label of code, `data` one of data or of unknown kind, `sublabel` one inside
them; `module` is a module or a submodule, `song` a song, a command to the sound driver or a sound effect."""

AskedKind = Literal["any", FactKind]

Confidence = Literal["verified", "agreed", "single", "disputed"]
"""How far to trust a row: `verified` two independent groups of sources or more, and reviewed; `agreed` two groups or
more; `single` one group; `disputed` the sources contradict each other on its name or size."""

KIND_NAMES: dict[FactKind, str] = {
    "ram": "RAM",
    "register": "SNES register",
    "routine": "routine",
    "data": "ROM data",
    "sublabel": "local ROM label",
    "sprite": "sprite",
    "overlord": "overlord",
    "ancilla": "ancilla",
    "garnish": "garnish",
    "item": "item",
    "menu_item": "menu item",
    "room": "room",
    "overworld": "overworld screen",
    "module": "module",
    "link_state": "Link state",
    "sprite_state": "sprite state",
    "song": "song",
    "entrance": "entrance",
    "tile_type": "tile type",
    "dungeon": "dungeon",
    "follower": "follower",
    "room_tag": "room tag",
    "room_effect": "room effect",
    "secret": "secret",
    "door_type": "door type",
    "room_object": "room object",
}
"""Each kind in words."""


class Fact(Frozen):
    """One row of a fact table."""

    kind: FactKind
    ref: str = Field(default="", description="its one name everywhere: `ram:7EF36D`, `sprite:41`, `module:07.02`")
    id: str = Field(description="what names it to people: `$7EF36D`, `$2100`, `sprite 0x41`, `overworld 0x18`")
    name: str = Field(description="its usual name, empty where no source names it")
    aliases: tuple[str, ...] = Field(default=(), description="other names, each with the source that uses it")
    description: str = ""
    draft: bool = Field(default=False, description="the description has not been checked against the code")
    size: int = Field(default=0, description="bytes; 0 where it is not known")
    us_address: str = Field(default="", description="ROM labels: the address in the US 1.0 ROM")
    jp_address: str = Field(default="", description="ROM labels: the address in the JP 1.0 ROM")
    rom_version: str = Field(description="the ROM versions that the fact is known to hold for")
    details: tuple[str, ...] = Field(default=(), description="bit fields, uses, and what else the row says")
    sources: tuple[str, ...] = Field(default=(), description="short names; SOURCES.md has repository and licence")
    independent_groups: int = Field(default=0, description="sources that do not build on each other")
    confidence: Confidence = Field(default="single", description="how far to trust the row; SOURCES.md has the rule")

    def headline(self) -> str:
        """Return the fact in one line that can be read alone."""
        name = f" = {self.name}" if self.name else " has no name"
        size = f", {self.size} byte{'s' if self.size != 1 else ''}" if self.size else ""
        text = f": {self.description}" if self.description else ""
        notes = [self.confidence, self._support()] + (["draft description"] if self.draft else [])
        versions = self.rom_version
        if self.us_address or self.jp_address:
            rom = (("US 1.0", self.us_address), ("JP 1.0", self.jp_address))
            versions = ", ".join(f"{version} {address}" for version, address in rom if address)
        return f"{self.id}{name} ({KIND_NAMES[self.kind]}{size}){text}. {versions}. [{'; '.join(notes)}]"

    def _support(self) -> str:
        if self.independent_groups:
            return f"{self.independent_groups} source group{'s' if self.independent_groups != 1 else ''}"
        return f"{len(self.sources)} source{'s' if len(self.sources) != 1 else ''}"

    def as_text(self) -> str:
        """Return the fact as text that says all that the fields say."""
        lines = [self.headline(), *self.details]
        if self.us_address or self.jp_address:
            lines.append(f"ROM: {self.rom_version}")
        if self.aliases:
            lines.append("Also named: " + ", ".join(self.aliases))
        if self.sources:
            lines.append("Sources: " + ", ".join(self.sources))
        return "\n".join(lines)


class Candidate(Frozen):
    """A fact that also matches, in brief."""

    kind: FactKind
    ref: str = Field(default="", description="its one name everywhere: `ram:7EF36D`")
    id: str
    name: str
    summary: str = Field(default="", description="the beginning of its description")
    reason: str = Field(description="why it matches")

    def as_text(self) -> str:
        """Return the candidate in one line."""
        summary = f": {self.summary}" if self.summary else ""
        return f"- {self.id} {self.name or '(no name)'} ({KIND_NAMES[self.kind]}){summary} [{self.reason}]"


class Related(Frozen):
    """A fact that stands in a relation to the one that was asked about: a routine that writes an address."""

    kind: FactKind
    ref: str = Field(description="its one name everywhere: `routine:0080C9`")
    id: str
    name: str
    relation: str = Field(description="`writes`, `calls`, `appears_in` ...; several joined by a comma")
    count: int = Field(description="places in the code")
    sources: str = Field(description="short names of who says so")

    def as_text(self) -> str:
        """Return it in one line."""
        times = f", {self.count} places" if self.count > 1 else ""
        return (
            f"- {self.id} {self.name or '(no name)'} ({KIND_NAMES[self.kind]}): {self.relation}{times} [{self.sources}]"
        )


class Lookup(Frozen):
    """The answer to one question: the fact where one row is meant, else the rows that may be meant."""

    query: str
    found: bool = Field(description="at least one row matches")
    ambiguous: bool = Field(default=False, description="several rows match equally well: none is put first")
    answer: Fact | None = None
    reason: str = Field(default="", description="why the answer matches")
    place: str = Field(default="", description="where the address that was asked for lies in the answer's row")
    others: tuple[Candidate, ...] = Field(default=(), description="the other matches of this page")
    relation: str = Field(default="", description="what was asked about the answer: `what writes $7E0010 MODE`")
    related: tuple[Related, ...] = Field(default=(), description="this page of the facts that stand in the relation")
    total: int = Field(default=0, description="all matches, the answer included; all related facts of a relation")
    offset: int = 0
    next_offset: int = Field(default=0, description="offset of the next page; 0 when this is the last")
    hint: str = Field(default="", description="what to try next")

    def as_text(self) -> str:
        """Return the answer as text that says all that the fields say, the answer's own line first."""
        lines: list[str] = []
        if self.relation and self.answer:
            lines.append(f"{self.relation}: {self.total or 'nothing that the sources show'}.")
            lines += [*(other.as_text() for other in self.related), f"Asked about: {self.answer.headline()}"]
            title = ""
        elif self.answer:
            place = f"{self.place}: " if self.place else ""
            lines += [place + self.answer.as_text(), f"Match: {self.reason} (query: {self.query!r})"]
            title = "Other candidates"
        elif self.ambiguous:
            title = f"{self.query!r} is ambiguous, rows match equally well; ask again with one of these ids"
        elif self.found:
            title = f"More candidates for {self.query!r}"
        else:
            lines.append(f"NOT FOUND: no fact matches {self.query!r}.")
            title = "Nearest rows (not an answer)"
        if self.others:
            lines += [f"{title}:", *(other.as_text() for other in self.others)]
        shown = len(self.related) if self.relation else len(self.others) + (1 if self.answer else 0)
        if self.next_offset or self.offset:
            after = f"; next offset {self.next_offset}" if self.next_offset else ""
            lines.append(f"Shown {shown} of {self.total} from offset {self.offset}{after}.")
        elif shown < self.total:
            lines.append(f"{self.total} rows match.")
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class SymbolHit(Frozen):
    """A name that matches."""

    name: str
    id: str = Field(description="what bears the name: `$7EF36D`, `sprite 0x41`")
    ref: str = Field(default="", description="its one name everywhere; empty for one of your own symbols")
    kind: FactKind
    source: str = Field(default="", description="who uses the name; empty for the usual one")

    def as_text(self) -> str:
        """Return the name in one line."""
        return f"- {self.name} = {self.id} ({KIND_NAMES[self.kind]}){f' [{self.source}]' if self.source else ''}"


class Symbols(Frozen):
    """A page of names that have a part, or match a pattern."""

    query: str
    symbols: tuple[SymbolHit, ...] = ()
    total: int = Field(default=0, description="all names that match, as far as they were counted")
    offset: int = 0
    next_offset: int = Field(default=0, description="offset of the next page; 0 when this is the last")
    hint: str = Field(default="", description="what to try next")

    def as_text(self) -> str:
        """Return the names behind a line about the page."""
        more = f"; next offset {self.next_offset}" if self.next_offset else ""
        head = f"{len(self.symbols)} of {self.total} names that match {self.query!r} from offset {self.offset}{more}"
        if not self.total:
            head = f"NOT FOUND: no name matches {self.query!r}."
        return "\n".join(filter(None, [head, *(symbol.as_text() for symbol in self.symbols), self.hint]))
