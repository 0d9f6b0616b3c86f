"""The tool list of a server, read page by page to its end or to a limit."""

from typing import TYPE_CHECKING, NamedTuple

from runner.offers import Listing
from runner.trust import definition

if TYPE_CHECKING:
    from mcp import Client

__all__ = ["PAGE_LIMIT", "TOOL_LIMIT", "Listed", "list_tools"]

TOOL_LIMIT = 500
"""Tools taken from one server."""
PAGE_LIMIT = 100
"""Pages of one tool list: a server can hand out cursors for ever."""


class Listed(NamedTuple):
    """What a server offers."""

    tools: Listing
    note: str
    """What was left out, in one line; empty when nothing was."""


async def list_tools(client: "Client", server: str) -> Listed:
    """Read the tools of a server, as it has them now."""
    listing = Listing(server)
    cursors: set[str] = set()
    cursor: str | None = None
    more = True
    while more:
        page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        room = TOOL_LIMIT - len(listing)
        for tool in page.tools[:room]:
            hints = tool.annotations
            listing.take(definition(tool), read_only=bool(hints and hints.read_only_hint))
        cursor = page.next_cursor
        more = bool(cursor) or len(page.tools) > room
        if not cursor or cursor in cursors or len(cursors) >= PAGE_LIMIT or len(listing) >= TOOL_LIMIT:
            break
        cursors.add(cursor)
    cut = f"its tool list goes on after {len(listing)} tools, which were taken" if more else ""
    return Listed(listing, "; ".join(filter(None, (listing.note, cut))))
