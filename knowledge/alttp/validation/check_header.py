"""Checks of what a text says of the ROM's vectors and header, and of the mirrors of work RAM."""

import re
from collections.abc import Iterator

from knowledge.alttp.validation.claims import doubtful
from knowledge.alttp.validation.found import Found, hardware_map
from knowledge.alttp.validation.passages import Passages, Statement
from knowledge.snes.addresses import fold

__all__ = ["check_header"]

_VECTORS = {
    "nmi": (0xFFEA, 0xFFFA), "vblank": (0xFFEA, 0xFFFA), "irq": (0xFFEE, 0xFFFE), "brk": (0xFFE6, 0xFFFE),
    "cop": (0xFFE4, 0xFFF4), "abort": (0xFFE8, 0xFFF8), "reset": (0xFFFC, 0xFFFC),
}  # fmt: skip
"""Vector to its place in native and in emulation mode (two bytes each)."""
_FIELDS = {
    "internal title": (0xFFC0, 21), "game title": (0xFFC0, 21), "map mode": (0xFFD5, 1), "mapping mode": (0xFFD5, 1),
    "chipset": (0xFFD6, 1), "cartridge type": (0xFFD6, 1), "rom size": (0xFFD7, 1), "sram size": (0xFFD8, 1),
    "ram size": (0xFFD8, 1), "country code": (0xFFD9, 1), "region code": (0xFFD9, 1),
    "destination code": (0xFFD9, 1), "mask rom version": (0xFFDB, 1), "rom version": (0xFFDB, 1),
    "checksum complement": (0xFFDC, 2), "complement check": (0xFFDC, 2), "inverse checksum": (0xFFDC, 2),
    "checksum": (0xFFDE, 2),
}  # fmt: skip
"""Field of the header to its address in bank $00 and its bytes."""
_TOP = r"[`*(]*\$(?:(?:00|80):?)?(?P<address>FF[A-Fa-f][0-9A-Fa-f])\b"
_AT = (
    r"(?: byte| field| word| address)?[`*]*\s*(?:,\s*)?(?:which )?(?:is|are|sits|lives|lies|at|in|=|:|\(|\u2014|\u2192)"
    r"(?: (?:located|stored|found|kept|always|the word|the byte|at|in|address))*\s*"
)
_VECTOR = re.compile(
    rf"\b(?:(?P<mode>native|emulation)(?:[- ]mode)? )?(?P<what>{'|'.join(_VECTORS)})(?: interrupt)? vector{_AT}{_TOP}",
    re.IGNORECASE,
)
_HOLDS = re.compile(
    rf"{_TOP}[`*)]*\s+(?:is|holds|contains|has|stores)\s+the\s+(?:(?P<mode>native|emulation)(?:[- ]mode)? )?"
    rf"(?P<what>{'|'.join(_VECTORS)})(?: interrupt)? vector\b",
    re.IGNORECASE,
)
_FIELD = re.compile(rf"\b(?P<what>{'|'.join(sorted(_FIELDS, key=len, reverse=True))}){_AT}{_TOP}", re.IGNORECASE)
_FIELD_OF = re.compile(
    rf"{_TOP}[`*)]*\s+(?:is|holds|contains|has|stores|gives)\s+the\s+"
    rf"(?P<what>{'|'.join(sorted(_FIELDS, key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_MEMORIES = {"vram": 65536, "cgram": 512, "oam": 544, "wram": 131072, "work ram": 131072, "aram": 65536,
             "audio ram": 65536}  # fmt: skip
_UNITS = {"bytes": 1, "byte": 1, "kb": 1024, "kib": 1024, "k": 1024, "kilobytes": 1024, "kbytes": 1024}
_MEMORY = re.compile(
    r"\b(?P<name>VRAM|CGRAM|OAM|WRAM|[Ww]ork RAM|ARAM|[Aa]udio RAM)\s+(?:is|has|holds|=|spans|takes)\s+"
    r"(?:only |just |exactly )?"
    r"(?P<n>\d[\d,]{0,7}) ?(?P<unit>bytes|KB|KiB|kilobytes|kbytes|K)\b"
    r"(?!\s*(?:\+|plus|each|per|low|high|of|for|a|in one|main))"
)
_SAVE = re.compile(
    r"\b[Ss]ave (?:slot|file|block|copy)s?\b[^.;:]{0,30}?\b(?:is|takes?|has|occupies|are|of)\s+"
    r"(?:(?:only|just|exactly)\s+)?[`*]*"
    r"(?:0x|\$)(?P<n>[0-9A-Fa-f]{3,4})[`*]*\s+bytes\b"
)
_SAVE_SIZE = 0x500
_MIRROR = re.compile(
    r"\$(?P<bank>7[EFef]):?(?P<low>[0-9A-Fa-f]{4})\b[`*)]*(?:\s*(?:-|\u2013|to|through)\s*[`*]*\$[0-9A-Fa-f:]{4,7}"
    r"[`*)]*)?\s+(?:is|are)\s+(?:also\s+)?(?:mirrored|a mirror|visible|accessible|reachable)\s+(?:at|in|to|as|of|"
    r"through|from)\s+[`*(]*\$(?:(?P<other>[0-9A-Fa-f]{2}):?)?(?P<same>[0-9A-Fa-f]{4})\b",
    re.IGNORECASE,
)


