"""Questions about the user's files, answered from a scan: `ask_files` and what it returns."""

from __future__ import annotations

import datetime
import re
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver import Context
from pydantic import Field

from schemas.frozen import Frozen
from servers.machine.errors import ServerError
from servers.machine.face import WRITES, Face
from servers.machine.paging import page_of
from servers.workspace.scan import paced
from servers.workspace.scan_facts import still_there
from servers.workspace.scan_place import scope_at
from servers.workspace.scan_results import Found
from servers.workspace.scan_running import made_ready

if TYPE_CHECKING:
    from servers.workspace.asking_known import Known
    from servers.workspace.asking_question import Wish
    from servers.workspace.opened import Opened
    from servers.workspace.scan_place import Scope
    from servers.workspace.scan_walk import Pace

__all__ = ["Answer", "answer", "offer_asking"]


class Answer(Frozen):
    """An answer to a question about files. Every path in it was there when it was answered."""

    question: str
    understood: str = Field(description="how the question was read: kinds, words, time, order")
    summary: str
    found: tuple[Found, ...] = Field(description="files and folders, best first")
    more: int = Field(description="rows that fit and are not shown")
    complete: bool = Field(description="false: the folders are not all scanned yet; ask again")
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Return the summary, then each row."""
        shown = f"{self.question}\n{self.summary} ({self.understood}); {len(self.found)} shown, {self.more} more"
        rows = [f"{place}. {row.as_text()}" for place, row in enumerate(self.found, start=1)]
        late = [] if self.complete else ["the folders are not all scanned yet: ask again, the scan goes on"]
        return "\n".join(
            [shown, *(rows or ["nothing fits; ask with fewer words, or by a kind of file"]), *late, *self.notes]
        )


def answer(opened: Opened, question: str, path: str, pace: Pace, *, limit: int) -> Answer:
    """Answer a question about the files below a folder; it is scanned first where it has to be. Raises ServerError."""
    from servers.workspace.asking_games import as_said
    from servers.workspace.asking_known import known_words
    from servers.workspace.asking_meaning import nearer
    from servers.workspace.asking_question import read_question
    from servers.workspace.asking_rows import Asked
    from servers.workspace.asking_ways import answered

    if not question.strip():
        raise ServerError("the question is empty; ask, say, 'where are my ROM hacks?'")
    wish = read_question(question, datetime.datetime.now().astimezone())
    with scope_at(opened, path) as scope:
        ready = made_ready(scope, pace, depth="asked", min_size=1 if wish.subject == "duplicates" else 0)
        known = known_words(scope, wish.words)
        if known.mended:  # a slip may stand for a kind of file, too
            wish, known = _again(scope, wish, known)
        wish = wish._replace(words=known.words)
        asked = Asked(scope, wish, known.sought, time.time_ns())
        rows, notes = nearer(asked, answered(asked, known), opened.settings.embed_model)
        unique = list(dict(rows.rows).items())
        shown = still_there(scope, unique, limit)
    lost = f"no name here has: {', '.join(map(as_said, known.unknown))}; " if known.unknown else ""
    page = page_of(shown, offset=0, limit=limit, weigh=lambda row: len(row.as_text()) + len(row.path) + 150)
    return Answer(
        question=wish.text,
        understood=wish.understood(),
        summary=f"{lost}{rows.summary}",
        found=page.items,
        more=max(0, len(unique) - len(page.items)),
        complete=ready.complete,
        notes=notes,
    )


def _again(scope: Scope, wish: Wish, known: Known) -> tuple[Wish, Known]:
    """Read a question again with its slips mended."""
    from servers.workspace.asking_known import known_words
    from servers.workspace.asking_question import read_question

    text = wish.text
    for slip, meant in known.mended:
        text = re.sub(rf"\b{re.escape(slip)}\b", meant, text, flags=re.IGNORECASE)
    again = read_question(text, datetime.datetime.now().astimezone())
    return again._replace(text=wish.text), known_words(scope, again.words)


def offer_asking(face: Face, opened: Opened) -> None:
    """Offer `ask_files`."""

    @face.offer(WRITES, title="Ask about files")
    async def ask_files(
        question: Annotated[str, Field(description="where are my ROM hacks? what takes most space? old node_modules")],
        path: Annotated[str, Field(description="folder to ask about; empty: the whole workspace root")] = "",
        *,
        limit: Annotated[int, Field(ge=1, le=50, description="rows to return, 1 to 50")] = 10,
        seconds: Annotated[int, Field(ge=1, le=3_600, description="stop scanning after this time, 1 to 3,600 s")] = 50,
        ctx: Context,
    ) -> Answer:
        """Answer a plain question about files and folders: where they are, what is large, old, double or forgotten.

        Kinds of files, names, languages, sizes, times, projects, caches and duplicates are understood. The first
        question scans the folder; each path in the answer is there.
        """
        return await paced(ctx, seconds, partial(answer, opened, question, path, limit=limit))
