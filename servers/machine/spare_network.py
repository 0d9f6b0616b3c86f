"""A network with nothing but a loopback, made ahead by root for the next program that it confines, and used once.

Making one takes a good part of the time in which a sandbox is made. Made ahead, it belongs to root's own user
namespace, so that no program in the sandbox has a say in it. Numbers are those of `linux/sched.h`, `linux/sockios.h`
and `linux/if.h`.
"""

import contextlib
import ctypes
import fcntl
import functools
import os
import socket
import struct
import threading

__all__ = ["enter_network", "spare_network", "take_network"]

_NEW_NETWORK = 0x40000000
_SET_FLAGS, _IS_UP = 0x8914, 1


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _done(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def enter_network(network: int) -> None:
    """Put the calling thread, and all that it starts, into the network of a descriptor. Raises OSError."""
    _done(_libc().setns(network, _NEW_NETWORK), "setns")


def _make() -> int:
    """Make a network in a thread of its own, which ends in it; return its descriptor. Raises OSError."""
    _done(_libc().unshare(_NEW_NETWORK), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _IS_UP))
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class _Spare:
    """At most one network that waits to be used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._network = -1
        self._possible = True

    def make(self) -> None:
        """Make the next one, unless there is one or it cannot be done here."""
        with self._lock:
            if self._network >= 0 or not self._possible:
                return
            with contextlib.suppress(OSError):
                self._network = _make()
            self._possible = self._network >= 0

    def make_beside(self) -> threading.Thread | None:
        thread = threading.Thread(target=self.make, name="afs-network", daemon=True)
        with contextlib.suppress(RuntimeError):  # no thread can be started
            thread.start()
            return thread
        return None

    def take(self) -> int:
        with self._lock:
            taken, self._network = self._network, -1
        return taken


@functools.cache
def _spare() -> _Spare:
    return _Spare()


def spare_network() -> None:
    """Begin to make the next network, beside the caller."""
    if os.geteuid() == 0:
        _spare().make_beside()


def take_network() -> int:
    """Return the descriptor of a network that nobody else has, for the caller to close; -1 where none can be made."""
    if os.geteuid() != 0:
        return -1
    spare = _spare()
    taken = spare.take()
    if taken < 0:
        maker = spare.make_beside()
        if maker is not None:
            maker.join()
            taken = spare.take()
    return taken
