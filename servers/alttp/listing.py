"""The tool that shows a table page by page."""

import re
from typing import Annotated

from pydantic import Field

from schemas.fact import KIND_NAMES, FactKind
from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.names import show
from servers.machine.paging import END, page_of

__all__ = ["TablePage", "list_rows", "offer_listing"]

_KEY = re.compile(r"(?:[A-Z]+[0-9]*\.|JP)?[0-9A-F]{1,8}(?:\.[0-9A-F]{1,4}){0,3}")
"""An address or id as the keys of the tables have it, in upper case: 7EF36D, 41, 07.02, SFX2.05, JP01C961."""
_BY_ADDRESS: frozenset[FactKind] = frozenset(("ram", "routine", "data", "sublabel"))


class TableRow(Frozen):
    """One row in brief; `alttp_lookup` of its id tells all."""

    ref: str
    id: str
    name: str
    description: str
    confidence: str

    def as_text(self) -> str:
        """Return the row in one line."""
        said = f": {self.description}" if self.description else ""
        return f"{self.id} {self.name or '(no name)'}{said} [{self.confidence}; {self.ref}]"


class TablePage(Frozen):
    """Some rows of a table."""

    kind: FactKind
    total: int = Field(description="rows of the table, or of those from `start` on")
    rows: tuple[TableRow, ...]
    offset: int
    next_offset: int = Field(description="offset of the next page; -1: none")

    def as_text(self) -> str:
        """Return the rows behind a line about the page."""
        more = "" if self.next_offset == END else f"; more: call again with offset={self.next_offset}"
        if not self.rows:
            return f"{KIND_NAMES[self.kind]}: no rows from there on"
        head = (
            f"{KIND_NAMES[self.kind]}: rows {self.offset} to {self.offset + len(self.rows) - 1} of {self.total}{more}"
        )
        return "\n".join([head, *(row.as_text() for row in self.rows)])


def list_rows(kind: FactKind, start: str, *, offset: int, limit: int) -> TablePage:
    """Return rows of a table in the order of their addresses or ids, from the key `start` on.

    Raises ServerError when the offset is behind the last row.
    """
    from knowledge.alttp.tables import fact, tables

    table = tables()[kind]
    begin = _place(kind, start, [table.key(number) for number in range(len(table.rows))]) if start else 0
    if offset and offset >= len(table.rows) - begin:
        raise ServerError(f"offset {offset} is past the end: {len(table.rows) - begin} rows; start at offset 0")
    first = begin + offset
    found = [fact(table, row) for row in table.rows[first : first + limit]]
    rows = [
        TableRow(ref=row.ref, id=row.id, name=row.name, description=row.description, confidence=row.confidence)
        for row in found
    ]
    page = page_of(rows, offset=0, limit=limit, weigh=lambda row: 2 * len(row.as_text()) + 60)
    end = first + len(page.items)
    return TablePage(
        kind=kind,
        total=len(table.rows) - begin,
        rows=page.items,
        offset=offset,
        next_offset=end - begin if end < len(table.rows) else END,
    )


def _place(kind: FactKind, start: str, keys: list[str]) -> int:
    """Return the number of the first row whose key is `start` or comes after it; `start` may be the name of a row."""
    from knowledge.alttp.lookup import resolve

    wanted = start.strip().upper().removeprefix("$").removeprefix("0X").replace(":", "")
    if not _KEY.fullmatch(wanted) or (len(wanted) < len(keys[0]) and kind in _BY_ADDRESS):
        found, _, key = resolve(start).partition(":")
        if found == kind and key in keys:
            return keys.index(key)
        if not _KEY.fullmatch(wanted):
            raise ServerError(
                f"no row {show(start)} in the table {kind}; start at an address or id as the rows show them, "
                "or ask alttp_lookup"
            )
    exact = wanted.zfill(len(keys[0]))
    return next((number for number, key in enumerate(keys) if key >= exact), len(keys))


def offer_listing(face: Face) -> None:
    """Offer `list_table`."""

    @face.offer(READS, title="List a table of facts")
    def list_table(
        kind: Annotated[FactKind, Field(description="the table")],
        start: Annotated[str, Field(description="begin at this address or id: $7EF340, 0x41")] = "",
        limit: Annotated[int, Field(ge=1, le=200, description="rows to return, 1 to 200")] = 50,
        offset: Annotated[int, Field(ge=0, description="rows to skip, 0 or more, for the next page")] = 0,
    ) -> TablePage:
        """List the rows of one table in the order of their addresses or ids, with name and description.

        For all sprites, all items, the RAM around an address and the like; alttp_lookup tells all about one row.
        """
        return list_rows(kind, start, offset=offset, limit=limit)
