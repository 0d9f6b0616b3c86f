"""Rules over general DMA and HDMA: counts, banks, channels, and what the A bus cannot reach.

Source: the DMA pages of the snesdev wiki.
"""

from collections.abc import Iterator

from knowledge.m65816.flow import Node
from knowledge.m65816.lint.access import before, register, stored, writes
from knowledge.m65816.lint.context import Context
from knowledge.m65816.lint.finding import Finding

__all__ = ["dma_rules"]

_MDMAEN, _HDMAEN = 0x420B, 0x420C


def dma_rules(context: Context) -> Iterator[Finding]:
    """Find transfers that do something else than their set-up suggests."""
    hdma = _hdma_channels(context)
    for address, node in context.sound_nodes.items():
        found = register(node)
        if found is None or not writes(node) or not found.address <= _MDMAEN < found.address + (found.size or 1):
            continue
        value = stored(node)
        if value is None:
            continue
        mask = value >> 8 * (_MDMAEN - found.address) & 0xFF
        ports = _ports(context, address)
        for channel in range(8):
            if mask >> channel & 1:
                yield from _channel(context, address, channel, ports)
        yield from _clash(context, address, mask, hdma)


def _bytes(node: Node) -> dict[int, int | None]:
    """Return the register bytes that a store writes, with their values where known."""
    found = register(node)
    if found is None or not writes(node):
        return {}
    value = stored(node)
    size = found.size or 2
    return {
        found.address + place: None if value is None or found.size is None else value >> 8 * place & 0xFF
        for place in range(size)
    }


def _ports(context: Context, address: int) -> dict[int, int | None]:
    """Return what the registers $4300-$437F hold at an instruction, as far as the one way to it tells."""
    ports: dict[int, int | None] = {}
    for node in before(context.flow, address):
        for offset, value in _bytes(node).items():
            if offset == _MDMAEN:
                return ports
            ports.setdefault(offset, value)
    return ports


def _channel(context: Context, address: int, channel: int, ports: dict[int, int | None]) -> Iterator[Finding]:
    first = 0x4300 + 16 * channel
    mode, port = ports.get(first), ports.get(first + 1)
    low, high, bank = (ports.get(first + place) for place in (2, 3, 4))
    count_low, count_high = ports.get(first + 5), ports.get(first + 6)
    known = count_low is not None and count_high is not None
    count = (count_high or 0) << 8 | (count_low or 0)
    if known and count == 0:
        yield context.at_address(
            "dma-count-zero",
            address,
            f"channel {channel} has a byte count of 0, which moves 65,536 bytes",
            fix="if nothing is to be moved, do not start the channel; if 65,536 bytes are meant, say so in a comment",
        )
    if known and count and mode is not None and low is not None and high is not None:
        yield from _wrap(context, address, channel, mode, (high << 8 | low, count, bank))
    if bank is not None and port == 0x80:
        wram = bank in (0x7E, 0x7F) or (not bank & 0x40 and high is not None and high < 0x20)
        if wram:
            yield context.at_address(
                "dma-wram-to-wram",
                address,
                f"channel {channel} moves between WRAM and $2180, which is WRAM too: the hardware cannot do that",
                fix="copy with mvn, or with a loop",
            )


def _wrap(
    context: Context, address: int, channel: int, mode: int, source: tuple[int, int, int | None]
) -> Iterator[Finding]:
    start, count, bank = source
    step = 0 if mode & 0x08 else -1 if mode & 0x10 else 1
    last = start + step * (count - 1)
    if 0 <= last <= 0xFFFF:
        return
    where = f"${bank:02X}" if bank is not None else "its bank"
    yield context.at_address(
        "dma-bank-wrap",
        address,
        f"channel {channel} moves {count} bytes from ${start:04X}: it wraps within bank {where} instead of going on "
        f"in the next one",
        fix="move the data so that it lies in one bank, or split the transfer in two",
    )


def _hdma_channels(context: Context) -> dict[int, int]:
    """Return each channel that the program surely gives to HDMA, with the address of the write."""
    found: dict[int, int] = {}
    for address, node in context.sound_nodes.items():
        value = _bytes(node).get(_HDMAEN)
        for channel in range(8):
            if value is not None and value >> channel & 1:
                found.setdefault(channel, address)
    return found


def _clash(context: Context, address: int, mask: int, hdma: dict[int, int]) -> Iterator[Finding]:
    both = [channel for channel in hdma if mask >> channel & 1]
    if not both:
        return
    enabled = hdma[both[0]]
    off = any(
        0x420C in _bytes(node) and _bytes(node)[0x420C] in (0, None) for node in before(context.flow, address)
    ) or _turns_off(context, enabled)
    if off:
        return
    yield context.at_address(
        "hdma-clash",
        address,
        f"channel {both[0]} runs HDMA too: a transfer on it destroys the table address of the HDMA",
        path=[context.step(enabled, f"HDMA on channel {both[0]} is enabled")],
        fix="use another channel for one of the two, e.g. 0 for DMA and 7 for HDMA",
    )


def _turns_off(context: Context, enabled: int) -> bool:
    """Tell whether HDMA is switched off anywhere else than by the same write."""
    return any(
        _HDMAEN in _bytes(node) and address != enabled and _bytes(node)[_HDMAEN] in (0, None)
        for address, node in context.sound_nodes.items()
    )
