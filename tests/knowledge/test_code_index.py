"""The index of source over time: what changes, what is kept, what is hostile, and the graph that it shows."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.code_graph.dialect import LARGEST_FILE
from knowledge.code_graph.index import CodeIndex
from knowledge.code_graph.types import Cancelled, CodeError, SourceFile, contents
from knowledge.graph_view import Edge, GraphView

MAIN = b"""org $008000
incsrc "ram.asm"
Start:
    JSR Draw
    LDA !health
    STA $2100
    RTS
incsrc "draw.asm"
"""
DRAW = b"""; Draws the sprite
Draw:
    STZ $0D00,x
    JML Start
Table: dw Draw, Start
"""
RAM = b"!health = $7EF36D\n"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[CodeIndex]:
    made = CodeIndex(tmp_path / "code.db")
    yield made
    made.close()


def tree(main: bytes = MAIN, draw: bytes = DRAW, ram: bytes = RAM) -> list[SourceFile]:
    return [contents("main.asm", main), contents("draw.asm", draw), contents("ram.asm", ram)]


def named(index: CodeIndex) -> list[str]:
    return [symbol.name for symbol in index.symbols("hack")]


def edges(view: GraphView, name: str) -> set[tuple[str, str, str, str]]:
    return {(edge.subject, edge.relation, edge.object, edge.source) for edge in view.edges(name)}


def test_an_included_file_goes_on_at_the_address_of_its_include(index: CodeIndex) -> None:
    report = index.update("hack", tree())
    assert (report.files, report.changed, report.routines, report.labels, report.problem_count) == (3, 3, 2, 1, 0)
    assert {symbol.name: symbol.address for symbol in index.symbols("hack")} == {
        "Draw": 0x800B,
        "Table": 0x8012,
        "Start": 0x8000,
        "!health": 0x7EF36D,
    }


def test_a_define_of_another_file_decides_how_long_an_instruction_is(index: CodeIndex) -> None:
    code = b"org $008000\nA: LDA !place\n LDA #!count : STA !place,x\nB: LDA Table,x\nC: RTS\nTable: db 1\n"
    for place, after in ((b"$10", 0x8006), (b"$0010", 0x8008), (b"$7E0010", 0x800A), (b"$10+!count", 0x8006)):
        ram = b"!place = " + place + b"\n!count = $08\n"
        index.update("hack", [contents("a.asm", code), contents("ram.asm", ram)])
        labels = {symbol.name: symbol.address for symbol in index.symbols("hack") if symbol.kind != "define"}
        assert labels == {"A": 0x8000, "B": after, "C": -1, "Table": -1}, place
    index.update("hack", [contents("a.asm", code)])
    assert [symbol.address for symbol in index.routine("hack", "B")] == [-1]


def test_nothing_is_parsed_when_nothing_changed(index: CodeIndex) -> None:
    index.update("hack", tree())
    before, rows = index.stamp("hack"), index.db.execute("SELECT max(id), count(*) FROM symbol").fetchone()
    report = index.update("hack", tree())
    assert (report.changed, report.removed, report.files) == (0, 0, 3)
    assert index.stamp("hack") == before
    assert index.db.execute("SELECT max(id), count(*) FROM symbol").fetchone() == rows


def test_an_edit_a_new_name_and_a_deleted_file_are_seen(index: CodeIndex) -> None:
    index.update("hack", tree())
    before = index.stamp("hack")
    report = index.update("hack", tree(draw=DRAW.replace(b"Draw", b"Paint").replace(b"$0D00", b"$0E00")))
    assert (report.changed, report.files) == (1, 3) and index.stamp("hack") != before
    assert named(index) == ["Paint", "Table", "Start", "!health"]
    calls = [(use.owner, use.target, use.address) for use in index.accesses("hack") if use.kind == "call"]
    assert calls == [("Start", "Draw", -1)]
    report = index.update("hack", tree()[:2])
    assert (report.changed, report.removed, report.files) == (1, 1, 2)
    assert [problem[:2] for problem in report.problems] == [("main.asm", 2)]
    assert "!health" in [use.target for use in index.accesses("hack")]


def test_a_define_in_another_file_moves_what_rests_on_it(index: CodeIndex) -> None:
    index.update("hack", tree())
    index.update("hack", tree(ram=b"!health = $7EF36C\n"))
    assert "ram:7EF36C" in [use.target for use in index.accesses("hack")]
    (line,) = [line for body in index.bodies("hack", name="Start") for line in body.lines if line.target == "!health"]
    assert (line.mode, line.value, line.number) == ("absolute_long", 0x7EF36C, 5)


def test_an_index_that_went_through_edits_equals_one_made_anew(tmp_path: Path, index: CodeIndex) -> None:
    index.update("hack", tree(draw=b"Old: RTS\n", ram=b"!old = 1\n"))
    index.update("hack", tree())
    fresh = CodeIndex(tmp_path / "fresh.db")
    fresh.update("hack", tree())
    assert list(index.symbols("hack")) == list(fresh.symbols("hack"))
    assert list(index.accesses("hack")) == list(fresh.accesses("hack"))
    assert list(index.bodies("hack")) == list(fresh.bodies("hack"))
    assert index.stamp("hack") == fresh.stamp("hack")
    for table in ("symbol", "access", "target", "include", "problem", "words"):
        count = f"SELECT count(*) FROM {table}"
        assert index.db.execute(count).fetchone() == fresh.db.execute(count).fetchone(), table
    fresh.close()


def test_codebases_are_told_apart_and_forgotten(index: CodeIndex) -> None:
    index.update("one", tree())
    index.update("two", [contents("a.asm", b"Only: RTS\n")])
    assert [known[:4] for known in index.codebases()] == [("one", 3, 14, 2), ("two", 1, 1, 1)]
    assert index.forget("one") and not index.forget("one")
    assert [known.name for known in index.codebases()] == ["two"]
    with pytest.raises(CodeError, match="index it first, or take two"):
        index.stamp("one")
    counts = [index.db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("symbol", "words", "target")]
    assert counts == [1, 1, 0]


@pytest.mark.parametrize("name", ["", "atlas", "User", "a b", "x" * 65, "../x", "a:b"])
def test_a_name_that_the_graph_needs_is_no_codebase(index: CodeIndex, name: str) -> None:
    with pytest.raises(CodeError, match="cannot name a codebase"):
        index.update(name, tree())


def test_an_update_that_is_called_off_changes_nothing(index: CodeIndex) -> None:
    index.update("hack", tree())
    done: list[tuple[int, int]] = []
    changed = tree(main=b"Other: RTS\n", draw=b"Another: RTS\n")
    with pytest.raises(Cancelled, match="after 2 of 3 files"):
        index.update(
            "hack",
            changed,
            progress=lambda at, of: done.append((at, of)),
            cancelled=lambda: len(done) == 2,
        )
    assert done == [(1, 3), (2, 3)]
    assert named(index) == ["Draw", "Table", "Start", "!health"]


def test_a_killed_writer_leaves_what_was_there(tmp_path: Path, index: CodeIndex) -> None:
    index.update("hack", tree())
    index.close()
    code = (
        "import os, signal, sys; from pathlib import Path; from knowledge.code_graph.index import CodeIndex\n"
        "from knowledge.code_graph.types import contents\n"
        "files = [contents(f'{n}.asm', b'Lost: RTS\\n' * 500) for n in range(20)]\n"
        "CodeIndex(Path(sys.argv[1])).update('hack', files, progress=lambda done, _: done == 15 and "
        "os.kill(os.getpid(), signal.SIGKILL))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "code.db")], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    again = CodeIndex(tmp_path / "code.db")
    assert named(again) == ["Draw", "Table", "Start", "!health"]
    assert again.update("hack", tree()).changed == 0
    assert again.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    again.close()


def test_a_file_of_another_version_is_filled_anew_and_one_of_another_program_left_alone(tmp_path: Path) -> None:
    old = CodeIndex(tmp_path / "old.db")
    old.update("hack", tree())
    old.db.execute("PRAGMA user_version = 999")
    old.close()
    new = CodeIndex(tmp_path / "old.db")
    assert new.codebases() == () and new.update("hack", tree()).changed == 3
    new.close()
    with closing(sqlite3.connect(tmp_path / "notes.db")) as other, other:
        other.execute("CREATE TABLE notes(text)")
    other.close()
    with pytest.raises(CodeError, match="something else"):
        CodeIndex(tmp_path / "notes.db")
    Path(tmp_path, "text.db").write_text(
        "no database at all, but long enough to be read as one\n" * 9, encoding="utf-8"
    )
    with pytest.raises(CodeError, match="name another file"):
        CodeIndex(tmp_path / "text.db")
    with pytest.raises(CodeError, match="cannot be opened"):
        CodeIndex(tmp_path / "absent" / "code.db")


def test_missing_and_circular_includes_and_unreadable_files_are_problems_with_their_place(index: CodeIndex) -> None:
    def refused() -> bytes:
        raise PermissionError(13, "Permission denied")

    report = index.update(
        "hack",
        [
            contents("a.asm", b'A: RTS\nincsrc "b.asm"\nincsrc "gone.asm"\nincbin "tiles.bin"\n'),
            contents("b.asm", b'B: RTS\nincsrc "a.asm"\nendmacro\npullpc\nendif\n'),
            contents("c.asm", b"macro never_ends(x)\nif 1\n" + b"x" * 5_000),
            SourceFile("d.asm", refused),
            contents("e.asm", bytes(100)),
            contents("b.asm", b"Second: RTS\n"),
        ],
    )
    found = {(problem.file, problem.line) for problem in report.problems}
    assert found == {
        ("a.asm", 3), ("b.asm", 2), ("b.asm", 3), ("b.asm", 4), ("b.asm", 5), ("c.asm", 3), ("d.asm", 0), ("e.asm", 0)
    }  # fmt: skip
    assert report.problem_count == len(report.problems) == 10
    assert [symbol.name for symbol in index.symbols("hack") if symbol.kind == "routine"] == ["A", "B"]


@pytest.mark.parametrize(
    ("written", "path"),
    [("..\\lib\\b.asm", "lib/b.asm"), ("LIB/B.ASM", "lib/b.asm"), ("b.asm", "lib/b.asm"), ("./c.asm", "src/c.asm")],
)
def test_an_include_is_found_beside_from_the_root_or_by_the_end_of_its_path(
    index: CodeIndex, written: str, path: str
) -> None:
    sources = [contents("src/a.asm", f'incsrc "{written}"\n'.encode())]
    index.update("hack", [*sources, contents("lib/b.asm", b"B: RTS\n"), contents("src/c.asm", b"C: RTS\n")])
    assert [use.target for use in index.accesses("hack") if use.kind == "include"] == [path]


def test_line_ends_tabs_and_encodings_do_not_move_a_place(index: CodeIndex) -> None:
    text = "Näme:\t; スプライト\n\tLDA\t$10\n\tRTS\n"
    for number, data in enumerate(
        (
            text.encode(),
            text.replace("\n", "\r\n").encode("utf-8-sig"),
            text.replace("\n", "\r").encode("utf-16"),
            text.replace("ä", "a").encode("shift_jis"),
            text.replace("スプライト", "é").encode("latin-1"),
        )
    ):
        index.update("hack", [contents("a.asm", data)])
        (symbol,) = index.symbols("hack")
        assert (symbol.kind, symbol.first, symbol.last) == ("routine", 1, 3), number
        assert [(use.target, use.line) for use in index.accesses("hack")] == [("ram:7E0010", 2)]
        assert index.excerpt("hack", "a.asm", first=2, last=2) == "\tLDA\t$10"


def test_the_graph_of_a_codebase_has_calls_reads_writes_and_places(index: CodeIndex) -> None:
    index.update("hack", tree())
    (view,) = index.views()
    assert view.layer == "hack"
    assert edges(view, "hack:Start") == {
        ("hack:Start", "calls", "hack:Draw", "main.asm:4"),
        ("hack:Start", "reads", "ram:7EF36D", "main.asm:5"),
        ("hack:Start", "references", "hack:!health", "main.asm:5"),
        ("hack:Start", "writes", "register:2100", "main.asm:6"),
        ("hack:Start", "defined_in", "hack:main.asm", "main.asm:3"),
        ("hack:Draw", "jumps_to", "hack:Start", "draw.asm:4"),
        ("hack:Table", "references", "hack:Start", "draw.asm:5"),
    }
    assert edges(view, "ram:7EF36D") == {
        ("hack:Start", "reads", "ram:7EF36D", "main.asm:5"),
        ("hack:!health", "references", "ram:7EF36D", "ram.asm:1"),
    }
    assert {edge[:3] for edge in edges(view, "hack:main.asm")} == {
        ("hack:main.asm", "includes", "hack:ram.asm"),
        ("hack:main.asm", "includes", "hack:draw.asm"),
        ("hack:Start", "defined_in", "hack:main.asm"),
    }
    draw = view.node("hack:Draw")
    assert draw is not None and (draw.kind, draw.source) == ("routine", "draw.asm:2")
    assert draw.texts == ("$00800B", "Draws the sprite")
    assert view.node("hack:Absent") is None and view.edges("hack:Absent") == ()
    assert view.edges("user:Start") == ()


def test_each_edge_of_a_node_is_among_all_pairs_and_counted(index: CodeIndex) -> None:
    index.update("hack", tree())
    (view,) = index.views()
    pairs = list(view.pairs())
    assert view.count() == (7, len(pairs)) and len(set(pairs)) == len(pairs)
    names = {subject for subject, _, _ in pairs} | {target for _, _, target in pairs}
    found = {(edge.subject, edge.relation, edge.object) for name in names for edge in view.edges(name)}
    assert found == set(pairs)
    nodes = {node.name for node in view.find(limit=100)}
    assert {name for name in names if name.startswith("hack:")} <= nodes


def test_a_name_in_any_case_an_address_and_a_path_lead_to_a_node(index: CodeIndex) -> None:
    index.update("hack", tree())
    (view,) = index.views()
    asked = ("Draw", "draw", "hack:Draw", "$00800B", "$80:800B", "draw.asm", "!HEALTH", "nothing", "", "800B", "'\"%")
    assert [view.resolve(text) for text in asked] == [
        "hack:Draw", "hack:Draw", "hack:Draw", "hack:Draw", "hack:Draw", "hack:draw.asm", "hack:!health", "", "", "", ""
    ]  # fmt: skip
    assert [node.name for node in view.find("sprite")] == ["hack:Draw"]
    assert [node.name for node in view.find(kind="file", limit=2, offset=1)] == ["hack:main.asm", "hack:ram.asm"]
    before = view.stamp()
    index.update("hack", tree(ram=b""))
    assert view.stamp() != before and isinstance(view.edges("hack:Start")[0], Edge)


ASM_PIECES = (
    "Label:", ".sub", "..deep", "+", "--", "#_008000:", "LDA", "STA.w", "JSR", "JML", "BNE", "rep", "db", "dw", "macro",
    "endmacro", "if", "endif", "org", "incsrc", "incbin", "namespace", "struct", "endstruct", "pushpc", "pullpc", "!d",
    "=", ":=", "%m(", ")", "(", "[", "]", ",x", ",y", ",s", "#", "$", "$7E0010", "$12", "%101", "<a>", "{a}", "\\1",
    '"', "'", ":", " : ", ";", "//", "/*", "*/", ".proc", ".endproc", ".scope", ".enum", ".ENDE", ".SECTION", ".ENDS",
    "@l:", "scope x {", "}", "{", "\t", " ", "\n", "\r", "\0", "ä", "名", "0", "99999999999999999999", "-", "<<", "*",
    "?q",
)  # fmt: skip
asm = st.lists(st.sampled_from(ASM_PIECES), max_size=80).map("".join)


@settings(max_examples=250, deadline=None)
@given(st.one_of(st.binary(max_size=400), asm.map(str.encode)), st.sampled_from(["a.asm", "a.s", "a.65816"]))
def test_no_text_breaks_the_index(data: bytes, path: str) -> None:
    index = CodeIndex(Path(":memory:"))
    report = index.update("it", [contents(path, data), contents("main.asm", b"!d = $10\nLabel: JSR Label_sub\n")])
    count = data.count(b"\n") + data.count(b"\r") + 2
    assert report.files == 2
    for body in index.bodies("it"):
        assert 1 <= body.symbol.first <= body.symbol.last <= count + 1
        assert all(body.symbol.first <= line.number <= body.symbol.last for line in body.lines)
    (view,) = index.views()
    assert all(view.node(node.name) == node for node in view.find(limit=20))
    assert sum(1 for _ in index.accesses("it")) >= 1 and view.count()[0] >= 3
    assert index.search(data.decode("latin-1")).total >= 0
    index.close()


@pytest.mark.parametrize(
    "text",
    [
        "A" * 1_000_000, "(" * 1_000_000, "LDA " + "-" * 1_000_000, "db " + "$00," * 300_000, "." * 1_000_000,
        ":" * 1_000_000, " : " * 300_000, "+ " * 400_000, "!a=" * 300_000, '"' * 1_000_000, "{}" * 400_000,
        "if 1 : " * 150_000, "x: " * 300_000, "#_008000: " * 90_000,
    ],
)  # fmt: skip
def test_a_line_of_a_megabyte_is_read_in_part_and_said_so(index: CodeIndex, text: str) -> None:
    report = index.update("hack", [contents("a.asm", f"First: RTS\n{text}\nLast: RTS\n".encode())])
    assert [problem.line for problem in report.problems][:1] == [2]
    assert {"First", "Last"} <= {symbol.name.removeprefix("A") for symbol in index.symbols("hack")}


def test_deep_includes_and_macros_that_call_themselves_end(index: CodeIndex) -> None:
    chain = [
        contents(f"{number}.asm", f'incsrc "{number + 1}.asm"\nL{number}: RTS\n'.encode()) for number in range(900)
    ]
    report = index.update("deep", [*chain, contents("900.asm", b"org $008000\nEnd: RTS\n")])
    assert report.routines == 901 and any("deep" in problem.text for problem in report.problems)
    macros = b"macro a()\n%b()\n%b()\nendmacro\nmacro b()\n%a()\n%a()\nLDA $10\nendmacro\nMain: %a()\n RTS\n"
    index.update("loop", [contents("a.asm", macros)])
    assert 1 < len(list(index.accesses("loop", owner="Main"))) < 500
    doubled = b"".join(b"!d%d = !d%d+!d%d\n" % (n + 1, n, n) for n in range(60))
    index.update("sum", [contents("a.asm", b"!d0 = !d60\n" + doubled + b"Main: LDA !d60\n RTS\n")])
    assert [use.target for use in index.accesses("sum")] == ["!d60"]


def test_a_file_that_is_too_large_is_a_problem_and_not_read(index: CodeIndex) -> None:
    report = index.update("hack", [contents("a.asm", b"x" * (LARGEST_FILE + 1)), contents("b.asm", b"B: RTS\n")])
    assert [(problem.file, problem.line) for problem in report.problems] == [("a.asm", 0)]
    assert [symbol.name for symbol in index.symbols("hack")] == ["B"]
