"""What a macro names where it is called: its arguments put in for its parameters, as far as text alone can say."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from knowledge.code_graph.operands import MNEMONICS, read_operand
from knowledge.code_graph.parsed import Use, unpack
from knowledge.code_graph.types import Dialect, Line
from knowledge.code_graph.uses import data_uses, uses_of

__all__ = ["Macro", "expand", "read_macro"]

_DEEPEST = 6
_MOST = 400
"""Uses of one call that are kept."""
_LONGEST = 400


class Macro(NamedTuple):
    """A macro as it is defined."""

    name: str
    parameters: tuple[str, ...]
    lines: tuple[Line, ...]
    pattern: re.Pattern[str] | None
    """Finds a parameter in its text; None without parameters."""


def read_macro(name: str, parameters: str, lines: str, dialect: Dialect) -> Macro:
    """Return a macro from its parameters (`a,b`) and its packed lines."""
    names = tuple(part for part in parameters.partition(";")[0].split(",") if part)[:16]
    found = tuple(map(unpack, lines.split("\n"))) if lines else ()
    either = "|".join(map(re.escape, names))
    forms = [rf"<:?({either})>", rf"\{{({either})\}}", rf"\\({either}|\d+)"]
    if dialect in ("ca65", "wla"):
        forms.append(rf"(?<![\w@.$])({either})(?!\w)")
    return Macro(name, names, found, re.compile("|".join(forms)) if names else None)


def expand(macros: Mapping[str, Macro], call: Use) -> Iterator[Use]:
    """Give what a call of a macro names, at the line of the call; nothing for one that is not known."""
    room = _MOST
    for use in _expand(macros, call, 0):
        yield use
        room -= 1
        if not room:
            return


def _expand(macros: Mapping[str, Macro], call: Use, depth: int) -> Iterator[Use]:
    macro = macros.get(call.text)
    if macro is None or depth >= _DEEPEST:
        return
    arguments = call.arguments.split(",")
    for line in macro.lines:
        text = _filled(macro, line.operand, arguments)
        for use in _line(line, text):
            if use.kind == "macro":
                yield from _expand(macros, use._replace(line=call.line), depth + 1)
            yield use._replace(owner=call.owner, scope=call.scope, line=call.line)


def _filled(macro: Macro, text: str, arguments: list[str]) -> str:
    """Return a text of a macro with the arguments of a call in it."""
    if macro.pattern is None:
        return text

    def argument(match: re.Match[str]) -> str:
        name = next(group for group in match.groups() if group is not None)
        place = int(name) - 1 if name.isdigit() else macro.parameters.index(name)
        return arguments[place].strip() if 0 <= place < len(arguments) else ""

    return macro.pattern.sub(argument, text)[:_LONGEST]


def _line(line: Line, text: str) -> Iterator[Use]:
    if line.kind == "code" and line.word in MNEMONICS:
        operand = read_operand("JML" if line.word == "JMP" and line.width == "l" else line.word, text, line.width)
        if operand.expression and operand.expression[0] not in "+-:.?@":
            yield from uses_of(operand, operand.expression, line.number, here=-1)
    elif line.kind == "data":
        yield from data_uses(text, lambda piece: piece, line.number)
    elif line.kind == "macro":
        yield Use(0, "macro", "", "%" + line.word, line.number, arguments=text)
