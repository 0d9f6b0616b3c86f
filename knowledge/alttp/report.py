"""The report on the facts: rows by table and confidence, what is a draft, what has no source, and how much it weighs.

`python -m knowledge.alttp.report` prints it and exits with 1 when a row has no source, or when the data of the wheel
is over its budget.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, get_args

import click

from knowledge.alttp.atlas import atlas
from knowledge.alttp.tables import FOLDER, PATHS, Table, check, fact, tables
from schemas.fact import Confidence, FactKind

__all__ = ["BUDGET", "Report", "TableReport", "data_size", "main", "report"]

BUDGET = 6_000_000
"""Bytes that all data in the wheel may take, uncompressed."""


class TableReport(NamedTuple):
    """What one table holds."""

    name: str
    rows: int
    confidence: Mapping[Confidence, int]
    described: int
    drafts: int
    """Descriptions that nobody has checked."""
    without_source: tuple[str, ...]
    """Refs of the rows without a source; none is allowed."""


class Report(NamedTuple):
    """What all tables hold, and what they weigh."""

    tables: tuple[TableReport, ...]
    nodes: int
    edges: int
    size: int
    """Bytes of all data under `knowledge/`."""

    @property
    def sound(self) -> bool:
        """Whether every row has a source and the data keeps to its budget."""
        return self.size <= BUDGET and not any(table.without_source for table in self.tables)


def data_size(folder: Path = FOLDER.parent) -> int:
    """Return the bytes of all files of a folder that are no Python: what the data in the wheel weighs."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files if path.suffix != ".py")


def _table(kind: FactKind, table: Table) -> TableReport:
    confidence: Counter[Confidence] = Counter()
    described = drafts = 0
    bare: list[str] = []
    for row in table.rows:
        stated = fact(table, row)
        confidence[stated.confidence] += 1
        described += bool(stated.description)
        drafts += stated.draft
        if not stated.sources:
            bare.append(stated.ref)
    return TableReport(PATHS[kind].stem, len(table.rows), confidence, described, drafts, tuple(bare))


def report(loaded: Mapping[FactKind, Table] | None = None) -> Report:
    """Count the tables of this package, or others that are given; a row that is none is an error."""
    loaded = tables() if loaded is None else loaded
    check(loaded)
    nodes, edges = atlas().count()
    return Report(tuple(_table(kind, table) for kind, table in loaded.items()), nodes, edges, data_size())


def _line(name: str, *numbers: object) -> str:
    return f"{name:14}" + "".join(f"{number:>10}" for number in numbers)


@click.command()
def main() -> None:
    """Print the report on the fact tables; exit with 1 when a row has no source or the data weighs too much."""
    found = report()
    words: tuple[Confidence, ...] = get_args(Confidence)
    click.echo(_line("table", "rows", *words, "described", "drafts"))
    for table in found.tables:
        counts = (table.confidence.get(word, 0) for word in words)
        click.echo(_line(table.name, table.rows, *counts, table.described, table.drafts))
    total = Counter[Confidence]()
    for table in found.tables:
        total.update(table.confidence)
    sums = (sum(table.rows for table in found.tables), *(total[word] for word in words))
    drafts = (sum(table.described for table in found.tables), sum(table.drafts for table in found.tables))
    click.echo(_line("all", *sums, *drafts))
    click.echo(f"{found.nodes} nodes and {found.edges} edges; {found.size} of {BUDGET} bytes")
    for table in found.tables:
        for ref in table.without_source:
            click.echo(f"{ref} has no source", err=True)
    sys.exit(0 if found.sound else 1)


if __name__ == "__main__":
    main()
