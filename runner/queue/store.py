"""The jobs on the disk: SQLite, shared by the server, its workers and the command line, safe against a crash.

A job is begun and ended by one statement each, which takes only the state that it expects. So whoever comes second,
with whatever he believes, changes nothing.
"""

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from runner.errors import ConfigError, KeepError
from runner.queue.job import ENDED, Job, State, Submission
from runner.queue.order import AGE_SECONDS

__all__ = ["MOST_WAITING", "Store"]

MOST_WAITING = 1000
"""Jobs that may wait; one more is refused."""
_KEPT_SECONDS = 30 * 86400.0
"""How long what became of a job is told; its run is kept for good."""
_BUSY_SECONDS = 10.0
_APPLICATION = 0x41465351
_FORM = 1
_SCHEMA = (
    "CREATE TABLE job(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, submission TEXT NOT NULL, "
    "state TEXT NOT NULL, submitted REAL NOT NULL, deadline REAL NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT "
    "0, called INTEGER NOT NULL DEFAULT 0, run TEXT NOT NULL DEFAULT '', resume TEXT NOT NULL DEFAULT '', "
    "detail TEXT NOT NULL DEFAULT '', begun REAL NOT NULL DEFAULT 0, ended REAL NOT NULL DEFAULT 0)",
    "CREATE INDEX job_state ON job(state)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_FORM}",
)
_COLUMNS = "submission, number, state, submitted, deadline, attempt, called, run, resume, detail, begun, ended"
_WITHDRAWN = "taken back by the one who asked"


