"""`python -m knowledge.m65816.cpu_generate [--check]`: writes, or checks, all that is made from the spec of the CPU.

The artifact is built with zig (`pip install ziglang`, at home or anywhere on the path) and says in a section of its own
which C text it was made from, so that spec, texts and artifact can be held together where there is no zig.
"""

import hashlib
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from knowledge.m65816.cpu_generate_c import c_text
from knowledge.m65816.cpu_generate_python import python_text

__all__ = ["artifact_source", "c_hash", "c_sources", "main", "texts"]

_HERE = Path(__file__).parent
_ARTIFACT = "cpu.wasm"
_SECTION = b"afs.source"
_FLAGS = ["-target", "wasm32-freestanding", "-O2", "-fno-strict-aliasing", "-nostdlib", "-Wall", "-Werror"]
_LINKED = ["-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=16384"]


def texts() -> dict[str, str]:
    """Return the generated modules by file name."""
    return {"cpu_python.py": python_text(), "cpu_python_recorded.py": python_text(recorded=True)}


def c_sources() -> dict[str, str]:
    """Return the C text by file name: two files written by hand, and what the spec makes."""
    kept = {name: (_HERE / name).read_text(encoding="utf-8") for name in ("cpu_wasm.c", "cpu_loop.h")}
    return {**kept, "cpu_ops.h": c_text()}


def c_hash() -> str:
    """Return the SHA-256 of the C text and of how it is compiled."""
    told = json.dumps([c_sources(), _FLAGS, _LINKED], sort_keys=True)
    return hashlib.sha256(told.encode("utf-8")).hexdigest()


def _leb(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def _section(payload: bytes) -> bytes:
    body = _leb(len(_SECTION)) + _SECTION + payload
    return b"\0" + _leb(len(body)) + body


def artifact_source(data: bytes) -> dict[str, str]:
    """Return what an artifact says that it was made from: `sha256` of the C text, `compiler`; empty: nothing."""
    _, mark, payload = data.rpartition(_leb(len(_SECTION)) + _SECTION)
    found: dict[str, str] = json.loads(payload) if mark else {}
    return found


def _build() -> bytes:
    """Return the artifact, compiled here."""
    from importlib.metadata import version

    with tempfile.TemporaryDirectory() as place:
        for name, text in c_sources().items():
            Path(place, name).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "ziglang", "cc", *_FLAGS, *_LINKED, "-o", _ARTIFACT, "cpu_wasm.c"]
        subprocess.run(command, cwd=place, check=True)
        made = Path(place, _ARTIFACT).read_bytes()
    told = {"sha256": c_hash(), "compiler": f"ziglang {version('ziglang')}"}
    return made + _section(json.dumps(told).encode("utf-8"))


def _artifact_fault(*, check: bool) -> str:
    """Make the artifact right, or say what is wrong with it; empty when nothing is."""
    path = _HERE / _ARTIFACT
    data = path.read_bytes() if path.is_file() else b""
    right = artifact_source(data).get("sha256") == c_hash()
    if importlib.util.find_spec("ziglang") is None:
        return "" if right else f"{_ARTIFACT}: not made from this spec; pip install ziglang and run without --check"
    if right and not check:
        return ""
    made = _build()
    if made == data:
        return ""
    if check:
        return (
            f"{_ARTIFACT}: another compiler output than {artifact_source(made)['compiler']} gives; run without --check"
        )
    path.write_bytes(made)
    return ""


@click.command()
@click.option("--check", is_flag=True, help="write nothing; exit with 1 when a file is not what the spec makes")
def main(*, check: bool) -> None:
    """Write the generated files of the CPU, or check them."""
    faults: list[str] = []
    for name, text in texts().items():
        path = _HERE / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            faults.append(f"{name}: not what the spec makes; run this without --check")
        else:
            path.write_text(text, encoding="utf-8")
    if fault := _artifact_fault(check=check):
        faults.append(fault)
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)


if __name__ == "__main__":
    main()
