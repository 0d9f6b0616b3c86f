"""The queue as it is served: real processes, jobs that are held, ended, pre-empted and killed."""

import json
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.queue.place import HERE
from tests.runner.queued import JOIN, Queue, processes_with, until

pytestmark = pytest.mark.skipif(not HERE, reason="the queue needs Unix sockets")


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


def test_a_job_runs_in_the_folder_of_the_one_who_asked_and_its_run_is_kept(queue: Queue) -> None:
    with queue.served():
        done = queue.command("submit", "-m", queue.script(), "hello")
        name = done.stdout.decode().strip()
        (job,) = queue.ended(name)
    assert (job.state, job.attempt, job.detail) == ("done", 1, "answer"), done.stderr
    assert queue.run(name).answer == "done"
    assert name in queue.command("queue", "--all").stdout.decode()


def test_a_job_sees_the_experts_of_the_one_who_asked(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = queue.folder / "mine.toml"
    mine.write_text('[experts.mine]\nsummary = "Mine"\ninstructions = "Say hi."\ntools = ["*"]\n', encoding="utf-8")
    with queue.served():
        monkeypatch.setenv("AFS_EXPERTS", str(mine))
        done = queue.command("submit", "-e", "mine", "-m", queue.script(), "hello")
        (job,) = queue.ended(done.stdout.decode().strip())
    assert (job.state, job.detail) == ("done", "answer"), done.stderr
    assert queue.run(job.id).expert == "mine"


@pytest.mark.parametrize(("asked", "seen"), [(None, "1"), ("0", "0")])
def test_a_server_that_stays_local_does_so_unless_the_one_who_asks_says_otherwise(
    asked: str | None, seen: str, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells = ["-c", "import sys; open(sys.argv[1], 'w').close()", f"{queue.folder}/local-${{AFS_LOCAL_ONLY:-no}}"]
    servers = {"mcpServers": {"tells": {"command": sys.executable, "args": tells}}}
    (queue.folder / "mcp.json").write_text(json.dumps(servers), encoding="utf-8")
    monkeypatch.setenv("AFS_LOCAL_ONLY", "1")
    with queue.served():
        monkeypatch.delenv("AFS_LOCAL_ONLY")
        if asked is not None:
            monkeypatch.setenv("AFS_LOCAL_ONLY", asked)
        done = queue.command("submit", "-m", queue.script(), "hello")
        queue.ended(done.stdout.decode().strip())
    assert (queue.folder / f"local-{seen}").exists()


def test_a_higher_job_goes_on_between_two_steps_of_a_lower_one(queue: Queue) -> None:
    with queue.served():
        low = queue.submit("one", "two", priority="scheduled")
        until(lambda: queue.held("one"))
        high = queue.submit("three", priority="interactive")
        until(lambda: queue.states()[low] == "yielding")
        queue.let_go("one")
        until(lambda: queue.held("three"))
        assert queue.states() == {low: "paused", high: "running"}
        assert not queue.held("two")
        queue.let_go("two", "three")
        jobs = queue.ended(low, high)
    assert [job.state for job in jobs] == ["done", "done"]
    assert jobs[1].ended < jobs[0].ended
    assert (queue.calls("one"), queue.calls("two")) == (1, 1)


def test_two_who_ask_at_once_are_served_one_after_the_other(queue: Queue) -> None:
    with queue.served():
        first = queue.start(queue.script("one"))
        until(lambda: queue.held("one"))
        second = queue.start(queue.script("two"))
        until(lambda: len(queue.states()) == 2)
        assert sorted(queue.states().values()) == ["running", "waiting"]
        queue.let_go("one", "two")
        outs = [process.communicate(timeout=90) for process in (first, second)]
    assert [out[0] for out in outs] == [b"done one\n", b"done two\n"]
    assert b"queue  place 1" in outs[1][1]
    assert b"call  hold(" in outs[1][1]


def test_an_interrupted_client_cancels_its_job_and_the_run_is_kept(queue: Queue) -> None:
    with queue.served():
        client = queue.start(queue.script("one"))
        until(lambda: queue.held("one"))
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=90)
        (job,) = queue.jobs()
    assert (client.returncode, job.state) == (130, "cancelled")
    assert queue.run(job.id).stop == "interrupted"
    assert not processes_with(str(queue.folder))


def test_a_client_that_vanishes_leaves_its_job_to_the_queue(queue: Queue) -> None:
    with queue.served():
        client = queue.start(queue.script("one"))
        until(lambda: queue.held("one"))
        client.kill()
        client.communicate(timeout=90)
        queue.let_go("one")
        (job,) = queue.ended(queue.jobs()[0].id)
    assert job.state == "done"


def test_without_a_server_a_request_is_run_where_it_was_made(queue: Queue) -> None:
    done = queue.command(queue.script(), code=JOIN)
    assert (done.returncode, done.stdout) == (0, b"done\n"), done.stderr
    assert not queue.place.folder.exists()


def test_a_job_that_was_not_begun_when_the_server_goes_is_run_by_its_client(queue: Queue) -> None:
    with queue.served() as server:
        queue.submit("one")
        until(lambda: queue.held("one"))
        client = queue.start(queue.script())
        until(lambda: len(queue.states()) == 2)
        server.kill()
        server.wait(90)
        out, err = client.communicate(timeout=90)
    assert (client.returncode, out) == (0, b"done\n"), err
    assert [job.state for job in queue.jobs()][1] == "cancelled"


def test_a_waiting_and_a_running_job_are_cancelled(queue: Queue) -> None:
    with queue.served():
        running, waiting = queue.submit("one"), queue.submit("two")
        until(lambda: queue.held("one"))
        told = [queue.command("cancel", name).stdout.decode() for name in (waiting, running, running[-6:])]
        jobs = queue.ended(running, waiting)
    assert [job.state for job in jobs] == ["cancelled", "cancelled"]
    assert "was not begun" in told[0]
    assert "is kept" in told[1]
    assert not queue.held("two")


def test_a_deadline_ends_what_waits_and_what_runs(queue: Queue) -> None:
    with queue.served():
        running = queue.submit("one", deadline=8.0)
        until(lambda: queue.held("one"))
        waiting = queue.submit("two", deadline=0.1)
        jobs = queue.ended(waiting, running)
    assert [job.state for job in jobs] == ["expired", "expired"]
    assert "--priority" in jobs[0].detail
    assert jobs[1].run in jobs[1].detail
    assert not queue.held("two")


def test_a_worker_that_is_killed_goes_on_from_its_kept_run_or_is_told_as_interrupted(queue: Queue) -> None:
    with queue.served():
        name = queue.submit("one", "two")
        until(lambda: queue.held("one"))
        for worker in processes_with(name):
            os.kill(worker, signal.SIGKILL)
        until(lambda: not processes_with(str(queue.folder / "holding.py")) or queue.calls("one") == 2)
        queue.let_go("one", "two")
        (job,) = queue.ended(name)
    assert job.state in ("done", "interrupted")
    assert job.attempt == (2 if job.state == "done" else 1)


def test_a_termination_lets_what_runs_come_to_its_end_and_keeps_what_waits(queue: Queue) -> None:
    with queue.served() as server:
        running, waiting = queue.submit("one"), queue.submit()
        until(lambda: queue.held("one"))
        server.terminate()
        until(lambda: queue.ask(op="list")["draining"])
        queue.let_go("one")
        assert server.wait(90) == 0
    assert (queue.job(running).state, queue.job(waiting).state) == ("done", "waiting")
    assert not queue.place.socket.exists()
    with queue.served():
        assert queue.ended(waiting)[0].state == "done"


def test_a_second_termination_ends_what_runs_and_the_next_server_goes_on_with_it(queue: Queue) -> None:
    with queue.served() as server:
        name = queue.submit("one", "two")
        until(lambda: queue.held("one"))
        server.terminate()
        until(lambda: queue.ask(op="list")["draining"])
        server.terminate()
        assert server.wait(90) == 0
    kept = queue.job(name)
    assert (kept.state, bool(kept.resume)) == ("waiting", True)
    queue.let_go("one", "two")
    with queue.served():
        (job,) = queue.ended(name)
    assert (job.state, job.attempt, queue.run(name).resumes) == ("done", 2, kept.resume)


def test_a_killed_server_loses_none_of_twenty_jobs_and_leaves_nothing_running(queue: Queue) -> None:
    with queue.served("--at-once", "2") as server:
        held = [queue.submit("one", "two"), queue.submit("three", "four")]
        until(lambda: queue.held("one") and queue.held("three"))
        waiting = [queue.submit() for _ in range(20)]
        server.kill()
        server.wait(90)
    until(lambda: not processes_with(str(queue.folder)))
    queue.let_go("one", "two", "three", "four")
    with queue.served("--at-once", "4"):
        jobs = queue.ended(*held, *waiting)
    assert [(job.state, job.detail) for job in jobs[2:]] == [("done", "answer")] * 20
    assert [job.attempt for job in jobs[2:]] == [1] * 20
    assert [(job.state, job.attempt) for job in jobs[:2]] == [("done", 2)] * 2
    assert all(queue.run(name).resumes for name in held)
    assert not processes_with(str(queue.folder))


def test_a_second_server_of_one_folder_is_refused(queue: Queue) -> None:
    with queue.served(), queue.served() as second:
        assert second.wait(90) == 1
        assert second.stderr is not None
        assert b"already" in second.stderr.read()


def test_a_worker_that_hears_nothing_is_killed_when_its_job_is_cancelled(queue: Queue) -> None:
    with queue.served():
        name = queue.submit("one")
        until(lambda: queue.held("one"))
        (worker,) = processes_with(name)
        os.kill(worker, signal.SIGSTOP)
        queue.command("cancel", name)
        (job,) = queue.ended(name)
        until(lambda: not processes_with(str(queue.folder / "holding.py")))
    assert (job.state, job.attempt) == ("cancelled", 1)


def test_a_full_disk_refuses_what_is_new_and_loses_nothing(queue: Queue) -> None:
    with queue.served() as server:
        kept = queue.ended(queue.submit())[0]
        full = max(path.stat().st_size for path in queue.place.folder.iterdir())
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        for _ in range(3):  # a page or two may still fit
            with pytest.raises(ConfigError, match="free some space"):
                for _ in range(200):
                    queue.submit(priority="scheduled")
        assert queue.ask(op="list")["pid"] == server.pid
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        waiting = [job.id for job in queue.jobs() if job.state == "waiting"]
        for name in waiting:
            queue.ask(op="cancel", id=name)
        assert queue.ended(queue.submit())[0].state == "done"
    assert queue.job(kept.id) == kept