class Store:
    """An open database. Each method raises KeepError when the disk or the file does not do its part."""

    def __init__(self, path: Path, *, patience: float = _BUSY_SECONDS) -> None:
        """Open the file, or make it for this user alone; wait so many seconds while others write.

        Raises:
            ConfigError: the file is not a queue of this form.
        """
        self._path = path
        with self._told():
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(path, timeout=patience, isolation_level=None)
            try:
                self._make()
            except BaseException:
                self._db.close()
                raise

    def _make(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # what was acknowledged outlives a power cut
        with self._writing():
            if not self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                for statement in _SCHEMA:
                    self._db.execute(statement)
        form = [self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if form != [_APPLICATION, _FORM]:
            raise ConfigError(f"{self._path} is not a queue of this version; move it away")

    @contextlib.contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            broken = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
            step = "move it away" if broken else "free some space, or look at its permissions, and try again"
            raise KeepError(f"the queue in {self._path} cannot be used ({error}); {step}") from error

    @contextlib.contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    def add(self, submission: Submission, *, now: float | None = None) -> Job:
        """Take on a submission; when this returns, it is on the disk.

        Raises:
            ConfigError: too much waits already, or it was handed in before.
        """
        text = _text(submission)
        with self._writing() as db:
            waiting, newest = db.execute("SELECT sum(state = 'waiting'), max(submitted) FROM job").fetchone()
            if (waiting or 0) >= MOST_WAITING:
                raise ConfigError(f"{waiting} jobs wait already; come back later, or cancel some with afs agent cancel")
            when = max(time.time() if now is None else now, newest or 0.0)  # a clock that is set back reorders nothing
            due = when + submission.deadline if submission.deadline else 0.0
            done = db.execute(
                "INSERT OR IGNORE INTO job(id, submission, state, submitted, deadline) VALUES (?, ?, 'waiting', ?, ?)",
                (submission.id, text, when, due),
            )
            if not done.rowcount:
                raise ConfigError(f"job {submission.id} was handed in before; afs agent queue --all shows it")
        return self.job(submission.id)

    def jobs(self, *states: State, limit: int = 100_000) -> list[Job]:
        """Return the newest jobs in these states (none: in all), oldest first."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE state IN ({marks})" if states else ""
        with self._told():
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM job {where} ORDER BY number DESC LIMIT ?", (*states, limit)
            ).fetchall()
        return [_job(row) for row in reversed(rows)]

    def job(self, name: str) -> Job:
        """Return the job with this id, or the only one whose id ends so.

        Raises:
            ConfigError: there is none.
        """
        with self._told():
            found = self._db.execute(
                f"SELECT {_COLUMNS} FROM job WHERE id = ?1 OR (length(?1) >= 4 AND substr(id, -length(?1)) = ?1) "
                "LIMIT 2",
                (name,),
            ).fetchall()
        if len(found) != 1:
            raise ConfigError(f"no job {name!r} in the queue; afs agent queue --all lists them")
        return _job(found[0])

    def begin(self, job: str) -> Job | None:
        """Mark a waiting job as running, one attempt more; None when it does not wait any more."""
        query = (
            "UPDATE job SET state = 'running', attempt = attempt + 1, called = 0, run = '', detail = '', begun = ? "
            "WHERE id = ? AND state = 'waiting'"
        )
        return self.job(job) if self._changed(query, (time.time(), job)) else None

    def note(self, job: Job, *, run: str = "", called: int = 0) -> None:
        """Keep how far the attempt `job` has come."""
        self._changed(
            "UPDATE job SET run = CASE ?1 WHEN '' THEN run ELSE ?1 END, called = max(called, ?2) "
            "WHERE id = ?3 AND attempt = ?4 AND state = 'running'",
            (run, called, job.id, job.attempt),
        )

    def end(self, job: Job, state: State, *, run: str = "", detail: str = "") -> bool:
        """End the attempt `job`; False when it had ended already."""
        assert state in ENDED
        query = (
            "UPDATE job SET state = ?1, ended = ?2, run = CASE ?3 WHEN '' THEN run ELSE ?3 END, detail = ?4 "
            "WHERE id = ?5 AND attempt = ?6 AND state IN ('running', 'waiting')"
        )
        return self._changed(query, (state, time.time(), run, detail, job.id, job.attempt))

    def back(self, job: Job, *, resume: str = "", detail: str = "") -> bool:
        """Let the attempt `job` wait again, to go on with the run `resume`; False when it had ended already."""
        query = (
            "UPDATE job SET state = 'waiting', resume = ?, detail = ? WHERE id = ? AND attempt = ? "
            "AND state = 'running'"
        )
        return self._changed(query, (resume, detail, job.id, job.attempt))

    def withdraw(self, submission: Submission) -> bool:
        """Take a submission back, and see to it that it is never begun; False when it was begun already."""
        with self._writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO job(id, submission, state, submitted, ended, detail) "
                "VALUES (?1, ?2, 'cancelled', ?3, ?3, ?4)",
                (submission.id, _text(submission), time.time(), _WITHDRAWN),
            )
            db.execute(
                "UPDATE job SET state = 'cancelled', ended = ?, detail = ? WHERE id = ? AND state = 'waiting'",
                (time.time(), _WITHDRAWN, submission.id),
            )
        job = self.job(submission.id)
        return job.state == "cancelled" and not job.attempt

    def keep_age(self, age: float) -> None:
        """Keep by what age in seconds the jobs are ordered, for those who list them while no server is there."""
        with self._writing() as db:
            db.execute("CREATE TABLE IF NOT EXISTS rule(name TEXT PRIMARY KEY, value REAL NOT NULL)")
            db.execute("INSERT OR REPLACE INTO rule(name, value) VALUES ('age', ?)", (age,))

    def age(self) -> float:
        """Return by what age in seconds the last server ordered the jobs."""
        with self._told():
            if self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'rule'").fetchone() is None:
                return AGE_SECONDS
            found = self._db.execute("SELECT value FROM rule WHERE name = 'age'").fetchone()
        return float(found[0]) if found else AGE_SECONDS

    def forget(self) -> None:
        """Drop what ended long ago; the runs stay."""
        marks = ", ".join(f"'{state}'" for state in sorted(ENDED))
        self._changed(f"DELETE FROM job WHERE state IN ({marks}) AND ended < ?", (time.time() - _KEPT_SECONDS,))

    def _changed(self, query: str, values: tuple[Any, ...]) -> bool:
        with self._writing() as db:
            return db.execute(query, values).rowcount > 0


def _text(submission: Submission) -> str:
    """Return a submission as JSON in ASCII: a prompt, or a folder's name, may hold lone surrogates."""
    return json.dumps(submission.model_dump(mode="json"))


def _job(row: tuple[Any, ...]) -> Job:
    submission, number, state, *rest = row
    names = _COLUMNS.split(", ")[3:]
    return Job(
        submission=Submission.model_validate(json.loads(submission)),
        number=number,
        state=state,
        **dict(zip(names, rest, strict=True)),
    )
