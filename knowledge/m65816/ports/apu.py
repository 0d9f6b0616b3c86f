"""The four ports to the sound CPU, $2140-$2143 and their mirrors up to $217F: scripted first, then an echo.

The sound CPU itself is not run. At power-on its boot code shows $AA and $BB on the first two ports and later echoes
what it is sent, which is what an upload routine waits for.
"""

from collections.abc import Sequence

from knowledge.m65816.ports.traffic import Reader, Writer

__all__ = ["Apu"]


class Apu:
    """What the CPU sees of the sound CPU."""

    def __init__(self) -> None:
        self.shown = [0xAA, 0xBB, 0x00, 0x00]
        self._queues: list[list[int]] = [[], [], [], []]
        self.readers: dict[int, Reader] = dict.fromkeys(range(0x2140, 0x2180), self._read)
        self.writers: dict[int, Writer] = dict.fromkeys(range(0x2140, 0x2180), self._write)

    def reset(self) -> None:
        """Show what the boot code shows; no script."""
        self.shown = [0xAA, 0xBB, 0x00, 0x00]
        self._queues = [[], [], [], []]

    def script(self, answers: Sequence[tuple[int, int]]) -> None:
        """Queue the values that the ports show on their next reads."""
        for port, value in reversed(answers):
            self._queues[port].append(value)

    def _read(self, address: int, clock: int) -> int:
        port = address & 3
        queue = self._queues[port]
        return queue.pop() if queue else self.shown[port]

    def _write(self, address: int, value: int, clock: int) -> None:
        self.shown[address & 3] = value
