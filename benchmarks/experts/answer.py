"""The parts of an answer: its words, and the code that its reader would take.

This reading is the grader's own: it shares nothing with the checks that it holds to account.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from knowledge.m65816.opcodes import OPCODES

__all__ = ["Answer", "read_answer"]

_FENCED = re.compile(r"^[ \t]*```[ \t]*([\w+.#-]*)[^\n]*\n(.*?)(?:^[ \t]*```+|\Z)", re.MULTILINE | re.DOTALL)
_VERDICT = re.compile(r"\n\nVerdict: (?:proved|tested|refuted|unchecked)\b.*\Z", re.DOTALL)
_QUOTED = re.compile(r"(?:```asm\n(?:(?!```).)*\n```\s+)?assembled OK with asar .*\Z", re.DOTALL)
_LABEL = re.compile(r"^(?:[.\w]+:|[-+]{1,3}(?=\s|$))\s*")
_OPERAND = re.compile(r"(?:[^\s,]+(?:, ?[^\s,]+)?)?")
_RETURN = re.compile(r"\b(?:rts|rtl|rti)\b", re.IGNORECASE)
_OTHER = frozenset(["json", "python", "c", "cpp", "bash", "sh", "markdown"])
_MNEMONICS = frozenset(opcode.mnemonic.lower() for opcode in OPCODES)
_COMMANDS = frozenset(["org", "db", "dw", "dl", "lorom", "hirom"])
_MOST = 100_000


class Answer(NamedTuple):
    """An answer without the runner's verdict."""

    words: str
    """All but its code."""
    code: str
    """The routine; empty when there is none."""


def read_answer(text: str, *, original: str = "") -> Answer:
    """Part an answer into words and code.

    What the runner quotes below the answer of what asar took counts only where the answer has no code of its own. Of
    several blocks the last one counts that is not `original`, of those that return where any does. A fence
    ends a block whatever stands behind it. Without fences, lines of instructions are the code. Of a long answer the
    first 100,000 characters count.
    """
    kept = _VERDICT.sub("", text[:_MOST])
    answer = _parted(_QUOTED.sub("", kept), original)
    return answer if answer.code else _parted(kept, original)


def _parted(text: str, original: str) -> Answer:
    fenced = [match[2].strip("\n") for match in _FENCED.finditer(text) if match[1].lower() not in _OTHER]
    words = _FENCED.sub("\n", text)
    blocks = [block for block in fenced if any(_is_code(line) for line in block.splitlines())]
    if not blocks:
        blocks = list(_bare(words.splitlines()))
        words = "\n".join(line for line in words.splitlines() if not _is_code(line))
    own = [block for block in blocks if _plain(block) != _plain(original)] or blocks
    returning = [block for block in own if _RETURN.search(block)] or own
    return Answer(words.strip(), returning[-1] if returning else "")


def _bare(lines: list[str]) -> Iterator[str]:
    run: list[str] = []
    for line in [*lines, "the end."]:
        bare = line.strip()
        if _is_code(line) or (run and bare and not _LABEL.sub("", bare)):
            run.append(line)
        elif run and bare:
            yield "\n".join(run)
            run = []


def _is_code(line: str) -> bool:
    words = _LABEL.sub("", line.split(";")[0].strip().strip("`")).split(maxsplit=1)
    if not words:
        return False
    word, operand = words[0].lower(), words[1] if len(words) > 1 else ""
    return word in _COMMANDS or (word.split(".")[0] in _MNEMONICS and _OPERAND.fullmatch(operand) is not None)


def _plain(code: str) -> str:
    lines = (" ".join(line.split(";")[0].lower().split()) for line in code.splitlines())
    return "\n".join(line for line in lines if line)
