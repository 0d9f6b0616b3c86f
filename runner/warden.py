"""The warden: a shell beside this process that ends its servers where it was killed and could not do so itself.

A server ends by itself when its input does; one that does not would outlive a runner that was killed. The warden is
told of each server that starts and ends, notices the death of the runner by the end of its own input, gives the
servers two seconds, and kills what is left with its process group. On Windows there is none.
"""

import contextlib
import os
import subprocess
import sys

from runner.strays import disown, own

__all__ = ["GRACE_SECONDS", "Warden"]

GRACE_SECONDS = 2
"""How long the servers of a killed runner have to end by themselves."""
_END_SECONDS = 2.0
_SCRIPT = f"""\
left=" "
while read -r sign pid; do
  if [ "$sign" = "+" ]; then left="$left$pid "; continue; fi
  kept=" "
  for one in $left; do [ "$one" = "$pid" ] || kept="$kept$one "; done
  left=$kept
done
[ "$left" = " " ] && exit 0
sleep {GRACE_SECONDS}
for pid in $left; do kill -s KILL -- "-$pid"; done
"""


class Warden:
    """Knows the servers of one toolbox. It is started with the first of them; where that fails, there is none."""

    def __init__(self) -> None:
        self._shell: subprocess.Popen[bytes] | None = None
        self._tried = False

    def watch(self, pid: int) -> None:
        """Take in a server by its process id, which is also that of its group."""
        if not self._tried and sys.platform != "win32":
            self._tried = True
            with contextlib.suppress(OSError):
                self._shell = subprocess.Popen(
                    ["/bin/sh", "-c", _SCRIPT],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={"PATH": os.defpath},
                    start_new_session=True,  # what is sent to the runner's group does not reach it
                )
                own(self._shell.pid)
        self._say(f"+ {pid}\n")

    def forget(self, pid: int) -> None:
        """Take in that a server has ended with its group: its process id may be another's soon."""
        self._say(f"- {pid}\n")

    def close(self) -> None:
        """End the warden; whatever it still knows is left to it."""
        shell, self._shell = self._shell, None
        if shell is None:
            return
        assert shell.stdin is not None
        with contextlib.suppress(OSError):
            shell.stdin.close()
        try:
            shell.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            shell.kill()
            shell.wait()
        disown(shell.pid)

    def _say(self, line: str) -> None:
        if self._shell is not None and self._shell.stdin is not None:
            with contextlib.suppress(OSError):
                self._shell.stdin.write(line.encode("ascii"))
                self._shell.stdin.flush()
