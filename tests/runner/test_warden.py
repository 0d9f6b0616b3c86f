"""The warden: what a killed runner started is ended, by whatever shell the system has."""

import os
import select
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="waits on a pidfd")

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
    try:
        server = os.pidfd_open(pid)
    except ProcessLookupError:
        return  # it has ended already
    ended, _, _ = select.select([server], [], [], 60)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    os.close(server)
    assert ended
