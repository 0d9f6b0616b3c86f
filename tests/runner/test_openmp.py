"""libgomp for the embedded model: the system's, else Debian's by apt, else the package is named."""

import ctypes.util
import shutil
import sys
from pathlib import Path

import pytest

from runner.errors import ModelMissing
from runner.models import openmp
from runner.models.openmp import fetch_openmp, load_openmp, openmp_path
from servers.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only the wheels for Linux need libgomp")

ABSENT = "libafs-absent.so.1"


def settings(folder: Path) -> Settings:
    return Settings(context_root=folder / "context", data_dir=folder / "data")


@pytest.fixture
def without_openmp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine whose loader knows no such library, and an empty folder as its PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setattr(openmp, "_LIBRARY", ABSENT)
    monkeypatch.setenv("PATH", str(programs))
    return programs


def program(folder: Path, name: str, *lines: str) -> None:
    path = folder / name
    path.write_text("\n".join(["#!/bin/sh", "PATH=/usr/bin:/bin", *lines]) + "\n", encoding="utf-8")
    path.chmod(0o755)


def test_nothing_is_fetched_where_the_system_has_the_library(tmp_path: Path) -> None:
    if ctypes.util.find_library("gomp") is None:
        pytest.skip("this system has no libgomp: apt-get install libgomp1")
    assert fetch_openmp(settings(tmp_path)) is False
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_an_error_that_names_the_package(without_openmp: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="apt-get install libgomp1"):
        load_openmp(tmp_path)
    with pytest.raises(ModelMissing, match="apt-get install libgomp1"):
        fetch_openmp(settings(tmp_path))


def test_the_library_is_taken_out_of_debians_package_and_loaded(without_openmp: Path, tmp_path: Path) -> None:
    library = ctypes.util.find_library("m")
    assert library is not None and shutil.which("sh", path="/bin") is not None
    real = next(path for path in Path("/").glob(f"*/*/{library}") if path.is_file())
    program(without_openmp, "apt-get", '[ "$*" = "download libgomp1" ] && : > libgomp1.deb')
    program(without_openmp, "dpkg-deb", "mkdir -p unpacked/usr/lib", f"cp -L {real} unpacked/usr/lib/{ABSENT}.0.0")
    assert fetch_openmp(settings(tmp_path)) is True
    assert openmp_path(tmp_path / "data").read_bytes() == real.read_bytes()
    assert fetch_openmp(settings(tmp_path)) is False


def test_an_archive_that_apt_cannot_reach_is_told_with_its_own_words(without_openmp: Path, tmp_path: Path) -> None:
    program(without_openmp, "apt-get", "echo 'E: Unable to locate package libgomp1' >&2", "exit 100")
    program(without_openmp, "dpkg-deb", "exit 1")
    with pytest.raises(ModelMissing, match="Unable to locate package"):
        fetch_openmp(settings(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != without_openmp] == []
