"""What the tools for source code return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from schemas.frozen import Frozen
from servers.graph.results import more
from servers.machine.paging import END, page_of

if TYPE_CHECKING:
    from knowledge.code_graph.links import Link, Links
    from knowledge.code_graph.patterns import Found as Patterns
    from knowledge.code_graph.search import Found
    from knowledge.code_graph.types import Report

__all__ = ["FoundCode", "FoundPatterns", "Indexed", "LinkedCode"]

_MOST_PROBLEMS = 20
_NOTHING = "try fewer or other words, an address or a name; find_patterns counts idioms, index_code adds more code"


class Indexed(Frozen):
    """What `index_code` did."""

    codebase: str
    files: int
    changed: int = Field(description="files that were read anew")
    removed: int = Field(description="files that are gone")
    routines: int
    labels: int
    accesses: int = Field(description="calls, jumps, reads, writes and uses")
    vectors: int = Field(default=0, description="routines that got a vector of the embedding model")
    problems: tuple[str, ...] = Field(default=(), description="what could not be read, the first twenty")
    problem_count: int = 0
    seconds: float
    note: str = ""

    def as_text(self) -> str:
        """Say what was indexed, then the problems."""
        head = (
            f"{self.codebase}: {self.files} files ({self.changed} read anew, {self.removed} gone), {self.routines} "
            f"routines, {self.labels} labels, {self.accesses} accesses, {self.seconds:.1f} s"
        )
        vectors = f"; {self.vectors} new vectors" if self.vectors else ""
        lines = [head + vectors, *filter(None, (self.note,))]
        if self.problem_count:
            lines += [f"{self.problem_count} problems:", *self.problems]
        return "\n".join(lines)

    @classmethod
    def of(cls, codebase: str, report: Report, *, vectors: int, complete: bool, note: str = "") -> Indexed:
        """Say what an update did."""
        return cls(
            codebase=codebase,
            files=report.files,
            changed=report.changed,
            removed=report.removed,
            routines=report.routines,
            labels=report.labels,
            accesses=report.accesses,
            vectors=vectors,
            problems=tuple(f"{each.file}:{each.line}: {each.text}" for each in report.problems[:_MOST_PROBLEMS]),
            problem_count=report.problem_count,
            seconds=round(report.seconds, 3),
            note="; ".join(filter(None, ("" if complete else "not all folders could be listed", note))),
        )


class CodePlace(Frozen):
    """A place in source code that answers a question."""

    node: str = Field(description="its node in the graph, for neighbours and add_edge")
    kind: str
    file: str
    line: int
    callers: int
    reasons: tuple[str, ...]
    excerpt: str

    def as_text(self) -> str:
        """Return the place with its reasons and lines."""
        return (
            f"{self.node} ({self.kind}) {self.file}:{self.line}, {self.callers} callers; {'; '.join(self.reasons)}\n"
            + ("\n".join(f"    {line}" for line in self.excerpt.split("\n")))
        )


class FoundCode(Frozen):
    """What `search_code` found."""

    total: int
    places: tuple[CodePlace, ...]
    offset: int
    next_offset: int = Field(description="offset of the next page; -1: none")
    note: str = ""

    def as_text(self) -> str:
        """Return the places, best first."""
        head = f"{self.total} places, shown from {self.offset}. {more(self.next_offset)}".rstrip()
        return "\n".join([head, *filter(None, (self.note,)), *(place.as_text() for place in self.places)])

    @classmethod
    def of(cls, found: Found, *, offset: int, note: str = "") -> FoundCode:
        """Put a page of places on the wire."""
        rows = [
            CodePlace(
                node=hit.node,
                kind=hit.kind,
                file=hit.file,
                line=hit.line,
                callers=hit.callers,
                reasons=hit.reasons,
                excerpt=hit.excerpt,
            )
            for hit in found.hits
        ]
        page = page_of(rows, offset=0, limit=len(rows), weigh=_weigh)
        after = offset + len(page.items)
        more_to_come = bool(page.items) and after < found.total
        return cls(
            total=found.total,
            places=page.items,
            offset=offset,
            next_offset=after if more_to_come else END,
            note=note or ("" if found.total else _NOTHING),
        )


class PatternCount(Frozen):
    """How often a pattern was found."""

    pattern: str
    kind: str
    title: str
    why: str
    total: int

    def as_text(self) -> str:
        """Return the count in one line."""
        return f"{self.total} x {self.pattern} ({self.kind}): {self.title}. {self.why}"


class PatternPlace(Frozen):
    """One place where a pattern holds."""

    codebase: str
    pattern: str
    file: str
    first: int
    last: int
    routine: str
    excerpt: str

    def as_text(self) -> str:
        """Return the place with its lines."""
        lines = "\n".join(f"    {line}" for line in self.excerpt.split("\n"))
        return f"{self.pattern}: {self.codebase}:{self.routine} {self.file}:{self.first}-{self.last}\n{lines}"


class FoundPatterns(Frozen):
    """What `find_patterns` found."""

    counts: tuple[PatternCount, ...]
    total: int = Field(description="places on all pages")
    places: tuple[PatternPlace, ...]
    offset: int
    next_offset: int = Field(description="offset of the next page; -1: none")

    def as_text(self) -> str:
        """Return the counts, then the places of this page."""
        head = f"{self.total} places, shown from {self.offset}. {more(self.next_offset)}".rstrip()
        return "\n".join([head, *(c.as_text() for c in self.counts), *(place.as_text() for place in self.places)])

    @classmethod
    def of(cls, found: Patterns, *, offset: int) -> FoundPatterns:
        """Put a page of places on the wire."""
        rows = [
            PatternPlace(
                codebase=place.codebase,
                pattern=place.pattern,
                file=place.file,
                first=place.first,
                last=place.last,
                routine=place.routine,
                excerpt=place.excerpt,
            )
            for place in found.places
        ]
        counts = tuple(PatternCount(**count._asdict()) for count in found.counts) if not offset else ()
        page = page_of(rows, offset=0, limit=len(rows), weigh=lambda row: _weigh(row) * 5 // 4)
        after = offset + len(page.items)
        end = after if page.items and after < found.total else END
        return cls(counts=counts, total=found.total, places=page.items, offset=offset, next_offset=end)


class LinkEvidence(Frozen):
    """One thing that speaks for a link."""

    way: str
    score: float
    text: str
    left_line: int = Field(description="likeness: first line of the left one that differs; 0: none")
    right_line: int
    shared: int = Field(description="likeness: runs of three instructions that both have")


class CodeLink(Frozen):
    """Two symbols of two codebases that are the same, or alike."""

    left: str = Field(description="name with file and line")
    right: str
    relation: str
    confidence: float
    evidence: tuple[LinkEvidence, ...]
    ambiguous: bool

    def as_text(self) -> str:
        """Return the link in one line, and one a piece of evidence."""
        doubt = ", another is as good" if self.ambiguous else ""
        lines = [f"{self.left} {self.relation} {self.right} ({self.confidence:.2f}{doubt})"]
        for each in self.evidence:
            where = f"; differs first at {each.left_line} and {each.right_line}" if each.left_line else ""
            lines.append(f"    {each.way} {each.score:.2f}: {each.text}{where}; {each.shared} shared runs")
        return "\n".join(lines)

    @classmethod
    def of(cls, link: Link) -> CodeLink:
        """Put a link on the wire."""
        return cls(
            left=f"{link.left.name} {link.left.file}:{link.left.first}",
            right=f"{link.right.name} {link.right.file}:{link.right.first}",
            relation=link.relation,
            confidence=round(link.confidence, 3),
            evidence=tuple(
                LinkEvidence(
                    way=each.way,
                    score=round(each.score, 3),
                    text=each.text,
                    left_line=each.left,
                    right_line=each.right,
                    shared=each.shared,
                )
                for each in link.evidence
            ),
            ambiguous=link.ambiguous,
        )


class LinkedCode(Frozen):
    """What `link_code` found."""

    total: int
    by_way: tuple[str, ...] = Field(description="links that each kind of evidence speaks for")
    ambiguous: int
    links: tuple[CodeLink, ...]
    offset: int
    next_offset: int = Field(description="offset of the next page; -1: none")

    def as_text(self) -> str:
        """Return the links, the surest first."""
        ways = f" ({', '.join(self.by_way)}; {self.ambiguous} ambiguous)"
        head = f"{self.total} links{ways}, shown from {self.offset}. {more(self.next_offset)}".rstrip()
        return "\n".join([head, *(link.as_text() for link in self.links)])

    @classmethod
    def of(cls, found: Links, *, offset: int) -> LinkedCode:
        """Put a page of links on the wire."""
        rows = list(map(CodeLink.of, found.links))
        page = page_of(rows, offset=0, limit=len(rows), weigh=_weigh)
        after = offset + len(page.items)
        return cls(
            total=found.total,
            by_way=tuple(f"{way} {count}" for way, count in found.counts.items()),
            ambiguous=found.ambiguous,
            links=page.items,
            offset=offset,
            next_offset=after if page.items and after < found.total else END,
        )


def _weigh(row: Frozen) -> int:
    return len(str(row.model_dump())) + 60
