"""What each row of a fact table says: one builder of a `Fact` for each kind."""

from collections.abc import Callable
from typing import Final

from knowledge.alttp.sources import independent, versions
from schemas.fact import KIND_NAMES, Confidence, Fact, FactKind

__all__ = ["BUILD", "Cell", "confidence"]

Cell = Callable[[str], str]
"""The text of one column of a row."""

_ACCESS: Final = {"r": "read-only", "w": "write-only", "rw": "read and write"}
_MOVED: Final = {"name": "by an equal label", "code": "by its code"}


def _aliases(text: str) -> tuple[str, ...]:
    out: list[str] = []
    for part in filter(None, text.split("|")):
        source, colon, name = part.partition(":")
        out.append(f"{name} ({source})" if colon else part)
    return tuple(out)


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split("|")))


def _said(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _holds_for(scope: str, sources: tuple[str, ...]) -> str:
    if scope == "randomizer":
        return "ALTTP randomizer only (JP 1.0 based), not the vanilla game"
    if scope.startswith("romhack"):
        return "the romhack Oracle of Secrets only (US 1.0 based), not the vanilla game"
    found = versions(sources)
    if found == ("JP 1.0",):
        return "JP 1.0 (US 1.0 not confirmed)"
    if found == ("US 1.0",):
        return "US 1.0 (JP 1.0 not confirmed)"
    return " and ".join(found) or "ROM version not confirmed"


def confidence(groups: int, *, disputed: bool, reviewed: bool) -> Confidence:
    """Return how far to trust a row: by its groups of sources, by whether they agree, by whether it was reviewed."""
    if disputed:
        return "disputed"
    if groups < 2:
        return "single"
    return "verified" if reviewed else "agreed"


def _pc(address: str) -> str:
    """Return the offset of a LoROM address in a file without a copier header."""
    place = int(address[1:], 16)
    return f"0x{(place >> 16 & 0x7F) << 15 | place & 0x7FFF:06X}"


def _ram(ref: str, cell: Cell) -> Fact:
    sources, groups = _split(cell("sources")), _number(cell("independent_groups"))
    uses = f"US code: {cell('readers') or 0} routines read it, {cell('writers') or 0} write it."
    reviewed = bool(cell("description")) and not cell("draft")
    return Fact(
        kind="ram",
        ref=ref,
        id=cell("address"),
        name=cell("name"),
        aliases=_aliases(cell("aliases")),
        description=cell("description"),
        draft=bool(cell("draft")),
        size=_number(cell("size")),
        rom_version=_holds_for(cell("scope"), sources),
        details=_said(
            "Size taken from the gap to the next symbol." if cell("size_basis") == "gap" else "",
            f"Sources differ on its {cell('disputed')}." if cell("disputed") else "",
            f"Region: {cell('region')}. {uses}",
            f"Saved to {cell('saved_to')} (save file 1)." if cell("saved_to") else "",
        ),
        sources=sources,
        independent_groups=groups,
        confidence=confidence(groups, disputed=bool(cell("disputed")), reviewed=reviewed),
    )


def _label(kind: FactKind) -> Callable[[str, Cell], Fact]:
    def build(ref: str, cell: Cell) -> Fact:
        us, jp, groups = cell("us_address"), cell("jp_address"), _number(cell("independent_groups"))
        how = " (JP address matched by name only)" if cell("jp_match") == "name" else ""
        call = ", ".join(filter(None, (cell("entry") and f"entered by {cell('entry')}", cell("returns"))))
        holds = ("US 1.0 and JP 1.0" if jp else "US 1.0 (JP 1.0 address not known)") + how
        reviewed = bool(cell("description")) and not cell("draft")
        return Fact(
            kind=kind,
            ref=ref,
            id=us or jp,
            name=cell("name"),
            aliases=_aliases(cell("aliases")),
            description=cell("description"),
            draft=bool(cell("draft")),
            size=_number(cell("size")),
            us_address=us,
            jp_address=jp,
            rom_version=holds if us else "JP 1.0 only (no label of the US 1.0 ROM matches it)",
            details=_said(
                f"Label of {cell('kind').replace('unknown', 'unknown kind')}."
                + (f" Call: {call}." if call else "")
                + f" Callers: {cell('callers') or 0}.",
                f"Parameters: {cell('parameters')}" if cell("parameters") else "",
                f"Sources differ on its {cell('disputed')}." if cell("disputed") else "",
                f"PC offset {_pc(us or jp)} in the {'US' if us else 'JP'} 1.0 ROM without a header.",
            ),
            sources=_split(cell("sources")),
            independent_groups=groups,
            confidence=confidence(groups, disputed=bool(cell("disputed")), reviewed=reviewed),
        )

    return build


def _sublabel(ref: str, cell: Cell) -> Fact:
    us, jp, parent = cell("us_address"), cell("jp_address"), cell("parent")
    at = f" at {cell('parent_address')}" if cell("parent_address") else ""
    return Fact(
        kind="sublabel",
        ref=ref,
        id=us,
        name=f"{parent}.{cell('name')}",
        aliases=tuple(f"{parent}.{alias} (usdasm)" for alias in _split(cell("aliases"))),
        us_address=us,
        jp_address=jp,
        rom_version="US 1.0 and JP 1.0" if jp else "US 1.0 (JP 1.0 address not known)",
        details=(
            f"Local label of {cell('kind')} in {parent}{at} (US 1.0).",
            f"PC offset {_pc(us)} in the US 1.0 ROM without a header.",
        ),
        sources=("usdasm",),
        independent_groups=1,
        confidence="single",
    )


def _register(ref: str, cell: Cell) -> Fact:
    width, sources = cell("width"), _split(cell("sources"))
    when = [(word, cell(column)) for word, column in (("written", "writable_when"), ("read", "readable_when"))]
    shown = [f"{word} {'at any time' if time == 'any' else time}" for word, time in when if time]
    return Fact(
        kind="register",
        ref=ref,
        id=cell("address"),
        name=cell("name"),
        aliases=_aliases(cell("aliases")),
        description=cell("description"),
        draft=bool(cell("draft")),
        size=1,
        rom_version="SNES hardware, the same for every ROM",
        details=_said(
            *(f"Bit{'s' if '-' in bits.split()[0] else ''} {bits}" for bits in _split(cell("bits"))),
            f"{cell('subsystem')}, {_ACCESS[cell('access')]}, width {width}, {', '.join(shown)}.",
            f"ALTTP queues its value at {cell('queued_at')}." if cell("queued_at") else "",
        ),
        sources=sources,
        independent_groups=independent(sources),
        confidence=confidence(independent(sources), disputed=False, reviewed=not cell("draft")),
    )


def _spelled(kind: FactKind, row_id: str) -> str:
    """Return what names a row to people: `sprite 0x41`, `sound effect SFX2.05`."""
    word = "sound effect" if row_id.startswith("SFX") else KIND_NAMES[kind].removesuffix(" screen")
    return f"{word} {row_id}"


def _by_id(kind: FactKind, *details: Callable[[Cell], str]) -> Callable[[str, Cell], Fact]:
    """Return the builder of a kind whose rows have an id; `details` each say one more thing of a row, or nothing."""

    def build(ref: str, cell: Cell) -> Fact:
        sources = _split(cell("sources"))
        disputed = cell("disputed")
        return Fact(
            kind=kind,
            ref=ref,
            id=_spelled(kind, cell("id")),
            name=cell("name"),
            aliases=_aliases(cell("aliases")),
            description=cell("description"),
            draft=bool(cell("draft")),
            rom_version=_holds_for("", sources),
            details=_said(*(say(cell) for say in details), f"Sources differ on its {disputed}." if disputed else ""),
            sources=sources,
            independent_groups=independent(sources),
            confidence=confidence(
                independent(sources),
                disputed=bool(disputed),
                reviewed=bool(cell("description")) and not cell("draft"),
            ),
        )

    return build


def _when(column: str, text: str) -> Callable[[Cell], str]:
    """Return what says `text` with the cell in it where the column is not empty."""
    return lambda cell: text.format(cell(column)) if cell(column) else ""


def _handler(word: str = "Handler", name: str = "handler") -> Callable[[Cell], str]:
    def say(cell: Cell) -> str:
        if not cell(name):
            return ""
        at = cell(f"{name}_us_address")
        return f"{word} {cell(name)}" + (f" at {at} (US 1.0)." if at else ".")

    return say


def _kept(cell: Cell) -> str:
    value = cell("save_value")
    special = int(value, 16) >= 0x80  # negative: code of its own adds an amount or sets bits
    written = f"(table value {value}: added by code of its own, not stored as it is)" if special else f"as {value}"
    return f"Receipt id {cell('id')}; kept at {cell('save_address')} {written}."


def _landing(cell: Cell) -> str:
    where = f"Link starts at X {cell('link_x')}, Y {cell('link_y')}"
    dungeon = "no dungeon" if cell("dungeon") == "0xFF" else f"dungeon {cell('dungeon')}"
    song = "the song goes on" if cell("song") == "0xFF" else f"song byte {cell('song')}"
    return f"{where}; {dungeon}, floor byte {cell('floor')}, {song}, graphics set {cell('gfx_set')}."


def _screens(cell: Cell) -> str:
    screens = _split(cell("overworld"))
    return f"Entered from overworld screen{'s' if len(screens) > 1 else ''} {', '.join(screens)}." if screens else ""


def _always(text: str) -> Callable[[Cell], str]:
    return lambda cell: text.format(cell("id"))


BUILD: dict[FactKind, Callable[[str, Cell], Fact]] = {
    "ram": _ram,
    "register": _register,
    "routine": _label("routine"),
    "data": _label("data"),
    "sublabel": _sublabel,
    "sprite": _by_id("sprite", _handler(), _handler("Set-up", "prep")),
    "overlord": _by_id("overlord", _handler()),
    "ancilla": _by_id("ancilla", _handler()),
    "garnish": _by_id("garnish", _handler()),
    "item": _by_id("item", _kept),
    "menu_item": _by_id(
        "menu_item",
        _always("Slot {} of the item menu; the slot chosen is at $7E0202."),
        _when("saved_at", "Kept at {}."),
    ),
    "room": _by_id("room", _always("Underworld room."), _when("save_flags", "Save flags at {}.")),
    "overworld": _by_id("overworld", _always("Overworld screen."), _when("save_flags", "Save flags at {}.")),
    "module": _by_id("module", _when("step", "{}"), _handler()),
    "link_state": _by_id("link_state", _always("Value {} of $7E005D."), _handler()),
    "sprite_state": _by_id("sprite_state", _always("Value {} of the sprite's byte in $7E0DD0-$7E0DDF."), _handler()),
    "song": _by_id("song", _when("played_by", "{}"), _when("bank", "In the {} song bank.")),
    "entrance": _by_id("entrance", _when("room", "Leads to room {}."), _landing, _screens),
    "tile_type": _by_id("tile_type"),
    "dungeon": _by_id("dungeon"),
    "follower": _by_id("follower", _always("Value {} of $7EF3CC.")),
    "room_tag": _by_id("room_tag", _always("Tag {} of a room header; the room's two tags are at $7E00AE and $7E00AF.")),
    "room_effect": _by_id("room_effect"),
    "secret": _by_id("secret"),
    "door_type": _by_id("door_type"),
    "room_object": _by_id("room_object", _handler("Drawn by")),
}
"""Kind of fact to what makes one of a row: (ref, cell) to fact."""
