"""`Finding`: one statement of a text that a fact contradicts, and `Validation`: all that was found in one text."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen

__all__ = ["Behind", "Finding", "FindingCode", "Validation"]

FindingCode = Literal[
    "wrong-name",
    "wrong-address",
    "wrong-version",
    "wrong-size",
    "wrong-bits",
    "wrong-value",
    "wrong-id",
    "wrong-access",
    "wrong-width",
    "wrong-cycles",
    "wrong-length",
    "wrong-flags",
    "wrong-number",
    "register-read",
    "register-write",
    "unknown-register",
    "unknown-mnemonic",
    "unknown-symbol",
    "addressing-mode",
    "outside-map",
]
"""What is wrong. `register-read` is code that reads a write-only register, `register-write` code that writes a
read-only one; `wrong-access` is a sentence that says so; `wrong-width` is a wrong REP or SEP."""


class Behind(Frozen):
    """The fact that contradicts a statement."""

    ref: str = Field(description="what names the fact: `ram:7EF36D`, `register:2100`; empty for the opcode table")
    text: str = Field(description="the fact in one line")
    rom_version: str = ""
    sources: tuple[str, ...] = Field(default=(), description="short names; SOURCES.md has repository and licence")


class Finding(Frozen):
    """One statement that a fact contradicts."""

    code: FindingCode
    line: int = Field(description="1-based line of the text")
    start: int = Field(description="offset of the first character")
    end: int = Field(description="offset behind the last character")
    quote: str = Field(description="the words that are wrong, cut to 120 characters")
    problem: str = Field(description="what is wrong, in one sentence")
    right: str = Field(description="what is right, in one sentence")
    fact: Behind

    def as_text(self) -> str:
        """Return the finding as text that says all that the fields say."""
        source = f" [{', '.join(self.fact.sources)}]" if self.fact.sources else ""
        version = f" ({self.fact.rom_version})" if self.fact.rom_version else ""
        ref = f"{self.fact.ref}: " if self.fact.ref else ""
        return (
            f"line {self.line}, {self.start}-{self.end}: {self.code}: {self.problem} {self.right}\n"
            f"  text: {self.quote}\n  fact: {ref}{self.fact.text}{version}{source}"
        )


class Validation(Frozen):
    """What the facts contradict in one text, in the order of the text."""

    findings: tuple[Finding, ...] = ()
    total: int = Field(default=0, description="findings in the whole text")
    offset: int = 0
    next_offset: int = Field(default=0, description="offset of the next page; 0 when this is the last")
    truncated: bool = Field(default=False, description="the text has more findings than are counted")

    def as_text(self) -> str:
        """Return all findings as text."""
        if not self.total:
            return "No statement of the text contradicts a fact. What no fact covers was not checked."
        more = f"; next offset {self.next_offset}" if self.next_offset else ""
        least = "at least " if self.truncated else ""
        head = f"{least}{self.total} statements contradict a fact (shown from {self.offset}{more}):"
        return "\n".join([head, *(finding.as_text() for finding in self.findings)])
