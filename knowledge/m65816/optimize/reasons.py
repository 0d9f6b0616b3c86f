"""Why a rewrite is safe where it stands, in words for its reader."""

from typing import NamedTuple

from knowledge.m65816.optimize.improve import Change, view_of
from knowledge.m65816.optimize.layout import Code, put_together
from knowledge.m65816.optimize.line import Line
from knowledge.m65816.optimize.local import Edit, View, at_line
from knowledge.m65816.optimize.state import Key, State
from knowledge.m65816.optimize.step import Opaque, step
from knowledge.m65816.spell import spell
from knowledge.snes.addresses import show
from schemas.contract import Contract

__all__ = ["RULES", "Rewrite", "rewrite"]

RULES: dict[str, str] = {
    "redundant_load": "a load is left out",
    "dead_store": "a store is left out",
    "redundant_compare": "a comparison is left out: the flags are already what it would make them",
    "known_flag": "a flag is already what the instruction would make it, or nothing reads it",
    "redundant_width": "a change of widths is left out",
    "needless_push": "a push and its pull are left out",
    "redundant_code": "instructions are left out",
    "nearer_operand": "the same byte is reached by a shorter addressing mode",
    "exchange": "an instruction is exchanged for a cheaper one",
    "shorter_sequence": "a shorter sequence comes to the same",
    "widen": "neighbouring bytes are handled as 16-bit words",
    "rewrite_copies": "each value is loaded once for all its stores",
    "earlier_store": "a store is moved to where its value is still in the register",
    "at_once": "what is done with a value is done while it is still in the accumulator",
    "sum_in_register": "a sum stays in the accumulator until the loop is over",
    "unreachable": "no path leads to the code",
    "jump_to_next": "it jumps to the instruction behind it",
    "jump_to_jump": "its target jumps on",
    "jump_to_return": "its target returns",
    "short_jump": "the target is near enough for BRA",
    "branch_around_jump": "the opposite branch leads there directly",
    "never_taken": "the condition never holds here",
    "always_taken": "the condition always holds here",
    "tail_here": "what the jump leads to is about as short as the jump",
    "tail_call": "the called routine can return in place of this one",
    "inline": "the called routine is short, or called from here alone",
    "count_down": "a loop that counts down needs no comparison, and its passes do not depend on each other",
    "test_at_bottom": "a loop that tests at its end takes one branch on each pass",
    "sign_ends_loop": "a counter that passes 0 shows it by its sign",
    "store_behind": "what each pass stores to one place is stored once behind the loop",
    "wider_loop": "a loop over bytes handles two of them a pass",
    "one_width": "the width is changed once and not on each pass",
    "carry_by_branch": "the upper byte is only touched when there is a carry",
    "both_ways": "the branch leads to the same either way",
    "gather_widths": "what is done in one width is done together",
    "hoist": "what is the same on each pass is done once before the loop",
}
"""The rules by id, with what each does."""

_KINDS = {
    "redundant_load": ("LDA", "LDX", "LDY", "TAX", "TAY", "TXA", "TYA", "TXY", "TYX", "PLA", "PLX", "PLY"),
    "dead_store": ("STA", "STX", "STY", "STZ"),
    "redundant_compare": ("CMP", "CPX", "CPY", "BIT"),
    "known_flag": ("CLC", "SEC", "CLD", "SED", "CLV"),
    "redundant_width": ("REP", "SEP"),
    "needless_push": ("PHA", "PLA", "PHX", "PLX", "PHY", "PLY", "PHP", "PLP", "PHB", "PLB", "PHD", "PLD"),
}


class Rewrite(NamedTuple):
    """One change to the code."""

    rule: str
    """Id in `RULES`."""
    what: str
    why: str
    """Why it is safe at this place."""
    address: int
    """SNES address, in the original, of the first instruction concerned; -1 when an earlier rewrite made it."""
    before: tuple[str, ...]
    after: tuple[str, ...]


def _rule(edit: Edit, gone: tuple[Line, ...]) -> str:
    if edit.rule in ("nothing", "sequence"):
        return "shorter_sequence" if edit.lines else "redundant_code"
    if edit.rule == "exchange":
        pairs = list(zip(gone, edit.lines, strict=False))
        return "nearer_operand" if all(one.name == two.name for one, two in pairs) else "exchange"
    if edit.rule != "redundant":
        return edit.rule
    kept = [line.meaning for line in edit.lines]
    dropped = {line.name for line in gone if line.meaning not in kept}
    for rule, names in _KINDS.items():
        if dropped and dropped <= set(names):
            return rule
    return "redundant_code"


def _run(state: State, lines: tuple[Line, ...]) -> State | None:
    try:
        for line in lines:
            step(state, line)
    except Opaque:
        return None
    return state


def _name(key: Key) -> str:
    if isinstance(key, str):
        return {"XH": "X", "YH": "Y", "DH": "D"}.get(key, key)
    return show(key[1])


def _why(view: View, edit: Edit) -> str:
    if edit.rule not in (
        "redundant",
        "exchange",
        "sequence",
        "nothing",
        "widen",
        "rewrite_copies",
        "earlier_store",
        "at_once",
    ):
        return edit.why or RULES.get(edit.rule, "")
    start = at_line(view, edit.start)
    if start is None:
        return "the code is never reached"
    old = _run(start.copy(), view.graph.lines[edit.start : edit.end])
    new = _run(start.copy(), edit.lines)
    if old is None or new is None:
        return edit.why
    keys = {key for key in (*old.env, *new.env) if isinstance(key, str) or key[0] == 0}
    differ = sorted({_name(key) for key in keys if old.get(key) != new.get(key)})
    if not differ:
        return "all registers, flags and memory come out the same"
    verb = "is" if len(differ) == 1 else "are"
    return f"{', '.join(differ)} {verb} not live behind it; all else comes out the same"


def _spelled(lines: tuple[Line, ...], places: dict[int, int]) -> tuple[str, ...]:
    texts: list[str] = []
    for line in lines:
        label = ""
        if line.aim is not None:
            label = f"${places[line.aim]:06x}" if line.aim in places else "new"
            if line.opcode.mode == "absolute" and line.aim in places:
                label = f"${places[line.aim] & 0xFFFF:04x}"
        texts.append(spell(line.at(places.get(line.key, 0)), label=label))
    return tuple(texts)


def rewrite(old: Code, change: Change, contract: Contract) -> Rewrite:
    """Return a change to `old` in words."""
    edit, view = change.edit, view_of(old, contract)
    placed, then = put_together(old), put_together(change.code)
    before = _spelled(change.gone, {} if placed is None else placed.addresses)
    after = _spelled(edit.lines, {} if then is None else then.addresses)
    rule = _rule(edit, change.gone)
    address = next((line.key for line in change.gone if line.key >= 0), -1)
    return Rewrite(rule, RULES.get(rule, rule), _why(view, edit), address, before, after)
