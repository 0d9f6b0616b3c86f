"""Checks of hooks: whole instructions, leftover bytes, where they lead, and who jumps into them."""

from collections.abc import Callable, Iterator

from knowledge.m65816.instruction import Instruction
from knowledge.m65816.opcodes import OPCODES
from knowledge.snes.memory_map import region
from knowledge.snes.patch_hooks import JUMPS, Decoded, decode_over, first_jump, leaves, said
from knowledge.snes.patch_report import Hook, PatchFinding, Severity
from knowledge.snes.patch_space import Span, is_free
from knowledge.snes.patch_writes import Write, Written

__all__ = ["HOOK_CHECKS", "hooks"]

_LONGEST = 256
"""Bytes of the longest write whose instructions are looked at."""
_RELATIVE = frozenset(("relative", "relative_long"))


def _code_at(written: Written, write: Write) -> tuple[list[Decoded], bool]:
    """Return the code at a write, and whether it rests on a known instruction rather than on the hook itself."""
    known = _decode(written, write, dict(written.starts))
    if known or not written.is_hook(write):
        return known, True
    return _decode(written, write, {write.span.start: written.widths}), False


def _decode(written: Written, write: Write, starts: dict[int, tuple[int | None, int | None]]) -> list[Decoded]:
    first, end = write.span
    if end - first > _LONGEST:
        return []
    end = min(end, len(written.original))
    if first >= end:
        return []
    return decode_over(written.original, written.final, starts, first=first, end=end, address=write.address)


def _over_code(written: Written) -> Iterator[tuple[Write, list[Decoded], bool]]:
    for write in written.writes:
        if written.changed(write.span) and not is_free(write.span, written.free, len(written.original)):
            yield write, *_code_at(written, write)


def whole_instructions(written: Written) -> Iterator[PatchFinding]:
    """AFSP01, AFSP02 and AFSP06: writes begin and end where instructions do, unless control never gets there."""
    for write, decoded, known in _over_code(written):
        if written.is_hook(write):
            if not known or not decoded:
                message = "it is not known where instructions begin here; the hook itself is taken to be at one"
                step = "give an entry that leads here, or M and X at the hook, to have it checked for certain"
                yield PatchFinding("AFSP06", "note", message, write.address, step, write.patch)
            yield from _begins_inside(write, decoded)
        yield from _ends_inside(written, write, decoded)


def _begins_inside(write: Write, decoded: list[Decoded]) -> Iterator[PatchFinding]:
    inside = [item for item in decoded if item.replaced[0].address != write.address]
    if inside:
        severity: Severity = "error" if len(inside) == len(decoded) else "warning"
        first = inside[0].replaced[0]
        message = f"the hook begins in the middle of {said(first)}{_with_widths(inside, decoded)}"
        step = f"put the hook at ${first.address:06X}, or at ${first.next:06X}"
        yield PatchFinding("AFSP01", severity, message, write.address, step, write.patch)


def _ends_inside(written: Written, write: Write, decoded: list[Decoded]) -> Iterator[PatchFinding]:
    broken = [item for item in decoded if item.runs_into >= 0]
    shift = write.address - write.span.start
    if broken:
        severity: Severity = "error" if len(broken) == len(decoded) else "warning"
        item = broken[0]
        left = item.back - write.span.end
        message = (
            f"the write ends within {said(item.replaced[-1])}: the code goes on at ${item.runs_into + shift:06X}, "
            f"the original's next instruction is at ${item.back + shift:06X}{_with_widths(broken, decoded)}"
        )
        step = (
            f"write {left} NOPs behind it, up to ${item.back + shift:06X}" if left > 0 else "write whole instructions"
        )
        yield PatchFinding("AFSP02", severity, message, write.address, step, write.patch)
    elif written.is_hook(write) and decoded and (left := decoded[0].back - write.span.end) > 0:
        message = (
            f"{left} bytes of {said(decoded[0].replaced[-1])} are left behind the hook, and are not reached from it"
        )
        step = f"come back to ${decoded[0].back + shift:06X}, where the next whole instruction begins"
        yield PatchFinding("AFSP02", "note", message, write.address, step, write.patch)


def _with_widths(some: list[Decoded], every: list[Decoded]) -> str:
    if len(some) == len(every):
        return ""
    first = some[0].replaced[0]
    return f" if M = {first.m} and X = {first.x} (the widths here are not known)"


