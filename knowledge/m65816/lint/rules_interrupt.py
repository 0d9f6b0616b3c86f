"""Rules over NMI and IRQ handlers: what they keep of the interrupted code, and whether they acknowledge.

Source of the hardware facts: the snesdev wiki on $4210, $4211 and interrupts.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from knowledge.m65816.flow import Node, Routine
from knowledge.m65816.flow_state import TOUCHED, names
from knowledge.m65816.lint.access import before, reads, register, system_bank
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.entries import vectors
from knowledge.m65816.lint.finding import Finding
from knowledge.m65816.opcodes import effects

__all__ = ["handlers", "interrupt_rules"]

_NAME = re.compile(r"nmi|irq|vblank", re.IGNORECASE)
_ACKNOWLEDGE = {"nmi": 0x4210, "irq": 0x4211}


class Handler(NamedTuple):
    """An interrupt handler."""

    address: int
    kind: Literal["nmi", "irq", ""]
    """Empty: a routine that ends with RTI, which is all that is known."""
    certain: bool
    """A vector or the caller says so; otherwise its name or its RTI."""


def handlers(context: Context) -> list[Handler]:
    """Return the interrupt handlers among the routines, each once."""
    found: dict[int, Handler] = {}
    for address in context.options.nmi:
        found[address] = Handler(address, "nmi", certain=True)
    for address in context.options.irq:
        found[address] = Handler(address, "irq", certain=True)
    for address, kind in vectors(context.program).items():
        if kind in ("nmi", "irq"):
            found.setdefault(address, Handler(address, "nmi" if kind == "nmi" else "irq", certain=True))
    for address, routine in context.sound_routines.items():
        if address in found or routine.callers:
            continue
        if any(each.kind == "rti" and not each.state.stack for each in routine.exits):
            name = _NAME.search(context.source.named.get(address, ""))
            told: Literal["nmi", "irq", ""] = "" if name is None else "irq" if name[0].lower() == "irq" else "nmi"
            found[address] = Handler(address, told, certain=False)
    return [found[address] for address in sorted(found)]


def interrupt_rules(context: Context) -> Iterator[Finding]:
    """Find what an interrupt handler forgets."""
    for handler in handlers(context):
        routine = context.sound_routines.get(handler.address)
        if routine is None:
            continue
        inside = _closure(context, routine)
        yield from _return(context, handler, routine)
        if inside.seen:
            yield from _registers(context, routine, inside)
            if handler.kind:
                yield from _acknowledged(context, handler, routine, inside)
        yield from _page_and_bank(context, routine, inside)


class Closure(NamedTuple):
    """A routine with all that it calls."""

    nodes: dict[int, Node]
    seen: bool
    """Whether all of it is part of the program."""


def _closure(context: Context, routine: Routine) -> Closure:
    found: dict[int, Node] = {}
    seen = True
    work = [routine.address]
    done: set[int] = set()
    while work:
        address = work.pop()
        each = context.flow.routines.get(address)
        if each is None or address in done:
            continue
        done.add(address)
        seen = seen and not any(way.kind in ("unknown", "outside", "end") for way in each.exits)
        for place in each.nodes:
            node = context.nodes[place]
            found[place] = node
            for edge in node.successors:
                seen = seen and not edge.assumed
                if edge.kind == "call":
                    work.append(edge.target)
    return Closure(found, seen)


def _return(context: Context, handler: Handler, routine: Routine) -> Iterator[Finding]:
    wrong = [each for each in routine.exits if each.kind in ("rts", "rtl") and each.state.stack == ()]
    if not handler.certain or not wrong or routine.callers:
        return
    yield context.at_address(
        "handler-without-rti",
        wrong[0].address,
        f"the {handler.kind.upper()} handler {context.label(handler.address)} ends with {wrong[0].kind}: P stays on "
        "the stack, and the return address is wrong",
        path=[context.step(handler.address, "the handler begins")],
        fix="end it with rti",
    )


def _registers(context: Context, routine: Routine, inside: Closure) -> Iterator[Finding]:
    for each in routine.exits:
        if each.kind != "rti" or each.state.stack != ():
            continue
        lost = names(each.state.touched) & {"A", "B", "X", "Y", "D", "DB"}
        lost -= {name for name in lost if _kept_in_memory(context, routine, name)}
        narrow = {
            name for name in lost & {"X", "Y"} if _kept_narrow(context, routine, name) or _writer(inside, name) is None
        }
        yield from _narrow(context, routine, narrow, inside)
        for name in sorted(lost - narrow):
            writer = _writer(inside, name)
            if writer is None:
                continue
            full = {"A": "A", "B": "the high byte of A", "DB": "the data bank", "D": "D"}.get(name, name)
            if name == "B" and "A" in lost:
                continue
            yield context.at_address(
                "register-not-saved",
                writer,
                f"this changes {full}, and the interrupted code does not get it back at the rti",
                path=[
                    context.step(routine.address, "the handler begins"),
                    context.step(each.address, f"returns with another {full}"),
                ],
                fix=_save(name),
            )
        return


def _save(name: str) -> str:
    if name in ("A", "B"):
        return "rep #$20 : pha at the start; rep #$20 : pla before the rti"
    if name in ("X", "Y"):
        return f"rep #$10 : ph{name.lower()} at the start; rep #$10 : pl{name.lower()} before the rti"
    return "phb at the start, plb before the rti" if name == "DB" else "phd at the start, pld before the rti"


def _writer(inside: Closure, name: str) -> int | None:
    """Return the first instruction that writes a register, those left out that only pull it."""
    for address, node in sorted(inside.nodes.items()):
        row, state = node.instruction.opcode, node.state
        if row.access == "return" or row.mnemonic in ("SEP", "PLP", "XCE", "REP"):
            continue
        if row.access == "pull" and (not state.stack or state.stack[-1].kind == ("A" if name == "B" else name)):
            continue
        found = effects(row, 1 if state.m == 1 else 0, 1 if state.x == 1 else 0)
        if name in found.writes:
            return address
    return None


def _kept_in_memory(context: Context, routine: Routine, name: str) -> bool:
    """Tell whether the handler stores the register before it changes it."""
    store = {"A": "STA", "B": "STA", "X": "STX", "Y": "STY"}.get(name, "")
    moved = {"A": ("TAX", "TAY", "TCD", "XBA"), "X": ("TXY", "TXA"), "Y": ("TYX", "TYA"), "D": ("TDC",)}.get(name, ())
    for address in routine.nodes:
        node = context.nodes[address]
        if node.instruction.opcode.mnemonic in (store, *moved) and not node.state.touched & TOUCHED[name]:
            return True
    return False


def _kept_narrow(context: Context, routine: Routine, name: str) -> bool:
    """Tell whether the register is pushed before anything but a SEP changed it."""
    for address in routine.nodes:
        node = context.nodes[address]
        if node.instruction.opcode.mnemonic != f"PH{name}" or not node.state.touched & TOUCHED[name]:
            continue
        written = (
            name in effects(past.instruction.opcode, 1, 1).writes
            and past.instruction.opcode.mnemonic not in ("SEP", "REP")
            for past in before(context.flow, address)
        )
        if not any(written):
            return True
    return False


def _narrow(context: Context, routine: Routine, narrow: set[str], inside: Closure) -> Iterator[Finding]:
    """Report a handler that cuts X and Y to 8 bits before it saves them, when other code here has 16 bits in them."""
    wide = next((address for address, node in context.sound_nodes.items() if _wide(node, address, inside)), None)
    cut = next((address for address in routine.nodes if _cuts(context.nodes[address])), None)
    if not narrow or wide is None or cut is None:
        return
    yield context.at_address(
        "handler-narrow-save",
        cut,
        "X and Y are cut to 8 bits before they are saved: their high bytes are lost to the interrupted code",
        path=[context.step(wide, "X and Y have 16 bits here")],
        fix="rep #$10 before they are pushed and before they are pulled",
    )


def _wide(node: Node, address: int, inside: Closure) -> bool:
    return node.state.x == 0 and address not in inside.nodes and node.instruction.opcode.width == "x"


def _cuts(node: Node) -> bool:
    return node.instruction.opcode.mnemonic == "SEP" and bool(node.instruction.operand & 0x10) and node.state.x != 1


def _acknowledged(context: Context, handler: Handler, routine: Routine, inside: Closure) -> Iterator[Finding]:
    if len(inside.nodes) < 2 or not any(each.kind == "rti" for each in routine.exits):
        return
    wanted = _ACKNOWLEDGE[handler.kind]
    for node in inside.nodes.values():
        row = node.instruction.opcode
        found = register(node)
        if found is not None and reads(node) and found.address <= wanted < found.address + (found.size or 2):
            return
        if row.access == "read" and found is None and node.instruction.operand & 0xFFFF in range(0x4200, 0x4212):
            return
        moved = row.mode.startswith("direct_") or (row.mode == "direct" and node.state.d != 0)
        if row.access == "read" and moved and (node.state.d is None or 0x4100 <= node.state.d <= 0x4300):
            return
    yield context.at_address(
        "interrupt-not-acknowledged",
        handler.address,
        f"the {handler.kind.upper()} handler never reads ${wanted:04X}: "
        + (
            "the flag stays set, and enabling NMI again in the same vblank calls it once more"
            if handler.kind == "nmi"
            else "the IRQ stays asserted, and the handler is called again as soon as it returns"
        ),
        fix=f"lda.l $00{wanted:04X} in the handler, with 8-bit A",
    )


def _page_and_bank(context: Context, routine: Routine, inside: Closure) -> Iterator[Finding]:
    """Report accesses that rely on the DB or D of whatever was interrupted, when the program changes it elsewhere."""
    for name, field in (("DB", "db"), ("D", "d")):
        user = next((address for address in routine.nodes if _relies(context.nodes[address], name)), None)
        other = next(
            (
                address
                for address, node in context.sound_nodes.items()
                if address not in inside.nodes and _foreign(node, field)
            ),
            None,
        )
        if user is None or other is None:
            continue
        full, fix = (
            ("the data bank", "phb : phk : plb at the start, plb before the rti")
            if name == "DB"
            else ("D", "phd : pea $0000 : pld at the start, pld before the rti")
        )
        yield context.at_address(
            "handler-bank-or-page",
            user,
            f"this uses {full} of the interrupted code, which is not always the one that is meant",
            path=[context.step(other, f"here {full} is ${getattr(context.nodes[other].state, field):02X}")],
            fix=fix,
        )


def _relies(node: Node, name: str) -> bool:
    row, state = node.instruction.opcode, node.state
    if row.access not in ("read", "write", "modify") or state.touched & TOUCHED[name]:
        return False
    unknown = state.db is None if name == "DB" else state.d is None
    return unknown and name in effects(row, 1, 1).reads


def _foreign(node: Node, field: str) -> bool:
    if field == "db":
        return node.state.db is not None and not system_bank(node.state.db)
    return node.state.d is not None and node.state.d >= 0x100
