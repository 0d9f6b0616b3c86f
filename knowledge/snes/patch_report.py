"""What a check of a patch finds: findings with stable ids, hooks, and how full each bank is."""

from typing import Literal, NamedTuple

from knowledge.snes.header import Checksum

__all__ = ["RULES", "BankUse", "Hook", "PatchFinding", "PatchReport", "Severity"]

Severity = Literal["error", "warning", "note"]

RULES: dict[str, str] = {
    "AFSP01": "a hook begins in the middle of an instruction",
    "AFSP02": "a write ends in the middle of an instruction, whose leftover bytes are executed",
    "AFSP03": "a hook's own instruction is cut off",
    "AFSP04": "a hook leads to bytes that are no code",
    "AFSP05": "other code jumps into the middle of a hook",
    "AFSP06": "where instructions begin at a hook is not known",
    "AFSP07": "a hook replaces an instruction that cannot simply be moved",
    "AFSP10": "two patches write the same byte",
    "AFSP11": "one patch writes a byte twice",
    "AFSP12": "a write to an address that is no ROM",
    "AFSP13": "a write outside the allowed ranges",
    "AFSP14": "a write over bytes that are not free",
    "AFSP15": "the original bytes are not those that the patch expects",
    "AFSP16": "a RATS tag is damaged",
    "AFSP17": "a write into data that a RATS tag protects",
    "AFSP20": "a write to the internal header",
    "AFSP21": "a write to the vectors",
    "AFSP22": "the header's size byte does not fit the ROM",
    "AFSP23": "the header's checksum does not fit the ROM",
    "AFSP24": "the ROM grows",
    "AFSP25": "the ROM is larger than its mapper shows",
    "AFSP30": "a bank is nearly full",
}
"""What each id stands for."""


class PatchFinding(NamedTuple):
    """One thing to know about a patch."""

    id: str
    severity: Severity
    message: str
    address: int
    """SNES address; -1 when it is about the whole ROM."""
    next_step: str
    patch: str = ""
    """Name of the patch, when several are checked."""

    def __str__(self) -> str:
        """Return it as one line."""
        place = f"${self.address:06X}: " if self.address >= 0 else ""
        name = f"[{self.patch}] " if self.patch else ""
        return f"{self.severity} {self.id} {name}{place}{self.message}; {self.next_step}"


class Hook(NamedTuple):
    """Existing code that a patch replaces with a jump or call."""

    address: int
    instruction: str
    """The jump or call: `JSL $208000`."""
    size: int
    """Bytes that the patch writes there."""
    replaced: tuple[str, ...]
    """The original instructions that are gone: `$008123 LDA (A5 10)`; empty when they cannot be told."""
    back: int
    """SNES address of the first original instruction behind it; -1 when it cannot be told."""
    patch: str = ""


class BankUse(NamedTuple):
    """How full a bank of the ROM is."""

    bank: int
    """SNES bank, as it is usually written."""
    size: int
    """Bytes of ROM in it."""
    free_before: int
    """Bytes of long runs of $00 or $FF that no RATS tag protects."""
    free_after: int


class PatchReport(NamedTuple):
    """Everything that was found, the worst first."""

    findings: tuple[PatchFinding, ...]
    hooks: tuple[Hook, ...]
    banks: tuple[BankUse, ...]
    """The banks that are written, or new."""
    size_before: int
    size_after: int
    written: int
    """Bytes in the blocks."""
    checksum_before: Checksum | None
    checksum_after: Checksum | None
    """Of the ROM with the patch, as it would be without fixing the header."""
    left_out: int = 0
    """Findings beyond those listed."""

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return all(finding.severity != "error" for finding in self.findings)
