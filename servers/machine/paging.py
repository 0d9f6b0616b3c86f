"""Pages: how much of a long text or a long list goes into one result, and where the next page begins."""

import codecs
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.machine.wire import clean, weight

if TYPE_CHECKING:
    from servers.machine.beneath import Root

__all__ = ["END", "PAGE_BUDGET", "Page", "TextPage", "page_of", "read_text"]

END = -1
"""The next offset of a last page."""

PAGE_BUDGET = 30_000
"""Characters of one page, as they are written on the wire; leaves room for the frame of the result."""

_ITEM = TypeVar("_ITEM")


class Page(NamedTuple, Generic[_ITEM]):
    """Some items of a list, and the offset of the item after them (END: there is none)."""

    items: tuple[_ITEM, ...]
    next_offset: int


class TextPage(NamedTuple):
    """A range of a text file. Offsets and sizes are bytes; `note` says what is not shown as it is."""

    text: str
    offset: int
    next_offset: int
    size: int
    etag: str
    note: str


def page_of(items: Sequence[_ITEM], *, offset: int, limit: int, weigh: Callable[[_ITEM], int]) -> Page[_ITEM]:
    """Return at most `limit` items from `offset` on, fewer where their characters (`weigh`) are too many.

    Raises ServerError when `offset` is behind the last item.
    """
    if offset and offset >= len(items):
        raise ServerError(f"offset {offset} is past the end: there are {len(items)} items; start at offset 0")
    end, room = offset, PAGE_BUDGET
    while end < min(len(items), offset + limit):
        room -= weigh(items[end])
        if room < 0 and end > offset:
            break
        end += 1
    return Page(tuple(items[offset:end]), end if end < len(items) else END)


def _cut(data: bytes, room: int) -> bytes:
    """Cut to `room` bytes, behind a line's end where one is near."""
    if len(data) <= room:
        return data
    line = data.rfind(b"\n", room // 2, room) + 1
    return data[: line or room]


def _decode(data: bytes, *, last: bool) -> tuple[str, int]:
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    text = decoder.decode(data, final=last)
    return text, len(data) - len(decoder.getstate()[0])


def _note(data: bytes, text: str) -> str:
    notes: list[str] = []
    if text.encode("utf-8") != data:
        notes.append("not UTF-8: odd bytes are shown as \\xNN")
    if clean(text) != text:
        notes.append("control characters are shown as \\xNN or \\uNNNN")
    return "; ".join(notes)


def read_text(root: "Root", path: str, *, offset: int, limit: int) -> TextPage:
    """Return at most `limit` bytes of a text file from byte `offset` on, cut at a line's end if one is near.

    Raises ServerError for a binary file, an offset behind the end and all that `Root.read` refuses.
    """
    chunk = root.read(path, limit=limit + 4, offset=offset)
    if b"\0" in chunk.data:
        raise ServerError(f"{show(path)} is a binary file of {chunk.size} bytes; only text is shown, read another file")
    if offset and offset >= chunk.size:
        raise ServerError(f"offset {offset} is past the end of {show(path)} ({chunk.size} bytes); start at offset 0")
    room = limit
    while True:
        data = _cut(chunk.data, room)
        text, used = _decode(data, last=offset + len(data) >= chunk.size)
        written = weight(text)
        if written <= PAGE_BUDGET or room <= 16:
            break
        room = min(room - 1, len(data) * PAGE_BUDGET // written)
    end = offset + used
    return TextPage(text, offset, end if end < chunk.size else END, chunk.size, chunk.etag, _note(data[:used], text))
