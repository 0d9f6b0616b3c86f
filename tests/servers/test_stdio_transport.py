"""The line between a host and a server: the real program, over the pipes, sockets, files and terminals of hosts."""

import contextlib
import errno
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.machine.answered import refusal
from servers.machine.stdio_lines import Lines, LongLine
from tests.host import GREETING, KINDS, PROGRAM, WAIT, Ends, Host, call, cancelled, pipes
from tests.shell import processes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the SDK's transport")


@contextlib.contextmanager
def served(folder: Path, ends: Ends | None = None, *, command: list[str] = PROGRAM) -> Generator[Host]:
    """Start a server in a folder with a file, and shake hands."""
    folder.joinpath("a.txt").write_text("hello\n", encoding="utf-8")
    with Host([*command, str(folder)], ends or pipes()) as host:
        host.send(GREETING)
        host.answers(0)
        yield host


@pytest.fixture(params=KINDS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    with served(tmp_path, KINDS[request.param]()) as host:
        yield host


def text(answer: dict[str, Any]) -> str:
    return str(answer["result"]["content"][0]["text"])


def test_a_line_of_five_megabytes_is_answered(host: Host) -> None:
    host.send(call(1, "read_file", path="x" * 5_000_000) + call(2, "read_file", path="a.txt"))
    answers = host.answers(1, 2)
    assert "5000000 characters" in text(answers[1])
    assert "hello" in text(answers[2])


def test_many_calls_in_one_write_are_each_answered_once(host: Host) -> None:
    host.send(b"".join(call(number, "read_file", path="a.txt") for number in range(1, 201)))
    assert all("hello" in text(answer) for answer in host.answers(*range(1, 201)).values())


def test_a_call_that_comes_byte_by_byte_is_answered(host: Host) -> None:
    for byte in call(1, "read_file", path="a.txt"):
        host.send(bytes([byte]))
    assert "hello" in text(host.answers(1)[1])


def test_characters_that_are_cut_between_two_reads_stay_whole(host: Host, tmp_path: Path) -> None:
    tmp_path.joinpath("ゼルダ.txt").write_text("found\n", encoding="utf-8")
    line = (
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"ゼルダ.txt"}}}'
    )
    for byte in f"{line}\r\n".encode():
        host.send(bytes([byte]))
    assert "found" in text(host.answers(1)[1])


def wait_until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < limit, "it has not come so far"
        select.select([], [], [], 0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the processor's time from /proc")
def test_a_host_that_does_not_read_loses_nothing_and_holds_up_no_work(host: Host, tmp_path: Path) -> None:
    page = "all the text that fits\n" * 1_200
    tmp_path.joinpath("page.txt").write_text(page, encoding="utf-8")
    for number in range(1, 41):  # some megabytes of answers
        host.send(call(number, "read_file", path="page.txt", limit=30_000))
    host.send(call(41, "write_file", path="made.txt", content="made"))
    wait_until((tmp_path / "made.txt").exists)
    before, start = host.seconds(), time.monotonic()
    select.select([], [], [], 0.5)
    assert host.seconds() - before < (time.monotonic() - start) / 2, "the server spins"
    assert all(page[:20_000] in text(answer) for number, answer in host.answers(*range(1, 42)).items() if number < 41)


def test_a_message_whose_call_is_cancelled_half_way_is_still_whole(host: Host, tmp_path: Path) -> None:
    tmp_path.joinpath("page.txt").write_text("all the text that fits\n" * 1_200, encoding="utf-8")
    host.send(b"".join(call(number, "read_file", path="page.txt", limit=30_000) for number in range(1, 41)))
    host.send(call(41, "write_file", path="made.txt", content="made"))
    wait_until((tmp_path / "made.txt").exists)  # by now one answer stands half in the pipe, and others behind it
    host.send(b"".join(cancelled(number) for number in range(1, 41)) + call(42, "read_file", path="a.txt"))
    assert "hello" in text(host.answers(42)[42])  # each line before it was read as JSON, too


def test_what_has_come_in_is_answered_before_the_end_of_the_input_ends_the_server(host: Host) -> None:
    host.send(b"".join(call(number, "read_file", path="a.txt") for number in range(1, 21)))
    host.send(call(21, "read_file", path="a.txt").rstrip(b"\n"))  # a last line may lack its end
    host.end()
    assert {message["id"] for message in host.lines()} == set(range(1, 22))
    assert host.ended() == ""
    assert host.process.returncode == 0


def test_an_end_in_mid_line_is_an_end(host: Host) -> None:
    host.send(call(1, "read_file", path="a.txt")[:-20])
    host.end()
    assert list(host.lines()) == []
    assert host.ended() == ""
    assert host.process.returncode == 0


def test_requests_from_a_file_are_answered_into_a_file(tmp_path: Path) -> None:
    tmp_path.joinpath("a.txt").write_text("hello\n", encoding="utf-8")
    source, sink = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(GREETING + b"".join(call(number, "read_file", path="a.txt") for number in range(1, 101)))
    with source.open("rb") as asked, sink.open("wb") as said:
        done = subprocess.run([*PROGRAM, str(tmp_path)], stdin=asked, stdout=said, timeout=WAIT, check=True)
    found = [json.loads(line) for line in sink.read_text(encoding="utf-8").splitlines()]
    assert sorted(message["id"] for message in found) == list(range(101))
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_is_full_is_told_of(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, str(tmp_path)], input=GREETING, stdout=full, stderr=subprocess.PIPE, timeout=WAIT, check=False
        )
    assert done.returncode == 1
    assert os.strerror(errno.ENOSPC).encode() in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_host_that_closes_what_it_reads_ends_the_server_quietly(host: Host) -> None:
    host.close_what_it_reads()
    host.send(call(1, "read_file", path="a.txt"))
    assert host.ended() == ""
    assert host.process.returncode == 0


