"""The labels of all disassemblies, each with the ref of what it names, so that two conventions can be told to agree."""

from collections.abc import Mapping
from functools import cache

from knowledge.alttp.tables import tables
from knowledge.alttp.words import squeeze
from schemas.fact import FactKind

__all__ = ["label_refs"]

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
