"""The tables that go by address: RAM, the labels of the ROM and the hardware registers."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from knowledge.alttp.generate_read import Row, aliases, label_places, names, number, read, short_sources
from knowledge.alttp.sources import SHORT, UNTRUSTED
from knowledge.alttp.words import squeeze

__all__ = ["data", "ram", "registers", "routines", "sublabels"]

_RAM_NAMES = ("jpdasm", "zelda3", "asar_us", "z3randomizer", "oracle_of_secrets")
_ROM_NAMES = ("usdasm", "jpdasm", "zelda3", "mathonnapkins", "asar_us", "oracle_of_secrets", "z3randomizer_jp")
_SAVE_BLOCK = range(0x7EF000, 0x7EF500)  # mirrored to save file 1 at $700000


def _groups(row: Row) -> str:
    """Count the independent groups of sources without the untrusted ones, each a group of its own."""
    dropped = sum(part in UNTRUSTED for part in row["sources"].split(";"))
    return str(max(1, int(row["independent_groups"]) - dropped))


def _size_disputes(folder: Path) -> dict[str, str]:
    """Return address to what the sources say of its size, where they differ: `size: 2 (zelda3), 1 (mon)`."""
    out: dict[str, str] = {}
    for address, _, said in json.loads((folder / "disagreements_ram_sizes.json").read_text(encoding="utf-8")):
        sizes: dict[int, list[str]] = {}
        for repository, size in said.items():
            if repository not in UNTRUSTED:
                sizes.setdefault(size, []).append(SHORT[repository])
        if len(sizes) > 1:
            out[address] = "size: " + "; ".join(f"{size} in {' and '.join(who)}" for size, who in sizes.items())
    return out


def ram(folder: Path) -> list[Row]:
    """Return the rows of work RAM and save RAM."""
    out: list[Row] = []
    disputes = _size_disputes(folder)
    for row in read(folder / "alttp_wram.csv"):
        used = bool(int(row["us_code_reads"] or 0) + int(row["us_code_writes"] or 0))
        named = short_sources(row["sources"])
        if not named:
            continue
        found = names(row, _RAM_NAMES)
        known = any(squeeze(row["name"]) == squeeze(alias) for _, alias in found)
        name = row["name"] if known else (found[0][1] if found else "")
        address = int(row["address"][1:], 16)
        saved = f"$70{address - 0x7EF000:04X}" if address in _SAVE_BLOCK and row["scope"] == "vanilla" else ""
        sources = named + (["usdasm"] if used and "usdasm" not in named else [])
        out.append(
            {
                "address": row["address"],
                "size": number(row["size"]),
                "size_basis": {"gap_to_next_symbol": "gap"}.get(row["size_basis"], ""),
                "name": name,
                "aliases": aliases(found, name),
                "description": row["description"],
                "keywords": "",
                "draft": "draft" if row["description"] else "",
                "disputed": disputes.get(row["address"], ""),
                "region": row["region"],
                "readers": row["reader_routines"],
                "writers": row["writer_routines"],
                "saved_to": saved,
                "scope": row["scope"],
                "sources": "|".join(sources),
                "independent_groups": _groups(row),
            }
        )
    return out


def _rom_disputes(folder: Path) -> dict[tuple[str, str], str]:
    """Return (address, name) to where the C port puts a name that it has for another address."""
    text = (folder / "disagreements_rom.json").read_text(encoding="utf-8")
    out: dict[tuple[str, str], str] = {}
    for name, theirs, ours in json.loads(text)["name_address_conflicts"]:
        there, here = theirs.split()[-1], ours.split()[-1]
        out[here, name] = f"address: zelda3 has {name} at {there}"
        out[there, name] = f"name: usdasm has {name} at {here}"
    return out


def _size(row: Row) -> str:
    """Return the size of a label, empty where it would run past its bank: the distance to a label of another bank."""
    size = number(row["size_bytes"])
    start = int(row["us_address"].removeprefix("$") or "0", 16) & 0xFFFF
    return size if size and start + int(size) <= 0x10000 else ""


def _label(row: Row, disputes: Mapping[tuple[str, str], str]) -> Row:
    found = names(row, _ROM_NAMES)
    spellings = [row["name"], *(name for _, name in found)]
    disputed = next(filter(None, (disputes.get((row["us_address"], name)) for name in spellings)), "")
    return {
        "us_address": row["us_address"],
        "jp_address": row["jp_address"],
        "jp_match": {"code_alignment": "code"}.get(row["jp_match"], row["jp_match"]),
        "name": row["name"],
        "aliases": aliases(found, row["name"]),
        "description": row["description"],
        "keywords": "",
        "draft": "draft" if row["description"] else "",
        "disputed": disputed,
        "kind": row["kind"],
        "size": _size(row),
        "entry": row["entry_type"],
        "returns": row["returns"],
        "callers": row["callers"],
        "parameters": row["parameters"],
        "sources": "|".join(short_sources(row["sources"])),
        "independent_groups": _groups(row),
    }


def _labels(folder: Path, kinds: Iterable[str]) -> list[Row]:
    """Return the labels of some kinds: those of US 1.0 by address, then those that only JP 1.0 has."""
    disputes = _rom_disputes(folder)
    raw = [row for row in read(folder / "alttp_rom_routines.csv") if row["kind"] in kinds]
    out = [_label(row, disputes) for row in raw if short_sources(row["sources"])]
    for row in read(folder / "alttp_rom_jp_only.csv"):
        if row["kind"] in kinds:
            found = names(row, ("z3randomizer",))
            sources = short_sources(row["source"], *(source for source, _ in found))
            known = {"jp_address": row["jp_address"], "name": row["name"], "kind": row["kind"], "callers": "0"}
            known |= {"aliases": aliases(found, row["name"]), "sources": "|".join(sources), "independent_groups": "1"}
            out.append(dict.fromkeys(out[0], "") | known)
    return sorted(out, key=lambda row: (not row["us_address"], row["us_address"], row["jp_address"]))


def routines(folder: Path) -> list[Row]:
    """Return the labels of code."""
    return _labels(folder, ("code",))


def data(folder: Path) -> list[Row]:
    """Return the labels of data and those of unknown kind."""
    return _labels(folder, ("data", "unknown"))


def sublabels(folder: Path) -> list[Row]:
    """Return the local labels, each with the label that it stands in; two at one address are one row."""
    at = label_places(folder)
    out: dict[str, Row] = {}
    for row in read(folder / "alttp_rom_sublabels.csv"):
        parent = row["parent"]
        name = row["label"].removeprefix(f"{parent}.")
        places = at.get(parent, set())
        before = [place for place in places if place <= row["us_address"]]
        if row["us_address"] in out:
            other = out[row["us_address"]]
            other["aliases"] = "|".join(filter(None, (other["aliases"], name)))
            continue
        out[row["us_address"]] = {
            "us_address": row["us_address"],
            "jp_address": row["jp_address"],
            "parent": parent,
            "parent_address": max(before, default=min(places, default="")),
            "name": name,
            "aliases": "",
            "kind": row["kind"],
        }
    return [out[address] for address in sorted(out)]


def registers(folder: Path) -> list[Row]:
    """Return the hardware registers."""
    out: list[Row] = []
    for row in read(folder / "snes_registers.csv"):
        bits = [f"{item['bits']} {item['name']}: {item['meaning']}" for item in json.loads(row["bitfields"] or "[]")]
        alias = dict.fromkeys(name for name in row["aliases"].split("|") if name)
        unique = {squeeze(name): name for name in reversed(alias)}
        out.append(
            {
                "address": row["address"],
                "name": row["name"],
                "aliases": "|".join(name for name in alias if unique[squeeze(name)] == name),
                "description": row["description"],
                "keywords": "",
                "draft": "draft",
                "access": row["access"],
                "width": row["width"],
                "writable_when": row["writable_when"],
                "readable_when": row["readable_when"],
                "subsystem": row["subsystem"],
                "bits": "|".join(bits),
                "queued_at": row["alttp_queue"],
                "sources": "|".join(short_sources(row["sources"])),
            }
        )
    return out
