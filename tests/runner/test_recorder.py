"""Keeping runs: whole, found again, and never lost."""

import json
import subprocess
from pathlib import Path

import pytest

from runner.errors import ConfigError, KeepError
from runner.recorder import Recorder, new_run_id
from schemas.message import Message, ToolCall, Usage
from schemas.run import CallRecord, Run, Step

CALL = ToolCall(id="1", name="look")
FILE = "20260101T000000Z-00000001.results/07.txt"


def a_run(**changes: object) -> Run:
    return Run.model_validate({"id": new_run_id(), "prompt": "p", "model": "scripted:x", "started": "now", **changes})


def test_a_kept_run_comes_back_as_it_was(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    run = a_run(answer="\ud800 odd", stop="answer")
    path = recorder.keep(run)
    assert path.parent == tmp_path / "history" / "runs"
    assert recorder.load(run.id).stop == "answer"
    assert json.loads(path.read_bytes())["id"] == run.id


def test_a_version_two_layout_keeps_runs_in_its_common_part(tmp_path: Path) -> None:
    (tmp_path / ".afs").mkdir()
    (tmp_path / ".afs" / "layout.toml").write_text("version = 2\n", encoding="utf-8")
    assert Recorder(tmp_path).keep(a_run()).parent == tmp_path / "history" / "common" / "runs"


def test_the_newest_run_is_last_and_the_end_of_an_id_is_enough(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    older = a_run(id="20260101T000000Z-00000001")
    newer = a_run(id="20260102T000000Z-00000002")
    recorder.keep(newer)
    recorder.keep(older)
    assert recorder.load("last").id == newer.id
    assert recorder.load("00000001").id == older.id
    assert [line.id for line in recorder.lines(5)] == [newer.id, older.id]


def test_ids_of_one_second_sort_as_they_were_made() -> None:
    ids = [new_run_id() for _ in range(2000)]
    times = [name[:20] for name in ids]  # to the millisecond
    assert times == sorted(times)
    assert len(set(ids)) > 1900


def test_a_run_that_is_not_there_names_the_command_that_lists_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="afs agent runs"):
        Recorder(tmp_path).load("20260101T000000Z-00000001")
    with pytest.raises(ConfigError, match="afs-run PROMPT"):
        Recorder(tmp_path).load("last")


def test_a_path_is_never_taken_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError):
        Recorder(tmp_path).load("../../secret")


def test_a_damaged_run_is_named_and_does_not_hide_the_others(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    good = a_run(id="20260101T000000Z-00000001")
    recorder.keep(good)
    (recorder.folder / "20260102T000000Z-00000002.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read"):
        recorder.load("last")
    assert [line.id for line in recorder.lines(5)] == [good.id]


def test_a_root_that_is_no_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("a file", encoding="utf-8")
    with pytest.raises(KeepError, match="--context-root"):
        Recorder(tmp_path / "root").check()


def test_a_run_that_cannot_be_kept_lies_in_the_temporary_folder(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("a file", encoding="utf-8")
    with pytest.raises(KeepError, match="it lies in") as caught:
        Recorder(tmp_path / "root").keep(a_run(answer="the answer"))
    rescued = Path(str(caught.value).split("it lies in ")[1].split(",")[0])
    assert json.loads(rescued.read_bytes())["answer"] == "the answer"
    rescued.unlink()


def test_a_full_context_root_is_refused_before_any_work(tmp_path: Path) -> None:
    root = tmp_path / "full"
    root.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(root)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount the small file system that this needs")
    try:
        recorder = Recorder(root)
        recorder.keep(a_run())
        with pytest.raises(OSError, match="No space"):
            (root / "filler").write_bytes(b"x" * 1_000_000)
        with pytest.raises(KeepError, match="No space left"):
            recorder.check()
        assert len(recorder.ids()) == 1
    finally:
        subprocess.run(["umount", str(root)], check=True, capture_output=True)


def test_a_run_whose_process_died_has_the_steps_that_were_done(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    run = a_run(stop="interrupted", error="interrupted")
    done = Step(index=1, usage=Usage(prompt_tokens=3), calls=(CallRecord(call=CALL, ok=True, text="r", file=FILE),))
    said = [Message(role="user", text="p"), Message(role="assistant", calls=(CALL,)), Message(role="tool", text="r")]
    journal = recorder.journal(run)
    journal.add(done, said)
    path = recorder.folder / f"{run.id}.steps.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"process": ', b'"process": 99999999') + b'{"step": {"ind')
    assert recorder.ids() == [run.id]
    back = recorder.load("last")
    assert (back.stop, back.steps, list(back.messages), back.usage.total) == ("interrupted", (done,), said, 3)
    assert back.metadata["results"] == {"7": FILE}


def test_a_run_that_goes_on_is_running_and_its_journal_goes_when_it_is_kept(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    run = a_run(stop="interrupted")
    journal = recorder.journal(run)
    assert recorder.load(run.id).stop == "running"
    recorder.keep(run.model_copy(update={"stop": "answer"}))
    assert recorder.load(run.id).stop == "answer"
    journal.drop()
    journal.drop()
    assert recorder.ids() == [run.id]


@pytest.mark.parametrize("damage", [b"", b"[1]\n", b'{"run": {}}\n', b"\xff\n"])
def test_a_damaged_journal_is_named(tmp_path: Path, damage: bytes) -> None:
    recorder = Recorder(tmp_path)
    run = a_run(stop="interrupted")
    recorder.journal(run)
    (recorder.folder / f"{run.id}.steps.jsonl").write_bytes(damage)
    with pytest.raises(ConfigError, match="cannot be read"):
        recorder.load(run.id)
    assert recorder.lines(5) == []


def test_a_journal_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("in the way", encoding="utf-8")
    journal = Recorder(tmp_path).journal(a_run())
    journal.add(Step(index=1), [])
    assert journal.problem
