"""Who is at the other end of a Unix socket, as the system says."""

import socket
import struct
import sys

__all__ = ["peer_uid"]

_LOCAL_PEERCRED = 1  # macOS and the BSDs: a struct xucred, whose second word is the user
_XUCRED_SIZE = 76


def peer_uid(connection: socket.socket) -> int | None:
    """Return the id of the user whose process is at the other end; None where the system does not tell."""
    try:
        if sys.platform == "linux":
            size = struct.calcsize("iII")
            return int(struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1])
        return int(struct.unpack_from("II", connection.getsockopt(0, _LOCAL_PEERCRED, _XUCRED_SIZE))[1])
    except (OSError, struct.error):
        return None
