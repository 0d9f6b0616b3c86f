"""Text cut into passages for full text search: each with its lines, its headings, and the parts of its names.

A passage is some paragraphs under one heading, about 1,000 characters. What `unicode61` does not find by itself
is added beside the text: the parts of names (`PlayerMainLoop`), banks and addresses (`$7E:F36D`), and single
characters of scripts that are written without spaces.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["UNSPACED", "Passage", "humps", "joined_addresses", "name_words", "parts_of", "passages", "prefixed_numbers"]

_LONGEST = 1_500
"""Characters of a passage at most."""
_ENOUGH = 700
"""Characters after which a blank line ends a passage."""
_LONGEST_TITLE = 300
_LONGEST_NAME = 80
"""A longer word is no name of anything."""
_PROSE = (".md", ".markdown", ".txt", ".rst", ".adoc", ".org")

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.{0,200})")
_TITLE = re.compile(r"title[ \t]*[=:][ \t]*(.{1,200})", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])")
_HEX = re.compile(r"[0-9A-Fa-f]*[0-9][0-9A-Fa-f]*")
_PREFIXED = re.compile(r"\b0[xX]([0-9A-Fa-f]{4,8})\b")
_BANKED = re.compile(r"\b([0-9A-Fa-f]{2})[:/]([0-9A-Fa-f]{4})\b")

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
"""A run of characters of a script without spaces between words (Chinese, Japanese, Korean, Thai, ...)."""


class Passage(NamedTuple):
    """Some lines of a text: numbers from 1, both included; `title` is the chain of headings above them."""

    first: int
    last: int
    title: str
    text: str


class _Cutter:
    """Lines gathered to passages."""

    def __init__(self) -> None:
        self.done: list[Passage] = []
        self.headings: list[str] = []
        self._lines: list[str] = []
        self._size = 0
        self._first = 1
        self._bare = True  # only headings so far
        self._title = ""

    def flush(self, number: int) -> None:
        """End the passage before line `number`."""
        while self._lines and not self._lines[-1].strip():
            self._lines.pop()
        if self._lines:
            last = self._first + len(self._lines) - 1
            self.done.append(Passage(self._first, last, self._title, "\n".join(self._lines)))
        self._lines, self._size, self._first, self._bare = [], 0, number, True
        self._title = " > ".join(filter(None, self.headings))[:_LONGEST_TITLE]

    def head(self, number: int, level: int, text: str) -> None:
        """Begin a passage under a heading."""
        if not self._bare:
            self.flush(number)
        self.headings[level:] = [""] * (level - len(self.headings))
        self.headings.append(text)
        self._title = " > ".join(filter(None, self.headings))[:_LONGEST_TITLE]

    def add(self, number: int, line: str, *, heading: bool) -> None:
        """Add a line; a line that is too long becomes passages of its own."""
        if len(line) > _LONGEST:
            self.flush(number)
            for start in range(0, len(line), _LONGEST):
                self._lines = [line[start : start + _LONGEST]]
                self.flush(number + 1)
                self._first = number
            self._first = number + 1
            return
        if self._size + len(line) > _LONGEST or (not line.strip() and self._size > _ENOUGH):
            self.flush(number)
        if not self._lines and not line.strip():
            self._first = number + 1
            return
        self._lines.append(line)
        self._size += len(line) + 1
        self._bare = self._bare and heading


def _front_title(lines: list[str]) -> str:
    """Return the title in the front matter (`+++` or `---`) of a text, empty where there is none."""
    if not lines or lines[0].strip() not in ("+++", "---"):
        return ""
    for line in lines[1:40]:
        if line.strip() in ("+++", "---"):
            break
        found = _TITLE.match(line)
        if found:
            return found.group(1).strip().strip("\"'")
    return ""


def passages(text: str, *, name: str) -> tuple[Passage, ...]:
    """Cut a text into passages; Markdown's headings are looked for by the file's name. Any text is cut."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    leaf = name.rpartition("/")[2].lower()
    prose = leaf.endswith(_PROSE) or "." not in leaf
    cutter = _Cutter()
    title = _front_title(lines) if prose else ""
    if title:
        cutter.head(1, 0, title)
    fenced = False
    for number, line in enumerate(lines, start=1):
        if prose and line.lstrip()[:3] in ("```", "~~~"):
            fenced = not fenced
        found = _HEADING.match(line) if prose and not fenced and line[:1] == "#" else None
        if found:
            cutter.head(number, len(found.group(1)), found.group(2).rstrip("# \t"))
        cutter.add(number, line, heading=found is not None)
    cutter.flush(len(lines) + 1)
    return tuple(cutter.done)


def humps(word: str) -> tuple[str, ...]:
    """Return the parts of a name in camel case, none where it has one part; hexadecimal numbers have none."""
    if len(word) > _LONGEST_NAME or word.islower() or word.isdigit() or _HEX.fullmatch(word):
        return ()
    parts = _HUMP.split(word)
    return tuple(parts) if len(parts) > 1 else ()


def joined_addresses(text: str) -> Iterator[str]:
    """Give each banked address of a text (`7E:F36D`) as one number (`7EF36D`)."""
    for found in _BANKED.finditer(text):
        yield found.group(1) + found.group(2)


def prefixed_numbers(text: str) -> Iterator[str]:
    """Give each number that is written like `0x7EF36D` without the `0x`; short ones are only what they are."""
    for found in _PREFIXED.finditer(text):
        yield found.group(1)


def parts_of(text: str) -> str:
    """Return what else a text shall be found by: parts of names, addresses joined and cut, unspaced characters."""
    found: list[str] = []
    for word in dict.fromkeys(_WORD.findall(text)):
        word = word[2:] if _PREFIXED.fullmatch(word) else word
        if len(word) == 6 and _HEX.fullmatch(word):
            found.append(word[2:])
        else:
            found += humps(word)
    found += joined_addresses(text)
    found += prefixed_numbers(text)
    if not text.isascii():
        for run in UNSPACED.findall(text):
            found += run
    return " ".join(found)


def name_words(path: str) -> str:
    """Return the words of a path for the search by name: the file's name, its parts, then its folders."""
    folders, _, leaf = path.rpartition("/")
    return " ".join(filter(None, (leaf, parts_of(leaf), folders.replace("/", " "))))[: 4 * _LONGEST]
