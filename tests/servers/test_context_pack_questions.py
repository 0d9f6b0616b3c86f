"""Thirty questions over a planted tree of 300 notes: the pack for each holds the note that answers it."""

import itertools
import json
import random
from pathlib import Path
from typing import NamedTuple

from servers.context.opened import Opened
from servers.context.packing import pack
from servers.context.searching_index import Searched
from servers.settings import Settings


class Note(NamedTuple):
    """A note, and a question in other words that it answers."""

    name: str
    title: str
    text: str
    question: str


def notes() -> list[Note]:
    lines = Path(__file__).with_name("context_notes.jsonl").read_text(encoding="utf-8").splitlines()
    return [Note(**json.loads(line)) for line in lines]


_VERBS = ("checked", "moved", "measured", "renamed", "reverted", "tested", "documented", "planned", "discussed")
_THINGS = (
    *("the dungeon map", "a sprite", "the title screen", "palette 3", "the save menu", "room $12", "the sound test"),
    *(
        "bank $1C",
        "the player's sword",
        "the overworld",
        "tile 40",
        "an enemy",
        "the loader",
        "a message",
        "the header",
    ),
)


def plant(root: Path) -> None:
    """Write the notes that answer, and 270 that speak of like things and do not."""
    chance = random.Random(20)
    pairs = list(itertools.product(_VERBS, _THINGS))
    for number in range(300 - len(notes())):
        said = ". ".join(f"We {verb} {thing}" for verb, thing in chance.sample(pairs, 9))
        text = (
            f"# Log {number}\n\n{said}.\n\nNothing else on day {number}; the routine and the table stay as they are.\n"
        )
        folder = root / ("memory/log" if number % 3 else "knowledge/log")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"day-{number}.md").write_text(text, encoding="utf-8")
    for note in notes():
        (root / "memory" / f"{note.name}.md").write_text(f"# {note.title}\n\n{note.text}\n", encoding="utf-8")


def test_nine_of_ten_packs_hold_the_note_that_answers(tmp_path: Path) -> None:
    plant(tmp_path / "context")
    settings = Settings(context_root=tmp_path / "context", data_dir=tmp_path / "data", project_root=tmp_path)
    searched = Searched(Opened(settings))
    missing: list[str] = []
    try:
        for note in notes():
            found = pack(searched, note.question, budget=800)
            if f"memory/{note.name}.md" not in {piece.path for piece in found.pieces}:
                missing.append(note.question)
    finally:
        searched.close()
    assert len(notes()) == 30
    assert len(missing) <= 3, missing
