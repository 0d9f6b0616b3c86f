"""What a prompt wants code to do, where it says so in words that are simple enough to be sure of.

`Write a routine that stores 5 to $7E0020 and returns with RTL` is understood whole. Sentences with conditions are
passed over: what is left then is a part of what was asked, and nothing is claimed about the rest.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from runner.exits import Exit, exit_fault, exit_in

__all__ = ["Ended", "Trial", "Wish", "carry_between", "wish_in"]

_MOST_TEXT = 4_000
_MOST_RANGE = 256


class Trial(NamedTuple):
    """One run to make of the code."""

    inputs: tuple[str, ...]
    """As `run_code` takes them."""
    before: dict[int, int]
    """Bytes at entry, by SNES address in $7E and $7F."""
    after: dict[int, int]
    """The same bytes as they shall be."""


class Wish(NamedTuple):
    """What is wanted."""

    trials: tuple[Trial, ...] = ()
    hardware: tuple[tuple[int, int], ...] = ()
    """Registers, and the value that shall be the last one written to each."""
    returns: str = ""
    """rts or rtl, where the prompt says so."""
    whole: bool = False
    """Whether the prompt says nothing else."""
    exit: Exit = Exit()
    """How A, X and Y shall be at the end."""


class Ended(NamedTuple):
    """How a run ended, read from what `run_code` returned."""

    stop: str
    memory: dict[int, int]
    hardware: dict[int, int]
    """The last value written to each register of the hardware."""
    registers: Mapping[str, int] = MappingProxyType({})
    """The registers of the CPU, by their names; none: not told."""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Ended | None":
        """Return the end of a run; None where it went elsewhere, or where not all that it wrote is listed."""
        memory: dict[int, int] = {}
        for row in filter(None, map(_ROW.fullmatch, _lines(fields.get("memory")))):
            for offset, value in enumerate(row[2].split()):
                memory[int(row[1], 16) + offset] = int(value, 16)
        accesses = _lines(fields.get("hardware"))
        writes = [match for match in map(_WRITE.search, accesses) if match]
        listed = len(memory) == fields.get("memory_total") and len(accesses) == fields.get("hardware_total")
        stop = str(fields.get("stop", ""))
        if not listed or stop not in ("rts", "rtl", "rti", "end"):
            return None
        values = cast("dict[str, object]", registers) if isinstance(registers := fields.get("registers"), dict) else {}
        held = {name: match[1] for name, value in values.items() if (match := _HELD.fullmatch(str(value)))}
        hardware = {int(match[1], 16): int(match[2], 16) for match in writes}
        return cls(stop, memory, hardware, {name: int(value, 16) for name, value in held.items()})

    def tells(self, wish: Wish) -> bool:
        """Whether all is known that the wish is about."""
        return bool(self.registers) or wish.exit == Exit()

    def wrong(self, trial: Trial, wish: Wish) -> str:
        """Return what is not as it was wished; empty: nothing."""
        if (wish.returns and self.stop != wish.returns) or self.stop == "rti":
            ends = "without a return" if self.stop == "end" else f"with {self.stop.upper()}"
            return f"it ends {ends}, and shall end with {(wish.returns or 'rts').upper()}"
        for address, value in trial.after.items():
            found = self.memory.get(address, trial.before[address])
            if found != value:
                said = f"${address:06X} is ${found:02X} after it and shall be ${value:02X}"
                return f"{said} (${trial.before[address]:02X} before it; run with {', '.join(trial.inputs[:8])})"
        for register, value in wish.hardware:
            if self.hardware.get(register) != value:
                last = f"${self.hardware[register]:02X}" if register in self.hardware else "nothing"
                return f"it writes {last} to ${register:04X}, and shall write ${value:02X}"
        return exit_fault(wish.exit, trial.inputs, self.registers)


def carry_between(trials: Sequence[Trial], wrongs: Sequence[str]) -> str:
    """Say that only the carry at entry tells the runs that went wrong from the others; empty: it does not."""
    carries = [{item for item in trial.inputs if item in ("c=0", "c=1")} for trial in trials]
    bad = [carry for carry, wrong in zip(carries, wrongs, strict=True) if wrong]
    good = [carry for carry, wrong in zip(carries, wrongs, strict=True) if not wrong]
    if not good or any(carry != bad[0] for carry in bad) or bad[0] in good or not bad[0]:
        return ""
    carry = next(iter(bad[0]))
    return f"; only with {carry} at entry, so the code takes the carry as it comes: clc or sec is missing"


def _lines(value: object) -> list[str]:
    return [str(item) for item in cast("list[object]", value)] if isinstance(value, list) else []


_ROW = re.compile(r"\$([0-9A-F]{6}):((?: [0-9A-F]{2}){1,16})")
_HELD = re.compile(r"\$([0-9A-F]{1,4})")
_WRITE = re.compile(r"\$([0-9A-F]{4})\b[^<]{0,40}<- \$([0-9A-F]{2})\b")

Memory = dict[int, int]
_Step = Callable[[Memory], None]

_VALUE = (
    r"(?:the\s+)?(?:(?:8|16)-bit\s+)?(?:(?:value|number|byte|word|constant)\s+)?"
    r"#?(?P<value>\$[0-9A-Fa-f]{1,4}\b|\d{1,5}\b|zero)(?:\s*\((?:=\s*)?(?P<same>\$[0-9A-Fa-f]{1,4}|\d{1,5})\))?"
)
_PLACE = (
    r"(?:the\s+)?(?:(?:byte|word|address|location|memory|register|RAM|SNES)\s+)*(?:at\s+)?(?:\w+\s*\(\s*)?"
    r"(?P<place>\$[0-9A-Fa-f]{2,6})\b\)?"
)
_HELD_AT = r"(?:the\s+)?(?:byte|word|16-bit\s+(?:number|value|word|count|counter|amount))(?:\s+of\s+\w+)?"
_SOURCE = _PLACE.replace("?P<place>", "?P<source>")
_TO = r"\s+(?:in|to|into|at|in)\s+"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(rf"\b{pattern}", re.IGNORECASE))
    for name, pattern in (
        ("store", rf"(?:stor|writ|put|sav|plac)(?:es|s|e|ing|ting)?\s+{_VALUE}{_TO}{_PLACE}"),
        ("store", rf"set(?:s|ting)?\s+{_PLACE}\s+to\s+{_VALUE}"),
        (
            "range",
            rf"(?:clear|zero)(?:s|es|ing)?\s+(?:the\s+)?(?:\d+\s+bytes\s+)?from\s+{_PLACE}\s+(?:to|through)\s+{_SOURCE}",
        ),
        ("clear", rf"(?:clear|zero)(?:s|es|ing)?\s+{_PLACE}(?!\s*(?:-|to|through))"),
        ("copy", rf"cop(?:y|ies|ying)\s+(?:the\s+)?byte\s+(?:at|from|in)\s+{_SOURCE}\s+(?:in)?to\s+{_PLACE}"),
        ("add", rf"add(?:s|ing)?\s+{_VALUE}\s+to\s+{_HELD_AT}\s+(?:at|in)\s+{_PLACE}"),
        ("take", rf"(?:take|subtract)(?:s|ing)?\s+{_VALUE}\s+from\s+{_HELD_AT}\s+(?:at|in)\s+{_PLACE}"),
        ("swap", rf"swap(?:s|ping)?\s+the\s+bytes\s+at\s+{_SOURCE}\s+and\s+{_PLACE}"),
    )
)
_RETURN = re.compile(
    r"\b(?:(?:and\s+)?(?:return|end)(?:s|ing)?\s+(?:it\s+)?(?:with|by|in)\s+(?:an?\s+)?(?P<by>RT[SL])"
    r"|(?:is\s+)?called\s+(?:with|by|through)\s+(?:an?\s+)?(?P<call>JS[RL]))\b",
    re.IGNORECASE,
)
_WANTED = re.compile(
    r"^\W*(?:please\s+)?(?:write|create|give|generate|implement|make|need|i\s+need|code|stor|put|set|clear|copy|add|swap|return)"
    r"|\b(?:shall|should|must|supposed\s+to|meant\s+to)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|when|unless|otherwise|while|until|each|every|times|depending|except|only|not|never|no|instead|or|multipl\w*|"
    r"divi\w*|bits?\s+\d|bit\s+of|nibble)\b|n't\b",
    re.IGNORECASE,
)
_CUT = re.compile(r",?\s+but\b.*", re.IGNORECASE | re.DOTALL)
_KNOWN = re.compile(
    r"\b(?:A|X|Y|A and X|X and Y|A, X and Y) (?:is|are) 8[- ]bits?(?: wide)?(?: at entry)?"
    r"|\bD is \$0000|\b(?:the )?data bank is \$00|\blow byte first|\bD = \$0000",
    re.IGNORECASE,
)
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an the this that which and then so it me please write create give generate make implement code asm "
        "assembly asar 65816 snes routine subroutine function program for in with shall should must to of i "
        "need ",
    )
)
_FENCED = re.compile(r"^[ \t]*(?:```|~~~).*?(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)


def wish_in(prompt: str) -> Wish:
    """Return what a prompt wants code to do; an empty wish where nothing is said that could be understood for sure."""
    text = _FENCED.sub(" ", prompt)[:_MOST_TEXT]
    found = _Found([], set(), {})
    returns: set[str] = set()
    rest: list[str] = []
    ends = Exit()
    for sentence in re.split(r"(?<=[a-zA-Z0-9)])[.;!?](?:\s|$)|\n", text):
        wanted = _CUT.sub("", sentence)
        returns |= {_returned(match) for match in _RETURN.finditer(wanted)}
        read = exit_in(_RETURN.sub(" ", wanted))
        bare = _KNOWN.sub(" ", read.rest)
        if not _CONDITION.search(bare):
            ends = Exit(ends.keeps + read.exit.keeps, ends.widths + read.exit.widths)
        if _WANTED.search(wanted) and not _CONDITION.search(bare):
            bare = _understand(bare, found)
        rest.append(f"{bare} {sentence[len(wanted) :]}")
    if len(returns) > 1 or not (found.steps or found.hardware or returns):
        return Wish()
    left = {word.lower() for word in re.findall(r"[\w$]+", " ".join(rest))}
    whole = bool(found.steps or found.hardware) and left <= _EMPTY
    trials = tuple(_trial(found, seed, alone=whole) for seed in (1, 2, 3))
    return Wish(trials, tuple(found.hardware.items()), next(iter(returns), ""), whole, ends)


class _Found(NamedTuple):
    steps: list[_Step]
    places: set[int]
    hardware: dict[int, int]


def _returned(match: re.Match[str]) -> str:
    return (match["by"] or {"JSR": "rts", "JSL": "rtl"}[match["call"].upper()]).lower()


def _understand(text: str, found: _Found) -> str:
    """Add what the phrases of a sentence want, in their order; return it with these left out."""
    phrases = sorted(
        ((match.start(), name, match) for name, pattern in _FORMS for match in pattern.finditer(text)),
        key=lambda phrase: phrase[0],
    )
    end = 0
    for start, name, match in phrases:
        if start >= end and _add(name, match, found):
            text = text[:start] + " " * len(match[0]) + text[match.end() :]
            end = match.end()
    return text


def _add(name: str, match: re.Match[str], wanted: _Found) -> bool:
    """Add what one phrase wants; False where its place is neither work memory nor a register."""
    found = match.groupdict()
    place, source = _place(found["place"]), _place(found.get("source") or "")
    value = _number(found.get("value") or "0")
    if found.get("same") and _number(found["same"]) != value:
        return False
    if place is None or (found.get("source") and source is None):
        return False
    if place < 0x7E0000:
        if name == "store" and value <= 0xFF:
            wanted.hardware[place] = value
        return name == "store" and value <= 0xFF
    large = name == "store" and value > 0xFF
    wide = name in ("store", "add", "take") and (large or bool(re.search(r"16-bit|\bword\b", match[0], re.IGNORECASE)))
    run = range(place, (source or place) + 1) if name == "range" else range(place, place + 1 + wide)
    if not run or len(run) > _MOST_RANGE or (source is not None and source < 0x7E0000):
        return False
    wanted.places.update(run, () if source is None else (source,))
    wanted.steps.append(_step(name, place, source=source or place, value=value, run=run))
    return True


def _step(name: str, place: int, *, source: int, value: int, run: Sequence[int]) -> _Step:
    def act(memory: Memory) -> None:
        if name in ("store", "clear", "range"):
            for offset, address in enumerate(run):
                memory[address] = value >> (8 * offset) & 0xFF
        elif name == "copy":
            memory[place] = memory[source]
        elif name == "swap":
            memory[place], memory[source] = memory[source], memory[place]
        else:
            held = sum(memory[address] << (8 * offset) for offset, address in enumerate(run))
            came = held + (value if name == "add" else -value)
            for offset, address in enumerate(run):
                memory[address] = came >> (8 * offset) & 0xFF

    return act


def _trial(found: _Found, seed: int, *, alone: bool) -> Trial:
    """Return a run from memory that the seed fills; with `alone` the bytes beside the places stay as they are."""
    beside = {near for place in found.places for near in (place - 1, place + 1) if alone and near & 0xFFFF}
    before = {address: (address * 31 + seed * 89 + 0x3D) & 0xFF for address in sorted(found.places | beside)}
    after = dict(before)
    for step in found.steps:
        step(after)
    registers = [f"A=${seed * 0x47 & 0xFF:02X}", f"X=${seed * 0x29 & 0xFF:02X}", f"Y=${seed:02X}", f"c={seed & 1}"]
    return Trial((*registers, *_packed(before)), before, after)


def _packed(memory: Memory) -> list[str]:
    """Return memory as inputs, neighbouring bytes in one: a call takes 32 at most."""
    rows: list[tuple[int, list[int]]] = []
    for address, value in sorted(memory.items()):
        if rows and address == rows[-1][0] + len(rows[-1][1]):
            rows[-1][1].append(value)
        else:
            rows.append((address, [value]))
    return [f"${address:06X}={bytes(values).hex(' ').upper()}" for address, values in rows[:28]]


def _place(text: str) -> int | None:
    """Return a place in work memory as its address in $7E or $7F, a register as its own; None: neither."""
    if not text:
        return None
    address = int(text[1:], 16)
    if address < 0x2000:
        return 0x7E0000 + address
    if 0x2100 <= address <= 0x43FF and len(text) == 5:
        return address
    return address if 0x7E0000 <= address <= 0x7FFFFF else None


def _number(text: str) -> int:
    if text.lower() == "zero":
        return 0
    return int(text[1:], 16) & 0xFFFF if text.startswith("$") else int(text) & 0xFFFF
