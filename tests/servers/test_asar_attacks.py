"""Hostile programs, on both back ends: no file of the host is read, nothing runs for ever, no process is left."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from servers.machine import landlock
from servers.machine.asar import ASAR_LIMITS, Assembly, assemble_code
from servers.machine.sandbox_launch import Backend
from tests.asar import HERE, NEEDS_ASAR

QUICK = ASAR_LIMITS._replace(cpu_seconds=1, wall_seconds=20.0, memory_bytes=128 << 20)


pytestmark = [pytest.mark.anyio, *NEEDS_ASAR]


@pytest.fixture(params=[pytest.param("bubblewrap", marks=pytest.mark.bwrap), "landlock"])
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = request.param
    if chosen == "bubblewrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is absent: apt-get install bubblewrap")
    if chosen == "landlock" and landlock.abi_version() == 0:
        pytest.skip("the kernel has no Landlock")
    return chosen


async def attack(code: str, backend: Backend) -> Assembly:
    with anyio.fail_after(40):
        return await assemble_code(code, HERE, limits=QUICK, backend=backend)


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The one place for temporary files: open to nobody, whom root becomes, which tmp_path is not."""
    with tempfile.TemporaryDirectory(prefix="afs-attack-") as name:
        Path(name).chmod(0o711)
        monkeypatch.setattr("tempfile.tempdir", name)
        yield Path(name)


