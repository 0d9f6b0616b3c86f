"""`afs doctor` as a person meets it: the real command in a process of its own, over folders of the test."""

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from runner.models.ollama_double import OllamaDouble
from servers.machine.asar import find_asar
from servers.machine.errors import ServerError
from servers.settings import Settings

SCRIPTS = Path(sysconfig.get_path("scripts"))
NOBODY = "127.0.0.1:9"
"""A port that nothing answers on."""


class Told(NamedTuple):
    code: int
    out: str
    err: str

    def line(self, part: str) -> str:
        (line,) = [line for line in self.out.splitlines() if re.match(rf"\S {part}\b", line)]
        return line


@pytest.fixture
def asar() -> Path:
    try:
        return find_asar(Settings.from_environment()).path
    except ServerError as error:
        pytest.skip(str(error))


def afs(folder: Path, *words: str, **environ: str) -> Told:
    project = folder / "project"
    project.mkdir(exist_ok=True)
    env = {
        "HOME": str(folder),
        "PATH": os.defpath,
        "OLLAMA_HOST": NOBODY,
        "AFS_DATA_DIR": str(folder / "data"),
        "AFS_CONTEXT_ROOT": str(folder / "context"),
        **environ,
    }
    done = subprocess.run(
        [SCRIPTS / "afs", *words], cwd=project, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    return Told(done.returncode, done.stdout, done.stderr)


def test_doctor_on_a_bare_machine_names_what_to_fetch_and_fails(tmp_path: Path) -> None:
    told = afs(tmp_path, "doctor", PATH=str(tmp_path))
    assert told.code == 1
    assert "✗" in told.line("asar") and "afs fetch asar" in told.line("asar")
    assert "✗" in told.line("model") and "afs fetch model" in told.line("model")
    assert "ollama serve" in told.line("ollama")
    assert told.err == ""


def test_doctor_leaves_no_file_behind(tmp_path: Path) -> None:
    afs(tmp_path, "doctor")
    assert [path.name for path in tmp_path.rglob("*")] == ["project"]


@pytest.mark.asar
def test_doctor_is_content_with_asar_and_an_ollama_that_has_a_model(asar: Path, tmp_path: Path) -> None:
    with OllamaDouble({"qwen2.5-coder:7b": ["completion", "tools"]}) as ollama:
        told = afs(tmp_path, "doctor", OLLAMA_HOST=ollama.host, AFS_ASAR=str(asar))
    assert "qwen2.5-coder:7b" in told.line("ollama")
    assert str(asar) in told.line("asar")
    assert "1.91" in told.line("asar")
    assert (told.code, told.err) == (0, "")


@pytest.mark.asar
def test_doctor_does_not_count_an_ollama_without_models(asar: Path, tmp_path: Path) -> None:
    with OllamaDouble({}) as ollama:
        told = afs(tmp_path, "doctor", OLLAMA_HOST=ollama.host, AFS_ASAR=str(asar))
    assert "no models" in told.line("ollama")
    assert told.code == 1


def test_doctor_shows_a_hostile_model_name_without_its_control_characters(tmp_path: Path) -> None:
    with OllamaDouble({"\x1b[2J\nevil:latest": ["completion"]}) as ollama:
        told = afs(tmp_path, "doctor", OLLAMA_HOST=ollama.host)
    assert "\x1b" not in told.out
    assert "evil" in told.line("ollama")


def test_doctor_names_a_setting_that_cannot_be_used(tmp_path: Path) -> None:
    told = afs(tmp_path, "doctor", AFS_ASAR=str(tmp_path / "no-such-asar"))
    assert "AFS_ASAR" in told.line("asar")
    assert told.code == 1


def test_doctor_says_when_the_context_root_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "context").write_text("a file in its place", encoding="utf-8")
    told = afs(tmp_path, "doctor")
    assert "✗" in told.line("context")
    assert "AFS_CONTEXT_ROOT" in told.line("context")


def test_doctor_prints_one_json_object_a_line_for_programs(tmp_path: Path) -> None:
    told = afs(tmp_path, "doctor", "--json")
    findings: list[dict[str, Any]] = [json.loads(line) for line in told.out.splitlines()]
    parts = ["python", "asar", "model", "ollama", "key:openai", "key:claude", "key:gemini", "sandbox", "ripgrep"]
    parts += ["proofs", "context", "emulators"]
    parts += ["claude", "gemini"]
    assert [finding["part"] for finding in findings] == parts
    assert {finding["state"] for finding in findings} <= {"ok", "missing", "note"}
    assert [finding["part"] for finding in findings if finding["state"] == "missing" and not finding["fix"]] == []


def test_doctor_sees_that_a_host_is_configured_and_when_its_file_is_out_of_date(tmp_path: Path) -> None:
    before = afs(tmp_path, "doctor")
    assert afs(tmp_path, "mcp", "install", "--client", "claude").code == 0
    after = afs(tmp_path, "doctor")
    file = tmp_path / "project" / ".mcp.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"afs-asar"', '"afs-other"'), encoding="utf-8")
    changed = afs(tmp_path, "doctor")
    assert "not configured" in before.line("claude")
    assert "configured in" in after.line("claude") and ".mcp.json" in after.line("claude")
    assert "not configured" in after.line("gemini")
    assert "differs from mcp.json" in changed.line("claude")


def test_doctor_finds_an_emulator_core_and_a_program_on_the_path(tmp_path: Path) -> None:
    cores, programs = tmp_path / "cores", tmp_path / "bin"
    for folder, name in ((cores, "bsnes_libretro.so"), (programs, "yaze")):
        folder.mkdir()
        (folder / name).write_bytes(b"")
        (folder / name).chmod(0o755)
    told = afs(tmp_path, "doctor", LIBRETRO_DIRECTORY=str(cores), PATH=f"{programs}:{os.defpath}")
    assert "bsnes_libretro.so" in told.line("emulators")
    assert "yaze" in told.line("emulators")


def test_doctor_says_where_a_key_is_and_never_the_key(tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text('gemini = "dummy-key-in-the-file"\n', encoding="utf-8")
    keys.chmod(0o600)
    told = afs(tmp_path, "doctor", ANTHROPIC_API_KEY="dummy-key-of-the-shell", AFS_KEYS_FILE=str(keys))
    assert "✓" in told.line("key:claude") and "ANTHROPIC_API_KEY" in told.line("key:claude")
    assert "✓" in told.line("key:gemini") and str(keys) in told.line("key:gemini")
    assert "no key" in told.line("key:openai") and "OPENAI_API_KEY" in told.line("key:openai")
    assert "dummy-key" not in told.out + told.err
    keys.chmod(0o644)
    assert f"chmod 600 {keys}" in afs(tmp_path, "doctor", AFS_KEYS_FILE=str(keys)).line("key:gemini")
