"""Master clocks between two places of a program, from what the H/V latch showed around them.

The latch tells dots of 4 clocks (two dots of a line have 6). Two looks 310 clocks apart tell in which half of a dot
the first one was, so that the time is exact to 2 clocks, which is as fine as the CPU steps. The 40 clocks in every line
in which RAM is refreshed are taken out. Source of the line: 1,364 clocks; dots 323 and 327 are the long ones.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from tests.oracle.probe import Latch

__all__ = ["between", "spans"]

_LINE: Final = 1364
_APART: Final = 310
"""Clocks between two looks: eight instructions of the capture, 5 x 38 + 3 x 40."""
_REFRESH: Final = 40
_REFRESH_FROM, _REFRESH_TO = 520, 600
"""Where in a line the refresh may lie: a look in here is refused."""
_SHORT_LINE: Final = 240


def _dot(clock: int) -> int:
    return (clock - 2 * (clock > 1292) - 2 * (clock > 1310)) >> 2


_CLOCKS: Final[dict[int, list[int]]] = {
    dot: [clock for clock in range(0, _LINE, 2) if _dot(clock) == dot] for dot in range(_dot(_LINE - 1) + 1)
}


def _times(latch: Latch) -> Iterator[int]:
    """Yield the times at which the latch may have been taken, refreshes taken out."""
    for clock in _CLOCKS.get(latch.dot, []):
        if not _REFRESH_FROM <= clock < _REFRESH_TO:
            yield latch.line * (_LINE - _REFRESH) + clock - (_REFRESH if clock >= _REFRESH_TO else 0)


def _pair(first: Latch, second: Latch) -> set[int]:
    """Return the times that the first look may have, given the second."""
    later = set(_times(second))
    return {time for time in _times(first) if time + _APART in later}


def _plausible(latches: Sequence[Latch]) -> bool:
    lines = [latch.line for latch in latches]
    short = lines[0] <= _SHORT_LINE <= lines[-1] != lines[0]
    return sorted(lines) == lines and lines[-1] - lines[0] <= 20 and not short


def between(latches: Sequence[Latch]) -> int | None:
    """Return the clocks from the second look to the third; None when they cannot be told for sure."""
    first, second, third, fourth = latches
    if not _plausible(latches):
        return None
    starts = {time + _APART for time in _pair(first, second)}
    found = {end - start for start in starts for end in _pair(third, fourth)}
    return found.pop() if len(found) == 1 else None


def spans(latches: Sequence[Latch]) -> set[int]:
    """Return the clocks that may lie between the second look and the third, where no fourth says more."""
    first, second, third = latches
    if not _plausible(latches):
        return set()
    return {end - time - _APART for time in _pair(first, second) for end in _times(third)}
