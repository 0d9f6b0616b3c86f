"""The linter: every rule over one program, what comments silence taken out, in a stable order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from knowledge.m65816.flow import Entry
from knowledge.m65816.layout import check_program
from knowledge.m65816.lint.catalogue import Rule, matches, rule, rules
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.entries import follow, widths
from knowledge.m65816.lint.finding import SEVERITIES, Finding
from knowledge.m65816.lint.options import LintOptions
from knowledge.m65816.lint.rules_bank import bank_rules
from knowledge.m65816.lint.rules_calls import call_rules
from knowledge.m65816.lint.rules_dma import dma_rules
from knowledge.m65816.lint.rules_gain import gain_rules
from knowledge.m65816.lint.rules_hardware import hardware_rules
from knowledge.m65816.lint.rules_hazard import hazard_rules, uninitialised
from knowledge.m65816.lint.rules_interrupt import interrupt_rules
from knowledge.m65816.lint.rules_rom import rom_rules
from knowledge.m65816.lint.rules_stack import stack_rules
from knowledge.m65816.lint.rules_text import text_rules
from knowledge.m65816.lint.rules_unused import unused_rules
from knowledge.m65816.lint.rules_width import width_rules
from knowledge.m65816.lint.source import Source
from knowledge.m65816.lint.suppress import suppress
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Listing, Program

__all__ = ["lint"]

_FAMILIES: tuple[Callable[[Context], Iterable[Finding]], ...] = (
    text_rules,
    width_rules,
    stack_rules,
    call_rules,
    bank_rules,
    hardware_rules,
    dma_rules,
    interrupt_rules,
    rom_rules,
    unused_rules,
    hazard_rules,
    gain_rules,
)
_CLEANLINESS = 16


def lint(
    program: Program,
    *,
    listing: Listing | None = None,
    entries: Sequence[Entry] = (),
    options: LintOptions | None = None,
) -> tuple[Finding, ...]:
    """Return what the rules find in a program, in the order of the source, else of the addresses.

    Bytes are enough; with a listing, findings name lines, and the rules that compare text with bytes run too. Without
    entries control begins at the vectors in the program, else at its start, and at labels of code that nothing reaches;
    M and X are then as the first immediate behind an entry has them. Unknown stays unknown: it is never a finding.
    Raises CodeError when the options name a rule that does not exist, and for programs that cannot be: without bytes,
    with blocks across a bank or outside the address space, or with an entry where nothing lies. Blocks over each other
    and outside the ROM are findings.
    """
    chosen = options or LintOptions()
    check_program(program, [entry.address for entry in entries])
    wanted = _wanted(chosen)
    source = Source(listing or Listing(), program)
    found = _found(source, entries, chosen, wanted)
    enabled = {item.id for item in wanted}
    kept = [item for item in suppress(found, source.listing) if item.rule in enabled]
    least = SEVERITIES.index(chosen.level)
    kept = [item for item in kept if SEVERITIES.index(item.severity) <= least]
    return tuple(sorted(kept, key=_order)[: chosen.most])


def _found(source: Source, entries: Sequence[Entry], options: LintOptions, wanted: Sequence[Rule]) -> list[Finding]:
    """Return what is found for every M and X that the entries may have, as far as nothing tells which."""
    variants = [list(entries)] if source.commands else widths(source.program, entries)
    kept: list[Finding] = []
    for number, starts in enumerate(variants):
        followed = follow(source.program, source, starts)
        context = Context(source.program, source, options, followed.flow, bool(entries), followed.guessed)
        found = {(item.rule, item.file, item.line, item.address, item.message): item for item in _all(context, wanted)}
        places = {(item.rule, item.address) for item in found.values()}
        kept = [item for item in kept if (item.rule, item.address) in places] if number else list(found.values())
        if not kept:
            break
    return kept


def _all(context: Context, wanted: Sequence[Rule]) -> Iterator[Finding]:
    enabled = {item.id for item in wanted}
    for family in _FAMILIES:
        wanted_here = (finding for finding in family(context) if finding.rule in enabled)
        yield from islice(wanted_here, context.options.most)
    if rule("uninitialised-read").id in enabled:
        yield from uninitialised(context)


def _order(finding: Finding) -> tuple[object, ...]:
    return finding.file, finding.line, finding.address, finding.rule, finding.message


def _wanted(options: LintOptions) -> list[Rule]:
    for key in (*options.select, *options.ignore):
        if not any(matches(item, frozenset((key,))) for item in rules()):
            raise CodeError(f"there is no lint rule {key!r}; name one by its id (AFS201), name or prefix (AFS2)")
    wanted = [item for item in rules() if item.on or options.pedantic or matches(item, options.select)]
    return [item for item in wanted if not matches(item, options.ignore)]
