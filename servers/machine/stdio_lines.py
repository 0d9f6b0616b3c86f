"""Bytes as they come in, cut into lines, with an end to how long a line may be."""

from __future__ import annotations

__all__ = ["LINE_LIMIT", "Lines", "LongLine"]

LINE_LIMIT = 64 << 20
"""Bytes of one line; the rest of a longer one is passed over."""
_HEAD = 1 << 12


class LongLine(Exception):
    """A line had more than `limit` bytes; `head` is its beginning."""

    def __init__(self, head: str, *, limit: int = LINE_LIMIT) -> None:
        """Keep the beginning, which may tell who sent it."""
        super().__init__(f"a line of more than {limit >> 20} MiB")
        self.head = head


class Lines:
    """Lines in the order in which they came."""

    def __init__(self, *, limit: int = LINE_LIMIT) -> None:
        """Give up a line after `limit` bytes."""
        self._limit = limit
        self._held = bytearray()
        self._scanned = 0
        self._head: bytes | None = None  # of a line that is too long, while it goes on

    def feed(self, data: bytes) -> None:
        """Take what came in."""
        self._held += data

    def finish(self) -> None:
        """Take what is left for a line: the input is at its end."""
        if self._held or self._head is not None:
            self._held += b"\n"

    def next(self) -> bytes | LongLine | None:
        """Return the next line without its end; None when more must come in first."""
        end = self._held.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._held)
            if self._scanned > self._limit:
                self._shorten()
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        self._scanned = 0
        if self._head is None:
            return line
        head, self._head = self._head, None
        return LongLine(head.decode("utf-8", "replace"), limit=self._limit)

    def _shorten(self) -> None:
        if self._head is None:
            self._head = bytes(self._held[:_HEAD])
        self._held.clear()
        self._scanned = 0