SLOW = """\
import subprocess, sys
from servers.machine.face import EXECUTES, Face
from servers.machine.start import serve
from schemas.frozen import Frozen

class Said(Frozen):
    text: str

def build(settings):
    face = Face("slow", title="Slow", instructions="slow", version="1")

    @face.offer(EXECUTES, title="Print")
    def say() -> Said:
        print("stray", flush=True)
        subprocess.run(["echo", "stray"], check=True)
        return Said(text=sys.stdin.readline() + subprocess.run(["cat"], capture_output=True, text=True).stdout)

    @face.offer(EXECUTES, title="Work")
    async def work(mark: str) -> Said:
        import anyio
        async with await anyio.open_process(["bash", "-c", f"exec -a {mark} sleep 500"]) as process:
            await process.wait()
        return Said(text="done")

    return face

serve(build)
"""


@pytest.fixture
def slow(tmp_path: Path) -> list[str]:
    script = tmp_path / "slow.py"
    script.write_text(SLOW, encoding="utf-8")
    return [sys.executable, str(script)]


def test_what_a_tool_and_its_children_print_or_read_is_not_on_the_line(tmp_path: Path, slow: list[str]) -> None:
    with served(tmp_path, command=slow) as host:
        host.send(call(1, "say") + call(2, "say"))
        answers = host.answers(1, 2)
        assert [answer["result"]["structuredContent"] for answer in answers.values()] == [{"text": ""}] * 2
        host.end()
        assert list(host.lines()) == []
        assert host.ended().split() == ["stray"] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("way", ["the output is closed", "the input ends"])
def test_a_host_that_goes_leaves_no_work_behind(way: str, tmp_path: Path, slow: list[str]) -> None:
    mark = f"afs-mark-{os.urandom(6).hex()}"
    with served(tmp_path, command=slow) as host:
        host.send(call(1, "work", mark=mark))
        wait_until(lambda: bool(processes(mark)))
        if way == "the input ends":
            host.end()
        else:
            os.close(host.read)
            host.send(call(2, "say"))
        assert host.ended().replace("stray\n", "") == ""
        assert host.process.returncode == 0
        wait_until(lambda: not processes(mark))


@pytest.mark.parametrize(("number", "codes"), [(signal.SIGTERM, [-signal.SIGTERM]), (signal.SIGINT, [0, 130])])
def test_a_signal_ends_the_server_at_once(number: signal.Signals, codes: list[int], host: Host) -> None:
    host.process.send_signal(number)
    assert host.ended() == ""
    assert host.process.returncode in codes


def test_the_flags_of_what_a_host_has_given_stay_as_they_are(tmp_path: Path) -> None:
    ends = pipes()
    shared = [os.dup(fd) for fd in ends.theirs]
    with served(tmp_path, ends) as host:
        host.send(call(1, "read_file", path="a.txt"))
        host.answers(1)
        assert not any(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK for fd in shared)
    for fd in shared:
        os.close(fd)


def test_descriptors_that_somebody_else_has_set_to_not_wait_are_served(tmp_path: Path) -> None:
    ends = pipes()
    for fd in ends.theirs:
        os.set_blocking(fd, False)
    tmp_path.joinpath("page.txt").write_text("all the text that fits\n" * 1_200, encoding="utf-8")
    with served(tmp_path, ends) as host:
        host.send(b"".join(call(number, "read_file", path="page.txt", limit=30_000) for number in range(1, 21)))
        assert len(host.answers(*range(1, 21))) == 20


def test_a_terminal_is_served_too(tmp_path: Path) -> None:
    import termios

    mine, theirs = os.openpty()
    modes = termios.tcgetattr(theirs)
    modes[1] &= ~termios.OPOST
    modes[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    with served(tmp_path, Ends((theirs, os.dup(theirs)), mine, os.dup(mine))) as host:
        host.send(call(1, "read_file", path="a.txt"))
        assert "hello" in text(host.answers(1)[1])


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=20), st.data())
def test_lines_are_the_same_however_they_were_cut_on_the_way(wanted: list[bytes], data: st.DataObject) -> None:
    whole = b"\n".join(wanted)
    lines, found = Lines(), list[object]()
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        lines.feed(whole[:size])
        whole = whole[size:]
        found += iter(lines.next, None)
    lines.finish()
    found += iter(lines.next, None)
    assert found == (wanted[:-1] if wanted and not wanted[-1] else wanted)


def test_a_line_that_is_too_long_is_passed_over_and_its_request_is_told_so() -> None:
    lines = Lines(limit=1_000)
    whole = call(7, "write_file", path="a.txt", content="x" * 5_000) + b'{"next":1}\n'
    found: list[bytes | LongLine] = []
    for start in range(0, len(whole), 300):
        lines.feed(whole[start : start + 300])
        found += iter(lines.next, None)
    long, after = found
    assert after == b'{"next":1}'
    assert isinstance(long, LongLine)
    answer = refusal(long)
    assert answer is not None
    assert (answer.id, "send less" in answer.error.message) == (7, True)


@pytest.mark.parametrize("head", ["x" * 100, '{"id":7,"result":{', '{"method":"a","params":{"id":7,', '{"id":[7]'])
def test_a_line_that_is_too_long_and_no_request_is_passed_over(head: str) -> None:
    assert refusal(LongLine(head)) is None
