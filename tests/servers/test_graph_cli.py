"""`afs graph` from the command line: index, search, import, export, forget."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from servers.graph.cli import graph


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AFS_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "hack"
    folder.mkdir()
    (folder / "a.asm").write_text("org $808000\nMain:\n STA $420B\n RTS\n", encoding="utf-8")
    return folder


def run(*words: str, text: str = "") -> Result:
    return CliRunner().invoke(graph, list(words), input=text)


def test_a_tree_is_indexed_searched_and_forgotten(place: Path) -> None:
    assert json.loads(run("index", str(place), "--json").stdout)["routines"] == 1
    found = json.loads(run("search", "dma transfers", "--json").stdout)
    assert found["places"][0]["node"] == "hack:Main"
    assert run("forget", "hack").exit_code == 0
    again = run("forget", "hack")
    assert again.exit_code == 1
    assert "afs graph stats" in again.output


def test_an_export_goes_in_again_elsewhere(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines: list[dict[str, object]] = [
        {"type": "entity", "name": "A", "entityType": "note", "observations": ["x"]},
        {"type": "entity", "name": "B", "entityType": "note", "observations": []},
        {"type": "relation", "from": "A", "to": "B", "relationType": "knows"},
    ]
    first = run("import", "-", text="\n".join(map(json.dumps, lines)))
    assert (first.exit_code, first.stdout) == (0, "2 nodes, 1 texts and 1 edges are new\n")
    for name in ("out.jsonl", "out.json", "out.graphml"):
        assert run("export", str(place / name)).exit_code == 0
        monkeypatch.setenv("AFS_DATA_DIR", str(tmp_path / name))
        assert json.loads(run("import", str(place / name), "--json").stdout)["edges"] == 1
        monkeypatch.setenv("AFS_DATA_DIR", str(tmp_path / "data"))


def test_a_broken_line_is_told_and_the_rest_goes_in(place: Path) -> None:
    good = json.dumps({"type": "entity", "name": "A", "entityType": "t", "observations": []})
    done = run("import", "-", text=f"{good}\nbroken\n")
    assert done.exit_code == 1
    assert "1 nodes" in done.stdout
    assert "line 2" in done.stderr


def test_what_is_not_there_is_told(place: Path) -> None:
    for words in (("import", str(place / "no.jsonl")), ("index", str(place / "no")), ("search", "dma")):
        done = run(*words)
        assert done.exit_code == 1
        assert done.output.startswith("Error: ") or "\nError: " in done.output


def test_the_graphs_and_their_sizes_are_listed(place: Path) -> None:
    sizes = json.loads(run("stats", "--json").stdout)["layers"]
    assert sizes["user"] == {"nodes": 0, "edges": 0}
    assert sizes["atlas"]["edges"] >= 50_000
