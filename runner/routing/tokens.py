"""Reads a prompt for routing: its words, the ideas behind them, and the code in it kept apart from the prose."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

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
    r"|(?P<stop>[?!.]+(?=\s|$)|\n+)"
)


class Reading(NamedTuple):
    """What was read of one prompt."""

    tokens: tuple[str, ...]
    """Words in small letters, and what stands for other things: <addr>, <reg>, <op>, <code>, <label>, <file>, ..."""
    ideas: tuple[tuple[str, str], ...]
    """Each idea with the words that carry it, in the order of the prompt."""
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
    ideas = _ideas(tokens)
    firsts = _firsts(ideas, starts)
    return Reading(
        tuple(tokens),
        tuple((name, words) for _, name, words in ideas),
        tuple(starts),
        firsts,
        code,
        begins,
        questions,
        sum(token[0] not in "<?" for token in tokens),
    )


def _firsts(ideas: list[tuple[int, str, str]], starts: list[int]) -> tuple[str, ...]:
    firsts: list[str] = []
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else 1 << 30
        inside = [name for place, name, _ in ideas if start <= place < end]
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
        yield from _prose(_INLINE.sub(_operation, part))


def _operation(match: re.Match[str]) -> str:
    word = match.group(1)
    if not _MNEMONIC.fullmatch(word):
        return match.group()
    if match.group(2) or (word.isupper() and len(word) == 3):
        return " \x01 "
    return match.group()


def _prose(text: str) -> Iterator[str]:
    last = ""
    for match in re.finditer(r"\x01|" + _WORD.pattern, text):
        token = _token(match)
        if token == "<op>" and last == "<op>":
            continue
        last = token
        yield token


def _token(match: re.Match[str]) -> str:
    kind, found = match.lastgroup, match.group()
    if kind is None:
        return "<op>"
    if kind == "word":
        return _spelled(found.lower())
    if kind == "stop":
        return "\n?" if "?" in found else "\n"
    if kind in ("hex", "bank"):
        return _place(found)
    return "<reg>" if kind == "caps" and _is_register(found) else f"<{kind}>"


def _is_register(name: str) -> bool:
    return name.isupper() and not name.isdigit()


def _place(text: str) -> str:
    digits = re.sub(r"^0x", "", text.lower().lstrip("$")).replace(":", "").split("-")[0]
    if len(digits) == 4 and digits[:2] in ("21", "42", "43", "40"):
        return "<reg>"
    return "<addr>" if len(digits) >= 4 else "<hex>"


class _Concepts(NamedTuple):
    exact: Mapping[str, tuple[str, ...]]
    stems: tuple[tuple[str, str], ...]
    phrases: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
    spelling: Mapping[str, str]
    known: frozenset[str]


@cache
def _concepts() -> _Concepts:
    exact: dict[str, list[str]] = {}
    stems: list[tuple[str, str]] = []
    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for line in Path(__file__).with_name("concepts.txt").read_text(encoding="utf-8").splitlines():
        name, _, words = line.partition(": ")
        if line.startswith("#") or not words:
            continue
        for word in words.split():
            if "+" in word:
                parts = tuple(word.split("+"))
                phrases.setdefault(parts[0].rstrip("*"), []).append((parts, name))
            elif word.endswith("*"):
                stems.append((word[:-1], name))
            else:
                exact.setdefault(word, []).append(name)
    known = {*exact, *(stem for stem, _ in stems)}
    return _Concepts(
        {word: tuple(names) for word, names in exact.items()},
        tuple(stems),
        {first: tuple(sorted(rest, key=lambda item: -len(item[0]))) for first, rest in phrases.items()},
        _misspellings(known),
        frozenset(known),
    )


def _misspellings(known: set[str]) -> dict[str, str]:
    """Map what is left of a word when one letter is missing, or two change places, to the word."""
    found: dict[str, str] = {}
    for word in sorted(word for word in known if len(word) >= 5):
        for place in range(1, len(word)):
            found.setdefault(word[:place] + word[place + 1 :], word)
            found.setdefault(word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :], word)
    return {wrong: right for wrong, right in found.items() if wrong not in known and len(wrong) >= 4}


def _spelled(word: str) -> str:
    """Return a word with a slip of one missing letter, or of two that changed places, put right."""
    concepts = _concepts()
    if word in concepts.known or len(word) < 4:
        return word
    return concepts.spelling.get(word, word)


def _ideas(tokens: list[str]) -> list[tuple[int, str, str]]:
    concepts = _concepts()
    found: list[tuple[int, str, str]] = []
    for place, token in enumerate(tokens):
        for parts, name in concepts.phrases.get(token, ()):
            window = tokens[place : place + len(parts)]
            if len(window) == len(parts) and all(_same(*pair) for pair in zip(parts, window, strict=True)):
                found.append((place, name, " ".join(window)))
        found += [(place, name, token) for name in _named(token)]
    return found


def _same(part: str, token: str) -> bool:
    return token.startswith(part[:-1]) if part.endswith("*") else token == part


@lru_cache(4_096)
def _named(token: str) -> tuple[str, ...]:
    concepts = _concepts()
    if token in concepts.exact:
        return concepts.exact[token]
    return tuple(dict.fromkeys(name for stem, name in concepts.stems if token.startswith(stem)))
