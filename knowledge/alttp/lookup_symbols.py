"""Names by a part, a beginning or a pattern, best first and page by page."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from knowledge.alttp.index import Index, current
from knowledge.alttp.index_names import NameHit
from knowledge.alttp.lookup_names import display
from knowledge.alttp.overlay import Overlay
from knowledge.alttp.tables import PATHS
from knowledge.alttp.words import squeeze
from schemas.fact import AskedKind, FactKind, SymbolHit, Symbols

__all__ = ["search_symbols"]

_LONGEST = 120  # characters of a part that are looked for
_COUNTED = 2000  # names that are looked at


def _found(index: Index, text: str) -> Iterator[NameHit]:
    """Give the names that a part or a pattern describes: the whole name, then beginnings, then the others."""
    pattern = squeeze(text.replace("*", "\ue000").replace("?", "\ue001")).replace("\ue000", "*").replace("\ue001", "?")
    if "*" in pattern or "?" in pattern:
        yield from index.names.matching(pattern)
        return
    yield from index.names.exact(pattern)
    beginnings = (hit for hit in index.names.starting(pattern) if hit.name != pattern)
    yield from beginnings if pattern else ()
    yield from (hit for hit in index.names.containing(pattern) if not hit.name.startswith(pattern))


def search_symbols(
    text: str,
    *,
    kind: AskedKind = "any",
    limit: int = 20,
    offset: int = 0,
    overlay: Overlay | None = None,
    paths: Mapping[FactKind, Path] = PATHS,
) -> Symbols:
    """Return the names that have `text` in them, whatever the case and separators, or that match its `*` and `?`.

    The user's own symbols come first, then whole names, beginnings, and other places. A text that is empty or too long
    is no error: nothing is found and `hint` says what to try.
    """
    short = text if len(text) <= _LONGEST else text[:40] + "..."
    if len(text) > _LONGEST or not squeeze(text):
        return Symbols(query=short, hint=f"Give 1 to {_LONGEST} characters of a name, * for any letters.")
    index = current(paths)
    among = index.of_kind(kind)
    own = overlay.containing(text) if overlay and kind in ("any", "ram", "register", "routine") else []
    hits = list(islice((hit for hit in _found(index, text) if hit.entry in among), _COUNTED))
    total = len(own) + len(hits)
    page: list[SymbolHit] = own[offset : offset + limit]
    first = max(0, offset - len(own))
    page += [_hit(index, hit) for hit in hits[first : first + limit - len(page)]]
    after = offset + len(page)
    return Symbols(
        query=text,
        symbols=tuple(page),
        total=total,
        offset=offset,
        next_offset=after if page and after < total else 0,
        hint=_hint(index, text, total, offset),
    )


def _hit(index: Index, hit: NameHit) -> SymbolHit:
    row = index.fact(hit.entry)
    source, name = display(index, hit)
    return SymbolHit(name=name, id=row.id, ref=row.ref, kind=row.kind, source=source)


def _hint(index: Index, text: str, total: int, offset: int) -> str:
    if total:
        return f"offset {offset} is past the last of {total} names; use offset 0" if offset >= total else ""
    near = [display(index, hit)[1] for hit in index.names.near(squeeze(text))[:3]]
    return (
        f"Did you mean {', '.join(near)}?" if near else "Try a shorter part of the name; alttp_lookup takes questions."
    )
