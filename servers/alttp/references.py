"""What is to be read rather than called: each table, each row, with completion; and prompts to begin with."""

from collections.abc import Mapping
from typing import get_args

from mcp.server.mcpserver.exceptions import ResourceError

from schemas.fact import KIND_NAMES, FactKind
from servers.machine.face import Face

__all__ = ["offer_references"]

_MARKDOWN = "text/markdown"
_KINDS: tuple[FactKind, ...] = get_args(FactKind)
_FIRST = 200
"""Rows of a table that its resource shows; list_table has the rest."""


def _tables() -> str:
    from knowledge.alttp.tables import tables

    rows = [f"| `alttp://{kind}` | {KIND_NAMES[kind]} | {len(table.rows)} |" for kind, table in tables().items()]
    return "\n".join(["| resource | what | rows |", "|---|---|---|", *rows, "", "One row: `alttp://ram/7EF36D`."])


def _kind(kind: str) -> FactKind:
    for known in _KINDS:
        if kind == known:
            return known
    raise ResourceError(f"no table {kind[:40]!r}; alttp://tables lists them")


def _table(kind: str) -> str:
    from servers.alttp.listing import list_rows

    page = list_rows(_kind(kind), "", offset=0, limit=_FIRST)
    rest = f"\n\n{page.total - len(page.rows)} more rows: list_table shows them." if page.total > len(page.rows) else ""
    return "\n".join(f"- {row.as_text()}" for row in page.rows) + rest


def _row(kind: str, key: str) -> str:
    from knowledge.alttp.tables import fact, tables

    table = tables()[_kind(kind)]
    plain = key.upper().removeprefix("$").removeprefix("0X")
    number = table.find(plain)
    if number < 0:
        number = table.find(plain.zfill(len(table.key(0))))
    if number < 0:
        raise ResourceError(f"no row {key[:40]!r} in {kind}; alttp://{kind} lists them, alttp_lookup finds one by name")
    return fact(table, table.rows[number]).as_text()


def offer_references(face: Face) -> None:
    """Offer the tables and rows as resources with completion, and the prompts."""
    _offer_resources(face)
    _offer_prompts(face)
    face.completes("kind", _kinds)
    face.completes("key", _keys)


def _offer_resources(face: Face) -> None:
    @face.resource("alttp://tables", title="The tables of facts", mime_type=_MARKDOWN)
    def table_list() -> str:
        """List the tables, with the number of their rows."""
        return _tables()

    @face.resource("alttp://{kind}", title="A table of facts", mime_type=_MARKDOWN)
    def table(kind: str) -> str:
        """Show the first rows of a table: ram, register, routine, sprite, item, room and more."""
        return _table(kind)

    @face.resource("alttp://{kind}/{key}", title="A fact", mime_type=_MARKDOWN)
    def row(kind: str, key: str) -> str:
        """Tell all about one row, by its address or id in hexadecimal: ram/7EF36D, sprite/41."""
        return _row(kind, key)


def _offer_prompts(face: Face) -> None:
    @face.prompt(title="Find where the game keeps something")
    def find_address(what: str) -> str:
        """Find the RAM address, routine or table behind something that the player sees."""
        return (
            f"Find where A Link to the Past keeps or does this: {what}\n\n"
            "Call alttp_lookup with the plain question, then with the names that it gives; ask 'what writes ADDRESS' "
            "for the code behind a variable. Answer with the address, its size, its ROM version, how sure the tables "
            "are, and the routines that use it. Say so when the tables do not know it."
        )


def _kinds(typed: str, _given: object) -> list[str]:
    return [name for name in _KINDS if name.startswith(typed.lower())]


def _keys(typed: str, given: Mapping[str, str]) -> list[str]:
    from knowledge.alttp.tables import tables

    kind = given.get("kind", "")
    if kind not in _KINDS:
        return []
    table = tables()[_kind(kind)]
    wanted = typed.upper().removeprefix("$").removeprefix("0X")
    return [key for key in map(table.key, range(len(table.rows))) if key.startswith(wanted)]
