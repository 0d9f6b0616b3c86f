"""Frames: what goes over the socket and between the server and its workers, one JSON object a line, bounded."""

import json
from typing import Any, cast

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream

from runner.errors import ConfigError

__all__ = ["FRAME_LIMIT", "FrameError", "Frames", "encode", "send"]

FRAME_LIMIT = 4 << 20
"""Bytes of one frame: a prompt of the greatest length, written with escapes."""
_CHUNK = 65536


class FrameError(ConfigError):
    """What came is no frame."""


def encode(frame: dict[str, Any]) -> bytes:
    """Return a frame as a line, in ASCII: what a model said may hold lone surrogates."""
    return json.dumps(frame, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Return the frame of a line. Raises FrameError."""
    try:
        frame: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame is one JSON object on one line") from error
    if not isinstance(frame, dict):
        raise FrameError("a frame is a JSON object")
    return cast("dict[str, Any]", frame)


class Frames:
    """Reads frames from a stream."""

    def __init__(self, stream: ByteReceiveStream, *, limit: int = FRAME_LIMIT) -> None:
        self._stream = stream
        self._limit = limit
        self._buffer = bytearray()
        self._scanned = 0

    async def read(self) -> dict[str, Any] | None:
        """Return the next frame, or None at the end.

        Raises:
            FrameError: it is too long, or none.
        """
        line = await self.line()
        return None if line is None else decode(line)

    async def line(self) -> bytes | None:
        """Return the next line without its end, or None at the end. Raises FrameError when it is too long."""
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._scanned = 0
                return line
            self._scanned = len(self._buffer)
            if self._scanned > self._limit:
                raise FrameError(f"a frame has at most {self._limit:,} bytes")
            try:
                self._buffer += await self._stream.receive(_CHUNK)
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                return None


async def send(stream: ByteSendStream, frame: dict[str, Any], *, patience: float = 10.0) -> bool:
    """Send a frame; False when nobody takes it within `patience` seconds."""
    try:
        with anyio.fail_after(patience):
            await stream.send(encode(frame))
    except (TimeoutError, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        return False
    return True
