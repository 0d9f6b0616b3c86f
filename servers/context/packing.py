"""The tool that packs what the context knows for one prompt: the state of the work, then the best passages."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

from mcp.server.mcpserver import Context
from pydantic import Field

from schemas.prompt_facts import CHARACTERS_PER_TOKEN, tokens_of
from servers.context.opened import Reach
from servers.context.packing_results import ContextPack, PackPiece
from servers.context.searching import find_note, telling
from servers.machine.artifacts import FOLDERS, HOMES, front_matter
from servers.machine.beneath import NotThereError
from servers.machine.errors import ServerError
from servers.machine.face import READS, Face
from servers.machine.sensitivity import HEAD
from servers.machine.text_index_search import Wish
from servers.machine.wire import clean, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servers.context.searching_index import Searched, Seen
    from servers.machine.text_index import Told
    from servers.machine.text_index_search import Hit

__all__ = ["offer_packing", "pack"]

_LARGEST = 7_000
"""Tokens of the largest pack: more would not leave as one result."""
_WRITTEN = 36_000
"""Characters of all texts as they are written in the structured half."""
_SHARE = 0.3
"""What the state of the work, and the handoff, may each take of a budget."""
_MOST = 120
_OF_ONE_FILE = 3
_LONGEST_TITLE = 240
_ALIKE = 0.7
_WORD = re.compile(r"\w+")
_PROMPT = 100_000


class _Packer:
    """Pieces gathered one after the other, as long as they fit."""

    def __init__(self, budget: int, note: str) -> None:
        pack = ContextPack(budget=budget, tokens=budget, note=shorten(note, 300))
        self.pack = pack if tokens_of(pack.as_text()) <= budget else pack.model_copy(update={"note": ""})
        self._written = 0
        self._shingles: list[frozenset[tuple[str, ...]]] = []

    def room(self) -> int:
        """Return the characters that are still free, without the frame of another piece."""
        used = len(self.pack.as_text()) if self.pack.pieces else 200
        return self.pack.budget * CHARACTERS_PER_TOKEN - used

    def repeats(self, text: str) -> bool:
        """Tell whether the pack says nearly the same already."""
        mine = _shingled(text)
        return any(len(mine & other) >= _ALIKE * min(len(mine), len(other)) for other in self._shingles)

    def add(self, piece: PackPiece) -> bool:
        """Add a piece if it fits."""
        after = self.pack.model_copy(update={"pieces": (*self.pack.pieces, piece)})
        written = self._written + len(repr(piece.text)) + len(repr(piece.path)) + 300
        longest = after.model_copy(update={"left_out": 10 * _MOST})
        if tokens_of(longest.as_text()) > after.budget or written > _WRITTEN:
            return False
        self.pack, self._written = after, written
        self._shingles.append(_shingled(piece.text))
        return True


def _shingled(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return frozenset(tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3)))


class _First(NamedTuple):
    """A file that goes before what is found by words."""

    path: str
    why: str


def _first(searched: Searched, seen: Seen, reach: Reach) -> Iterator[_First]:
    """Give the state of the work and the newest handoff: the own project's, else those of all."""
    view, index = seen.view, searched.index(seen)
    for folder in view.folders("scratchpad", reach)[:2]:
        path = f"{folder}/state.md"
        if index.files(Wish(under=(path.encode(),))):
            yield _First(path, "the state of the work")
            break
    for folders in zip(*(view.folders(home, reach)[:2] for home in HOMES), strict=True):
        files = index.files(Wish(under=[f"{folder}/{FOLDERS['handoff']}".encode() for folder in folders]))
        if files:
            newest = max((file.path for file in files), key=lambda path: path.rpartition("/")[2])
            yield _First(newest, "the newest handoff")
            break


class _Told(NamedTuple):
    """What a text tells, and its first line."""

    text: str
    first: int


def _told_by(data: bytes, first: int = 1) -> _Told:
    """Return a file's text from line `first` on without its front matter, which says little and is much the same."""
    begin = front_matter(data).body if first == 1 else 0
    if first == 1 and not begin and data.startswith(b"+++"):
        return _Told("", first)
    rest = data[begin:].decode("utf-8", "replace")
    text = rest.lstrip("\r\n") if begin else rest
    return _Told(text, first + data[:begin].count(b"\n") + rest[: len(rest) - len(text)].count("\n"))


