"""Names of files as text that a model can read and give back.

A file's name is bytes; many are not UTF-8 or hold control characters. `escape` writes every such name as
printable text and `parse` turns that text back into the very same name: whatever is listed can be opened.
"""

import os
import re

from servers.machine.errors import ServerError
from servers.machine.wire import clean, shorten

__all__ = ["PATH_LIMIT", "bytes_of", "escape", "parse", "plain", "show"]

PATH_LIMIT = 4096
"""Longest path accepted, in bytes (PATH_MAX of Linux)."""

_LOOKS_ESCAPED = re.compile(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_BREAKS = re.compile("[\t\n\r\x80-\x9f\u2028\u2029]")
"""What `clean` leaves as it is or would write like a raw byte."""


def escape(name: bytes) -> str:
    """Return a path of bytes as one line of printable text; `parse` gives the same bytes back."""
    text = os.fsdecode(name)
    if text.isprintable() and "\\" not in text:
        return text
    text = _LOOKS_ESCAPED.sub(r"\\x5c", text)
    return clean(_BREAKS.sub(lambda found: _escape_break(found.group()), text))


def _escape_break(character: str) -> str:
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x80 else f"\\u{point:04x}"


def _unescape(found: re.Match[str]) -> bytes:
    byte, short, long = found.groups()
    if byte is not None:
        return bytes([int(byte, 16)])
    return chr(int(short or long, 16)).encode("utf-8", "surrogatepass")


def _bytes_of(path: str) -> bytes:
    out, end = bytearray(), 0
    for found in _ESCAPED.finditer(path):
        out += os.fsencode(path[end : found.start()]) + _unescape(found)
        end = found.end()
    return bytes(out + os.fsencode(path[end:]))


def show(path: str) -> str:
    """Return a caller's path quoted for an error: one line, cleaned, at most about 200 characters."""
    short = shorten(path, 200).replace("\n", " ")
    return f"'{_BREAKS.sub(' ', clean(short))}'"


def plain(name: bytes) -> bool:
    """Tell whether a name shows as what it is: a file that we make has such a name."""
    return escape(name) == os.fsdecode(name)


def bytes_of(path: str) -> bytes:
    """Return the bytes that a caller's path means, as `escape` wrote them or plainly.

    Nothing is expanded: `~`, `$HOME`, `%2e` and `*` are plain characters. Raises ServerError for a NUL, more than
    PATH_LIMIT and text that no file name can hold.
    """
    if len(path) > PATH_LIMIT:
        raise ServerError(f"the path has {len(path)} characters, more than {PATH_LIMIT}; use a shorter one")
    try:
        raw = _bytes_of(path) if "\\" in path else os.fsencode(path)
    except (UnicodeEncodeError, ValueError, OverflowError) as error:
        raise ServerError(f"{show(path)} is not text that a file name can hold; use plain characters") from error
    if b"\0" in raw:
        raise ServerError(f"{show(path)} holds a NUL, which no file name can; remove it")
    if len(raw) > PATH_LIMIT:
        raise ServerError(f"the path has {len(raw)} bytes, more than {PATH_LIMIT}; use a shorter one")
    return raw


def parse(path: str) -> tuple[bytes, ...]:
    """Return the parts of a caller's relative path, without empty parts and `.`; `..` stays for the kernel.

    Raises ServerError for an absolute path and for what `bytes_of` refuses.
    """
    raw = bytes_of(path)
    if path.startswith("/"):
        raise ServerError(f"{show(path)} is absolute; give the path relative to the root, without the leading '/'")
    return tuple(part for part in raw.split(b"/") if part not in (b"", b"."))
