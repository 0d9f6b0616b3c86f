"""The jobs on the disk, and what becomes of those whose worker is gone."""

import sqlite3
from pathlib import Path

import pytest

from runner.errors import ConfigError, KeepError
from runner.queue import store as store_module
from runner.queue.client import new_submission
from runner.queue.job import Job, Submission
from runner.queue.settle import MOST_ATTEMPTS, has_its_run, settle
from runner.queue.store import Store
from runner.recorder import Recorder, new_run_id
from schemas.message import ToolCall
from schemas.run import CallRecord, Run, Step, Stop


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "queue.sqlite")


def submission(tmp_path: Path, *, deadline: float = 0.0) -> Submission:
    return new_submission({"prompt": "hi"}, tmp_path / "context", deadline=deadline)


def begun(store: Store, tmp_path: Path) -> Job:
    job = store.begin(store.add(submission(tmp_path)).id)
    assert job is not None
    return job


def kept(tmp_path: Path, stop: Stop, *, calls: int = 1) -> str:
    made = CallRecord(call=ToolCall(id="c", name="t", arguments={}), ok=True, text="x")
    run = Run(
        id=new_run_id(),
        prompt="hi",
        model="scripted:x",
        started="2026-01-01T00:00:00+00:00",
        stop=stop,
        steps=(Step(index=1, calls=(made,) * calls),),
    )
    Recorder(tmp_path / "context").keep(run)
    return run.id


def test_what_was_taken_on_is_there_when_the_file_is_opened_again(store: Store, tmp_path: Path) -> None:
    job = store.add(submission(tmp_path, deadline=5.0), now=100.0)
    store.close()
    again = Store(tmp_path / "queue.sqlite").jobs("waiting")
    assert again == [job]
    assert (job.submitted, job.deadline) == (100.0, 105.0)


@pytest.mark.parametrize(
    ("stop", "ended"), [("answer", True), ("budget", True), ("running", False), ("interrupted", False)]
)
def test_a_run_that_was_kept_whole_counts_even_if_its_worker_failed_after_it(
    store: Store, tmp_path: Path, stop: Stop, *, ended: bool
) -> None:
    job = begun(store, tmp_path)
    assert not has_its_run(job)
    store.note(job, run=kept(tmp_path, stop))
    assert has_its_run(store.job(job.id)) == ended


def test_a_clock_that_is_set_back_reorders_nothing(store: Store, tmp_path: Path) -> None:
    first, second = store.add(submission(tmp_path), now=100.0), store.add(submission(tmp_path), now=50.0)
    assert (first.submitted, second.submitted) == (100.0, 100.0)


def test_a_job_is_begun_once_and_ended_once(store: Store, tmp_path: Path) -> None:
    job = begun(store, tmp_path)
    other = Store(tmp_path / "queue.sqlite")
    assert other.begin(job.id) is None
    assert store.end(job, "done", run="r", detail="answer")
    assert not other.end(job, "failed")
    assert not other.back(job)
    assert (other.job(job.id).state, other.job(job.id).run) == ("done", "r")


def test_the_word_of_an_earlier_attempt_counts_no_more(store: Store, tmp_path: Path) -> None:
    first = begun(store, tmp_path)
    assert store.back(first)
    second = store.begin(first.id)
    assert second is not None
    store.note(first, run="old", called=1)
    assert not store.end(first, "done", run="old")
    assert (store.job(first.id).run, store.job(first.id).called, second.attempt) == ("", 0, 2)


def test_what_was_taken_back_is_never_begun_even_if_it_comes_later(store: Store, tmp_path: Path) -> None:
    unheard = submission(tmp_path)
    assert store.withdraw(unheard)
    with pytest.raises(ConfigError, match="before"):
        store.add(unheard)
    waiting = store.add(submission(tmp_path))
    assert store.withdraw(waiting.submission)
    assert store.begin(waiting.id) is None
    assert not store.withdraw(begun(store, tmp_path).submission)


