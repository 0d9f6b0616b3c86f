"""Clients of the queue that mean harm, or know no better; the server goes on serving the others."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from runner.queue.frames import FRAME_LIMIT
from runner.queue.peer import peer_uid
from runner.queue.place import HERE, address
from runner.queue.server import MOST_CONNECTIONS
from tests.runner.queued import Queue, until

pytestmark = pytest.mark.skipif(not HERE, reason="the queue needs Unix sockets")


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Generator[Queue]:
    queue = Queue(tmp_path_factory.mktemp("hostile"))
    with queue.served():
        yield queue


def connected(queue: Queue) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(60)
    with address(queue.place) as name:
        made.connect(name)
    return made


def answers(made: socket.socket) -> list[dict[str, Any]]:
    """Return all frames until the server closes the connection."""
    data = b""
    try:
        while chunk := made.recv(65536):
            data += chunk
    except ConnectionError:
        pass
    return [json.loads(line) for line in data.splitlines()]


def told(queue: Queue, sent: bytes) -> str:
    with connected(queue) as made:
        try:
            made.sendall(sent)
            made.shutdown(socket.SHUT_WR)
        except OSError:  # it hears no more, and says why
            pass
        return " ".join(str(frame.get("error", frame)) for frame in answers(made))


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"", ""),
        (b"no json\n", "one JSON object"),
        (b"\xff\xfe\x00\n", "one JSON object"),
        (b"[1, 2]\n", "JSON object"),
        (b"[" * 100_000 + b"\n", "one JSON object"),
        (b"{}\n", "`op`"),
        (b'{"op": ["list"]}\n', "`op`"),
        (b'{"op": "follow"}\n', "`id`"),
        (b'{"op": "cancel", "id": "\\ud800"}\n', "`id`"),
        (b'{"op": "cancel", "id": "0123456789abcdef"}\n', "afs agent queue"),
        (b'{"op": "submit"}\n', "Submission"),
        (b'{"op": "submit", "submission": {"id": "../../etc"}}\n', "id"),
        (b"x" * (FRAME_LIMIT + 70_000), "at most"),
    ],
)
def test_what_is_no_request_is_answered_and_the_server_goes_on(queue: Queue, sent: bytes, says: str) -> None:
    assert says in told(queue, sent)
    assert queue.ask(op="list")["pid"]


@pytest.mark.parametrize(
    "change",
    [
        {"priority": "highest"},
        {"deadline": -1},
        {"deadline": "soon"},
        {"request": {"prompt": 5}},
        {"request": {"prompt": "x", "shell": "rm"}},
        {"cwd": "x" * 5000},
        {"environ": {"A": 1}},
        {"more": 1},
    ],
)
def test_a_submission_that_is_not_well_formed_is_refused(queue: Queue, change: dict[str, Any]) -> None:
    before = len(queue.jobs())
    submission = queue.submission().model_dump(mode="json") | change
    said = told(queue, json.dumps({"op": "submit", "submission": submission}).encode() + b"\n")
    assert next(iter(change)) in said or "prompt" in said or "shell" in said
    assert len(queue.jobs()) == before


def test_the_same_submission_is_taken_once(queue: Queue) -> None:
    frame = json.dumps({"op": "submit", "submission": queue.submission().model_dump(mode="json")}).encode() + b"\n"
    assert "accepted" in told(queue, frame)
    assert "before" in told(queue, frame)


def test_a_prompt_with_lone_surrogates_and_escapes_is_run_and_shown_harmless(queue: Queue) -> None:
    submission = queue.submission().model_dump(mode="json")
    submission["request"]["prompt"] = "\ud800 \x1b[2J"
    assert "accepted" in told(queue, json.dumps({"op": "submit", "submission": submission}).encode() + b"\n")
    (job,) = queue.ended(submission["id"])
    assert job.state == "done"
    shown = queue.command("queue", "--all").stdout
    assert b"\x1b" not in shown
    assert b"\\x1b[2J" in shown.replace(b"\\\\", b"\\")


def test_a_folder_that_is_gone_is_told_as_a_failure(queue: Queue) -> None:
    submission = queue.submission().model_dump(mode="json") | {"cwd": str(queue.folder / "gone")}
    assert "accepted" in told(queue, json.dumps({"op": "submit", "submission": submission}).encode() + b"\n")
    (job,) = queue.ended(submission["id"])
    assert (job.state, "gone" in job.detail) == ("failed", True)


def test_too_many_connections_are_told_to_come_back(queue: Queue) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(connected(queue)) for _ in range(MOST_CONNECTIONS)]
        assert "try again" in until(lambda: told(queue, b'{"op": "list"}\n').replace("jobs", ""))
        assert len(idle) == MOST_CONNECTIONS
    assert until(lambda: "pid" in told(queue, b'{"op": "list"}\n'))


def test_a_follower_that_reads_nothing_keeps_nobody_waiting(queue: Queue) -> None:
    with connected(queue) as deaf:
        submission = queue.submission("deaf one", "deaf two").model_dump(mode="json")
        deaf.sendall(json.dumps({"op": "submit", "submission": submission, "follow": True}).encode() + b"\n")
        until(lambda: queue.held("deaf one"))
        queue.let_go("deaf one", "deaf two")
        assert queue.ended(submission["id"])[0].state == "done"


def test_a_follower_that_talks_nonsense_is_let_go_and_its_job_is_not(queue: Queue) -> None:
    with connected(queue) as rude:
        submission = queue.submission("rude").model_dump(mode="json")
        rude.sendall(json.dumps({"op": "submit", "submission": submission, "follow": True}).encode() + b"\n")
        until(lambda: queue.held("rude"))
        rude.sendall(b"nonsense\n")
        assert "left" in answers(rude)[-1]
    queue.let_go("rude")
    assert queue.ended(submission["id"])[0].state == "done"


def test_the_folder_the_database_and_the_socket_are_the_users_alone(queue: Queue) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in queue.place.folder.iterdir()}
    assert stat.S_IMODE(queue.place.folder.stat().st_mode) == 0o700
    assert {mode & 0o077 for mode in modes.values()} == {0}, modes


def test_the_system_tells_who_is_at_the_other_end() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_uid(ours) == os.geteuid()


KNOCK = (
    "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    "s = socket.socket(socket.AF_UNIX); s.settimeout(30); s.connect(sys.argv[1])\n"
    's.sendall(b\'{"op": "list"}\\n\'); print(s.recv(100))'
)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
def test_another_user_gets_no_answer_even_where_the_folder_is_open() -> None:
    folder = Path(tempfile.mkdtemp(prefix="afs-queue-"))
    queue = Queue(folder)
    try:
        with queue.served():
            knock = [sys.executable, "-I", "-c", KNOCK, str(queue.place.socket)]
            outside = subprocess.run(knock, capture_output=True, cwd="/", check=False)
            for path in (folder, folder / "data", queue.place.folder):
                path.chmod(0o755)
            queue.place.socket.chmod(0o666)
            inside = subprocess.run(knock, capture_output=True, cwd="/", check=False)
            assert queue.ask(op="list")["pid"]
        assert b"Permission" in outside.stderr
        assert inside.stdout in (b"b''\n", b"")
        assert b"Permission" not in inside.stderr
    finally:
        shutil.rmtree(folder)


def test_a_folder_with_a_long_name_has_a_queue_too(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100)
    folder.mkdir()
    queue = Queue(folder)
    with queue.served():
        assert queue.ended(queue.submit())[0].state == "done"
