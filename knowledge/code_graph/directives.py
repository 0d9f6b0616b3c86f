"""What the directives do that matter to a reader: places, includes, macros, conditions, namespaces, definitions."""

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from knowledge.code_graph import dialect as dialects
from knowledge.code_graph.dialect import directive
from knowledge.code_graph.expressions import literal
from knowledge.code_graph.parsed import FIXED, LOST
from knowledge.code_graph.types import Dialect, Line

if TYPE_CHECKING:
    from knowledge.code_graph.reader import Reader

__all__ = ["DIRECTIVES", "IN_MACROS", "brace", "in_another_language"]

_NAME = re.compile(r"[\w.]+")
_MACRO = re.compile(r"(\w[\w.]*)\s*(?:\((.*?)\)|(.*?))\s*\{?\s*$")
_ADDRESS = re.compile(r"(?:\$|0x)?([0-9A-Fa-f]{2}):?([0-9A-Fa-f]{4})|\$([0-9A-Fa-f]{1,4})")


@cache
def in_another_language(dialect: Dialect) -> frozenset[str]:
    """Return the directives of a dialect by the one name for each."""
    return frozenset(directive(word) for word in dialects.DIRECTIVES[dialect])


def _org(reader: "Reader", rest: str) -> None:
    reader.close()
    match = _ADDRESS.match(rest.strip())
    plain = re.match(r"[^\s,]+", rest.strip())
    whole = match is not None and plain is not None and match.end() == plain.end()
    if match and whole and reader.parsed.dialect != "wla":
        reader.anchor(FIXED, int(match[1] + match[2], 16) if match[1] else int(match[3], 16))
    else:
        reader.anchor(LOST)


def _rebase(reader: "Reader", rest: str) -> None:
    if reader.parsed.dialect == "bass" or rest.strip().lower() != "off":
        _org(reader, rest)
    else:
        _free(reader, rest)


def _free(reader: "Reader", rest: str) -> None:
    reader.close()
    reader.anchor(LOST)


def _lose(reader: "Reader", rest: str) -> None:
    reader.anchor(LOST)


def _skip(reader: "Reader", rest: str) -> None:
    number = literal(rest)
    size = number.value if number and number.value < 1 << 20 else -1
    if reader.struct:
        reader.member += max(size, 0)
    else:
        reader.advance(size)


def _push(reader: "Reader", rest: str) -> None:
    if len(reader.returns) < 64:
        reader.returns.append(reader.place())


def _pull(reader: "Reader", rest: str) -> None:
    reader.close()
    if reader.returns:
        reader.move(reader.returns.pop())
    else:
        reader.problem("pullpc without a pushpc")
        reader.anchor(LOST)


def _include(reader: "Reader", rest: str) -> None:
    reader.include(rest, binary=False)


def _incbin(reader: "Reader", rest: str) -> None:
    reader.include(rest, binary=True)
    reader.anchor(LOST)


def _macro(reader: "Reader", rest: str) -> None:
    match = _MACRO.match(rest)
    if match is None:
        reader.problem("a macro without a name")
        return
    above = reader.take_above()
    reader.close()
    reader.returns.append(reader.place())
    name = "%" + match[1]
    body = reader.open(name)
    words = [word for word in _NAME.findall(match[2] or match[3] or "") if word.upper() != "ARGS"]
    parameters = ",".join(words)
    body.macro, body.text = True, f"{parameters}; {above}" if above else parameters
    reader.scopes.parameters = frozenset(words)
    reader.macro = name
    if reader.parsed.dialect == "bass":
        reader.braces.append("macro")


def _endmacro(reader: "Reader", rest: str) -> None:
    if not reader.macro:
        reader.problem("the end of a macro that has not begun")
        return
    reader.close(last=reader.number)
    reader.macro, reader.scopes.parameters = "", frozenset()
    if reader.returns:
        reader.move(reader.returns.pop())


def _condition(word: str, change: int) -> Callable[["Reader", str], None]:
    def read(reader: "Reader", rest: str) -> None:
        if change < 0 and not reader.depth:
            reader.problem(f"{word} without an if")
            return
        reader.depth = max(0, reader.depth + min(change, 0))
        if reader.body:
            outer = reader.depth - (change == 0 and reader.depth > 0)
            reader.body.add(Line(reader.number, "condition", word, rest[:200], depth=outer))
        reader.depth = min(reader.depth + max(change, 0), 64)
        reader.anchor(LOST)

    return read


def _namespace(reader: "Reader", rest: str) -> None:
    match = _NAME.match(rest.strip())
    if match is None or match[0].lower() == "off":
        reader.scopes.spaces.clear()
    elif match[0] != "nested":
        if reader.parsed.dialect != "bass":
            reader.scopes.spaces.clear()
        else:
            reader.braces.append("scope")
        reader.scopes.enter(match[0])


