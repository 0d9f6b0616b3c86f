"""Eight servers that write the same files while one after another is killed: nothing acknowledged is lost.

Here for some seconds; `python -m benchmarks.many_processes` and `make bench` do it for a minute.
"""

from pathlib import Path

import pytest

from benchmarks.many_processes import run, script
from benchmarks.many_processes_checks import Deed, Found, Ledger, look, record, sheet


def test_eight_servers_under_kill_lose_nothing_that_they_acknowledged(tmp_path: Path) -> None:
    if not Path(script("context")).exists():
        pytest.skip("the console scripts of the servers are not installed beside this Python")
    told = run(tmp_path, seconds=6, every=0.5, least=100)
    assert told.kills >= 8
    assert told.found.acked >= 100
    assert (told.hung, told.refused, told.unfound) == (0, {}, 0)
    assert told.found.bad == 0, told


PAD = "scratchpad/common"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A context in which all is as its ledger says."""
    for folder in (PAD, "memory/common/notes", ".afs/scratchpad/x/versions"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / PAD / "log-1.md").write_text(f"{record(0, 1)}\n{record(0, 2)}", encoding="utf-8")
    (tmp_path / PAD / "own-0.md").write_text(sheet(0, 3, size=900), encoding="utf-8")
    (tmp_path / "memory/common/notes/n.md").write_text(f"+++\n+++\n\n{record(0, 4)}\n", encoding="utf-8")
    (tmp_path / ".afs/scratchpad/x/note").write_text(f"{PAD}/log-1.md", encoding="utf-8")
    (tmp_path / ".afs/scratchpad/x/versions/000001-append-0-none-1").touch()
    (tmp_path / ".afs/scratchpad/x/versions/000002-append-0-text-2").write_text(record(0, 1), encoding="utf-8")
    return tmp_path


def held(context: Path) -> Found:
    note = Deed("note", "", record(0, 4), "memory/common/notes/n.md")
    acked = [
        Deed("scratchpad", "log-1.md", record(0, 1)),
        Deed("scratchpad", "log-1.md", record(0, 2)),
        Deed("own", "own-0.md", sheet(0, 3, size=900)),
        note,
    ]
    return look(context, [Ledger(acked, [])], lambda words: {word: [note.path] for word in words})


def test_what_is_as_acknowledged_is_right(context: Path) -> None:
    assert held(context)._replace(files=0) == Found(4, 0, 0, 2, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("name", "text", "counted"),
    [
        (f"{PAD}/log-1.md", record(0, 1), "lost"),
        (f"{PAD}/log-1.md", f"{record(0, 1)}\n{record(0, 2)}\n{record(1, 3)[:-4]}", "torn"),
        (f"{PAD}/log-1.md", f"{record(0, 1)}\n{record(0, 2)}\n{record(0, 2)}", "doubled"),
        (f"{PAD}/own-0.md", sheet(0, 2, size=900), "lost"),
        (f"{PAD}/own-2.md", sheet(0, 2, size=900)[:400], "torn"),
        (f"{PAD}/.0123456789abcdef.afs-tmp", "x", "strays"),
        ("memory/common/notes/n.md", "", "lost"),
        ("memory/common/notes/o.md", record(2, 2)[:-1], "torn"),
        (".afs/scratchpad/x/versions/000002-append-0-text-2", record(0, 1)[:9], "torn"),
        (".afs/scratchpad/x/versions/000003-append-0-text-3", record(0, 2), "torn"),
        (".afs/search/index.sqlite", "no base", "unfound"),
    ],
)
def test_what_is_not_as_acknowledged_is_counted(context: Path, name: str, text: str, counted: str) -> None:
    (context / name).parent.mkdir(parents=True, exist_ok=True)
    (context / name).write_text(text, encoding="utf-8")
    assert held(context)._asdict()[counted] == 1
