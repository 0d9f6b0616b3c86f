"""Reads a prompt for routing: its words, the ideas behind them, and the code in it kept apart from the prose."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from runner.routing.ideas import Idea, carries_idea, find_ideas, spelled

__all__ = ["Reading", "read_prompt"]

HEAD, TAIL = 1_000, 500
"""Characters of prose at its beginning and its end that are read: a request stands at one of the two."""
LONGEST = 9_000
"""Characters of a prompt that are looked at: the beginning, and half as many of the end."""

_MNEMONIC = re.compile(
    r"adc|and|asl|bcc|bcs|beq|bit|bmi|bne|bpl|bra|brk|brl|bvc|bvs|cl[cdiv]|cmp|cop|cp[xy]|de[cxy]|eor|in[cxy]|j[ms][lpr]|"
    r"ld[axy]|lsr|mv[np]|nop|ora|pe[air]|ph[abdkpxy]|pl[abdpxy]|rep|ro[lr]|rt[ils]|sbc|se[cdip]|st[apxyz]|ta[xy]|tc[ds]|"
    r"tdc|trb|tsb|ts[cx]|tx[asy]|ty[ax]|wai|wdm|xba|xce",
    re.IGNORECASE,
)
_ENGLISH = frozenset(["and", "bit", "cop", "dec", "inc", "per", "rep", "sec", "sed"])
"""Mnemonics that are words, or cut-off words, too: they need an operand that only code has."""
_FENCE = re.compile(r"```[^\n`]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_COMMENT = re.compile(r";.*")
_DIRECTIVE = re.compile(
    r"(?:org\s+\$|d[bwl]\s+[$%\d\"']|inc(?:src|bin)\s|pushpc|pullpc|lorom$|hirom$|macro\s+\w+\(|endmacro)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?:[-+]+|\.\w+:?|\w+:)(?:\s+|$)")
_SEPARATOR = re.compile(r"\s+[:/]\s+|\s+:\s*$")
_INSTRUCTION = re.compile(r"([A-Za-z]{3})(?:\.[bwlBWL])?(?:\s+(\S+(?:,\s?[xysXYS]\)?)?))?")
_SYMBOLIC = re.compile(r"[#!$%(\[+\-.]|[aA]$|\w+_\w|\w+,[xysXYS]$|\d+$|[A-Z]")
_INLINE = re.compile(r"\b([A-Za-z]{3})(?:\.[bwlBWL])?(?:\s+(#?[!$%(\[][^\s:/;?]*)|(?=\s*[:/?;,.)]|\s*$|\s))")
_WORD = re.compile(
    r"(?P<file>(?:[\w~.-]*/[\w./-]+|\b[\w-]+\.(?:asm|s|md|txt|py|json|toml|sfc|smc|inc|bin|sym|cfg|log|c|h|patch|yaml|csv)\b))"
    r"|(?P<imm>#[$%]?[0-9A-Fa-f]+\b)"
    r"|(?P<bank>\$?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{4}\b)"
    r"|(?P<hex>(?:\$|0x)[0-9A-Fa-f]{1,6}(?:-\$?[0-9A-Fa-f]{2,6})?\b)"
    r"|(?P<label>\b[A-Za-z]\w*_\w+|\b[A-Z][a-z]+(?:[A-Z][a-z]*|[0-9]+)+\b|(?<!\w)\.[a-z_]\w+)"
    r"|(?P<caps>\b[A-Z][A-Z0-9]{4,}\b)"
    r"|(?P<num>\b\d[\d.,]*(?:kb|k|mb|px|hz)?\b)"
    r"|(?P<word>[A-Za-z]+(?:[';][A-Za-z]+)*)"
    r"|(?P<stop>[?!.]+(?=[\s)]|$)|\n+)"
    r"|(?P<mark>[,:;()](?=\s|$)|\s[-\u2013(](?=\s|\w)|\s/\s)"
)
_PIECE = re.compile(r"[\x01\x02]|" + _WORD.pattern)
_QUOTE = re.compile(r"\"[^\"\n]*\s[^\"\n]*\"|(?<!\w)'[^'\n]*\s[^'\n]*'(?!\w)|`[^`\n]*\s[^`\n]*`")
"""Words that somebody quotes: an error message, a text to save. They are not the request."""


class Reading(NamedTuple):
    """What was read of one prompt."""

    tokens: tuple[str, ...]
    """Words in small letters, and what stands for other things: <addr>, <reg>, <op>, <code>, <label>, <file>, ..."""
    ideas: tuple[Idea, ...]
    """The ideas in the order of the prompt."""
    starts: tuple[int, ...]
    """Positions in `tokens` at which a sentence begins."""
    idea_starts: tuple[str, ...]
    """For each sentence that has one, its first idea."""
    code_lines: int
    """Lines of code."""
    code_first: bool
    """The prompt begins with code."""
    questions: int
    """Sentences that end with a question mark."""
    prose: int
    """Words of prose."""


def read_prompt(prompt: str) -> Reading:
    """Read `prompt`. Bounded: a prompt of any size costs a few milliseconds."""
    text, code = _without_code(prompt)
    begins = prompt.lstrip()[:3] == "```" or (code > 0 and text.lstrip().startswith("\x00"))
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    tokens: list[str] = []
    starts: list[int] = []
    questions, fresh = 0, True
    for token in _tokens(text):
        if token.startswith("\n"):
            questions += "?" in token
            fresh = True
            if "?" in token:
                tokens.append("?")
            continue
        if fresh:
            starts.append(len(tokens))
            fresh = False
        tokens.append(token)
    ideas = find_ideas(tokens, starts)
    return Reading(
        tuple(tokens),
        ideas,
        tuple(starts),
        _firsts(ideas, starts),
        code,
        begins,
        questions,
        sum(token[0] not in "<?,:" for token in tokens),
    )


def _firsts(ideas: tuple[Idea, ...], starts: list[int]) -> tuple[str, ...]:
    firsts: list[str] = []
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else 1 << 30
        inside = [idea.name for idea in ideas if start <= idea.place < end]
        firsts += inside[:1]
    return tuple(firsts)


def _without_code(prompt: str) -> tuple[str, int]:
    """Return the prose with one mark where code was, and how many lines of code there were."""
    count = 0

    def fenced(match: re.Match[str]) -> str:
        nonlocal count
        count += max(1, match.group(1).strip().count("\n") + 1)
        return "\n\x00\n"

    text = _FENCE.sub(fenced, _bounded(prompt).replace("\u2019", "'"))
    kept: list[str] = []
    for line in text.split("\n"):
        if _is_code(line):
            count += 1
            if not kept or kept[-1] != "\x00":
                kept.append("\x00")
        else:
            kept.append(line)
    return "\n".join(kept), count


def _bounded(prompt: str) -> str:
    return prompt if len(prompt) <= LONGEST else f"{prompt[: LONGEST * 2 // 3]}\n{prompt[-LONGEST // 3 :]}"


def _is_code(line: str) -> bool:
    text = _COMMENT.sub("", line[:400]).strip()
    if not text:
        return line.lstrip().startswith(";")
    if _DIRECTIVE.match(text):
        return True
    label = _LABEL.match(text)
    rest = text[label.end() :].strip() if label else text
    return all(_is_instruction(part.strip()) for part in _SEPARATOR.split(rest) if part.strip())


def _is_instruction(text: str) -> bool:
    found = _INSTRUCTION.fullmatch(text)
    if not found or not _MNEMONIC.fullmatch(found.group(1)):
        return False
    operand = found.group(2) or ""
    if not operand:
        return found.group(1).lower() not in _ENGLISH
    return bool(_SYMBOLIC.match(operand)) or found.group(1).lower() not in _ENGLISH


def _tokens(text: str) -> Iterator[str]:
    for part in re.split(r"(\x00)", text):
        if part == "\x00":
            yield "<code>"
            continue
        yield from _prose(_INLINE.sub(_operation, _QUOTE.sub(" \x02 ", part)))


def _operation(match: re.Match[str]) -> str:
    word = match.group(1)
    if not _MNEMONIC.fullmatch(word):
        return match.group()
    if match.group(2) or (word.isupper() and len(word) == 3):
        return " \x01 "
    return match.group()


def _prose(text: str) -> Iterator[str]:
    last = ""
    for match in _PIECE.finditer(text):
        token = _token(match)
        if token == "<op>" and last == "<op>":
            continue
        last = token
        yield token


def _token(match: re.Match[str]) -> str:
    kind, found = match.lastgroup, match.group()
    if kind is None:
        return "<op>" if found == "\x01" else "<quote>"
    if kind == "word":
        return spelled(found.lower())
    if kind == "stop":
        return "\n?" if "?" in found else "\n"
    if kind == "mark":
        return ":" if found == ":" else ","
    if kind in ("hex", "bank"):
        return _place(found)
    if kind == "caps":
        return found.lower() if carries_idea(found.lower()) else "<reg>"
    return f"<{kind}>"


def _place(text: str) -> str:
    digits = re.sub(r"^0x", "", text.lower().lstrip("$")).replace(":", "").split("-")[0]
    if len(digits) == 4 and digits[:2] in ("21", "42", "43", "40"):
        return "<reg>"
    return "<addr>" if len(digits) >= 4 else "<hex>"
