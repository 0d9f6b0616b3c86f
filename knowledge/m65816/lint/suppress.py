"""Suppression comments: `; lint: ignore AFS201 reason` for a line, `; lint: off AFS201` to `; lint: on` for many."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from knowledge.m65816.lint.catalogue import matches, rule, rules
from knowledge.m65816.lint.finding import Finding
from knowledge.m65816.lint.source import plain
from knowledge.m65816.program import Listing

__all__ = ["suppress"]

_COMMENT = re.compile(r"lint:\s*(ignore|off|on)\b[:\s]*(.*)$", re.IGNORECASE)
_KEY = re.compile(r"^(?:AFS\d+|[a-z][a-z0-9]*(?:-[a-z0-9]+)+)$", re.IGNORECASE)
_LAST = 1 << 30


@dataclass
class _Region:
    """Lines on which some rules are not reported."""

    file: str
    first: int
    last: int
    key: str
    """Id, name or prefix; empty: every rule."""
    at: int
    """Line of the comment."""
    text: str
    used: bool = False

    def covers(self, finding: Finding) -> bool:
        """Tell whether it silences a finding."""
        if finding.file != self.file or not self.first <= finding.line <= self.last:
            return False
        return not self.key or matches(rule(finding.rule), frozenset((self.key,)))


def suppress(findings: Sequence[Finding], listing: Listing) -> list[Finding]:
    """Return the findings that no comment silences, and what is wrong with the comments.

    `ignore` counts for its own line; on a line with nothing but the comment it counts for the next line too. `off`
    counts from its line to the next `on` for the same rules, or to the end of the file. Without ids, for all rules.
    """
    lines = {(line.file, line.line): line.text for line in listing.lines if "lint:" in line.text.lower()}
    if not lines:
        return list(findings)
    read = _regions(lines)
    regions, problems = read.regions, read.problems
    kept: list[Finding] = []
    for finding in findings:
        hits = [region for region in regions if region.covers(finding)]
        for region in hits:
            region.used = True
        if not hits:
            kept.append(finding)
    unused = [region for region in regions if not region.used]
    return [*kept, *problems, *(_about("unused-suppression", region, _unused(region)) for region in unused)]


def _unused(region: _Region) -> str:
    return f"nothing is silenced by this comment{f' for {region.key}' if region.key else ''}"


def _about(name: str, region: _Region, message: str) -> Finding:
    item = rule(name)
    fix = {
        "unused-suppression": "remove it",
        "unknown-suppression": "name a rule by its id, e.g. AFS201, or its name, e.g. immediate-width",
    }[name]
    return Finding(
        item.id, item.name, item.severity, message, -1, region.file, region.at, region.text.strip()[:120], (), fix
    )


class _Read(NamedTuple):
    regions: list[_Region]
    problems: list[Finding]


def _regions(lines: dict[tuple[str, int], str]) -> _Read:
    regions: list[_Region] = []
    problems: list[Finding] = []
    for (file, number), text in sorted(lines.items()):
        comment = text[len(plain(text)) :]
        match = _COMMENT.search(comment)
        if match is None:
            continue
        verb = match[1].lower()
        keys = list(_keys(match[2]))
        alone = not plain(text).strip()
        unknown = [key for key in keys if not any(matches(item, frozenset((key,))) for item in rules())]
        here = _Region(file, number, number + alone, "", number, text)
        problems += [_about("unknown-suppression", here, f"there is no rule {key}") for key in unknown]
        known = [key for key in keys if key not in unknown]
        wanted = known if keys else [""]
        if verb == "on":
            _end(regions, file, number, wanted)
        for key in wanted if verb != "on" else ():
            last = number + alone if verb == "ignore" else _LAST
            regions.append(_Region(file, number, last, key, number, text))
    return _Read(regions, problems)


def _keys(text: str) -> Iterator[str]:
    """Give the rules that a comment names before its reason begins."""
    for word in text.replace(",", " ").split():
        if not _KEY.match(word):
            return
        yield word.upper() if word.upper().startswith("AFS") else word.lower()


def _end(regions: list[_Region], file: str, number: int, keys: list[str]) -> None:
    for region in regions:
        if region.file == file and region.last == _LAST and ("" in keys or region.key in keys):
            region.last = number