def survivors(folder: Path) -> list[str]:
    """Command lines of the processes that run in the folder or name it."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        line, place = b"", ""
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            place = os.readlink(entry / "cwd") if line else ""
        except OSError:
            pass
        if line and (str(folder).encode() in line or place.startswith(str(folder))):
            found.append(line.decode(errors="replace"))
    return found


def spelled(assembly: Assembly) -> str:
    """All that the result holds, as one text."""
    data = b"".join(block.data for block in assembly.blocks)
    return f"{assembly.diagnostics} {assembly.prints} {assembly.symbols} {data!r}"


@pytest.fixture
def secret(folder: Path) -> Path:
    """A file that the program could read if it were not confined."""
    path = folder / "secret.asm"
    path.write_text("db $53,$45,$43 ; the-secret\nleaked_label: the-secret\n", encoding="utf-8")
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(
    "code",
    [
        'incbin "{path}"',
        'incsrc "{path}"',
        'incsrc "../../..{path}"',
        '!x = inc\n!{{x}}src "{path}"',
        '!x = "inc"\n!x = "!{{x}}bin"\n!x "{path}"',
        'table "{path}"\ndb "a"',
        'db readfile1("{path}",0)',
        'dd readfile4("{path}",3)',
        'print "size ",dec(filesize("{path}"))',
        'if canreadfile1("{path}",0) : print "can read the-secret"',
        'namespace x\nincsrc "{path}"\nnamespace off',
        'macro m(f)\nincsrc "<f>"\nendmacro\n%m("{path}")',
    ],
)
async def test_no_file_of_the_host_can_be_read(code: str, secret: Path, backend: Backend) -> None:
    assembly = await attack("org $008000\n" + code.format(path=secret), backend)
    said = spelled(assembly).replace(str(secret), "")
    assert "the-secret" not in said
    assert "leaked_label" not in said
    assert "SEC" not in said
    assert "size 5" not in said


@pytest.mark.parametrize("path", ["/etc/hostname", "/etc/passwd", "/proc/self/environ", "/proc/self/maps", "/dev/zero"])
async def test_system_files_can_not_be_read(path: str, backend: Backend) -> None:
    assembly = await attack(f'org $008000\nincbin "{path}"', backend)
    assert not assembly.ok
    assert assembly.size == 0
    assert all(item.next_step for item in assembly.diagnostics)


@pytest.mark.parametrize(
    "path",
    ["/usr/lib/os-release", "/etc/ld.so.cache", "/lib64/ld-linux-x86-64.so.2", "/usr/lib", "../asar", "../../asar"],
)
@pytest.mark.parametrize(
    "code",
    [
        'incbin "{path}"',
        'incsrc "{path}"',
        '!a = inc\n!{{a}}bin "{path}"',
        'dd readfile4("{path}",0)',
        'if canreadfile1("{path}",0) : print "it can be read"',
        'if filesize("{path}") > 0 : print "it can be read"',
    ],
)
async def test_what_a_program_is_loaded_with_can_not_be_read(code: str, path: str, backend: Backend) -> None:
    assembly = await attack("org $008000\nnop\n" + code.format(path=path), backend)
    assert assembly.prints == ()
    if "can be read" not in code:
        assert not assembly.ok
        assert all(item.next_step for item in assembly.diagnostics)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("org $008000\nwhile 1\nendwhile\n", "E_afs_time"),
        ('!a = "aaaaaaaaaaaaaaaa"\nwhile 1\n!a := "!a!a"\nendwhile\n', "E_afs_memory"),
        ('org $008000\nfor i = 0..12000\nprint "{flood}"\nendfor\n', "E_afs_output"),
    ],
)
async def test_a_program_without_end_is_ended_with_the_reason(
    code: str, expected: str, backend: Backend, folder: Path
) -> None:
    assembly = await attack(code.replace("{flood}", "x" * 100), backend)
    assert not assembly.ok
    assert expected in [item.code for item in assembly.diagnostics]
    assert "end" in assembly.diagnostics[-1].next_step or "loop" in assembly.diagnostics[-1].next_step
    assert survivors(folder) == []


@pytest.mark.parametrize(
    "code",
    [
        "org $008000\nrep 2000000000 : nop\n",
        "org $008000\nfill 2000000000\n",
        "org $008000\nmacro m()\n%m()\nendmacro\n%m()\n",
        "norom\norg $7FFFFFFF\ndb 1\n",
        "org $008000\nskip -100000\ndb 1\n",
        "org $008000\n" + "(" * 100_000,
        "org $008000\nlda " + "1+" * 60_000 + "1\n",
        "org $008000\n" + "!" * 10_000 + "\n",
        "org $008000\nprint hex(1,1000000)\n",
        "org $008000\n" + "é" * 50_000 + ":\n",
    ],
)
async def test_absurd_programs_fail_with_a_diagnostic_or_assemble(code: str, backend: Backend, folder: Path) -> None:
    assembly = await attack(code, backend)
    assert assembly.ok or assembly.diagnostics
    assert assembly.size < 16 << 20
    assert survivors(folder) == []


async def test_a_cancelled_assembly_leaves_no_process(backend: Backend, folder: Path) -> None:
    with anyio.fail_after(20):
        with anyio.move_on_after(1.0) as scope:
            await assemble_code("org $008000\nwhile 1\nendwhile\n", HERE, backend=backend)
    assert scope.cancelled_caught  # it ran until then: its own limit is three seconds of the processor
    assert survivors(folder) == []


async def test_eight_at_once_do_not_mix(backend: Backend) -> None:
    results: dict[int, Assembly] = {}

    async def one(number: int) -> None:
        results[number] = await assemble_code(f"org $00{number + 0x80:02X}00\nl{number}: db {number},0\n", HERE)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(one, number)
    for number, assembly in results.items():
        assert [(block.address, block.data) for block in assembly.blocks] == [
            ((number + 0x80) << 8, bytes((number, 0)))
        ]
        assert list(assembly.symbols) == [f"l{number}"]
    assert len(results) == 8


async def test_the_runs_over_one_program_share_its_time() -> None:
    slow = "org $008000\nfor i = 0..100000\nfor j = 0..100000\nendfor\nendfor\ndb read1($008000)\norg $009000\nnop\n"
    assembly = await assemble_code(slow, HERE, limits=ASAR_LIMITS._replace(wall_seconds=1.0, cpu_seconds=30))
    assert [item.message for item in assembly.diagnostics] == ["the program did not assemble in 1 seconds"]
