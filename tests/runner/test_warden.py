"""The warden: what a killed runner started is ended, by whatever shell the system has."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

KILLED = """
import os, signal, subprocess
from runner.warden import Warden
server = subprocess.Popen(["sleep", "120"], start_new_session=True)
warden = Warden()
warden.watch(server.pid)
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_that_does_not_hear_the_end_of_its_input_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, check=False)
    pid = int(done.stdout)
    end = time.monotonic() + 60
    while _lives(pid) and time.monotonic() < end:
        time.sleep(0.05)
    lives = _lives(pid)
    if lives:
        os.kill(pid, 9)
    assert not lives


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
