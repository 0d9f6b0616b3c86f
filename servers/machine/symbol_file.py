"""Symbol files of the user's project: read whole, whatever their format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.machine.beneath import NotThereError, Root
from servers.machine.errors import ServerError
from servers.machine.names import show

if TYPE_CHECKING:
    from pathlib import Path

    from knowledge.snes.mapping import Mapper
    from knowledge.snes.symbol_table import SymbolTable

__all__ = ["read_table"]

_SYMBOL_LIMIT = 32 << 20


def read_table(project: Path, path: str, mapper: Mapper = "lorom") -> SymbolTable:
    """Read a symbol file below the folder `project`: WLA, no$sns, Mesen labels or lines for asar.

    `mapper` turns Mesen's ROM offsets into addresses. Raises ServerError: no such file, no known format.
    """
    from knowledge.snes.symbol_table import SymbolError
    from knowledge.snes.symbols import read_symbols

    try:
        with Root(project) as root:
            data = root.read(path, limit=_SYMBOL_LIMIT, tagged=False).data
    except NotThereError as error:
        raise ServerError(f"there is no symbol file {show(path)}; name it relative to the project folder") from error
    try:
        return read_symbols(data.decode("utf-8", "replace"), mapper=mapper)
    except SymbolError as error:
        raise ServerError(
            f"{show(path)} is no symbol file that is known: {error}; name a WLA or no$sns .sym, a Mesen .mlb, "
            "or lines as LABEL = $7E0010"
        ) from error
