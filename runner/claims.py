"""What a text holds that tools can judge: its blocks of 65816 code, and what a prompt says of its own code.

Whether something is an instruction is told by its form alone; asar knows the instructions.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

__all__ = ["Code", "Promise", "code_in", "ending", "in_blocks", "plain", "promise_in"]

Role = Literal["", "original", "new"]

_MOST_TEXT = 200_000
_MOST_BLOCKS = 8
_MOST_CODE = 32_000
_LONGEST_LINE = 400

_FENCE = re.compile(r"\s{0,8}(```+|~~~+)[ \t]*([\w+.#-]*)")
_ASM_TAGS = frozenset(["asm", "asar", "assembly", "65816", "65c816", "6502", "asm6502", "asm65816", "snes", "ca65"])
_OPEN_TAGS = frozenset(["", "text", "txt", "plaintext", "code", "s", "nasm", "armasm", "x86asm"])
_OTHER_KIND = re.compile(r"\s*(?:file|rom|hex|bytes)\s*:", re.IGNORECASE)
_NAME = r"[A-Za-z]{3}(?:\.[bwlBWL])?"
_STRONG = (
    r"(?:#[$%!<>^(]{0,3}\w[\w.+\-]*|[$%!]\w[\w.+\-]*|\([$!\w][\w.$,+\- ]{0,40}\)|\[[$!\w][\w.$+\-]{0,40}\])"
    r"(?:, ?[xysXYS]\b)?"
)
_INSTRUCTION = re.compile(rf"{_NAME}\s+{_STRONG}")
_WEAK = re.compile(rf"{_NAME}(?:\s+(?:[aA]|[-+]{{1,3}}|\.?\w*[A-Z_.0-9]\w*(?:, ?[xysXYS])?))?")
_BRANCH = re.compile(r"(?:b[a-z]{2}|j[ms][lpr])\s+\.?\w+", re.IGNORECASE)
_DIRECTIVE = re.compile(
    r"(?:org|d[bwl]|base|fill|skip|warnpc|assert)\s+[$%!\d\"'<]|(?:push|pull)pc$|(?:lo|hi|exlo|exhi)rom$|![\w]+\s*=|\w+\s*=\s*\$"
    r"|inc(?:src|bin)\s|(?:end)?macro\b|(?:end)?namespace\b|if\s|endif$|check\s",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^(?:[-+]{1,3}|\.\w+:?|\w+:)(?:\s+|$)")
_LISTED = re.compile(
    r"\s*(?P<place>\$[0-9A-Fa-f]{4,6}|\$?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{6}|[0-9][0-9A-Fa-f]{3})\s*[:|]?\s+"
    r"(?:[0-9A-Fa-f]{2}\s+){0,4}(?=[A-Za-z]{3}\b(?!:))"
)
_MARK = re.compile(r"\s*(?:>\s?|[-*]\s(?=\s*[A-Za-z]{3}\b)|\d{1,2}[.)]\s+)?")
_SPLIT = re.compile(r"\s+/\s+|\s*:\s+|\s*;\s+|\s+\|\s+|\s+\\\s+")
_TICKED = re.compile(r"`([^`\n]{3,300})`")
_SPAN = re.compile(r"`{1,3}([^`]{1,600})`{1,3}")
_NEXT = re.compile(
    rf"\s*(\w+:|(?i:b[a-z]{{2}}|j[ms][lpr])\s+\.?\w+|{_NAME}\s+(?:{_STRONG}|[aA])|[A-Za-z]{{3}})(?=\s|$)"
)
_LAST_OF = re.compile(rf"(?:^|[\s`])({_NAME}\s+(?:{_STRONG}|[aA])|[A-Z]{{3}})$")
_FIRST_OF = re.compile(rf"({_NAME}(?:\s+(?:{_STRONG}|[aA]\b))?)(?=$|[\s.,)?!`])")
_ROLE = re.compile(
    r"\b(?:(?P<old>original(?:ly)?|before|old|yours?|given|slow|bugg?y|broken|unoptimi[sz]ed|wrong)"
    r"|(?P<new>optimi[sz]ed|after|new|fix(?:ed)?|mended|corrected|improved|faster|smaller|better|instead|result))\b",
    re.IGNORECASE,
)


class Code(NamedTuple):
    """A block of code."""

    text: str
    """One instruction a line, as asar takes it."""
    role: Role = ""
    """What the words before it say that it is."""


def code_in(text: str, *, inline: bool = False) -> tuple[Code, ...]:
    """Return the blocks of 65816 code of a text, in order: fenced ones, else two lines of code or more in a row.

    With `inline`, where there is none of these, code within a line counts too, as in prompts: `LDA #$00 / STA $10`.
    Fenced blocks of other languages are passed over. Of a hostile text the first 200,000 characters and 8 blocks count.
    """
    fenced, prose = _apart(text[:_MOST_TEXT].splitlines())
    found = fenced or list(_runs(prose)) or (list(_inline(prose)) if inline else [])
    kept = [code for code in found if len(code.text) <= _MOST_CODE and not _OTHER_KIND.match(code.text)]
    return tuple(kept[:_MOST_BLOCKS])


def in_blocks(text: str) -> str:
    """Return a text with code that it gives between backticks in its prose set as blocks, an instruction a line.

    Small models write `lda #$05 sta $12 rts`, which nobody can copy, and end a block with words on its fence. Else a
    text with a block of its own stays as it is.
    """
    fenced, _ = _apart(text[:_MOST_TEXT].splitlines())
    return _closed(text) if fenced else _SPAN.sub(_block_of, text[:_MOST_TEXT]) + text[_MOST_TEXT:]


def _closed(text: str) -> str:
    """Put what stands behind the closing fence of a block on a line of its own: else no reader sees the block end."""
    lines = text.splitlines(keepends=True)
    within = False
    for at, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark is None or (within and mark[2]):
            continue
        rest = line[mark.end() :]
        if within and rest.strip():
            lines[at] = f"{line[: mark.end()]}\n{rest}"
        within = not within
    return "".join(lines)


def _block_of(span: re.Match[str]) -> str:
    said = span[1].strip()
    tag, *rest = said.split(maxsplit=1)[:2] or [""]
    said = rest[0] if rest and tag.lower() in _ASM_TAGS else said
    lines: list[str] = []
    at = 0
    while match := _NEXT.match(said, at):
        lines.append(match[1])
        at = match.end()
    whole = not said[at:].strip() and len(lines) > 1 and any(_INSTRUCTION.fullmatch(line) for line in lines)
    return "\n```asm\n{}\n```\n".format("\n".join(lines)) if whole else span[0]


def plain(code: str) -> str:
    """Return code without comments, cases and spaces that mean nothing, to see whether two are the same."""
    lines = (" ".join(line.split(";")[0].lower().split()) for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("org "))


def ending(code: str) -> str:
    """Return the instruction in which code ends when it returns or jumps away: rts, rtl, rti, jmp, ... or nothing."""
    lines = plain(code).splitlines()
    word = _LABEL.sub("", lines[-1]).split(maxsplit=1)[0][:3] if lines and _LABEL.sub("", lines[-1]) else ""
    return word if word in ("rts", "rtl", "rti", "jmp", "jml", "bra", "brl", "stp") else ""


def _apart(lines: Sequence[str]) -> tuple[list[Code], list[str]]:
    """Part a text into its fenced code and its prose; a fence that is not closed runs to the end."""
    blocks: list[Code] = []
    prose: list[str] = []
    fence = tag = ""
    body: list[str] = []
    for line in [*lines, "```" if _open_at_end(lines) else ""]:
        mark = _FENCE.match(line)
        if fence and mark and mark[1][0] == fence and not mark[2]:
            blocks += _block(body, tag, _said_before(prose))
            fence, body = "", []
            prose.append("")
        elif fence:
            body.append(line)
        elif mark:
            fence, tag = mark[1][0], mark[2].lower()
        else:
            prose.append(line)
    return blocks, prose


def _open_at_end(lines: Sequence[str]) -> bool:
    return sum(1 for line in lines if _FENCE.match(line)) % 2 == 1


def _block(body: Sequence[str], tag: str, before: Role) -> list[Code]:
    lines = [part for line in body for part in _unlisted(line)]
    shaped = sum(1 for line in lines if _is_code(line))
    told = sum(1 for line in lines if line.strip() and not line.strip().startswith(";"))
    if not told or (tag not in _ASM_TAGS and (tag not in _OPEN_TAGS or shaped * 2 < told)):
        return []
    first = next((line for line in body if line.strip()), "")
    role = _role(first) if first.strip().startswith(";") else ""
    return [Code("\n".join(lines).strip("\n"), role or before)]


def _runs(prose: Sequence[str]) -> Iterator[Code]:
    """Yield runs of two lines or more that are code by their form."""
    run: list[str] = []
    before: list[str] = []
    for line in [*prose, "end of the text"]:
        parts = _unlisted(_MARK.sub("", line, count=1).strip("` "))
        if all(_is_code(part) for part in parts):
            run += parts
        elif line.strip() or not run:
            if run and re.fullmatch(r"\w+:", run[0]) and run[0][:-1] not in " ".join(run[1:]):
                before.append(run.pop(0))  # `Code:` is no label where nothing goes to it
            if len(run) > 1 and any(_is_instruction(part) for part in run):
                yield Code("\n".join(run), _said_before(before))
            run, before = [], [*before[-4:], line]


def _inline(prose: Sequence[str]) -> Iterator[Code]:
    """Yield code within lines: `LDA #$00 / STA $10`, and single instructions in backticks."""
    for line in prose:
        chain: list[str] = []
        for part in (item.strip("` \t.") for item in _SPLIT.split(line[:_LONGEST_LINE])):
            whole = _FIRST_OF.match(part)
            last = None if chain else _LAST_OF.search(part)
            if whole and (chain or whole.end() == len(part)):
                chain.append(whole[1])
                if whole.end() == len(part):
                    continue
            elif last:
                chain = [last[1]]
                continue
            if len(chain) > 1:
                break
            chain = []
        if len(chain) > 1 and any(_INSTRUCTION.match(part) for part in chain):
            yield Code("\n".join(chain))
        else:
            yield from (Code(item) for item in _TICKED.findall(line) if _INSTRUCTION.fullmatch(item.strip()))


def _unlisted(line: str) -> list[str]:
    """Take the address and the bytes of a listing off a line; the address becomes an `org` of its own."""
    match = _LISTED.match(line[:_LONGEST_LINE])
    if match is None:
        return [line.rstrip()[:_LONGEST_LINE]]
    return [line[match.end() :].rstrip()]


def _is_code(line: str) -> bool:
    bare = line.split(";")[0].strip()[:_LONGEST_LINE]
    if not bare:
        return line.strip().startswith(";")
    rest = _LABEL.sub("", bare, count=1)
    return not rest or all(_is_part(part.strip()) for part in re.split(r"\s:\s", rest))


def _is_part(part: str) -> bool:
    shapes = (_INSTRUCTION, _WEAK, _BRANCH)
    return any(shape.fullmatch(part) for shape in shapes) or bool(_DIRECTIVE.match(part))


def _is_instruction(line: str) -> bool:
    return bool(_INSTRUCTION.match(_LABEL.sub("", line.strip(), count=1)))


def _said_before(prose: Sequence[str]) -> Role:
    near = [line for line in prose[-4:] if line.strip()][-1:]
    return _role(near[0]) if near else ""


def _role(line: str) -> Role:
    match = _ROLE.search(line[:_LONGEST_LINE])
    return "" if match is None else ("original" if match["old"] else "new")


class Promise(NamedTuple):
    """What a prompt says of the state at entry and of what its caller uses, as `compare_code` takes it."""

    entry: str = ""
    live: str = ""
    clobbers: str = ""

    @property
    def says_exit(self) -> bool:
        """Whether anything is said of what the caller uses."""
        return bool(self.live or self.clobbers)


_THING = r"(?:registers?\s+)?(?:\b[ABXYnzvc]\b|accumulator|flags?|carry|zero flag|registers?|P\b)"
_THINGS = rf"{_THING}(?:(?:\s*[,/&+]\s*|\s+)(?:and\s+|or\s+|the\s+)*{_THING}){{0,9}}"
_DEAD = (
    re.compile(
        rf"({_THINGS})\s+(?:(?:is|are)\s+(?:not|never|no longer)\s+(?:used|needed|read|live|relied)"
        r"|(?:is|are)\s+(?:dead|free|scratch|unused|irrelevant)"
        r"|(?:may|can)\s+(?:be\s+)?(?:clobber|destroy|chang|overwrit|trash|los)|(?:don't|do not|doesn't)\s+matter)"
    ),
    re.compile(rf"(?:\b[Cc]lobbers?|\b[Dd]ead|[Dd]on't care about|do not (?:need|care about))[:=\s]+({_THINGS})"),
)
_LIVE = (
    re.compile(rf"\b[Ll]ive(?:\s+out|-out)?\s*(?:at exit)?[:=\s]+({_THINGS}|none|nothing)"),
    re.compile(rf"\b[Oo]nly\s+({_THINGS}|memory|\$[0-9A-Fa-f]+)\s+(?:is|are|matters?|counts?)"),
    re.compile(rf"({_THINGS})\s+(?:is|are)\s+(?:used|needed|read|live)\s+(?:after|later)"),
    re.compile(r"\b([Nn]othing|[Nn]o registers?)\s+(?:else\s+)?(?:is|are)\s+(?:used|needed|live)"),
)
_WIDTHS = (
    ("m", re.compile(r"\b(8|16)[- ]?bits?\s+(?:wide\s+)?(?:A\b|[Aa]ccumulator|M\b|memory)")),
    ("m", re.compile(r"\b(?:A|[Aa]ccumulator|M)\s*(?:is|are|=|:)?\s*(8|16)[- ]?bits?")),
    ("x", re.compile(r"\b(8|16)[- ]?bits?\s+(?:wide\s+)?(?:X\b|Y\b|index)")),
    ("x", re.compile(r"\b(?:X|Y|index(?:\s+registers?)?)\s*(?:is|are|=|:)?\s*(8|16)[- ]?bits?")),
    ("m", re.compile(r"\bA(?:,| and| or|/|\s+|[XY])+(?:is|are)\s*(8|16)[- ]?bits?")),
    ("m", re.compile(r"\bm(8|16)\b")),
    ("x", re.compile(r"\bx(8|16)\b")),
)
_IS = r"(?:\s+register)?\s*(?:=|is(?:\s+at)?)\s*"
_PAGES = (
    ("d", re.compile(rf"\b(?:[dD]|(?i:direct page)){_IS}(\$[0-9A-Fa-f]{{1,4}})\b")),
    ("db", re.compile(rf"\b(?:db|DBR?|(?i:data bank)){_IS}(\$[0-9A-Fa-f]{{2}})\b")),
)
_LETTER = re.compile(r"\b([ABXYnzvc])\b")


def promise_in(prompt: str) -> Promise:
    """Read what a prompt says of widths at entry, and of registers and flags that its caller uses or does not."""
    text = prompt[:_MOST_TEXT]
    entry: dict[str, str] = {}
    for name, pattern in _WIDTHS:
        match = pattern.search(text)
        if match:
            entry.setdefault(name, f"{name}{match[1]}")
    pages = [f"{name}={match[1]}" for name, pattern in _PAGES if (match := pattern.search(text))]
    dead = [match[1] for pattern in _DEAD for match in pattern.finditer(text)]
    live = [match[1] for pattern in _LIVE for match in pattern.finditer(text)]
    if live and not dead:
        return Promise(" ".join([*entry.values(), *pages]), live=" ".join(_names(" ".join(live))) or "none")
    return Promise(" ".join([*entry.values(), *pages]), clobbers=" ".join(_names(" ".join(dead))))


def _names(words: str) -> list[str]:
    """Return the registers and flags that the words name; a register's own flags are not among them."""
    found = dict.fromkeys(_LETTER.findall(words))
    low = words.lower()
    if "accumulator" in low:
        found["A"] = None
    if re.search(r"\bflags\b|\bP\b", words):
        found |= dict.fromkeys("nzvc")
    if "carry" in low:
        found["c"] = None
    if re.search(r"\bregisters\b", low) and not found:
        found |= dict.fromkeys("ABXY")
    return list(found)
