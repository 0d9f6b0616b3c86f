"""What asar says, read into data: its diagnostics and its prints.

The formats are those of asar 1.91: `FILE:LINE (called from FILE:LINE): error: (Ecode): message [source]` on
standard error; the symbol file is read by knowledge.snes.wla.
"""

import re

from schemas.diagnostic import Diagnostic
from servers.machine.wire import clean, shorten

__all__ = ["parse_diagnostics", "parse_prints"]

_LONGEST_LINE = 4_000
_MOST_DIAGNOSTICS = 200
_DIAGNOSTIC = re.compile(
    r"^(?:(?P<file>[^\s:][^:]*?)(?::(?P<line>\d+))?(?P<calls>(?: \(called from [^()]+?:\d+\))*): )?"
    r"(?P<severity>error|warning): \((?P<code>[EW]\w+)\): (?P<message>.*)$"
)
_CALL = re.compile(r"\(called from ([^()]+?:\d+)\)")
_SOURCE = re.compile(r" \[(?P<source>[^\n]*)\]$")
_LAST_WORDS = ("Errors were detected while assembling the patch.", "A fatal error was detected while assembling")


def parse_diagnostics(stderr: str, *, lines: int) -> list[Diagnostic]:
    """Read asar's diagnostics in their order. `lines` is the length of the program: no line number is above it."""
    found: list[Diagnostic] = []
    for raw in stderr.splitlines():
        match = _DIAGNOSTIC.match(raw[:_LONGEST_LINE])
        if match is None or len(found) == _MOST_DIAGNOSTICS:
            continue
        message, source = match["message"], ""
        if place := _SOURCE.search(message):
            message, source = message[: place.start()], place["source"]
        call = _CALL.search(match["calls"] or "")
        found.append(
            Diagnostic(
                severity="error" if match["severity"] == "error" else "warning",
                code=match["code"],
                message=shorten(clean(message), 300),
                file=clean(match["file"] or "")[:100],
                line=min(int(match["line"] or 0), lines),
                source=clean(source)[:100],
                called_from=clean(call[1])[:100] if call else "",
            )
        )
    return found


def parse_prints(stdout: str) -> list[str]:
    """Return what the program printed, a line each, without asar's own last words."""
    lines = stdout.splitlines()
    while lines and (not lines[-1].strip() or lines[-1].startswith(_LAST_WORDS)):
        lines.pop()
    return lines