def _begun(seen: Seen, first: _First, room: int) -> PackPiece | None:
    """Return the first lines of a file that fit into so many characters; None where none does."""
    try:
        chunk = seen.view.root.read(first.path, limit=max(0, room) * 4 + HEAD)
    except (NotThereError, ServerError):
        return None
    told = _told_by(chunk.data)
    lines: list[str] = []
    for line in clean(told.text).splitlines():
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    text = "\n".join(lines).rstrip()
    last = told.first + text.count("\n")
    more = "" if text.count("\n") + 1 >= len(lines) and room >= 0 else ", its beginning"
    title = front_matter(chunk.data).values.get("title")
    under = clean(title)[:_LONGEST_TITLE] if isinstance(title, str) else ""
    return _piece(first.path, told.first, last, first.why + more, chunk.etag, text, under) if text.strip() else None


def _piece(path: str, first: int, last: int, why: str, etag: str, text: str, title: str = "") -> PackPiece:
    return PackPiece(
        path=path, first=first, last=last, title=title, why=why, etag=etag, tokens=tokens_of(text), text=text
    )


def _why(hit: Hit) -> str:
    if not hit.words:
        return "near in meaning"
    return f"has {', '.join(shorten(word, 40) for word in hit.words[:6])}"


def _found(packer: _Packer, hits: Sequence[Hit], taken: frozenset[str]) -> int:
    """Add the best passages, and return how many that matter did not fit."""
    counts = dict.fromkeys(taken, _OF_ONE_FILE)
    left_out = 0
    for hit in hits:
        told = _told_by(hit.text.encode("utf-8", "replace"), hit.first)
        text = clean(told.text).strip("\n")
        if not text or counts.get(hit.path, 0) >= _OF_ONE_FILE or packer.repeats(text):
            continue
        piece = _piece(hit.path, told.first, hit.last, _why(hit), hit.etag, text, title=clean(hit.title))
        if packer.add(piece):
            counts[hit.path] = counts.get(hit.path, 0) + 1
        else:
            left_out += 1
    return left_out


def pack(
    searched: Searched, prompt: str, *, budget: int, scope: Reach = "project", told: Told | None = None
) -> ContextPack:
    """Return what the context has for a prompt. Raises ServerError."""
    if not prompt.strip():
        raise ServerError("the prompt is empty; give the task that the context is for")
    seen = searched.seen()
    with searched.places(seen, "", scope) as wide:
        fresh = wide.refresh(told)
        near = searched.near(seen, prompt[:_PROMPT])
        hits = wide.near(near.passages).passages(prompt[:_PROMPT], most=_MOST)
    packer = _Packer(budget, find_note(fresh, near.note))
    taken: set[str] = set()
    left_out = 0
    for first in _first(searched, seen, scope):
        piece = _begun(seen, first, min(packer.room() - 200, int(budget * CHARACTERS_PER_TOKEN * _SHARE)))
        if piece is not None and packer.add(piece):
            taken.add(first.path)
        else:
            left_out += 1
    left_out += _found(packer, hits, frozenset(taken))
    return packer.pack.model_copy(update={"left_out": left_out}).counted()


def offer_packing(face: Face, searched: Searched) -> None:
    """Offer `pack_context`."""

    @face.offer(READS, title="Pack context for a prompt")
    async def pack_context(
        ctx: Context,
        prompt: Annotated[str, Field(description="the task or question, as it is; 100,000 characters are read")],
        budget: Annotated[int, Field(ge=50, le=_LARGEST, description="most tokens, 50 to 7000")] = 1_500,
        scope: Annotated[
            Reach, Field(description="project: own project and common files; common; all: every project's too")
        ] = "project",
    ) -> ContextPack:
        """Gather what the shared context knows for a task, to put before a model: never more than `budget` tokens.

        The state of the work and the newest handoff first, then the passages that answer best, each with its file,
        lines, etag and why it is there. Tokens are estimated as characters over four.
        """
        return await telling(ctx, partial(_told, searched, prompt, budget=budget, scope=scope))


def _told(searched: Searched, prompt: str, told: Told, *, budget: int, scope: Reach) -> ContextPack:
    return pack(searched, prompt, budget=budget, scope=scope, told=told)
