"""A small libretro host: one emulator in this process, driven frame by frame through its C interface.

The interface is libretro's (libretro.h, API version 1). Only what a test needs is here: load a ROM, run frames, and
reach the memory that the emulator shows. Sound and pictures are thrown away.
"""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

__all__ = ["SAVE_RAM", "VIDEO_RAM", "WORK_RAM", "Emulator", "find_bsnes"]

SAVE_RAM: Final = 0
WORK_RAM: Final = 2
VIDEO_RAM: Final = 3

_SET_PIXEL_FORMAT = 10
_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu/libretro",
    "/usr/lib/aarch64-linux-gnu/libretro",
    "/usr/lib/libretro",
    "/usr/local/lib/libretro",
)
_BSNES = "bsnes_mercury_accuracy_libretro.so"


def find_bsnes() -> Path | None:
    """Return the shared object of bsnes (accuracy profile), or None: `LIBRETRO_BSNES` first, then the usual folders."""
    named = os.environ.get("LIBRETRO_BSNES", "")
    places = [Path(named)] if named else [Path(folder, _BSNES) for folder in _FOLDERS]
    return next((place for place in places if place.is_file()), None)


class _Game(ctypes.Structure):
    _fields_ = (
        ("path", ctypes.c_char_p),
        ("data", ctypes.c_char_p),
        ("size", ctypes.c_size_t),
        ("meta", ctypes.c_char_p),
    )


class _System(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("version", ctypes.c_char_p),
        ("extensions", ctypes.c_char_p),
        ("needs_path", ctypes.c_bool),
        ("no_extract", ctypes.c_bool),
    )


_ENVIRONMENT = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_uint, ctypes.c_void_p)
_VIDEO = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_size_t)
_SAMPLE = ctypes.CFUNCTYPE(None, ctypes.c_int16, ctypes.c_int16)
_BATCH = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)
_POLL = ctypes.CFUNCTYPE(None)
_STATE = ctypes.CFUNCTYPE(ctypes.c_int16, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint)


def _environment(command: int, _data: int | None) -> bool:
    return command == _SET_PIXEL_FORMAT


def _video(_data: int | None, _width: int, _height: int, _pitch: int) -> None:
    """Throw a picture away."""


def _sample(_left: int, _right: int) -> None:
    """Throw one moment of sound away."""


def _sound(_data: int | None, frames: int) -> int:
    """Throw sound away, and say that all of it was taken."""
    return frames


def _poll() -> None:
    """Look at no joypad."""


def _button(_port: int, _device: int, _index: int, _id: int) -> int:
    """Press no button."""
    return 0


class Emulator:
    """A libretro emulator. Use it as a context manager; one at a time in a process."""

    def __init__(self, shared_object: Path) -> None:
        library = ctypes.CDLL(str(shared_object))
        self._library: Any = library
        library.retro_get_memory_data.restype = ctypes.c_void_p
        library.retro_get_memory_size.restype = ctypes.c_size_t
        library.retro_load_game.restype = ctypes.c_bool
        callbacks: tuple[tuple[str, Any, Callable[..., Any]], ...] = (
            ("retro_set_environment", _ENVIRONMENT, _environment),
            ("retro_set_video_refresh", _VIDEO, _video),
            ("retro_set_audio_sample", _SAMPLE, _sample),
            ("retro_set_audio_sample_batch", _BATCH, _sound),
            ("retro_set_input_poll", _POLL, _poll),
            ("retro_set_input_state", _STATE, _button),
        )
        self._kept = [kind(function) for _name, kind, function in callbacks]
        for (name, _kind, _function), kept in zip(callbacks, self._kept, strict=True):
            getattr(library, name)(kept)
        library.retro_init()
        self._rom = b""

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.unload()
        self._library.retro_deinit()

    @property
    def name(self) -> str:
        """The emulator's own name and version."""
        system = _System()
        self._library.retro_get_system_info(ctypes.byref(system))
        return f"{system.name.decode('ascii')} {system.version.decode('ascii')}"

    def load(self, rom: bytes) -> None:
        """Start a ROM from power-on. Raises ValueError when the emulator refuses it."""
        self.unload()
        game = _Game(b"oracle.sfc", rom, len(rom), b"")
        if not self._library.retro_load_game(ctypes.byref(game)):
            raise ValueError("the emulator refused the ROM: look at its header at $00FFC0")
        self._rom = rom

    def unload(self) -> None:
        """Take the ROM out, if there is one."""
        if self._rom:
            self._library.retro_unload_game()
            self._rom = b""

    def run(self, frames: int = 1) -> None:
        """Run whole frames (1/60 s)."""
        for _ in range(frames):
            self._library.retro_run()

    def memory(self, kind: int) -> memoryview:
        """Return a live view of a memory: SAVE_RAM, WORK_RAM (128 KiB) or VIDEO_RAM (64 KiB, to read only).

        Raises ValueError when the emulator does not show it.
        """
        size: int = self._library.retro_get_memory_size(kind)
        address: int | None = self._library.retro_get_memory_data(kind)
        if not size or not address:
            raise ValueError(f"the emulator shows no memory {kind}: load a ROM first")
        return memoryview((ctypes.c_uint8 * size).from_address(address)).cast("B")
