"""Contracts as people and models type them: short texts read into a `Contract`, checked, and told back in words."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from knowledge.m65816.contract_names import (
    FLAG_NAMES,
    REGISTER_NAMES,
    WIDTHS,
    address_range,
    is_memory,
    names_in,
    number,
    split,
)
from knowledge.m65816.outcome import CodeError
from knowledge.snes.addresses import fold
from schemas.contract import Contract, Input, MemoryRange

__all__ = ["Reading", "check_contract", "describe", "parse_contract", "read_contract"]

_WHEN_LIVE_IS_GIVEN = frozenset(("A", "B", "X", "Y", "n", "v", "z", "c"))
"""What a list of live names can declare dead by leaving it out. All else stays live until it is clobbered."""
_NOTHING = ("none", "nothing", "-")
_ENTRY = re.compile(r"(?P<name>[a-z]+)(?:=(?P<value>\S+)|(?P<width>8|16))?", re.IGNORECASE)
_ENTRY_HELP = (
    "write the entry as `m8 x16 d=$0000 db=$7E`, with `e=1` for emulation mode and `any` for what is not known"
)
_INPUT = re.compile(
    r"(?P<name>\$[\w:$]+|0x\w+|[A-Za-z]+(?: (?:flag|register))?)(?:\.(?P<size>[bwl]))?\s*(?P<relation>==?|<=?|in)\s*"
    r"(?P<value>.+)",
    re.IGNORECASE,
)
_INPUT_HELP = "write an input as `A=0..15`, `X in 0,2,4`, `c=1` or `$7E0010.w=0..$7FFF`"
_MOST_VALUES = 4096


class Reading(NamedTuple):
    """A contract and how what could be read in two ways was read."""

    contract: Contract
    notes: tuple[str, ...]


def parse_contract(
    *,
    entry: str = "",
    live: str = "",
    clobbers: str = "",
    inputs: Sequence[str] = (),
    hardware: Literal["ordered", "final"] = "ordered",
    budget: int = 20_000,
) -> Contract:
    """Return the contract that these texts spell; `read_contract` tells its notes as well.

    `entry`: `m8 x16 d=$0000 db=$7E`. `live`: `A X c $7E0010-$7E001F`; when given, what is left out of A B X Y n v z c
    is dead. `clobbers`: `A, n z v c, $7E0F00-$7E0FFF`. `inputs`: `A=0..15`, `X in 0,2,4`, `$7E0010.w=0..$7FFF`.
    Raises CodeError with the right spelling.
    """
    return read_contract(
        entry=entry, live=live, clobbers=clobbers, inputs=inputs, hardware=hardware, budget=budget
    ).contract


def read_contract(
    *,
    entry: str = "",
    live: str = "",
    clobbers: str = "",
    inputs: Sequence[str] = (),
    hardware: Literal["ordered", "final"] = "ordered",
    budget: int = 20_000,
) -> Reading:
    """Return the contract that these texts spell, with notes on what could have been read in another way."""
    if hardware not in ("ordered", "final"):
        raise CodeError(f"hardware={hardware!r}: write `ordered` or `final`")
    if not 1 <= budget <= 10_000_000:
        raise CodeError(f"a budget of {budget} instructions: write 1 to 10000000")
    notes: list[str] = []
    fields = _entry(entry)
    wide = not fields.get("m", 1)
    dead, ranges = _names(clobbers, "clobbers", notes, wide=wide)
    if live.strip():
        kept, shown = _names("" if live.strip().lower() in _NOTHING else live, "live", notes, wide=wide)
        _refuse_both(kept & dead, shown, ranges)
        dead |= _WHEN_LIVE_IS_GIVEN - kept
        if shown:
            notes.append("memory is live whether it is named or not: name scratch bytes in clobbers")
    contract = Contract(
        **fields,
        clobbers=dead,
        memory_clobbers=tuple(ranges),
        inputs=tuple(_input(text, narrow=not wide) for text in _each_input(inputs)),
        hardware=hardware,
        budget=budget,
    )
    check_contract(contract)
    return Reading(contract, tuple(notes))


def _refuse_both(names: frozenset[str], shown: Iterable[MemoryRange], dead: Iterable[MemoryRange]) -> None:
    if names:
        raise CodeError(f"{_listed(names)} is named both live and clobbered: leave it in one of the two")
    for one in shown:
        for other in dead:
            if one.start <= other.end and other.start <= one.end:
                raise CodeError(f"{_range(one)} is live and {_range(other)} is clobbered: they overlap; part them")


def _entry(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for token in re.split(r"[\s,;]+", re.sub(r"\s*=\s*", "=", text.strip())):
        if not token:
            continue
        match = _ENTRY.fullmatch(token)
        if match is None:
            raise CodeError(f"entry {token!r} is not understood: {_ENTRY_HELP}")
        for name, value in _entry_fields(match["name"].lower(), match["value"], match["width"], token).items():
            if fields.setdefault(name, value) != value:
                raise CodeError(f"the entry says {name} twice, in two ways: {text!r}")
    if fields.get("e"):
        if fields.get("m") == 0 or fields.get("x") == 0:
            raise CodeError("in emulation mode (e=1) A, X and Y are 8-bit: leave out m16 and x16, or e=1")
        fields |= {"m": 1, "x": 1}
    return fields


def _entry_fields(name: str, value: str | None, width: str | None, token: str) -> dict[str, Any]:
    widths = {"m": "m", "a": "m", "x": "x", "i": "x", "xy": "x", "mx": "mx", "axy": "mx"}
    if name in widths and (width or value):
        text = width or value or ""
        if text not in ("8", "16", "0", "1"):
            raise CodeError(f"entry {token!r}: a width is 8 or 16 (or the flag: 1 for 8-bit, 0 for 16-bit)")
        return dict.fromkeys(widths[name], 1 if text in ("8", "1") else 0)
    if name in ("native", "emulation") and not value and not width:
        return {"e": int(name == "emulation")}
    if name in ("cld", "sed") and not value:
        return {"decimal": name == "sed"}
    if value is None or width:
        raise CodeError(f"entry {token!r} is not understood: {_ENTRY_HELP}")
    free = value.lower() in ("any", "?", "free", "unknown")
    if name in ("d", "dp", "db", "dbr"):
        field, limit = ("d", 0xFFFF) if name in ("d", "dp") else ("db", 0xFF)
        return {field: None if free else number(value, f"entry {token!r}", high=limit)}
    if name in ("e", "decimal", "dec"):
        if free and name != "e":
            return {"decimal": None}
        if value not in ("0", "1"):
            raise CodeError(f"entry {token!r}: write 0 or 1")
        return {"e": int(value)} if name == "e" else {"decimal": value == "1"}
    raise CodeError(f"entry {token!r} is not understood: {_ENTRY_HELP}")


def _names(text: str, where: str, notes: list[str], *, wide: bool) -> tuple[frozenset[str], list[MemoryRange]]:
    words, ranges = split(text, where)
    found = set(names_in(words, where, notes))
    if wide and "A" in found and "B" not in found:
        found.add("B")
        notes.append(f"A in {where} is read as the 16-bit accumulator (A and B), since the entry has m16")
    return frozenset(found), ranges


def _each_input(inputs: Sequence[str]) -> list[str]:
    texts = [inputs] if isinstance(inputs, str) else inputs
    return [part.strip() for text in texts for part in text.split(";") if part.strip()]


def _input(text: str, *, narrow: bool) -> Input:
    match = _INPUT.fullmatch(text)
    if match is None:
        raise CodeError(f"input {text!r} is not understood: {_INPUT_HELP}")
    name, limit, size = _input_name(match["name"], match["size"] or "", text, narrow=narrow)
    value, relation = match["value"].strip(), match["relation"].lower()
    what = f"input {text!r}"
    if relation in ("<", "<="):
        return Input(name=name, size=size, low=0, high=number(value, what, high=limit + 1) - (relation == "<"))
    if relation == "in" or "," in value:
        listed = [part for part in re.split(r"[\s,]+", value.strip("{}[]() ")) if part]
        if len(listed) > 1 or ".." not in value:
            values = tuple(sorted({number(part, what, high=limit) for part in listed}))
            return Input(name=name, size=size, low=values[0], high=values[-1], values=values) if values else _no(text)
    low, dots, high = value.strip("{}[]() ").partition("..")
    if not dots:
        low, dots, high = value.partition("-")
    first = number(low, what, high=limit)
    last = number(high, what, high=limit) if dots else first
    if first > last:
        raise CodeError(f"{what} runs backwards: write the smaller value first")
    return Input(name=name, size=size, low=first, high=last)


def _no(text: str) -> Input:
    raise CodeError(f"input {text!r} names no value: {_INPUT_HELP}")


def _input_name(name: str, suffix: str, text: str, *, narrow: bool) -> tuple[str, int, Literal[1, 2]]:
    """Return the settled name, the largest value and the bytes of what an input is about."""
    if suffix.lower() == "l":
        raise CodeError(f"input {text!r}: an input has one byte (.b) or two (.w); give the third one of its own")
    if name[0] in "$0":
        size: Literal[1, 2] = 2 if suffix.lower() == "w" else 1
        start = address_range(name + (".w" if size == 2 else ""), f"input {text!r}").start
        return f"${start:06X}", 0xFFFF if size == 2 else 0xFF, size
    if suffix:
        raise CodeError(
            f"input {text!r}: `.{suffix}` goes with an address; a register has the width that the entry says"
        )
    settled = sorted(names_in([name], f"input {text!r}", []))
    if len(settled) != 1:
        raise CodeError(f"input {text!r} names {len(settled)} places: {_INPUT_HELP}")
    limit = 0xFF if settled[0] == "A" and narrow else WIDTHS.get(settled[0], 1)
    return settled[0], limit, 1


def check_contract(contract: Contract) -> None:
    """Raise CodeError when a contract names what does not exist or contradicts itself; the text says what to write."""
    known = set(REGISTER_NAMES) | set(FLAG_NAMES)
    unknown = sorted(contract.clobbers - known)
    if unknown:
        raise CodeError(f"clobbers name {_listed(unknown)}: known are {_listed(REGISTER_NAMES)} and flags nvmxdizc, e")
    for one in contract.memory_clobbers:
        if one.start > one.end:
            raise CodeError(f"{_range(one)} runs backwards: write the lower address first")
    if contract.e and not (contract.m and contract.x):
        raise CodeError("in emulation mode (e=1) A, X and Y are 8-bit: set m=1 and x=1")
    seen: set[str | int] = set()
    for wanted in contract.inputs:
        _check_input(wanted, contract)
        places = _places(wanted, contract)
        if seen & places:
            whole = " (A has 16 bits here and includes B)" if wanted.name in ("A", "B") and not contract.m else ""
            raise CodeError(f"two inputs speak of {wanted.name}{whole}: join them into one")
        seen |= places


def _places(one: Input, contract: Contract) -> set[str | int]:
    """Return what an input speaks of, mirrors folded."""
    if one.name.startswith("$"):
        return {fold(int(one.name[1:], 16) + index) for index in range(one.size)}
    return {"A", "B"} if one.name == "A" and not contract.m else {one.name}


def _highest(one: Input) -> int:
    return max(one.values) if one.values else one.high


def _check_input(one: Input, contract: Contract) -> None:
    limit = _input_limit(one, contract)
    highest = _highest(one)
    if not one.values and one.low > one.high:
        raise CodeError(f"the input {one.name} runs backwards, {one.low} to {one.high}: write the smaller value first")
    if len(one.values) > _MOST_VALUES:
        raise CodeError(
            f"the input {one.name} lists {len(one.values)} values, {_MOST_VALUES} is the most: give a range"
        )
    if one.values and min(one.values) < 0:
        raise CodeError(f"the input {one.name} has a value below 0: values are unsigned")
    unlimited = not one.values and one.high == 0xFFFF
    if highest > limit and not unlimited:
        raise CodeError(f"the input {one.name} reaches {highest} (${highest:X}), but it holds at most ${limit:X} here")
    if min(one.values, default=one.low) > limit:
        raise CodeError(f"the input {one.name} begins above ${limit:X}, which is the most that it holds here")


def _input_limit(one: Input, contract: Contract) -> int:
    if one.name.startswith("$"):
        if not re.fullmatch(r"\$[0-9A-Fa-f]{1,6}", one.name) or not is_memory(int(one.name[1:], 16)):
            raise CodeError(f"the input {one.name} is no address of RAM: write $7E0010, or $0010 for its mirror")
        return 0xFF if one.size == 1 else 0xFFFF
    fixed = {"D": contract.d is not None, "DB": contract.db is not None, "d": contract.decimal is not None}
    if fixed.get(one.name):
        raise CodeError(f"{one.name} is fixed at entry and an input too: write `{one.name.lower()}=any` at entry first")
    if one.name in ("m", "x", "e") or one.name not in {*REGISTER_NAMES, *FLAG_NAMES}:
        raise CodeError(f"no input is named {one.name!r}: {_INPUT_HELP}; the widths and e belong to the entry")
    if one.name == "S" and contract.e and (min(one.values, default=one.low) < 0x100 or _highest(one) > 0x1FF):
        raise CodeError("in emulation mode (e=1) S lies in $0100-$01FF: let its input do so")
    if one.name in ("X", "Y") and contract.x:
        return 0xFF
    return 0xFF if one.name == "A" and contract.m else WIDTHS.get(one.name, 1)


def describe(contract: Contract) -> str:
    """Return the contract in words: what holds at entry, what is dead at exit, which inputs are tried."""
    width = {1: "8-bit", 0: "16-bit"}
    place = "any" if contract.d is None else f"${contract.d:04X}"
    bank = "any" if contract.db is None else f"${contract.db:02X}"
    decimal = {None: "either", True: "on", False: "off"}[contract.decimal]
    mode = "emulation mode" if contract.e else "native mode"
    parts = [
        f"entry: {mode}, A {width[contract.m]}, X and Y {width[contract.x]}, "
        f"D = {place}, DB = {bank}, decimal {decimal}"
    ]
    names = [name for name in (*REGISTER_NAMES, *FLAG_NAMES) if name in contract.clobbers]
    dead = [spell_name(name) for name in names] + [_range(one) for one in contract.memory_clobbers]
    parts.append(f"dead at exit: {', '.join(dead) or 'nothing'}; all else is live")
    if contract.inputs:
        parts.append("inputs: " + ", ".join(_told(one) for one in contract.inputs))
    if contract.hardware == "final":
        parts.append("hardware: only the final VRAM, CGRAM and OAM are compared")
    return ". ".join(parts)


def spell_name(name: str) -> str:
    """Return a register's or flag's name with its kind, so that case need not tell them apart: `flag x`."""
    if name in ("A", "B"):
        return "A" if name == "A" else "B (high byte of the accumulator)"
    return f"flag {name}" if name in FLAG_NAMES else f"register {name}"


def _told(one: Input) -> str:
    width = f" ({one.size} bytes)" if one.name.startswith("$") and one.size > 1 else ""
    name = one.name if one.name.startswith("$") else spell_name(one.name)
    if one.values:
        return f"{name}{width} in {', '.join(map(str, one.values[:8]))}{', ...' if len(one.values) > 8 else ''}"
    return f"{name}{width} = {one.low}..{one.high}" if one.low != one.high else f"{name}{width} = {one.low}"


def _range(one: MemoryRange) -> str:
    return f"${one.start:06X}-${one.end:06X}" if one.end != one.start else f"${one.start:06X}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