_MIRRORED = re.compile(
    r"\$7[Ee]:?0000[`*]*\s*(?:-|\u2013|to|through)\s*[`*]*\$(?:7[Ee]:?)?(?P<last>[0-9A-Fa-f]{4})[`*)]*,?\s+(?:is|are)\s+"
    r"(?:also\s+)?(?:mirrored|visible|accessible|reachable|available|seen)\b"
)
_MIRROR_END = 0x1FFF


def _mirrored(match: re.Match[str], said: Statement) -> Iterator[Found]:
    if int(match["last"], 16) > _MIRROR_END and re.search(r"(?i)\bbanks?\b", said.text):
        yield Found(
            "outside-map",
            said.start + match.start(),
            said.start + match.end(),
            f"Work RAM is mirrored up to $7E1FFF, not to $7E{match['last'].upper()}.",
            "$7E0000-$7E1FFF is also at $0000-$1FFF of banks $00-$3F and $80-$BF.",
            hardware_map("the first 8 KiB of work RAM are at $0000-$1FFF of banks $00-$3F and $80-$BF"),
        )


def check_header(found: Passages) -> Iterator[Found]:
    """Give what is wrong in what a text says of vectors, header and mirrors."""
    for said in found.statements:
        if not doubtful(said.text) and not re.search(r"(?i)\b(?:ex)?hirom", said.text):
            for pattern, check in _CHECKS:
                for match in pattern.finditer(said.text):
                    yield from check(match, said)


def _memory(match: re.Match[str], said: Statement) -> Iterator[Found]:
    size = _MEMORIES[match["name"].lower()]
    if int(match["n"].replace(",", "")) * _UNITS[match["unit"].lower()] != size:
        yield Found(
            "wrong-size",
            said.start + match.start(),
            said.start + match.end(),
            f"{match['name']} has not {match['n']} {match['unit']}.",
            f"It has {size} bytes.",
            hardware_map(f"{match['name']} has {size} bytes"),
        )


def _save(match: re.Match[str], said: Statement) -> Iterator[Found]:
    if int(match["n"], 16) != _SAVE_SIZE:
        yield Found(
            "wrong-size",
            said.start + match.start(),
            said.start + match.end(),
            f"A save file has not 0x{match['n']} bytes.",
            "It has 0x500: $7EF000-$7EF4FF in work RAM.",
            hardware_map("ALTTP's save files are 0x500 bytes each, from $700000, $700500 and $700A00"),
        )


def _vector(match: re.Match[str], said: Statement) -> Iterator[Found]:
    native, emulated = _VECTORS[match["what"].lower()]
    mode = (match["mode"] or "").lower()
    right = {"native": (native,), "emulation": (emulated,)}.get(mode, (native, emulated))
    places = dict.fromkeys(right)
    if int(match["address"], 16) & ~1 not in right:
        text = " or ".join(f"$00{place:04X}" for place in places)
        yield _wrong(match, said, f"the {mode + ' ' if mode else ''}{match['what']} vector", text)


def _field(match: re.Match[str], said: Statement) -> Iterator[Found]:
    place, size = _FIELDS[match["what"].lower()]
    if not place <= int(match["address"], 16) < place + size:
        yield _wrong(match, said, f"the {match['what'].lower()} of the header", f"$00{place:04X}")


def _wrong(match: re.Match[str], said: Statement, what: str, right: str) -> Found:
    return Found(
        "wrong-address",
        said.start + match.start(),
        said.start + match.end(),
        f"${match['address'].upper()} is not {what}.",
        f"It is at {right}.",
        hardware_map(f"{what} is at {right}"),
    )


def _mirror(match: re.Match[str], said: Statement) -> Iterator[Found]:
    low, other = int(match["low"], 16), int(match["other"] or "00", 16)
    here, there = int(match["bank"], 16) << 16 | low, other << 16 | int(match["same"], 16)
    if there & 0xFFFF == low and not other & 0x40 and fold(here) != fold(there):
        yield Found(
            "wrong-address",
            said.start + match.start(),
            said.start + match.end(),
            f"${here:06X} has no mirror at ${there:06X}.",
            "Banks $00-$3F and $80-$BF show only $7E0000-$7E1FFF, at $0000-$1FFF.",
            hardware_map("$0000-$1FFF of banks $00-$3F and $80-$BF is $7E0000-$7E1FFF"),
        )


_CHECKS = (
    (_MEMORY, _memory), (_SAVE, _save), (_VECTOR, _vector), (_HOLDS, _vector), (_FIELD, _field), (_FIELD_OF, _field),
    (_MIRROR, _mirror), (_MIRRORED, _mirrored),
)  # fmt: skip
