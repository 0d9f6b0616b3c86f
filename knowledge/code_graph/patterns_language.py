"""The small language that patterns are written in, read into elements that match one step each.

A pattern is a list of lines, each an element:

    lda|ldx {a}     one of the mnemonics, with a memory operand that is not a hardware register; the operand is bound
    sta {a}+1       the operand that was bound, one byte further
    lda {a:mx}      only with one of the shapes (`m` plain, `mx` `my` indexed, `(m)y` `[m]` ... through a pointer)
    lda {a!}        any memory operand, registers too
    adc *           any operand
    lda #           any immediate; `#01|0001` with one of these hex values, `#&20` with these bits set, `#~20` with none
                    of them, `#{v}` binds it, `#low{p}` `#high{p}` `#bank{p}` the parts of an address
    sta @420B|43?0  a hardware register; `@wo` any that is write-only, `@ro` read-only, `@any`
    lda ptr{p}      through the pointer that was bound
    jsr /rand|rng/  a target whose name has this in it, whatever its case
    bne >{l}        a branch to the label bound, or that binds it
    {l}:            the next step carries this label
    :?              the next step may carry labels; without this a label breaks a run everywhere but at its start
    ~4 -C -sta      up to 4 instructions of any kind, but no jumps, and none that writes carry (`-C`), A (`-A`), X or Y
    ?sec            an element that may be missing
    3+asl           an element 3 to 16 times

` ; m=0` behind an element asks for a 16-bit A there, `m=1` for an 8-bit one, `m!0` for one not known to be 16-bit; `x`
likewise.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from knowledge.code_graph.patterns_step import FLOW
from knowledge.m65816.opcodes import BY_MNEMONIC

__all__ = ["Element", "Pattern", "PatternKind", "Variant", "patterns", "read_element", "read_variant"]

PatternKind = Literal["idiom", "anti_pattern"]
_TABLE = Path(__file__).resolve().parent / "patterns.toml"
_HEAD = re.compile(r"(?:(?P<least>\d+)\+)?(?P<optional>\?)?(?P<names>[a-z|]+|\.)(?:\s+(?P<operand>.*))?")
_BOUND = re.compile(r"(?P<way>#low|#high|#bank|#|ptr|>|)\{(?P<name>\w+)(?P<any>!)?(?::(?P<shapes>[^}]+))?\}"
                    r"(?:\+(?P<more>\d+))?")  # fmt: skip
_WIDTH = re.compile(r"([mx])(!?=?)([01])")
_MOST = 16
_WRITERS = {
    "A": "adc and eor lda ora pla sbc tdc tsc txa tya xba mvn mvp",
    "C": "adc asl clc cmp cpx cpy lsr plp rol ror sbc sec xce",
    "X": "ldx tax plx inx dex tsx tyx mvn mvp",
    "Y": "ldy tay ply iny dey txy mvn mvp",
    "W": "rep sep plp xce",
}
_ALL = frozenset(name.lower() for name in BY_MNEMONIC)


class Element(NamedTuple):
    """What one step, or a stretch of steps, must be."""

    names: frozenset[str]
    """Mnemonics; in a stretch, those that it may have."""
    way: str = "none"
    """How the operand is looked at: none any bound value bits clear register ptr label name."""
    bound: str = ""
    more: int = 0
    shapes: frozenset[str] = frozenset()
    hardware: bool = False
    """A bound operand may be a hardware register."""
    part: str = ""
    words: tuple[str, ...] = ()
    """Values in hex, registers, or a pattern for names."""
    least: int = 1
    most: int = 1
    gap: bool = False
    widths: tuple[tuple[str, bool, int], ...] = ()
    """(`m` or `x`, whether it must be so, value)."""
    label: str = ""
    """The label that the step carries."""
    free: bool = False
    """The step may carry labels."""


class Variant(NamedTuple):
    """One way to write a pattern."""

    run: tuple[Element, ...] = ()
    """Steps one after the other; in a loop, those from its label to its branch, or its last ones."""
    anchor: tuple[Element, ...] = ()
    """The step that ends it, when the others come before it in any order."""
    before: tuple[Element, ...] = ()
    some: tuple[Element, ...] = ()
    least: int = 0
    """How many of `some`."""
    without: tuple[Element, ...] = ()
    window: int = 40
    labels: bool = False
    """Whether labels may lie between."""
    through: bool = False
    """Whether `without` holds for the whole window, not only as far as what is needed."""
    loop: bool = False
    whole: bool = False
    """The run is the whole loop."""


class Pattern(NamedTuple):
    """A pattern of the catalogue."""

    id: str
    kind: PatternKind
    title: str
    why: str
    """What it does; for an anti-pattern, what is better."""
    example: str
    variants: tuple[Variant, ...]
    unless: tuple[str, ...] = ()
    """Conditions that speak against a match; `patterns_live.py` knows them."""
    to: str = ""
    """What the run goes on to; `patterns_live.py` knows them. A match without it does not count."""


def _operand(text: str) -> Element:
    """Read what stands behind the mnemonics."""
    found: Element
    if match := _BOUND.fullmatch(text):
        way = {"ptr": "ptr", ">": "label", "": "bound"}.get(match["way"], "immediate")
        shapes = frozenset((match["shapes"] or "").split("|")) - {""}
        return Element(frozenset(), way, match["name"], int(match["more"] or 0), shapes, bool(match["any"]),
                       match["way"].removeprefix("#") if way == "immediate" else "")  # fmt: skip
    if text in ("", "*"):
        found = Element(frozenset(), "any" if text else "none")
    elif text.startswith("#&") or text.startswith("#~"):
        found = Element(frozenset(), "bits" if text[1] == "&" else "clear", words=(text[2:],))
    elif text.startswith("#"):
        found = Element(frozenset(), "value", words=tuple(filter(None, text[1:].split("|"))))
    elif text.startswith("@"):
        found = Element(frozenset(), "register", words=tuple(text[1:].lower().split("|")))
    elif text.startswith("/") and text.endswith("/") and len(text) > 2:
        found = Element(frozenset(), "name", words=(text[1:-1],))
    elif text.startswith(","):
        found = Element(frozenset(), "any", shapes=frozenset(text[1:].split(",")))
    else:
        raise ValueError(f"{text!r} is no operand of a pattern")
    return found


def _names(text: str) -> frozenset[str]:
    names = _ALL if text == "." else frozenset(text.split("|"))
    if strange := sorted(names - _ALL):
        raise ValueError(f"{strange} are no mnemonics")
    return names


def _gap(text: str) -> Element:
    most, *words = text[1:].split()
    names = set(_ALL - FLOW)
    for word in words:
        each = set(_WRITERS.get(word[1:], word[1:]).split())
        names = names | (set(FLOW) if word == "+flow" else each) if word[0] == "+" else names - each
    return Element(frozenset(names), "any", least=0, most=int(most), gap=True)


def read_element(text: str) -> Element:
    """Read one line of a pattern. Raises ValueError for one that is not of the language."""
    text, _, widths = text.strip().partition(" ; ")
    if text.startswith("~"):
        return _gap(text)
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no element of a pattern")
    least = int(match["least"] or 1)
    wide = tuple((name, how != "!", int(flag)) for name, how, flag in _WIDTH.findall(widths))
    return _operand((match["operand"] or "").strip())._replace(
        names=_names(match["names"]),
        least=0 if match["optional"] else least,
        most=_MOST if match["least"] else 1,
        widths=wide,
    )


def _run(lines: list[str]) -> Iterator[Element]:
    label, free = "", False
    for line in filter(None, map(str.strip, lines)):
        if line == ":?":
            free = True
        elif line.endswith(":"):
            label = line.strip("{}:")
        else:
            yield read_element(line)._replace(label=label, free=free)
            label, free = "", False
    if label or free:
        yield Element(frozenset(), "any", label=label, free=free, least=1)


def read_variant(text: str) -> Variant:
    """Read the lines of one way to write a pattern: a run."""
    return Variant(tuple(_run(text.splitlines())))


def _elements(row: dict[str, object], key: str) -> tuple[Element, ...]:
    return tuple(_run(str(row.get(key, "")).splitlines()))


def _variants(row: dict[str, object]) -> Iterator[Variant]:
    for text in re.split(r"^\s*or\s*$", str(row.get("match", "")), flags=re.MULTILINE):
        if text.strip():
            yield read_variant(text)
    anchors = re.split(r"^\s*or\s*$", str(row.get("anchor", "")), flags=re.MULTILINE)
    loops = re.split(r"^\s*or\s*$", str(row.get("loop", "")), flags=re.MULTILINE)
    least, window = int(str(row.get("least", 0))), int(str(row.get("window", 40)))
    shared = Variant(before=_elements(row, "before"), some=_elements(row, "some"), least=least, window=window,
                     without=_elements(row, "without"), labels=bool(row.get("labels", False)),
                     whole=bool(row.get("whole", False)), through=bool(row.get("through", False)))  # fmt: skip
    for text in filter(str.strip, anchors):
        yield shared._replace(anchor=tuple(_run(text.splitlines())))
    for text in filter(str.strip, loops):
        yield shared._replace(loop=True, run=tuple(_run(text.splitlines())))


@cache
def patterns() -> tuple[Pattern, ...]:
    """Return the catalogue, in the order of the table."""
    with _TABLE.open("rb") as file:
        rows: list[dict[str, object]] = tomllib.load(file)["pattern"]
    return tuple(_pattern(row) for row in rows)


def _pattern(row: dict[str, object]) -> Pattern:
    kind: PatternKind = "idiom" if row["kind"] == "idiom" else "anti_pattern"
    unless = str(row.get("unless", "")).split()
    return Pattern(str(row["id"]), kind, str(row["title"]), str(row["why"]), str(row["example"]).strip("\n"),
                   tuple(_variants(row)), tuple(unless), str(row.get("to", "")))  # fmt: skip
