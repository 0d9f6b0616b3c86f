"""One line of source as statements: its labels, its word and what follows, its comment, the address that it states."""

import re
from typing import NamedTuple

from knowledge.code_graph.dialect import DATA, DIRECTIVES
from knowledge.code_graph.operands import MNEMONICS
from knowledge.code_graph.types import Dialect, Width

__all__ = ["SourceLine", "Statement", "read_line", "stated_address"]

_CODE = re.compile(r"([A-Za-z]{3})(?:\.([bwlBWL]))?(?:[ \t]+(\S.*))?")
_NAME = r"[^\W\d]\w*"
_LABELS: dict[Dialect, re.Pattern[str]] = {
    "asar": re.compile(rf"(#?\??{_NAME}(?=:(?![:=]))|#?\??\.+\w+(?=[:\s]|$)|[-+]+(?=[:\s]|$)):?(?:\s+|$|(?<=:))"),
    "ca65": re.compile(rf"(@?{_NAME}(?=:(?![:=]))|(?=:(?:\s|$))):(?:\s+|$)?"),
    "wla": re.compile(rf"(@*{_NAME}(?=:(?!=))|[-+]+(?=[:\s]|$)|__(?=[:\s]|$)):?(?:\s+|$)?"),
    "bass": re.compile(rf"(\.?{_NAME}(?:\.\w+)*(?=:(?![:=]))|[-+]+(?=[:\s]|$)):?(?:\s+|$)?"),
}
_LABELS["listing"] = _LABELS["asar"]
_ASSIGN = re.compile(r"(!\{?\w+\}?|[A-Za-z_.@][\w.]*)[ \t]*(?:\+=|:=|#=|\?=|=)(?!=)[ \t]*(.*)")
_EQU = re.compile(r"(\w+)[ \t]+\.?equ[ \t]+(\S.*)", re.IGNORECASE)
_CALLED = re.compile(r"%(\w+)[ \t]*(?:\((.*)\))?.*")
_BRACKETED = re.compile(r"([A-Za-z_][\w.]*)\((.*)\)[ \t]*\{?")
_WORD = re.compile(r"(\.?[A-Za-z_0-9]\w*)(?:\.([bwlBWL]))?(?=\s|$|[\"'(])[ \t]*(.*)")
_PREFIX = re.compile(r"#_([0-9A-Fa-f]{6}):[ \t]*")
_LISTED = re.compile(r"\$?([0-9A-Fa-f]{2})[:/]?([0-9A-Fa-f]{4})(?:[:|][ \t]*|[ \t]+|$)")
_BYTES = re.compile(r"(?:[0-9A-Fa-f]{2}(?:[ \t]+|$)){1,4}")
_NOTED = re.compile(r"[ \t]*\$?([0-9A-Fa-f]{6})\|")
_SAID = re.compile(r"[\s*$]*([0-9A-Fa-f]{2}):?([0-9A-Fa-f]{4})(?![0-9A-Za-z_])")
_TAIL = re.compile(r"_([0-9A-Fa-f]{6})$")


class Statement(NamedTuple):
    """One statement: labels, then perhaps a word with what follows."""

    labels: tuple[str, ...]
    """As written, without the colon; an empty text is ca65's unnamed label."""
    kind: str
    """`code`, `data`, `macro`, `=` (the label is given the value), `word` (a directive), or empty."""
    word: str
    rest: str
    width: Width


class SourceLine(NamedTuple):
    """One line of a file."""

    statements: list[Statement]
    comment: str
    address: int
    """SNES address that stands before it or in its comment, -1 without one."""


def stated_address(name: str, comment: str) -> int:
    """Return the SNES address that a label's comment begins with, or that its name ends with; -1 without one."""
    match = _SAID.match(comment)
    found = int(match[1] + match[2], 16) if match else -1
    tail = _TAIL.search(name)
    if found < 0 and tail:
        found = int(tail[1], 16)
    in_rom = found & 0x8000 and found >> 16 & 0x7F < 0x7E
    return found if found >= 0 and in_rom else -1


def read_line(text: str, dialect: Dialect) -> SourceLine:
    """Return what a line says; any text has an answer."""
    comment = ""
    if dialect == "bass":
        text, _, comment = text.partition("//")
    elif ";" in text:
        text, comment = _cut(text)
    text = text.strip()
    address = -1
    if comment and (noted := _NOTED.match(comment)):
        address = int(noted[1], 16)
    if text[:1] == "#" and (prefix := _PREFIX.match(text)):
        address, text = int(prefix[1], 16), text[prefix.end() :]
    elif dialect == "listing" and (listed := _LISTED.match(text)):
        address, text = int(listed[1] + listed[2], 16), _without_bytes(text[listed.end() :])
    if not text:
        return SourceLine([], comment, address)
    parts = _parts(text, dialect)
    return SourceLine([_statement(part, dialect) for part in parts], comment, address)


