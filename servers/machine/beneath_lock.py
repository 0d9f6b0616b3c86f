"""Advisory locks on open descriptors, which end with the process: `flock`, on Windows the first byte of a file."""

import sys

__all__ = ["take", "wait"]

if sys.platform == "win32":
    import msvcrt

    def take(fd: int) -> None:
        """Take the lock of an open file at once. Raises OSError where another one holds it."""
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def wait(fd: int) -> None:
        """Take the lock of an open file, waiting ten seconds at most. Raises OSError."""
        msvcrt.locking(fd, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def take(fd: int) -> None:
        """Take the lock of an open file or folder at once. Raises OSError where another one holds it."""
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def wait(fd: int) -> None:
        """Take the lock of an open file or folder, waiting for it. Raises OSError where there are no locks."""
        fcntl.flock(fd, fcntl.LOCK_EX)
