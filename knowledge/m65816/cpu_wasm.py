"""The WebAssembly CPU, run by wasmtime."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knowledge.m65816.cpu import Cpu

__all__ = ["Unavailable", "WasmCpu"]


class Unavailable(RuntimeError):
    """WebAssembly cannot run here."""


def WasmCpu(storage: int) -> "Cpu":
    """Not there yet."""
    raise Unavailable(f"not built yet ({storage})")
