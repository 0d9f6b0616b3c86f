"""What leaves on the wire: every string made harmless, every result bounded.

A lone surrogate in a result wedges the SDK's stdio writer for good, and terminal escapes or
bidirectional overrides in a tool's result are an attack on whoever reads it. All text passes here.
"""

import re
from typing import cast

from pydantic import JsonValue

__all__ = ["RESULT_LIMIT", "clean", "clean_value", "shorten", "weight", "written"]

RESULT_LIMIT = 40_000
"""Characters of one result: Gemini CLI cuts the middle out of anything longer."""

_UNSAFE = re.compile(
    "\r(?!\n)"  # a lone carriage return overwrites the line
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # C0 and C1 but tab, newline and CRLF
    "|[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"  # invisible and bidirectional controls
    "|[\ud800-\udfff]"  # lone surrogates: bytes of a name that is not UTF-8
    "|[\U000e0000-\U000e007f]"  # tag characters
)

_PLAIN = b"\t\n" + bytes(range(0x20, 0x7F))
_SHORT = 128
"""Characters below which looking at each is faster than what is done for a page of text."""


def _escape(match: re.Match[str]) -> str:
    point = ord(match.group())
    if point <= 0xFF:
        return f"\\x{point:02x}"
    if 0xDC80 <= point <= 0xDCFF:  # surrogateescape: show the byte that it stands for
        return f"\\x{point - 0xDC00:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def clean(text: str) -> str:
    """Return `text` with control, bidirectional, invisible and surrogate characters shown as escapes."""
    return text if _harmless(text) else _UNSAFE.sub(_escape, text)


def weight(text: str) -> int:
    """Return about how many characters a text takes when it is written into a result."""
    if _harmless(text):
        return len(text) + text.count("\n") + text.count('"') + text.count("\\") + 2
    return len(repr(clean(text)))


def _harmless(text: str) -> bool:
    """Tell quickly of nearly all text that nothing in it needs an escape: the expression takes 100 us for 4 KB."""
    if text.isascii():
        if len(text) < _SHORT:
            return text.isprintable() or not _UNSAFE.search(text)
        rest = text.encode("ascii").translate(None, _PLAIN)
        return not rest or (not rest.strip(b"\r") and len(rest) == text.count("\r\n"))
    return text.replace("\r\n", "").replace("\n", "").replace("\t", "").isprintable()


def clean_value(value: object) -> JsonValue:
    """Return a JSON value with every string in it, keys too, made harmless by `clean`."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): clean_value(item) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [clean_value(item) for item in cast("list[object]", value)]
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean(str(value))


def written(value: JsonValue) -> int:
    """Return how many characters a JSON value takes when it is written, or less than RESULT_LIMIT if surely less."""
    most = 2 * _length(value)  # what `clean` has left grows to twice its length at most
    return most if most < RESULT_LIMIT else len(str(value))


def _length(value: JsonValue) -> int:
    if isinstance(value, str):
        return len(value) + 4
    if isinstance(value, dict):
        return 2 + sum(len(key) + 6 + _length(item) for key, item in value.items())
    if isinstance(value, list):
        return 2 + sum(2 + _length(item) for item in value)
    return len(str(value))


def shorten(text: str, limit: int) -> str:
    """Return `text` in at most `limit` characters, the middle replaced by a note of how much is missing."""
    if len(text) <= limit:
        return text
    note = f"\n[... {len(text) - limit} characters left out ...]\n"
    room = max(0, limit - len(note))
    head = room * 2 // 3
    return text[:head] + note + text[len(text) - (room - head) :]
