"""Whether an answer rests on what the tools returned: the facts that it names must occur in a result of the run.

A fact is what a reader would copy: an address, a hexadecimal value, a run of bytes, a symbol or register name.
This is a test of provenance, not of truth: the tools answer for that.
"""

import re
from collections.abc import Sequence

from runner.claims import code_in, in_blocks
from schemas.run import CallRecord

__all__ = ["facts_in", "is_good", "is_grounded", "unsupported", "without_code"]

_ADDRESS = re.compile(r"(?:\$|0x)([0-9A-Fa-f]{2,6})\b")
_BANKED = re.compile(r"\$?\b([0-9A-Fa-f]{2}):([0-9A-Fa-f]{4})\b")
_BYTES = re.compile(r"\b[0-9A-Fa-f]{2}(?: [0-9A-Fa-f]{2})+\b")
_SYMBOL = re.compile(r"\b(?:[A-Z][A-Z0-9]{3,}|[A-Za-z]+_[A-Za-z0-9_]+|(?:[A-Z][a-z0-9]+){2,})\b")
_WORD = re.compile(r"[a-z0-9]{4,}")
_BLOCK = re.compile(r"^[ \t]{0,8}(```|~~~)[^\n]*\n(.*?)(?:^[ \t]{0,8}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r";([^\n]*)")
_MOST_BLOCKS = 8
"""So many are judged."""
_STOCK = frozenset(
    {
        "SNES",
        "WRAM",
        "SRAM",
        "VRAM",
        "CGRAM",
        "LoROM",
        "HiROM",
        "ExLoROM",
        "NTSC",
        "JSON",
        "ALTTP",
        "RAM",
        "ROM",
    }
)


def facts_in(text: str) -> frozenset[str]:
    """Return the facts that `text` names, in one spelling: addresses as bare upper-case hexadecimal digits."""
    found = {match.upper().lstrip("0") or "0" for match in _ADDRESS.findall(text)}
    found |= {(bank + offset).upper().lstrip("0") or "0" for bank, offset in _BANKED.findall(text)}
    found |= {match.upper() for match in _BYTES.findall(text)}
    return frozenset(found | {word.upper() for word in _SYMBOL.findall(text) if word not in _STOCK})


def without_code(text: str) -> str:
    """Return a text without its blocks of 65816 code, for where a check will judge these; their comments stay.

    What an instruction names is then told by the assembler and by runs, and is often the model's own to choose.
    """
    return _BLOCK.sub(_comments, in_blocks(text), count=_MOST_BLOCKS)


def _comments(block: re.Match[str]) -> str:
    return "\n".join(_COMMENT.findall(block[2])) + "\n" if code_in(block[0]) else block[0]


def is_good(record: CallRecord) -> bool:
    """Tell whether a call brought what was asked for: no error, and neither `ok` nor `found` is false in the result."""
    said = record.structured
    denied = isinstance(said, dict) and (said.get("ok") is False or said.get("found") is False)
    return record.ok and not denied


def unsupported(answer: str, results: Sequence[str], prompt: str = "") -> frozenset[str]:
    """Return the facts of `answer` that occur neither in the results nor in the prompt."""
    whole = "\n".join(results).upper()
    known = facts_in("\n".join(results)) | facts_in(prompt)
    return frozenset(fact for fact in facts_in(answer) - known if fact not in whole)


def is_grounded(answer: str, results: Sequence[str], prompt: str = "") -> bool:
    """Tell whether the results stand behind the answer: it shares a fact or a word with them, and adds no fact."""
    if not results or unsupported(answer, results, prompt):
        return False
    whole = "\n".join(results).lower()
    if any(fact.lower() in whole for fact in facts_in(answer)):
        return True
    return bool(set(_WORD.findall(answer.lower())) & set(_WORD.findall(whole)))
