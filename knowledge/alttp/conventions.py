"""The labels of all disassemblies, each with the ref of what it names, so that two conventions can be told to agree."""

from collections.abc import Mapping
from functools import cache

from knowledge.alttp.tables import tables
from knowledge.alttp.words import squeeze
from knowledge.snes.registers import canonical, register_at
from schemas.fact import FactKind

__all__ = ["label_refs", "ref_of"]

_LABELS: tuple[FactKind, ...] = ("routine", "data", "sublabel")
_KINDS: tuple[FactKind, ...] = ("routine", "data", "ram")


@cache
def label_refs() -> Mapping[str, str]:
    """Return squeezed name (small letters, no separators) to ref; a name that several rows bear is left out."""
    found: dict[str, str] = {}
    several: set[str] = set()
    for kind in _KINDS:
        table = tables()[kind]
        for number, row in enumerate(table.rows):
            ref = table.ref(number)
            aliases = (part.partition(":")[2] or part for part in table.cell(row, "aliases").split("|"))
            for name in {squeeze(each) for each in (table.cell(row, "name"), *aliases)} - {""}:
                if found.setdefault(name, ref) != ref:
                    several.add(name)
    return {name: ref for name, ref in found.items() if name not in several}


def ref_of(address: int) -> str:
    """Return the ref of the fact about a SNES address (24 bits, mirrors folded), empty where there is none.

    A byte of an array in work RAM is the array's (`$7E0D05` is `ram:7E0D00`); in ROM only a label itself counts.
    """
    from knowledge.alttp.lookup import resolve

    if register_at(address):
        return f"register:{canonical(address):04X}"
    if address >> 16 in (0x7E, 0x7F) or (0x70 <= address >> 16 < 0x7E and not address & 0x8000):
        found = resolve(f"${address:06X}")
        return found if found.startswith("ram:") else f"ram:{address:06X}"
    labels = (tables()[kind] for kind in _LABELS)
    return next((table.ref(row) for table in labels if (row := table.find(f"{address:06X}")) >= 0), "")