def whole_jump(written: Written) -> Iterator[PatchFinding]:
    """AFSP03: the jump or call that a hook begins with is there to its last byte."""
    for write in written.writes:
        if not written.is_hook(write):
            continue
        size = OPCODES[write.data[0]].size
        if len(write.data) < size:
            name = JUMPS[write.data[0]]
            message = (
                f"{name} needs {size} bytes, and {len(write.data)} are written: its operand is what was there before"
            )
            step = f"write all {size} bytes"
            yield PatchFinding("AFSP03", "error", message, write.address, step, write.patch)


def leads_to_code(written: Written) -> Iterator[PatchFinding]:
    """AFSP04: a hook leads to bytes that are there."""
    for write in written.writes:
        jump = first_jump(write.data, write.address) if written.is_hook(write) else None
        target = jump.target if jump is not None else None
        if jump is None or target is None or region(target, written.mapper).area in ("wram", "sram", "coprocessor"):
            continue
        place = written.offset(target)
        if place is not None and place < len(written.final) and not _empty(written, place):
            continue
        name = JUMPS[write.data[0]]
        where = "fill bytes" if place is not None and place < len(written.final) else "no ROM"
        message = f"{name} ${target:06X} leads to {where}, not to code"
        yield PatchFinding("AFSP04", "error", message, write.address, _bank_step(jump, write, written), write.patch)


def _empty(written: Written, place: int) -> bool:
    return is_free(Span(place, place + 1), written.free_after, len(written.final))


def _bank_step(jump: Instruction, write: Write, written: Written) -> str:
    bank = write.address >> 16
    elsewhere = sorted({other.address >> 16 for other in written.writes if other.address >> 16 != bank})
    if jump.opcode.mode == "absolute" and elsewhere:
        long = "JSL (and RTL)" if jump.opcode.access == "call" else "JML"
        return f"it reaches bank ${bank:02X} alone, the patch has code in bank ${elsewhere[0]:02X}: use {long}"
    return "check the label's address, and that its code is part of the patch"


def jumped_into(written: Written) -> Iterator[PatchFinding]:
    """AFSP05: no other code jumps behind the first byte of a hook."""
    for write, decoded, _ in _over_code(written):
        if not written.is_hook(write):
            continue
        end = max([write.span.end, *(item.back for item in decoded)])
        for place in range(write.span.start + 1, min(end, write.span.start + 64)):
            source = written.targets.get(place)
            if source is None or any(place in item.boundaries or place == item.back for item in decoded):
                continue
            address = place - write.span.start + write.address
            message = f"${source:06X} jumps to ${address:06X}, into the middle of the hook"
            step = "hook another place, or change that jump too"
            yield PatchFinding("AFSP05", "error", message, write.address, step, write.patch)


def movable(written: Written) -> Iterator[PatchFinding]:
    """AFSP07: what a hook replaces can be run elsewhere as it stands."""
    for write, decoded, _ in _over_code(written):
        if (
            not written.is_hook(write)
            or len(decoded) == 0
            or any(item.replaced != decoded[0].replaced for item in decoded)
        ):
            continue
        called = JUMPS[write.data[0]] in ("JSR", "JSL")
        for instruction in decoded[0].replaced:
            reason = _fixed(instruction, called=called)
            if reason:
                message = f"the hook replaces {said(instruction)}, which {reason}"
                step = "write what it did into the routine by hand, if it is still needed"
                yield PatchFinding("AFSP07", "note", message, write.address, step, write.patch)


def _fixed(instruction: Instruction, *, called: bool) -> str:
    row = instruction.opcode
    if row.mode in _RELATIVE:
        return "is relative to its place"
    if row.access == "return" or leaves(instruction):
        return "leaves this code"
    if called and (
        row.access in ("push", "pull") or row.mode.startswith("stack") or row.mnemonic in ("TSX", "TXS", "TCS")
    ):
        return "works on the stack, where the called routine has its return address on top"
    if row.access == "call" and row.mode == "absolute":
        return "reaches its own bank alone"
    return ""


def hooks(written: Written) -> Iterator[Hook]:
    """Give the hooks, with the original instructions that they replace."""
    for write, decoded, _ in _over_code(written):
        if not written.is_hook(write):
            continue
        sure = bool(decoded) and all(item.replaced == decoded[0].replaced for item in decoded)
        jump = first_jump(write.data, write.address)
        target = jump.target if jump else None
        yield Hook(
            write.address,
            JUMPS[write.data[0]] + (f" ${target:06X}" if target is not None else ""),
            len(write.data),
            tuple(said(instruction) for instruction in decoded[0].replaced) if sure else (),
            decoded[0].back - write.span.start + write.address if sure else -1,
            write.patch,
        )


HOOK_CHECKS: tuple[Callable[[Written], Iterator[PatchFinding]], ...] = (
    whole_instructions,
    whole_jump,
    leads_to_code,
    jumped_into,
    movable,
)
