"""What the machine does, and which jobs wait for that."""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runner.queue.job import PRIORITIES, Job, Priority, Submission
from runner.queue.place import HERE
from runner.queue.watch import Bounds, Card, Reading, read_machine, reason_to_wait
from tests.runner.queued import Queue, until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def job(priority: Priority) -> Job:
    submission = Submission(id="0" * 16, priority=priority, request={}, cwd="", context_root="")
    return Job(submission=submission, number=1, submitted=0.0)


def waiting(reading: Reading, bounds: Bounds, **more: Any) -> list[str]:
    """Return the classes that have to wait."""
    return [name for name in PRIORITIES if reason_to_wait(job(name), reading, bounds, **more)]


@contextmanager
def training(folder: Path) -> Generator[subprocess.Popen[bytes]]:
    """Run a program named `my-train` until the block ends."""
    program = folder / "my-train"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([str(program), "120"]) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_calm_machine_keeps_nobody_waiting() -> None:
    assert waiting(Reading(load=0.5, free_mb=9000.0, cards=(Card(name="g", busy=0.1, free_mb=9000.0),)), Bounds()) == []
    assert waiting(Reading(), Bounds(card_free_mb=4000.0)) == []


def test_a_training_of_the_user_holds_back_all_but_training_jobs() -> None:
    assert waiting(Reading(training="train.py (process 7)"), Bounds()) == ["interactive", "analysis", "scheduled"]


def test_a_high_load_and_a_busy_card_hold_back_what_can_wait() -> None:
    loaded = Reading(load=9.0)
    busy = Reading(cards=(Card(name="g", busy=1.0, free_mb=1.0),))
    for reading in (loaded, busy):
        assert waiting(reading, Bounds()) == ["analysis", "scheduled"]
        assert waiting(reading, Bounds(), computing=True) == []
        assert waiting(reading, Bounds(load=0.0, card_busy=0.0)) == []
    two = Reading(cards=(*busy.cards, Card(name="h", busy=0.0, free_mb=9000.0)))
    assert waiting(two, Bounds(card_free_mb=4000.0)) == []


def test_without_memory_nothing_is_begun() -> None:
    assert waiting(Reading(free_mb=100.0), Bounds()) == list(PRIORITIES)
    full = Reading(cards=(Card(name="g", busy=0.0, free_mb=100.0),))
    assert waiting(full, Bounds(card_free_mb=4000.0)) == list(PRIORITIES)


@LINUX
def test_the_machine_is_read_as_it_is() -> None:
    reading = read_machine()
    assert reading.free_mb is not None
    assert 0 < reading.free_mb < 1 << 30
    assert reading.load == pytest.approx(os.getloadavg()[0] / (os.cpu_count() or 1), abs=1.0)
    assert reading.training == ""


@LINUX
def test_a_training_process_is_found_by_its_name_and_by_its_pid_file(tmp_path: Path) -> None:
    pid_file = tmp_path / "train.pid"
    with training(tmp_path) as process:
        pid_file.write_text(f"{process.pid}\n", encoding="ascii")
        assert until(lambda: str(process.pid) in read_machine(["my-train"]).training)
        assert str(process.pid) in read_machine([str(pid_file)]).training
        assert read_machine(["my-trai", "train"]).training == ""
    assert read_machine(["my-train", str(pid_file)]).training == ""


@LINUX
def test_a_script_is_found_by_its_name_too(tmp_path: Path) -> None:
    script = tmp_path / "finetune_it.py"
    script.write_text("input()", encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE) as process:
        assert until(lambda: str(process.pid) in read_machine(["finetune_it.py"]).training)
        process.communicate(b"\n", timeout=60)


@pytest.mark.parametrize("content", ["", "nope", "-1", "0", "99999999999999999999999", "4194999 x"])
def test_a_pid_file_that_names_no_process_holds_nobody_back(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.pid").write_text(content, encoding="ascii")
    assert read_machine([str(tmp_path / "a.pid"), str(tmp_path / "absent.pid")]).training == ""


@LINUX
@pytest.mark.skipif(not HERE, reason="the queue needs Unix sockets")
def test_jobs_make_room_for_a_training_and_go_on_after_it(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    with queue.served("--training", "my-train"):
        low = queue.submit("one", "two")
        until(lambda: queue.held("one"))
        with training(tmp_path):
            until(lambda: queue.states()[low] == "yielding")
            queue.let_go("one", "two")
            until(lambda: queue.states()[low] == "paused")
            (line,) = queue.ask(op="list")["jobs"]
            assert "is training" in line["reason"]
            assert queue.ended(queue.submit(priority="training"))[0].state == "done"
            assert not queue.held("two")
        assert queue.ended(low)[0].state == "done"
