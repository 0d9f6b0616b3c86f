"""One finding of the linter: a rule, a place, the path that leads there, and what to write instead."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from schemas.diagnostic import Diagnostic

__all__ = ["SEVERITIES", "Finding", "Gain", "Severity", "Step", "as_json"]

Severity = Literal["error", "warning", "suggestion"]
"""`error`: it cannot do what its text says; `warning`: it does something that nobody wants; `suggestion`: it works, and
could be shorter, faster or clearer."""
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "suggestion")
_MOST_STEPS = 6


class Step(NamedTuple):
    """One place on the path that proves a finding."""

    address: int
    """SNES address; -1 when there is none."""
    text: str
    """What holds or happens there: `M = 1 (8-bit) from sep #$20`."""
    file: str = ""
    line: int = 0
    """1-based; 0 without source."""

    def __str__(self) -> str:
        """Return `main.asm:3 ($008002): M = 1 ...`, as much of it as is known."""
        place = f"${self.address:06X}" if self.address >= 0 else ""
        if self.line:
            place = f"{self.file}:{self.line}" + (f" ({place})" if place else "")
        return f"{place}: {self.text}" if place else self.text


class Gain(NamedTuple):
    """What a suggestion saves."""

    cycles: int
    """CPU cycles, each time it runs; at least this many."""
    bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found at one place. Equal programs give equal findings in equal order."""

    rule: str
    """Stable id, e.g. `AFS201`."""
    name: str
    """The rule's short name, e.g. `immediate-width`."""
    severity: Severity
    message: str
    """One or two sentences about this place."""
    address: int = -1
    """SNES address of the instruction or byte; -1 when it made no bytes."""
    file: str = ""
    line: int = 0
    """1-based; 0 without source."""
    source: str = ""
    """The line or instruction that it is about."""
    path: tuple[Step, ...] = ()
    """The witness: where the state that matters comes from, in the order in which it happens."""
    fix: str = ""
    """What to write or do, in words that can be followed."""
    gain: Gain | None = field(default=None)
    """For suggestions that save something."""

    @property
    def place(self) -> str:
        """Where it is: `main.asm:3`, else `$008002`; empty for the program as a whole."""
        if self.line:
            return f"{self.file}:{self.line}"
        return f"${self.address:06X}" if self.address >= 0 else ""

    def __str__(self) -> str:
        """Return it on one line, the witness and the fix behind."""
        head = f"{self.place}: " if self.place else ""
        path = "".join(f"; {step}" for step in self.path[:_MOST_STEPS])
        fix = f" -> {self.fix}" if self.fix else ""
        return f"{head}{self.severity} {self.rule} {self.name}: {self.message}{path}{fix}"

    def diagnostic(self) -> Diagnostic:
        """Return it as what assemblers say too; a suggestion is a warning there, and says so."""
        hint = "suggestion: " if self.severity == "suggestion" else ""
        steps = "".join(f"; {step}" for step in self.path[:_MOST_STEPS])
        where = f" at ${self.address:06X}" if self.address >= 0 and not self.line else ""
        return Diagnostic(
            severity="error" if self.severity == "error" else "warning",
            code=f"{self.rule} {self.name}",
            message=f"{hint}{self.message}{where}{steps}",
            file=self.file,
            line=self.line,
            source=self.source,
            next_step=self.fix,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values; addresses as `$008000`, empty fields left out."""
        fields: dict[str, Any] = {
            "rule": self.rule,
            "name": self.name,
            "severity": self.severity,
            "message": self.message,
            "address": f"${self.address:06X}" if self.address >= 0 else "",
            "file": self.file,
            "line": self.line,
            "source": self.source,
            "path": [str(step) for step in self.path],
            "fix": self.fix,
        }
        if self.gain is not None:
            fields["gain"] = {"cycles": self.gain.cycles, "bytes": self.gain.bytes}
        return {name: value for name, value in fields.items() if value not in ("", 0, [])}


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain JSON values, in their order."""
    return [finding.as_dict() for finding in findings]
