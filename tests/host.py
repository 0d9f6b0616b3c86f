"""A host of a server for tests: it starts the real program and speaks with it byte by byte, each wait bounded."""

import contextlib
import json
import os
import select
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

__all__ = ["GREETING", "KINDS", "PROGRAM", "WAIT", "Ends", "Host", "call", "cancelled", "pipes"]

HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
GREETING = (json.dumps(HELLO) + '\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n').encode()
WAIT = 60.0
"""Seconds that anything may take at most."""
PROGRAM = [sys.executable, "-m", "servers.workspace.server"]


def call(identity: int, name: str, **arguments: object) -> bytes:
    params = {"name": name, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": identity, "method": "tools/call", "params": params}).encode() + b"\n"


def cancelled(identity: int) -> bytes:
    told = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": identity}}
    return json.dumps(told).encode() + b"\n"


class Ends(NamedTuple):
    """Descriptors: the server's two, and those of its host."""

    theirs: tuple[int, int]
    read: int
    write: int


def pipes() -> Ends:
    (read, stdout), (stdin, write) = os.pipe(), os.pipe()
    return Ends((stdin, stdout), read, write)


def sockets() -> Ends:
    """Give what Node gives to the servers that it starts: a socket for each direction."""
    pairs = [socket.socketpair(), socket.socketpair()]
    (read, stdout), (write, stdin) = ([end.detach() for end in pair] for pair in pairs)
    return Ends((stdin, stdout), read, write)


def one_socket() -> Ends:
    mine, theirs = socket.socketpair()
    read, other = mine.detach(), theirs.detach()
    return Ends((other, os.dup(other)), read, os.dup(read))


KINDS = {"pipes": pipes, "sockets": sockets, "one socket": one_socket}


class Host:
    """A host that has started a server and speaks with it byte by byte; a context manager."""

    def __init__(self, command: list[str], ends: Ends) -> None:
        self.read, self.write = ends.read, ends.write
        self.process = subprocess.Popen(command, stdin=ends.theirs[0], stdout=ends.theirs[1], stderr=subprocess.PIPE)
        for fd in ends.theirs:
            os.close(fd)
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=WAIT)
        for fd in (self.read, self.write):
            with contextlib.suppress(OSError):
                os.close(fd)

    def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            assert select.select([], [self.write], [], WAIT)[1], "the server reads nothing"
            rest = rest[os.write(self.write, rest[: select.PIPE_BUF]) :]

    def end(self) -> None:
        """End the server's input."""
        if stat.S_ISSOCK(os.fstat(self.write).st_mode):
            with socket.socket(fileno=os.dup(self.write)) as end:
                end.shutdown(socket.SHUT_WR)
        os.close(self.write)

    def close_what_it_reads(self) -> None:
        """Take nothing more of what the server says."""
        if stat.S_ISSOCK(os.fstat(self.read).st_mode):
            with socket.socket(fileno=os.dup(self.read)) as end:
                end.shutdown(socket.SHUT_RD)
        os.close(self.read)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Give what the server says, until it has closed its output."""
        while True:
            assert select.select([self.read], [], [], WAIT)[0], "the server says nothing"
            part = os.read(self.read, 1 << 16)
            if not part:
                assert not self._held, "the last line does not end"
                return
            *whole, self._held = (self._held + part).split(b"\n")
            yield from map(json.loads, whole)

    def answers(self, *wanted: int) -> dict[int, dict[str, Any]]:
        """Return the answers to these requests, each of which comes once; others may come between them."""
        found: dict[int, dict[str, Any]] = {}
        for message in self.lines():
            assert message["id"] not in found, "an answer came twice"
            found[message["id"]] = message
            if set(wanted) <= found.keys():
                return {identity: found[identity] for identity in wanted}
        raise AssertionError(f"the server ended; {sorted(set(wanted) - found.keys())} were not answered")

    def ended(self) -> str:
        """Wait until the server has ended, and return what it wrote to standard error."""
        return self.process.communicate(timeout=WAIT)[1].decode("utf-8")

    def seconds(self) -> float:
        """Return the processor's time that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