def test_no_more_than_the_limit_wait(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_WAITING", 2)
    for _ in range(2):
        store.add(submission(tmp_path))
    with pytest.raises(ConfigError, match="afs agent cancel"):
        store.add(submission(tmp_path))


def test_a_job_is_found_by_the_end_of_its_id(store: Store, tmp_path: Path) -> None:
    job = store.add(submission(tmp_path))
    assert store.job(job.id[-6:]) == job
    for name in ("", job.id[-3:], "%", "nope"):
        with pytest.raises(ConfigError, match="afs agent queue"):
            store.job(name)


def test_no_key_of_the_user_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    store = Store(tmp_path / "queue.sqlite")
    made = submission(tmp_path)
    store.add(made.model_copy(update={"environ": made.environ}))
    store.close()
    assert made.environ["OLLAMA_HOST"] == "127.0.0.1:9"
    files = b"".join(path.read_bytes() for path in tmp_path.glob("queue.sqlite*"))
    assert b"OLLAMA_HOST" in files
    assert b"sk-secret" not in files
    given = Submission.model_validate({**made.model_dump(mode="json"), "environ": {"ANTHROPIC_API_KEY": "sk-secret"}})
    assert given.environ == {}


def test_a_file_that_is_no_queue_is_told_and_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.sqlite")
    other.execute("CREATE TABLE mine(x)")
    other.commit()
    other.close()
    (tmp_path / "broken.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigError, match="move it away"):
        Store(tmp_path / "other.sqlite")
    with pytest.raises(KeepError, match="move it away"):
        Store(tmp_path / "broken.sqlite")
    assert (tmp_path / "broken.sqlite").read_bytes().startswith(b"no database")


def test_a_run_that_had_come_to_its_end_is_done_though_nobody_said_so(store: Store, tmp_path: Path) -> None:
    job = begun(store, tmp_path)
    store.note(job, run=kept(tmp_path, "answer"), called=1)
    settle(store, store.job(job.id), "killed")
    assert (store.job(job.id).state, store.job(job.id).detail) == ("done", "answer")


def test_a_run_that_was_kept_goes_on(store: Store, tmp_path: Path) -> None:
    job = begun(store, tmp_path)
    run = kept(tmp_path, "interrupted")
    store.note(job, run=run, called=1)
    settle(store, store.job(job.id), "killed")
    assert (store.job(job.id).state, store.job(job.id).resume) == ("waiting", run)


def test_a_kept_run_that_does_not_tell_of_a_call_is_no_ground_to_go_on(store: Store, tmp_path: Path) -> None:
    job = begun(store, tmp_path)
    store.note(job, run=kept(tmp_path, "interrupted", calls=1), called=2)
    settle(store, store.job(job.id), "killed")
    assert store.job(job.id).state == "interrupted"


def test_what_has_called_no_tool_begins_anew_and_what_has_is_told_as_interrupted(store: Store, tmp_path: Path) -> None:
    harmless, risky = begun(store, tmp_path), begun(store, tmp_path)
    store.note(risky, run="20260101T000000Z-00000000", called=1)
    for job in (harmless, risky):
        settle(store, store.job(job.id), "killed")
    assert store.job(harmless.id).state == "waiting"
    assert store.job(risky.id).state == "interrupted"
    assert "tools may have run" in store.job(risky.id).detail


def test_what_ends_its_worker_each_time_is_not_begun_for_ever(store: Store, tmp_path: Path) -> None:
    name = store.add(submission(tmp_path)).id
    for _ in range(MOST_ATTEMPTS):
        job = store.begin(name)
        assert job is not None
        settle(store, job, "its worker ended by signal 9")
    assert store.begin(name) is None
    assert store.job(name).state == "interrupted"
    assert f"{MOST_ATTEMPTS} times" in store.job(name).detail
