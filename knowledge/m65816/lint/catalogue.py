"""The rules of the linter as data: what each finds, why it matters, an example, and whether it is on."""

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from knowledge.m65816.lint.finding import SEVERITIES, Severity

__all__ = ["POINTS", "Rule", "docs", "matches", "rule", "rules"]

_TABLE = Path(__file__).resolve().parent / "rules.toml"

POINTS: dict[int, str] = {
    1: "M, X and E over the flow",
    2: "Width of immediates, and numbers that asar cuts",
    3: "REP and SEP",
    4: "Stack and pairs",
    5: "Calls and returns",
    6: "Branches",
    7: "Banks",
    8: "Direct page register",
    9: "Hardware registers and DMA",
    10: "NMI and IRQ handlers",
    11: "ROM",
    12: "Code and labels without use",
    13: "Decimal mode, block moves, software interrupts",
    14: "Uninitialised memory",
    15: "Shorter and faster",
    16: "Suppression comments",
}
"""What the rules are grouped by: `AFS201` belongs to point 2, `AFS1001` to point 10."""


class Rule(NamedTuple):
    """One rule."""

    id: str
    """Stable: never reused for something else."""
    name: str
    severity: Severity
    on: bool
    """Whether it runs by default; the others are selected, or all run with `pedantic`."""
    what: str
    why: str
    bad: str
    """asar text that it reports."""
    good: str
    """The same, put right."""

    @property
    def point(self) -> int:
        """Number of the point that it belongs to."""
        return int(self.id.removeprefix("AFS")) // 100


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, in the order of their ids."""
    with _TABLE.open("rb") as file:
        table = tomllib.load(file)["rule"]
    return tuple(sorted(map(_rule, table), key=lambda item: (item.point, item.id)))


def _rule(row: dict[str, object]) -> Rule:
    number, name, what, why, bad, good = (
        str(row[key]).strip("\n") for key in ("id", "name", "what", "why", "bad", "good")
    )
    severity: Severity = SEVERITIES[[str(each) for each in SEVERITIES].index(str(row["severity"]))]
    return Rule(number, name, severity, bool(row.get("on", True)), what, why, bad, good)


@cache
def _by_key() -> dict[str, Rule]:
    return {key: item for item in rules() for key in (item.id, item.name)}


def rule(key: str) -> Rule:
    """Return the rule with an id (in any case) or a name. Raises KeyError when there is none."""
    known = _by_key()
    return known[key.upper()] if key.upper() in known else known[key.lower()]


def matches(item: Rule, keys: frozenset[str]) -> bool:
    """Tell whether a rule is named by its id, its name or a prefix of its id of at least `AFS` and a digit."""
    wanted = {key.upper() for key in keys}
    if item.id in wanted or item.name.upper() in wanted:
        return True
    return any(len(key) >= 4 and key.startswith("AFS") and _prefixes(key, item) for key in wanted)


def _prefixes(key: str, item: Rule) -> bool:
    digits = key.removeprefix("AFS")
    return digits.isdigit() and int(digits) == item.point


def docs() -> str:
    """Return the rules as Markdown: a table for each point, for the documentation."""
    lines: list[str] = []
    for point, title in POINTS.items():
        rows = [item for item in rules() if item.point == point]
        lines += [f"## {point}. {title}", "", "| id | name | severity | finds | because |", "|---|---|---|---|---|"]
        for item in rows:
            level = item.severity if item.on else f"{item.severity}, off by default"
            lines.append(f"| {item.id} | {item.name} | {level} | {_cell(item.what)} | {_cell(item.why)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