def _scope(reader: "Reader", rest: str) -> None:
    match = _NAME.match(rest.strip())
    reader.scopes.enter(match[0] if match else "scope")
    if reader.parsed.dialect == "bass":
        reader.braces.append("scope")


def _endscope(reader: "Reader", rest: str) -> None:
    reader.scopes.leave()


def _proc(reader: "Reader", rest: str) -> None:
    match = _NAME.match(rest.strip())
    name = match[0] if match else f"proc{reader.number}"
    reader.scopes.procedure = ""
    text = reader.take_above()
    body = reader.open(reader.scopes.define(name))
    reader.scopes.enter(name)
    reader.scopes.procedure = body.symbol
    body.text, body.scope = text, reader.scopes.prefix


def _endproc(reader: "Reader", rest: str) -> None:
    reader.scopes.leave()
    reader.scopes.procedure = ""
    reader.close(last=reader.number)


def _struct(reader: "Reader", rest: str) -> None:
    reader.close()
    words = rest.split()
    reader.struct = words[0][:100] if words else "struct"
    number = literal(words[1]) if len(words) > 1 else None
    if number:
        reader.define(reader.struct, words[1])
    reader.member = number.value if number else 0
    reader.members = reader.parsed.dialect in ("ca65", "wla")


def _endstruct(reader: "Reader", rest: str) -> None:
    reader.struct, reader.members = "", False


def _enum(reader: "Reader", rest: str) -> None:
    reader.close()
    number = literal(rest.split()[0]) if rest.split() else None
    reader.member, reader.members = number.value if number else -1, True


def _ramsection(reader: "Reader", rest: str) -> None:
    _free(reader, rest)
    reader.member, reader.members = -1, True


def _define(reader: "Reader", rest: str) -> None:
    text = rest.replace("(", " ", 1).removesuffix(")") if reader.parsed.dialect == "bass" else rest
    name, _, value = text.strip().partition(" ")
    name, comma, after = name.partition(",")
    if name:
        reader.define(name.strip("\"'"), (after + value if comma else value.removeprefix(",")).strip(" ="))


def brace(reader: "Reader", text: str) -> None:
    """Follow bass's braces: `}` closes a macro or scope, `{` opens what is none of both."""
    if text[:1] == "}" and reader.braces:
        closed = reader.braces.pop()
        if closed == "macro":
            _endmacro(reader, "")
        elif closed == "scope":
            reader.scopes.leave()
    if text[-1:] == "{" and len(reader.braces) < 64:
        reader.braces.append("")


def _arch(reader: "Reader", rest: str) -> None:
    plain = rest.lower()
    reader.foreign = not ("65816" in plain or "snes.cpu" in plain)


def _foreign(reader: "Reader", rest: str) -> None:
    reader.foreign = True
    reader.anchor(LOST)


def _home(reader: "Reader", rest: str) -> None:
    reader.foreign = False


_OPENING = "if ifdef ifndef ifblank ifnblank ifp816 ifref ifconst ifnref ifgr ifle while for"
_CLOSING = "endif endwhile endfor"
DIRECTIVES: dict[str, Callable[["Reader", str], None]] = {
    "org": _org, "base": _rebase, "freecode": _free, "freedata": _free, "freespace": _free, "segment": _free,
    "section": _free, "bank": _free, "code": _free, "data": _free, "bss": _free, "zeropage": _free, "rodata": _free,
    "ramsection": _ramsection, "enum": _enum, "endenum": _endstruct, "endsection": _endstruct, "endst": _endstruct,
    "slot": _lose, "pad": _lose, "align": _lose, "fill": _lose, "origin": _lose, "skip": _skip,
    "pushpc": _push, "pullpc": _pull, "include": _include, "incbin": _incbin, "macro": _macro,
    "endmacro": _endmacro, "namespace": _namespace, "scope": _scope, "endscope": _endscope, "proc": _proc,
    "endproc": _endproc, "struct": _struct, "endstruct": _endstruct, "define": _define, "arch": _arch,
    "spcblock": _foreign, "endspcblock": _home, "rep": _lose, "repeat": _lose, "rept": _lose,
    **{word: _condition(word, 1) for word in _OPENING.split()},
    **{word: _condition(word, 0) for word in ("else", "elseif")},
    **{word: _condition(word, -1) for word in _CLOSING.split()},
}  # fmt: skip
"""Directives that change what is read, by the one name for each."""
IN_MACROS = frozenset((*_OPENING.split(), *_CLOSING.split(), "else", "elseif", "endmacro"))
"""Those that count within a macro too; the others wait until it is called."""
