"""The index of source code over a made-up disassembly of 200,000 lines: cold, unchanged, and one question.

The goal is 20 s cold and 1 s unchanged where the Python CPU runs four million instructions a second: the ratios to that
second are what is held.
"""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ratio import Ratio, in_turns, ratio_of
from knowledge.alttp.conventions import ref_of
from knowledge.code_graph.index import CodeIndex
from knowledge.code_graph.types import SourceFile
from knowledge.m65816.machine import Machine
from knowledge.m65816.program import snippet

__all__ = ["LINES", "ROUNDS", "measure", "write_tree"]

LINES = 200_000
ROUNDS = 1
INSTRUCTIONS = 4_000_000
"""Instructions that the CPU runs beside it: a second's worth where the goals were set."""
_FILES = 64
_LOOP = snippet(bytes.fromhex("a5 10 18 69 01 85 10 80 f7"))
_NOUNS = (
    "Sprite",
    "Link",
    "Room",
    "Door",
    "Tile",
    "Palette",
    "Camera",
    "Ancilla",
    "Overlord",
    "Dungeon",
    "Overworld",
    "Item",
    "Menu",
    "Message",
    "Sound",
)
_VERBS = (
    "Draw",
    "Move",
    "Check",
    "Load",
    "Clear",
    "Spawn",
    "Update",
    "Init",
    "Handle",
    "Decide",
    "Transfer",
    "Reset",
    "Count",
    "Find",
    "Copy",
)
_COMMENTS = (
    "keep the low byte",
    "this slot is free",
    "wait for the next frame",
    "the speed in pixels",
    "no shield yet",
)


def _lines(random_: random.Random, names: list[str], count: int) -> Iterator[str]:
    """Give the lines of one bank in the manner of the common disassemblies."""
    address = 0x8000
    for name in names:
        yield ""
        yield f"; {random_.choice(_COMMENTS)}"
        yield f"{name}:"
        for number in range(-(-count // len(names)) - 4):
            choice = random_.randrange(12)
            place = f"#_{0x10000 * (address >> 15) | 0x8000 | address & 0x7FFF:06X}:"
            address += 3
            if choice == 0:
                yield f".part_{number}"
            elif choice == 1:
                yield f"{place} JSR.w {random_.choice(names)}"
            elif choice == 2:
                yield f"{place} STA.w ${random_.choice((0x2100, 0x2116, 0x420B, 0x4300)):04X} ; to the hardware"
            elif choice == 3:
                yield f"{place} LDA.l $7E{random_.randrange(0xF000, 0xF400):04X},X"
            elif choice == 4:
                yield f"{place} BNE .part_{max(0, number - 5)} ; {random_.choice(_COMMENTS)}"
            elif choice == 5:
                yield f"{place} db " + ", ".join(f"${random_.randrange(256):02X}" for _ in range(8))
            else:
                yield f"{place} {random_.choice(('LDA', 'STA', 'INC', 'CMP'))}.b ${random_.randrange(256):02X}"
        yield "    RTS"


def write_tree(folder: Path, *, lines: int = LINES, seed: int = 4) -> list[SourceFile]:
    """Write a disassembly of so many lines in files of a bank each, and return them for the index."""
    random_, files = random.Random(seed), list[SourceFile]()
    for bank in range(_FILES):
        names = [
            f"{random_.choice(_NOUNS)}_{random_.choice(_VERBS)}{random_.choice(_NOUNS)}_{bank:02X}_{number}"
            for number in range(max(1, lines // _FILES // 40))
        ]
        path = folder / f"bank_{bank:02X}.asm"
        path.write_text("\n".join(_lines(random_, names, lines // _FILES)) + "\n", encoding="utf-8")
        files.append(SourceFile(path.name, path.read_bytes))
    main = folder / "main.asm"
    main.write_text("lorom\n" + "".join(f"incsrc {file.path}\n" for file in files), encoding="utf-8")
    return [SourceFile("main.asm", main.read_bytes), *files]


def measure() -> list[Ratio]:
    """Index the tree in turns with the run, then again without a change, then ask."""
    machine = Machine(_LOOP, cpu="python")

    def plain() -> object:
        return machine.run(budget=INSTRUCTIONS)

    plain_way = f"the Python CPU on {INSTRUCTIONS:,} instructions"
    with tempfile.TemporaryDirectory() as folder:
        files = write_tree(Path(folder))
        index = CodeIndex(Path(folder, "code.db"), name_of=ref_of)

        def cold() -> object:
            index.forget("made")
            return index.update("made", files)

        first = in_turns(cold, plain, rounds=ROUNDS)
        again = in_turns(lambda: index.update("made", files), plain, rounds=ROUNDS)
        asking = in_turns(lambda: index.search("which routine checks the door of a room"), plain, rounds=ROUNDS)
        index.close()
    return [
        ratio_of(f"index {LINES:,} lines of source", first, bound=20.0, plain=plain_way),
        ratio_of(f"index {LINES:,} lines again, unchanged", again, bound=1.0, plain=plain_way),
        ratio_of(f"a question over {LINES:,} lines", asking, bound=0.2, plain=plain_way),
    ]