def _cut(text: str) -> tuple[str, str]:
    """Return a line without its comment, and the comment; a semicolon in quotes begins none."""
    place = text.index(";")
    if '"' in text[:place] or "'" in text[:place]:
        quote = ""
        for place, letter in enumerate(text):
            if quote:
                quote = "" if letter == quote else quote
            elif letter == '"' or (letter == "'" and text[place + 2 : place + 3] == "'"):
                quote = letter
            elif letter == ";":
                break
        else:
            return text, ""
    return text[:place], text[place + 1 :]


def _without_bytes(text: str) -> str:
    """Return what follows the bytes of an instruction in a listing."""
    found = _BYTES.match(text)
    if not found:
        return text
    rest = text[found.end() :]
    if text[:2].lower() == "db" and rest[:3] not in MNEMONICS:
        return text
    return rest


def _parts(text: str, dialect: Dialect) -> list[str]:
    """Split a line into its statements: ` : ` in asar, `;` in bass; not within quotes."""
    if dialect == "bass":
        return [part for piece in _split(text, ";") if (part := piece.strip())]
    if " :" not in text and "\t:" not in text:
        return [text]
    if dialect == "ca65":
        return [text]
    return [part for piece in _split(text, ":") if (part := piece.strip())] or [text]


def _split(text: str, mark: str) -> list[str]:
    pieces, start, quoted = list[str](), 0, False
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == mark and not quoted and (mark == ";" or _alone(text, place)):
            pieces.append(text[start:place])
            start = place + 1
    return [*pieces, text[start:]]


def _alone(text: str, place: int) -> bool:
    return place > 0 and text[place - 1] in " \t" and text[place + 1 : place + 2] in ("", " ", "\t")


def _statement(text: str, dialect: Dialect) -> Statement:
    code = _code(text, ())
    if code:
        return code
    labels: list[str] = []
    label = _LABELS[dialect]
    while len(labels) < 8 and (match := label.match(text)) and match.end():
        labels.append(match[1])
        text = text[match.end() :].lstrip(" \t:") if match[1] else text[match.end() :].lstrip()
    named = tuple(labels)
    if text[2:3] in (" ", "\t") and (found := _BYTES.match(text)) and text[found.end() :][:3] in MNEMONICS:
        text = text[found.end() :]
    text = text.strip("{} \t") if dialect != "bass" and text[:1] in "{}" else text
    if not text:
        return Statement(named, "", "", "", "")
    return _code(text, named) or _other(text, named, dialect)


def _code(text: str, labels: tuple[str, ...]) -> Statement | None:
    match = _CODE.fullmatch(text)
    if not match or match[1] not in MNEMONICS:
        return None
    word, width, rest = match[1], match[2], match[3] or ""
    if rest[:1] == "=" or rest[:2] == ":=" or (word in ("rep", "REP") and rest[:1] not in ("#", "")):
        return None
    stated: Width = width.lower() if width else ""  # type: ignore[assignment]  # the pattern allows b, w and l alone
    return Statement(labels, "code", word, rest, stated)


def _other(text: str, labels: tuple[str, ...], dialect: Dialect) -> Statement:
    assigned = _ASSIGN.fullmatch(text) if "=" in text else _EQU.fullmatch(text)
    if assigned and not text.lower().startswith(("if ", "elseif ", "while ")):
        return Statement((*labels, assigned[1]), "=", "=", assigned[2].strip(), "")
    called = _CALLED.fullmatch(text)
    if called:
        return Statement(labels, "macro", called[1], called[2] or "", "")
    if dialect == "bass" and (match := _BRACKETED.fullmatch(text)):
        return Statement(labels, "macro", match[1], match[2], "")
    if text[:1] == '"':
        return Statement(labels, "data", "db", text, "")
    word = _WORD.match(text)
    if word is None:
        return Statement(labels, "word", text.split(None, 1)[0][:40], "", "")
    return _worded(word, labels, text, dialect)


def _worded(word: re.Match[str], labels: tuple[str, ...], text: str, dialect: Dialect) -> Statement:
    plain, rest = word[1].lower().lstrip("."), word[3].strip()
    dotted = dialect in ("ca65", "wla")
    if plain in DATA and (not dotted or word[1][0] == "." or plain in ("db", "dw", "dl", "dsb", "dsw")):
        return Statement(labels, "data", plain, rest, "")
    if plain in DIRECTIVES[dialect]:
        return Statement(labels, "word", plain, rest, "")
    if dialect in ("asar", "listing") or word[1][0] == ".":
        return Statement(labels, "word", plain, rest, "")
    if dialect == "wla" and not rest and not labels and text == word[1]:
        return Statement((word[1],), "", "", "", "")
    return Statement(labels, "macro", word[1], rest, "")
