"""The programs that the linter is judged by: their text with what is expected, and what asar made of them.

A case begins with `;; name => rules`, then `| option ...`: `entry m=1 x=1` names the state at the entry, `select AFS14`
adds rules, `bytes` leaves the text away. `AFS201@3` is expected on line 3. `clean` expects nothing at all. The
`.jsonl` files hold what asar made, so that the cases run where there is no asar; `assemble_lint_cases.py` writes them.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from knowledge.m65816.flow import Entry
from knowledge.m65816.flow_state import State
from knowledge.m65816.lint.catalogue import rules
from knowledge.m65816.lint.check import lint
from knowledge.m65816.lint.finding import Finding
from knowledge.m65816.lint.options import LintOptions
from knowledge.m65816.program import Block, Listing, Program
from knowledge.snes.mapping import Mapper
from knowledge.snes.symbols import listing_from_wla

HERE = Path(__file__).resolve().parent
CORPUS, KNOWN_GOOD = HERE / "lint_corpus", HERE / "known_good"
SOURCE = "main.asm"


class Case(NamedTuple):
    """One program and what is expected of it."""

    key: str
    """Folder, file and name."""
    text: str
    expected: tuple[str, ...]
    options: tuple[str, ...]


class Made(NamedTuple):
    """What asar made of a program."""

    mapper: Mapper
    blocks: tuple[Block, ...]
    symbols: str

    def program(self) -> Program:
        return Program(self.blocks, self.mapper)

    def as_line(self, case: Case) -> str:
        blocks = [[f"{block.address:06X}", block.data.hex()] for block in self.blocks]
        row = {"case": case.key, "mapper": self.mapper, "blocks": blocks, "symbols": self.symbols}
        return json.dumps(row, ensure_ascii=True) + "\n"


def cases(folder: Path) -> Iterator[Case]:
    """Give the cases of a folder, in the order of its files."""
    for file in sorted(folder.glob("*.asm")):
        for piece in file.read_text(encoding="utf-8").split(";; ")[1:]:
            head, _, text = piece.partition("\n")
            lines = text.split("\n")
            head = " ".join([head, *(line for line in lines if line.startswith("| "))])
            name, _, rest = head.partition(" => ")
            expected, *options = [part.strip() for part in rest.split("|")] if rest else ["clean"]
            yield Case(
                f"{folder.name}/{file.stem}/{name.strip()}",
                "\n".join(line for line in lines if not line.startswith("| ")),
                () if expected == "clean" else tuple(expected.split()),
                tuple(options),
            )


def examples() -> Iterator[Case]:
    """Give the examples that the rules themselves carry."""
    for rule in rules():
        if not rule.bad:
            continue
        select = () if rule.on else (f"select {rule.id}",)
        alone = ("bytes",) if rule.name == "width-conflict" else ()
        yield Case(f"examples/{rule.id}/bad", rule.bad + "\n", (rule.id,), (*select, *alone))
        yield Case(f"examples/{rule.id}/good", rule.good + "\n", (), (*select, *alone))


def stored(folder: Path) -> dict[str, Made]:
    """Return what asar made of the cases of a folder, by their keys."""
    found: dict[str, Made] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            blocks = tuple(Block(int(address, 16), bytes.fromhex(data)) for address, data in row["blocks"])
            found[row["case"]] = Made(row["mapper"], blocks, row["symbols"])
    return found


def judged(case: Case, made: Made) -> tuple[Finding, ...]:
    """Lint a case as its options say."""
    program = made.program()
    listing = listing_from_wla(made.symbols, {SOURCE: case.text})
    entries: list[Entry] = []
    select: set[str] = set()
    for option in case.options:
        kind, _, rest = option.partition(" ")
        if kind == "entry":
            fields: dict[str, int] = {name: int(value, 0) for name, value in re.findall(r"(\w+)=(\w+)", rest)}
            m, x, d, e = (fields.get(name) for name in "mxde")
            entries = [Entry(program.start, State(m=m, x=x, e=e or 0, d=d, db=fields.get("db")))]
        elif kind == "select":
            select.update(rest.split())
        elif kind == "bytes":
            listing = Listing()
    return lint(program, listing=listing, entries=entries, options=LintOptions(select=frozenset(select)))


class Judgement(NamedTuple):
    """Findings compared with what was expected."""

    right: int
    missed: list[str]
    wrong: list[str]


def compared(case: Case, found: tuple[Finding, ...]) -> Judgement:
    """Match each expectation with a finding of its own; all that is left over is wrong."""
    left, missed = list(found), list[str]()
    for wanted in case.expected:
        rule, _, line = wanted.partition("@")
        match = next((item for item in left if item.rule == rule and (not line or item.line == int(line))), None)
        if match is None:
            missed.append(f"{case.key}: {wanted}")
        else:
            left.remove(match)
    return Judgement(len(case.expected) - len(missed), missed, [f"{case.key}: {item}" for item in left])
