"""Symbol files of the user's project: read whole, whatever their format."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.names import show

if TYPE_CHECKING:
    from pathlib import Path

    from knowledge.alttp.overlay import Overlay
    from knowledge.snes.mapping import Mapper
    from knowledge.snes.symbol_table import SymbolTable

__all__ = ["OwnSymbols", "read_table"]

_SYMBOL_LIMIT = 32 << 20


def read_table(project: Path, path: str, mapper: Mapper = "lorom") -> SymbolTable:
    """Read a symbol file below the folder `project`: WLA, no$sns, Mesen labels or lines for asar.

    `mapper` turns Mesen's ROM offsets into addresses. Raises ServerError: no such file, no known format.
    """
    return _parsed(path, _read(project, path), mapper)


def _read(project: Path, path: str) -> bytes:
    try:
        with Root(project) as root:
            return root.read(path, limit=_SYMBOL_LIMIT, tagged=False).data
    except NotThereError as error:
        raise ServerError(f"there is no symbol file {show(path)}; name it relative to the project folder") from error


def _parsed(path: str, data: bytes, mapper: Mapper) -> SymbolTable:
    from knowledge.snes.symbol_table import SymbolError
    from knowledge.snes.symbols import read_symbols

    try:
        return read_symbols(data.decode("utf-8", "replace"), mapper=mapper)
    except SymbolError as error:
        raise ServerError(
            f"{show(path)} is no symbol file that is known: {error}; name a WLA or no$sns .sym, a Mesen .mlb, "
            "or lines as LABEL = $7E0010"
        ) from error


class OwnSymbols:
    """The symbols of the user's own hack: files of the settings and of a call, read again only when they changed."""

    def __init__(self, project: Path, files: tuple[str, ...]) -> None:
        """Name the project folder and the files of the settings below it; none is touched."""
        self._project = project
        self._files = files
        self._key: object = None
        self._overlay: Overlay | None = None

    def overlay(self, extra: str = "") -> Overlay | None:
        """Return the symbols over the tables, those of the file `extra` on top; None without any file.

        Raises ServerError: no such file, no known format.
        """
        from knowledge.alttp.overlay import overlay_of

        contents = {path: self._content(path) for path in (*self._files, *filter(None, (extra,)))}
        key = tuple((path, hashlib.sha256(data).digest()) for path, data in contents.items())
        if key != self._key:
            tables = {path: _parsed(path, data, "lorom") for path, data in contents.items()}
            self._key, self._overlay = key, overlay_of(tables) if tables else None
        return self._overlay

    def _content(self, path: str) -> bytes:
        try:
            return _read(self._project, path)
        except ServerError as error:
            where = f" (AFS_SYMBOLS names files below {self._project})" if path in self._files else ""
            raise ServerError(f"{error}{where}") from error
