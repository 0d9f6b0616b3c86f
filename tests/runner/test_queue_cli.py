"""The commands of the queue, where they are used wrongly and where nobody serves."""

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest

from runner.queue.job import Priority
from runner.queue.place import HERE
from runner.queue.store import Store
from tests.runner.queued import Queue, until

pytestmark = pytest.mark.skipif(not HERE, reason="the queue needs Unix sockets")


_FAR_APART: tuple[tuple[Priority, float], ...] = (("scheduled", 100.0), ("interactive", 160.0))
"""Less than the classes are apart by our own age, and more than by that of a hasty server."""


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["serve", "--limit", "nayru"], 2, "MODEL=NUMBER"),
        (["serve", "--limit", "nayru=0"], 2, "MODEL=NUMBER"),
        (["serve", "--at-once", "0"], 2, "--at-once"),
        (["serve", "--max-gpu", "2"], 2, "--max-gpu"),
        (["submit", "hi"], 1, "afs agent serve"),
        (["submit", "hi", "--priority", "highest"], 2, "interactive"),
        (["cancel", "abcdef"], 1, "afs agent serve"),
    ],
)
def test_what_cannot_be_done_is_told_with_the_next_step(queue: Queue, words: list[str], status: int, says: str) -> None:
    done = queue.command(*words)
    assert (done.returncode, says in done.stderr.decode()) == (status, True), done.stderr
    assert b"Traceback" not in done.stderr
    assert not queue.place.database.exists()


def test_a_queue_that_nobody_serves_is_listed_and_its_jobs_are_cancelled(queue: Queue) -> None:
    assert json.loads(queue.command("queue", "--json").stdout) == {"jobs": [], "pid": 0}
    queue.place.folder.mkdir(parents=True, mode=0o700)
    store = Store(queue.place.database)
    first, second = (store.add(queue.submission(priority=name)) for name in ("scheduled", "training"))
    store.close()
    listed = json.loads(queue.command("queue", "--json").stdout)
    assert [(line["id"], line["place"]) for line in listed["jobs"]] == [(second.id, 1), (first.id, 2)]
    assert "cancelled" in queue.command("cancel", first.id[-8:]).stdout.decode()
    shown = queue.command("queue", "--all").stdout.decode()
    assert "no queue is served" in shown
    assert [line.split()[1] for line in shown.splitlines() if first.id in line] == ["cancelled"]


def test_jobs_of_a_server_that_is_gone_are_listed_in_the_order_that_it_had(queue: Queue) -> None:
    with queue.served("--age", "1"):
        pass
    store = Store(queue.place.database)
    low, high = (store.add(queue.submission(priority=name), now=at) for name, at in _FAR_APART)
    store.close()
    listed = json.loads(queue.command("queue", "--json").stdout)
    assert [line["id"] for line in listed["jobs"]] == [low.id, high.id]


def test_a_job_that_has_ended_is_not_cancelled_and_that_is_an_error(queue: Queue) -> None:
    with queue.served():
        (job,) = queue.ended(queue.submit())
        tries = [queue.command("cancel", job.id)]
    tries.append(queue.command("cancel", job.id))
    assert [(done.returncode, done.stdout) for done in tries] == [(1, b"")] * 2
    assert all(b"had ended already: done" in done.stderr for done in tries)
    assert all(f"afs agent show {job.run}" in done.stderr.decode() for done in tries)


def test_a_missed_deadline_has_the_status_of_a_stop_without_an_answer(queue: Queue) -> None:
    run = [str(Path(sysconfig.get_path("scripts"), "afs-run")), "-m", queue.script(), "--deadline", "0.1", "hi"]
    with queue.served():
        name = queue.submit("one")
        until(lambda: queue.held("one"))
        done = subprocess.run(run, cwd=queue.folder, env=queue.environ, capture_output=True, timeout=60, check=False)
        queue.let_go("one")
        queue.ended(name)
    assert (done.returncode, b"deadline" in done.stderr) == (3, True), done.stderr


def test_a_data_folder_that_is_a_file_is_told(queue: Queue) -> None:
    (queue.folder / "data").write_text("a file", encoding="utf-8")
    done = queue.command("serve")
    assert (done.returncode, b"AFS_DATA_DIR" in done.stderr) == (1, True), done.stderr
