"""A contract as one comparison takes it: each address that it names is the first of its mirrors."""

from collections.abc import Iterator

from knowledge.m65816.contracts import check_contract
from knowledge.m65816.layout import Layout
from knowledge.m65816.memory import PAGE
from knowledge.m65816.outcome import CodeError
from schemas.contract import Contract, Input, MemoryRange

__all__ = ["settled"]


def settled(contract: Contract, layout: Layout) -> Contract:
    """Return a contract whose inputs and ranges name RAM by its first address, as the layout of the program has it.

    Raises CodeError for an input at an address where the program's mapper has no RAM. What of a range is no RAM is left
    out: nothing can be written there.
    """
    if not contract.memory_clobbers and not any(one.name.startswith("$") for one in contract.inputs):
        return contract
    ranges = (
        MemoryRange(start=low, end=high) for one in contract.memory_clobbers for low, high in _pieces(one, layout)
    )
    inputs = tuple(_input(one, layout) if one.name.startswith("$") else one for one in contract.inputs)
    found = contract.model_copy(update={"memory_clobbers": tuple(dict.fromkeys(ranges)), "inputs": inputs})
    check_contract(found)
    return found


def _input(one: Input, layout: Layout) -> Input:
    first = int(one.name[1:], 16)
    offsets = [layout.offset(first + index) if first + index <= 0xFFFFFF else -1 for index in range(one.size)]
    if -1 in offsets:
        raise CodeError(
            f"the input {one.name} lies where {layout.mapper} has neither WRAM nor SRAM; use $7E0000-$7FFFFF"
        )
    places = [layout.address(offset) for offset in offsets]
    if places[-1] - places[0] != one.size - 1:
        raise CodeError(f"the input {one.name} lies across two memories; give each byte an input of its own")
    return one.model_copy(update={"name": f"${places[0]:06X}"})


def _pieces(one: MemoryRange, layout: Layout) -> Iterator[tuple[int, int]]:
    """Yield the parts of a range that are RAM, page by page."""
    for page in range(one.start // PAGE, one.end // PAGE + 1):
        low, high = max(one.start, page * PAGE), min(one.end, page * PAGE + PAGE - 1)
        offset = layout.offset(low)
        if offset >= 0:
            first = layout.address(offset)
            yield first, first + high - low
