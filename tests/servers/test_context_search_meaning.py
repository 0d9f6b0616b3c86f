"""The search by meaning: with a model that answers, one that goes away, one that answers nonsense, and none."""

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from servers.context.opened import Opened
from servers.context.packing import pack
from servers.context.searching import find
from servers.context.searching_index import Searched
from servers.settings import Settings

TOPICS = (("soldier", "guard", "enemy"), ("palette", "colour", "hue"), ("music", "tune", "melody"))
"""Words of one line mean the same to the double."""


class Double(ThreadingHTTPServer):
    """Answers as Ollama's /api/embed does; `wrong` replaces the answer, `asked` counts texts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.wrong: object = None
        self.asked = 0


class Handler(BaseHTTPRequestHandler):
    server: Double  # pyright: ignore[reportIncompatibleVariableOverride]  # made by that server alone

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += len(body["input"])
        vectors = [[float(any(word in text for word in topic)) + 0.01 for topic in TOPICS] for text in body["input"]]
        answer = {"embeddings": vectors} if self.server.wrong is None else self.server.wrong
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Generator[Double]:
    with Double() as server:
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=10)


@pytest.fixture
def searched(tmp_path: Path) -> Generator[Searched]:
    texts = {"guard.md": "a guard at the gate", "tune.md": "the tune of the field", "hue.md": "each hue of the screen"}
    for name, text in texts.items():
        path = tmp_path / "context" / "memory" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    root = tmp_path / "context"
    settings = Settings(context_root=root, data_dir=tmp_path / "data", project_root=tmp_path, embed_model="nomic")
    opened = Searched(Opened(settings))
    yield opened
    opened.close()


def files(searched: Searched, query: str) -> list[str]:
    return [match.path for match in find(searched, query).matches]


def test_other_words_of_the_same_meaning_are_found(double: Double, searched: Searched) -> None:
    assert files(searched, "enemy soldier")[0] == "memory/guard.md"
    assert files(searched, "melody")[0] == "memory/tune.md"
    assert find(searched, "melody").note == ""
    found = pack(searched, "which colour?", budget=500)
    assert (found.pieces[0].path, found.pieces[0].why) == ("memory/hue.md", "near in meaning")
    assert double.asked > 3


def test_each_passage_is_asked_for_once_and_again_when_it_changes(
    double: Double, searched: Searched, tmp_path: Path
) -> None:
    files(searched, "melody")
    before = double.asked
    files(searched, "melody")
    assert double.asked == before + 1
    (tmp_path / "context/memory/hue.md").write_text("a melody now", encoding="utf-8")
    assert files(searched, "music")[0] in ("memory/hue.md", "memory/tune.md")
    assert double.asked == before + 3


def test_a_model_that_goes_away_leaves_the_words_and_is_not_asked_again_at_once(
    double: Double, searched: Searched
) -> None:
    assert "memory/guard.md" in files(searched, "soldier")
    double.shutdown()
    double.server_close()
    found = find(searched, "guard")
    assert [match.path for match in found.matches] == ["memory/guard.md"]
    assert "by words alone" in found.note
    assert "a moment ago" in find(searched, "guard").note
    assert "by words alone" in pack(searched, "guard", budget=500).note


NONSENSE = (
    '{"embeddings": []}',
    '{"embeddings": [[]]}',
    '{"embeddings": [["x"]]}',
    '{"error": "no such model"}',
    "[]",
    json.dumps({"embeddings": [[1.0] * 20_000]}),
    '{"embeddings": [[0.0, 0.0]]}',
)


@pytest.mark.parametrize("wrong", NONSENSE)
def test_vectors_that_make_no_sense_leave_the_words(double: Double, searched: Searched, wrong: str) -> None:
    double.wrong = json.loads(wrong)
    assert files(searched, "guard") == ["memory/guard.md"]


def test_without_a_model_nobody_is_asked(double: Double, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context/a.md").write_text("a guard", encoding="utf-8")
    plain = Searched(
        Opened(Settings(context_root=tmp_path / "context", data_dir=tmp_path / "d", project_root=tmp_path))
    )
    try:
        assert find(plain, "guard").note == ""
    finally:
        plain.close()
    assert double.asked == 0
