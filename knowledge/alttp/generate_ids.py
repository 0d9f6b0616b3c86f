"""The tables that go by id: sprites, items, rooms, modules and all else that the game numbers."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from knowledge.alttp.generate_read import Row, aliases, label_places, names, read, short_sources

__all__ = ["BY_ID", "with_doors"]

_WORDS = re.compile(r"\d+x\d+|(?:BGC?|SFX)\d+|0[0-9A-F](?![a-z])|\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NUMBERED = re.compile(r"^(?:Module_?[0-9A-F]{2}_)?(?:[0-9A-F]{2}_)+(?=[A-Za-z]{2})")


def _row(raw: Row, found: list[tuple[str, str]], more: Mapping[str, str], *, name: str = "") -> Row:
    """Return a row with the columns that every table by id has, then `more`, then the sources."""
    name = name or raw["name"]
    return {
        "id": raw["id"],
        "name": name,
        "aliases": aliases(found, name),
        "keywords": "",
        "description": "",
        "draft": "",
        **more,
        "sources": "|".join(short_sources(raw["sources"])),
    }


def _words(label: str) -> str:
    """Spell a label in words: `Rightwards2x2_1to15or32` is `Rightwards 2x2 1 to 15 or 32`."""
    return " ".join(_WORDS.findall(label))


def _handled(raw: Row) -> Row:
    return {"handler": raw["handler_us"], "handler_us_address": raw["handler_us_address"]}


def _sprites(folder: Path) -> list[Row]:
    out: list[Row] = []
    for raw in read(folder / "alttp_sprites.csv"):
        prep = {"prep": raw["prep_us"], "prep_us_address": raw["prep_us_address"]}
        out.append(_row(raw, names(raw, ("jpdasm", "zscream", "zelda3")), _handled(raw) | prep))
    return out


def _objects(file: str) -> Callable[[Path], list[Row]]:
    """Return the builder of a table of objects with a handler: overlords, ancillae, garnish."""
    return lambda folder: [_row(raw, names(raw, ("jpdasm", "zelda3")), _handled(raw)) for raw in read(folder / file)]


def _items(folder: Path) -> list[Row]:
    out: list[Row] = []
    for raw in read(folder / "alttp_items.csv"):
        found = names(raw, ("jpdasm", "zscream") if raw["names_agree"] == "True" else ("jpdasm",))
        out.append(_row(raw, found, {"save_address": raw["save_address"], "save_value": raw["save_value"]}))
    return out


def _menu_items(folder: Path) -> list[Row]:
    raws = read(folder / "alttp_menu_items.csv")
    return [_row({"id": raw["menu_slot"]} | raw, [], {"saved_at": raw["save_address"]}) for raw in raws]


def _rooms(folder: Path) -> list[Row]:
    raws = [raw for raw in read(folder / "alttp_rooms.csv") if raw["kind"] == "underworld"]
    return [_row(raw, [], {"save_flags": raw["save_flags"]}) for raw in raws]


def with_doors(rooms: Sequence[Row], entrances: Iterable[Row]) -> None:
    """Name each room by its entrances too, as they are called after review."""
    doors: dict[str, list[tuple[str, str]]] = {}
    for entrance in entrances:
        doors.setdefault(entrance["room"], []).append(("entrance", entrance["name"]))
    for room in rooms:
        found = doors.get(room["id"], [])
        room["aliases"] = aliases(found, room["name"])
        if found:
            room["sources"] = "|".join(short_sources("", "usdasm", *room["sources"].split("|")))


def _overworld(folder: Path) -> list[Row]:
    raws = [raw for raw in read(folder / "alttp_rooms.csv") if raw["kind"] == "overworld"]
    more = ("zscream", "jpdasm", "usdasm")
    return [_row(raw, names(raw, more), {"save_flags": raw["save_flags"]}) for raw in raws]


def _states(file: str) -> Callable[[Path], list[Row]]:
    """Return the builder of a table of states with a handler."""

    def build(folder: Path) -> list[Row]:
        out: list[Row] = []
        for raw in read(folder / file):
            found = [("usdasm", raw["handler_us"]), ("zelda3", raw.get("name_zelda3", ""))]
            out.append(_row(raw, [item for item in found if item[1]], _handled(raw), name=_words(raw["name"])))
        return out

    return build


def _module_tables(folder: Path) -> tuple[dict[str, list[str]], dict[str, set[str]]]:
    """Return, by address of a routine, the routines that hold a pointer to it; and the step variables each reads."""
    holders: dict[str, list[str]] = {}
    reads: dict[str, set[str]] = {}
    for edge in read(folder / "relations.csv"):
        if edge["relation"] == "references_pointer_to":
            holders.setdefault(edge["object_detail"], []).append(edge["subject_detail"])
        elif edge["relation"] == "reads" and edge["object"] in ("ram:$7E0011", "ram:$7E00B0"):
            reads.setdefault(edge["subject_detail"], set()).add(edge["object"][4:])
    return holders, reads


def _module(raw: Row, key: str, step: str) -> Row:
    found = [("usdasm", raw["handler_us"]), ("zelda3", raw["name_zelda3"]), ("asar-us", raw["name_asar_us"])]
    bare = _NUMBERED.sub("", raw["name"])
    name = _words(bare) if re.search("[A-Za-z]{3}", bare) else raw["handler_us"]
    named = [item for item in found if item[1]]
    return _row({"id": key} | raw, named, {"step": step} | _handled(raw), name=name)


def _runs(raws: Iterable[Row]) -> list[list[Row]]:
    """Cut the submodules into the tables that they stand in: a table counts up from 0x00 inside one module."""
    out: list[list[Row]] = []
    for raw in raws:
        last = out[-1][-1] if out else {"module": "", "submodule": "0x00"}
        if raw["module"] == last["module"] and int(raw["submodule"], 16) == int(last["submodule"], 16) + 1:
            out[-1].append(raw)
        else:
            out.append([raw])
    return out


def _modules(folder: Path) -> list[Row]:
    """Return modules, submodules and the steps of submodules; a table of pointers belongs to who holds the most."""
    holders, reads = _module_tables(folder)
    raws = read(folder / "alttp_modules.csv")
    out = [_module(raw, raw["module"], "Value of $7E0010.") for raw in raws if not raw["submodule"]]
    owner = {row["handler_us_address"]: row["id"] for row in out if row["handler_us_address"]}
    for run in _runs(raw for raw in raws if raw["submodule"]):
        held = Counter(holder for raw in run for holder in set(holders.get(raw["handler_us_address"], ())))
        held.pop("", None)
        holder = held.most_common(1)[0][0]
        above = owner.get(holder, "")
        if not above.startswith(run[0]["module"]):
            raise ValueError(f"alttp_modules.csv: the routine at {holder} is no module, but holds {run[0]['name']}")
        variable = reads.get(holder, set())
        counted = f", the value of {min(variable)}" if len(variable) == 1 else ""
        kind = "Submodule" if above == run[0]["module"] else "Step"
        for raw in run:
            row = _module(raw, f"{above}.{raw['submodule']}", f"{kind} {raw['submodule']} of module {above}{counted}.")
            owner.setdefault(raw["handler_us_address"], row["id"])
            out.append(row)
    return sorted(out, key=lambda row: row["id"])


def _songs(folder: Path) -> list[Row]:
    out: list[Row] = []
    for raw in read(folder / "alttp_songs.csv"):
        kind = "Command to the sound driver" if raw["kind"] == "song_command" else "Song"
        played = f"{kind}: the byte for {raw['request_address']}."
        out.append(_row(raw, [], {"played_by": played, "bank": raw["bank"]}))
    return out


def _entrances(folder: Path) -> list[Row]:
    out: list[Row] = []
    for raw in read(folder / "alttp_entrances.csv"):
        plain = {column: raw[column] for column in ("link_x", "link_y")}
        numbers = {column: raw[column].replace("$", "0x") for column in ("dungeon_id", "floor", "song", "gfx_set")}
        numbers["dungeon"] = numbers.pop("dungeon_id")
        more = {"room": raw["room"], "overworld": raw["overworld_screens"], **plain, **numbers}
        if not raw["name_usdasm"]:
            raw["sources"] += ";Zarby89/ZScreamDungeon"  # named as the room
        out.append(_row(raw, [], more, name=raw["name_usdasm"] or raw["room_name"]))
    return out


def _listed(file: str) -> Callable[[Path], list[Row]]:
    """Return the builder of a table of ids and names; a row that only an untrusted source has is left out."""

    def build(folder: Path) -> list[Row]:
        return [_row(raw, [], {}) for raw in read(folder / file) if short_sources(raw["sources"])]

    return build


def _room_objects(folder: Path) -> list[Row]:
    at = label_places(folder)
    out: list[Row] = []
    for edge in read(folder / "relations.csv"):
        if edge["relation"] == "drawn_by":
            handler = edge["object"].partition(":")[2]
            raw = {"id": edge["subject"].partition(":")[2], "sources": edge["sources"], "handler_us": handler}
            raw["handler_us_address"] = min(at.get(handler, ()), default="")
            name = _words(handler.removeprefix("RoomDraw_"))
            out.append(_row(raw, [("usdasm", handler)], _handled(raw), name=name))
    return out


BY_ID: dict[str, Callable[[Path], list[Row]]] = {
    "sprites": _sprites,
    "overlords": _objects("alttp_overlords.csv"),
    "ancillae": _objects("alttp_ancillae.csv"),
    "garnish": _objects("alttp_garnish.csv"),
    "items": _items,
    "menu_items": _menu_items,
    "rooms": _rooms,
    "overworld": _overworld,
    "modules": _modules,
    "link_states": _states("alttp_link_states.csv"),
    "sprite_states": _states("alttp_sprite_states.csv"),
    "songs": _songs,
    "entrances": _entrances,
    "tile_types": _listed("alttp_tile_types.csv"),
    "dungeons": _listed("alttp_dungeons.csv"),
    "followers": _listed("alttp_followers.csv"),
    "room_tags": _listed("alttp_room_tags.csv"),
    "room_objects": _room_objects,
}
"""Name of a table to what builds its rows from the folder of raw tables."""
