"""The tool that finds what is wrong with code by following it, with the path that proves each finding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from schemas.frozen import Frozen
from servers.asar.explaining import state_of
from servers.asar.source import CodeText, EntryText, Source, gather
from servers.asar.state import begin_of
from servers.asar.work import in_thread_of_code
from servers.machine.face import READS, Face
from servers.machine.paging import END, page_of
from servers.settings import Settings, version

if TYPE_CHECKING:
    from knowledge.m65816.flow import Entry
    from knowledge.m65816.lint.finding import Finding
    from knowledge.m65816.lint.options import LintOptions

__all__ = ["offer_linting"]

Severity = Literal["error", "warning", "suggestion"]


class LintFinding(Frozen):
    """One finding."""

    rule: str = Field(description="stable id, e.g. AFS201")
    name: str
    severity: Severity
    message: str
    place: str = Field(description="main.asm:3, or the SNES address")
    source: str = Field(default="", description="the line or instruction that it is about")
    path: list[str] = Field(default=[], description="the places that prove it, in the order in which they run")
    fix: str = ""
    gain: str = Field(default="", description="what a suggestion saves")


class Linted(Frozen):
    """What `lint` returns."""

    asar_version: str
    findings: list[LintFinding]
    total: int
    errors: int
    warnings: int
    suggestions: int
    offset: int
    next_offset: int = Field(description="offset of the next page; -1: none")
    sarif: str = Field(default="", description="the findings of this page as SARIF 2.1.0 (JSON text), when asked for")

    def as_text(self) -> str:
        """Say all that the fields say."""
        counts = f"{self.errors} errors, {self.warnings} warnings, {self.suggestions} suggestions"
        more = "" if self.next_offset == END else f"; more: call again with offset={self.next_offset}"
        lines = [f"{counts}; asar {self.asar_version}{more}"]
        if self.sarif:
            return "\n".join([*lines, self.sarif])
        for item in self.findings:
            lines.append(f"{item.place}: {item.severity} {item.rule} {item.name}: {item.message}")
            lines += [f"  in: {item.source}"] if item.source else []
            lines += [f"  because {step}" for step in item.path]
            lines += [f"  fix: {item.fix}"] if item.fix else []
            lines += [f"  saves {item.gain}"] if item.gain else []
        return "\n".join(lines)


def _options(rules: str, level: Severity) -> LintOptions:
    from knowledge.m65816.lint.options import LintOptions

    words = rules.replace(",", " ").split()
    ignored = frozenset(word[1:] for word in words if word.startswith("-"))
    added = frozenset(word.removeprefix("+") for word in words if not word.startswith("-"))
    every = "all" in added
    return LintOptions(select=added - {"all"}, ignore=ignored, pedantic=every, level=level)


def _shown(item: Finding) -> LintFinding:
    return LintFinding(
        rule=item.rule,
        name=item.name,
        severity=item.severity,
        message=item.message,
        place=item.place or "the whole program",
        source=item.source.strip()[:200],
        path=[str(step) for step in item.path[:12]],
        fix=item.fix,
        gain=f"{item.gain.cycles} CPU cycles and {item.gain.bytes} bytes" if item.gain else "",
    )


def _linted(
    source: Source, entries: list[Entry], options: LintOptions, *, sarif: bool, offset: int, limit: int
) -> Linted:
    from knowledge.m65816.lint.check import lint

    found = lint(source.program, listing=source.listing, entries=entries, options=options)
    page = page_of(found, offset=offset, limit=limit, weigh=_sarif_size if sarif else _size)
    return Linted(
        asar_version=source.asar_version,
        findings=[] if sarif else [_shown(item) for item in page.items],
        total=len(found),
        errors=sum(item.severity == "error" for item in found),
        warnings=sum(item.severity == "warning" for item in found),
        suggestions=sum(item.severity == "suggestion" for item in found),
        offset=offset,
        next_offset=page.next_offset,
        sarif=_sarif(page.items) if sarif else "",
    )


def _size(item: Finding) -> int:
    return 2 * len(str(item)) + 200


def _sarif_size(item: Finding) -> int:
    return len(repr(_sarif([item])))


def _sarif(findings: Sequence[Finding]) -> str:
    """Return the findings as SARIF, with the rules that they name and no others: all would fill a result."""
    from knowledge.m65816.lint.sarif import as_sarif

    log = as_sarif(findings, version=version())
    driver, results = log["runs"][0]["tool"]["driver"], log["runs"][0]["results"]
    used = sorted({item["ruleIndex"] for item in results})
    driver["rules"] = [driver["rules"][number] for number in used]
    for item in results:
        item["ruleIndex"] = used.index(item["ruleIndex"])
    return json.dumps(log)


def offer_linting(face: Face, settings: Settings) -> None:
    """Offer `lint`."""

    @face.offer(READS, title="Lint 65816 code")
    async def lint(
        code: CodeText,
        entry: EntryText = "",
        level: Annotated[Severity, Field(description="the least severity to report")] = "warning",
        rules: Annotated[
            str,
            Field(max_length=500, description="rules by id to leave out or add, e.g. -AFS301 +AFS14; all: every rule"),
        ] = "",
        format: Annotated[Literal["list", "sarif"], Field(description="list, or SARIF 2.1.0 for other tools")] = "list",
        offset: Annotated[int, Field(ge=0, description="findings to skip, 0 or more")] = 0,
        limit: Annotated[int, Field(ge=1, le=200, description="most findings, 1 to 200")] = 50,
    ) -> Linted:
        """Find bugs in 65816 code: wrong widths, unbalanced stacks, wrong returns, truncated values, hardware misuse.

        Follows M, X, D, DB and the stack over all paths; each finding has its path and a fix. What is not known for
        sure is not reported. Silence a line with `; lint: ignore AFS201 reason`. Leave entry empty if the widths at the
        start are not known.
        """
        from knowledge.m65816.flow import Entry

        begin = begin_of(entry)
        source = await gather(code, settings, start=begin.start)
        entries = [Entry(source.program.start, state_of(begin.contract))] if begin.text.strip() else []
        options, sarif = _options(rules, level), format == "sarif"
        return await in_thread_of_code(
            partial(_linted, source, entries, options, sarif=sarif, offset=offset, limit=limit)
        )
