"""The commands of the queue, where they are used wrongly and where nobody serves."""

import json
from pathlib import Path

import pytest

from runner.queue.place import HERE
from runner.queue.store import Store
from tests.runner.queued import Queue

pytestmark = pytest.mark.skipif(not HERE, reason="the queue needs Unix sockets")


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


def test_a_data_folder_that_is_a_file_is_told(queue: Queue) -> None:
    (queue.folder / "data").write_text("a file", encoding="utf-8")
    done = queue.command("serve")
    assert (done.returncode, b"AFS_DATA_DIR" in done.stderr) == (1, True), done.stderr
