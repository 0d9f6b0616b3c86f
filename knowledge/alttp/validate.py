"""The check of a text, such as a model's answer: each statement that a fact contradicts, with the fact.

Precision comes first: what no fact covers, what the text denies, supposes or corrects, and code for other processors
gives no finding.
"""

from collections.abc import Iterator

from knowledge.alttp.validation.check_bits import check_bits
from knowledge.alttp.validation.check_code import check_code
from knowledge.alttp.validation.check_each import check_each
from knowledge.alttp.validation.check_header import check_header
from knowledge.alttp.validation.check_ids import check_ids
from knowledge.alttp.validation.check_lists import check_lists
from knowledge.alttp.validation.check_modes import check_modes
from knowledge.alttp.validation.check_names import check_claim
from knowledge.alttp.validation.check_places import check_places
from knowledge.alttp.validation.check_prose import check_prose
from knowledge.alttp.validation.check_sizes import check_sizes
from knowledge.alttp.validation.check_symbols import check_symbols, comments
from knowledge.alttp.validation.check_versions import check_versions
from knowledge.alttp.validation.check_widths import check_instructions
from knowledge.alttp.validation.claims import doubtful, found_in
from knowledge.alttp.validation.claims_all import claims
from knowledge.alttp.validation.found import Found
from knowledge.alttp.validation.passages import Passages, passages
from schemas.finding import Finding, Validation

__all__ = ["MOST", "TEXT_LIMIT", "findings", "validate_output"]

TEXT_LIMIT = 1_000_000
"""Characters that are checked; what stands behind them is not read."""
MOST = 300
"""Findings that are counted in one text."""
_QUOTE = 120
_CHECKS = (
    check_code,
    check_prose,
    check_bits,
    check_ids,
    check_places,
    check_lists,
    check_versions,
    check_modes,
    check_header,
    check_sizes,
    check_instructions,
    check_each,
    check_symbols,
)


def _all(found: Passages) -> Iterator[Found]:
    for claim in (*claims(found), *comments(found)):
        yield from check_claim(claim)
    for check in _CHECKS:
        yield from check(found)


def findings(text: str) -> tuple[Finding, ...]:
    """Return what the facts contradict in a text, in its order, `MOST` at most; one finding for one place and code."""
    read = passages(text[:TEXT_LIMIT])
    kept: dict[tuple[int, str, str], Found] = {}
    for one in _all(read):
        kept.setdefault((read.line(one.start), one.code, one.fact.ref or one.problem), one)
        if len(kept) >= MOST:
            break
    found_in.cache_clear()
    doubtful.cache_clear()  # many checks ask of the same sentences, and the next text has others
    ordered = sorted(kept.values(), key=lambda one: (one.start, one.end, one.code))
    return tuple(
        Finding(
            code=one.code,
            line=read.line(one.start),
            start=one.start,
            end=one.end,
            quote=" ".join(text[one.start : one.end].split())[:_QUOTE],
            problem=one.problem,
            right=one.right,
            fact=one.fact,
        )
        for one in ordered
    )


def validate_output(text: str, *, limit: int = 50, offset: int = 0) -> Validation:
    """Check a text and return a page of findings: `limit` of them from `offset` on."""
    everything = findings(text)
    shown = everything[max(0, offset) : max(0, offset) + max(1, limit)]
    after = offset + len(shown)
    return Validation(
        findings=shown,
        total=len(everything),
        offset=offset,
        next_offset=after if shown and after < len(everything) else 0,
        truncated=len(everything) >= MOST,
    )
