"""What the text index answers: names, forms and slips, every script, any text as a query, the order of the answers."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servers.machine.beneath import Root
from servers.machine.fts_query import any_of, terms_of
from servers.machine.fts_text import passages
from servers.machine.fusion import fused
from servers.machine.text_index import TextIndex
from servers.machine.text_index_search import Hits, Wish


def light(path: bytes) -> float:
    return 0.01 if path.startswith(b"b") else 1.0


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    put(root, "memory/palette.md", "# Palettes\n\nThe title screen fades by CGRAM.\n")
    put(root, "memory/sprites.md", "# Sprites\n\nSprite 0x41 is a soldier; PlayerMainLoop calls it at $7E:F36D.\n")
    put(root, "memory/ram.md", "# Timer\n\nThe clock of the mill is at 0x7E0ABC.\n")
    put(root, "history/run.jsonl", '{"prompt": "soldier", "answer": "' + "word " * 60 + '"}\n')
    return root


def put(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def indexed(tree: Path) -> Generator[TextIndex]:
    """An index in memory over a tree, up to date."""
    index = TextIndex(None)
    try:
        with Root(tree) as root:
            index.refresh(root, place=tree)
        yield index
    finally:
        index.close()


def paths(found: Hits) -> list[str]:
    return [hit.path for hit in found.hits]


def ask(index: TextIndex, query: str) -> list[str]:
    return paths(index.search(query, limit=50))


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("PlayerMainLoop", "memory/sprites.md"),
        ("player main loop", "memory/sprites.md"),
        ("player_main_loop", "memory/sprites.md"),
        ("$7EF36D", "memory/sprites.md"),
        ("7E:F36D", "memory/sprites.md"),
        ("F36D", "memory/sprites.md"),
        ("0x7EF36D", "memory/sprites.md"),
        ("0x7e0abc", "memory/ram.md"),
        ("$7E0ABC", "memory/ram.md"),
        ("7E:0ABC", "memory/ram.md"),
        ("0ABC", "memory/ram.md"),
        ("sprites soldiers", "memory/sprites.md"),
        ("fading titles", "memory/palette.md"),
        ("cgr", "memory/palette.md"),
        ("solider", "memory/sprites.md"),
        ("palete", "memory/palette.md"),
        ('"title screen"', "memory/palette.md"),
        ("how does the title screen fade?", "memory/palette.md"),
    ],
)
def test_names_addresses_forms_beginnings_and_slips_are_found(tree: Path, query: str, first: str) -> None:
    with indexed(tree) as index:
        assert ask(index, query)[0] == first


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("ゼルダの伝説 神々のトライフォース", "伝説"),
        ("调色板在第七号存储体", "存储"),
        ("여기에서 팔레트를 읽는다", "팔레트"),
        ("Überraschung im Café", "uberraschung cafe"),
        ("naïve Straße", "NAIVE straße"),
        ("ПАЛИТРА экрана", "палитра"),
    ],
)
def test_words_of_any_script_are_found(tmp_path: Path, text: str, query: str) -> None:
    put(tmp_path / "tree", "a.md", f"before {text} after")
    put(tmp_path / "tree", "b.md", "other words")
    with indexed(tmp_path / "tree") as index:
        assert ask(index, query) == ["a.md"]


@pytest.mark.parametrize(
    "query",
    [
        *(
            '"',
            '""',
            "'",
            "*",
            "AND",
            "OR NOT",
            "NEAR(a b)",
            "a NEAR/2 b",
            "title:x",
            "{name} : x",
            "-x",
            "^x",
            "x*",
            "(",
        ),
        *(
            ")",
            "a AND (b",
            "\0",
            "a\0b",
            "\ud800",
            "\\",
            ";DROP TABLE words",
            "%",
            "_",
            "the",
            "💥",
            "\x1b[31m",
            "+a -b",
        ),
    ],
)
def test_any_text_is_a_query(tree: Path, query: str) -> None:
    with indexed(tree) as index:
        found = index.search(query, limit=5)
        assert found.total <= 3
        assert index.passages(query, most=5) is not None


def test_a_query_of_a_megabyte_is_answered(tree: Path) -> None:
    with indexed(tree) as index:
        assert paths(index.search("soldier " * 150_000, limit=5))[0] == "memory/sprites.md"
        assert index.search("x" * 1_000_000, limit=5).total == 0
        assert index.passages("filler " * 20_000 + "soldier", most=5)


def test_a_hit_shows_the_line_the_headings_and_the_etag(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    put(root, "a.md", "# Top\n\nintro\n\n## Palette\n\n" + "filler line\n" * 3 + "the needle is here\n")
    with indexed(root) as index:
        (hit,) = index.search("needle", limit=5).hits
    assert (hit.path, hit.line, hit.snippet, hit.title) == ("a.md", 10, "the needle is here", "Top > Palette")
    with Root(root) as opened:
        assert hit.etag == opened.read("a.md", limit=0).etag


def test_name_and_age_and_place_decide_between_equals(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    put(root, "a/notes.md", "about the needle, among other things")
    put(root, "b/needle.md", "about it")
    put(root, "c/old.md", "about the needle, among other things")
    os.utime(root / "c/old.md", (1_500_000_000, 1_500_000_000))
    with indexed(root) as index:
        assert ask(index, "needle") == ["b/needle.md", "a/notes.md", "c/old.md"]
        lighter = Wish(weigh=light)
        assert paths(index.search("needle", lighter, limit=5))[0] == "a/notes.md"
        assert paths(index.search("needle", Wish(under=(b"c",)), limit=5)) == ["c/old.md"]
        assert paths(index.search("needle", Wish(under=(b"b/need",)), limit=5)) == []


def test_passages_keep_every_line_of_a_text_in_order() -> None:
    text = "".join(f"{'#' * (1 + n % 3)} Head {n}\n\n" + f"line {n} of text\n" * (n * 3) + "\n" for n in range(40))
    cut = passages(text, name="a.md")
    assert "".join("".join(part.text.split()) for part in cut) == "".join(text.split())
    assert all(len(part.text) <= 1_600 for part in cut)
    lines = text.split("\n")
    for part in cut:
        assert part.text.split("\n")[0] == lines[part.first - 1]
    assert passages("x" * 5_000, name="a.bin")[-1].first == 1


def test_terms_are_quoted_and_common_words_left_out() -> None:
    assert [term.shown for term in terms_of("what is the palette of the title?", most=9)] == ["palette", "title"]
    assert [term.shown for term in terms_of("what is it", most=9)] == ["what", "is", "it"]
    assert any_of(terms_of('say "a "b" OR c', most=9)).count('"') % 2 == 0


def test_rankings_are_fused_by_their_places() -> None:
    assert list(fused([["a", "b", "c"], ["c", "b"]])) == ["c", "b", "a"]
    assert list(fused([["a"], []])) == ["a"]
