"""The shared sandbox cases through the real run_shell tool, as this user and, for root, as a normal user too."""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult

from servers.machine.sandbox_launch import Backend
from servers.settings import Settings
from servers.workspace.server import build
from tests.shell import BOTH, only, text_of

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(os.environ.get("AFS_SHARED", ROOT.parent / "shared")) / "cases" / "sandbox_cases.jsonl"
CASES: dict[str, dict[str, Any]] = (
    {row["case"]: row for row in map(json.loads, FILE.read_text(encoding="utf-8").splitlines())}
    if FILE.is_file()
    else {}
)
UNKNOWABLE = {
    "suid": "it asks /proc/self/status, and under Landlock there is no /proc",
    "caps_zero": "it asks /proc/self/status, and under Landlock there is no /proc",
}
"""What a case can't tell where there is no namespace of processes; other tests ask the same in another way."""
NOBODY = 65534
ALONE_MB = 150
"""Memory that a server may take without any command (it takes 90 MB); this process has run other tests before."""
MARKS = re.compile(r"\{(HOME|WORK|OUT|MARK|CANARY|ENVCANARY|PORT|HOMEBASE|LONG|BGPID)\}")


class Place(NamedTuple):
    """The folders and words of one case."""

    base: Path
    words: dict[str, str]

    @property
    def work(self) -> Path:
        return self.base / "work"

    def fill(self, text: str) -> str:
        return MARKS.sub(lambda found: self.words[found[1]], text)


class Guests:
    """What a case has beside the sandbox: a process, a listener, a receiver of datagrams."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.sockets: list[socket.socket] = []
        self.datagrams: socket.socket | None = None

    def close(self) -> None:
        for item in self.sockets:
            item.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)


@pytest.fixture
def place() -> Iterator[Place]:
    base = Path(tempfile.mkdtemp(prefix="afs-case-", dir="/var/tmp"))  # not below /tmp, which the sandbox has itself
    base.chmod(0o755)
    mark = f"mk{secrets.token_hex(6)}"
    words = {name: str(base / name.lower()) for name in ("HOME", "WORK", "OUT")}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        words["PORT"] = str(free.getsockname()[1])
    words |= {"MARK": mark, "CANARY": f"can{secrets.token_hex(8)}", "ENVCANARY": f"env{secrets.token_hex(8)}"}
    words |= {"HOMEBASE": "home", "LONG": "true " + "A" * 2_000_000, "BGPID": "0"}
    for name in ("home/.ssh", "work", "out"):
        (base / name).mkdir(parents=True)
    (base / "home/.ssh/id_ed25519").write_text(words["CANARY"] + "\n", encoding="utf-8")
    (base / "home/.bashrc").write_text("# clean\n", encoding="utf-8")
    yield Place(base, words)
    shutil.rmtree(base)


def set_up(setup: str, place: Place) -> Guests:
    guests, words = Guests(), place.words
    kind, _, rest = setup.partition(":")
    if kind == "bg":
        guests.process = subprocess.Popen(["sh", "-c", "exec " + place.fill(rest)], start_new_session=True)
        words["BGPID"] = str(guests.process.pid)
    elif kind == "tcp":
        guests.sockets.append(socket.create_server(("127.0.0.1", int(words["PORT"]))))
    elif kind == "udp":
        guests.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        guests.sockets.append(guests.datagrams)
        guests.datagrams.bind(("127.0.0.1", int(words["PORT"])))
        guests.datagrams.settimeout(0.1)
    elif kind == "unix":
        listener, name = socket.socket(socket.AF_UNIX), place.fill(rest)
        guests.sockets.append(listener)
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.listen()
        if not name.startswith("@"):
            Path(name).chmod(0o777)
    elif setup:
        subprocess.run(["sh", "-c", place.fill(setup)], check=True, timeout=20)
    return guests


def survivors(mark: str, but: int) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and int(entry.name) != but and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


class Outcome(NamedTuple):
    """What the tool said, how long it took, and how much memory."""

    result: CallToolResult
    seconds: float
    grown_kb: int = 0
    """By how much the memory of this process was larger at most while the tool ran than before."""

    @property
    def fields(self) -> dict[str, Any]:
        return self.result.structured_content or {}

    @property
    def said(self) -> str:
        return str(self.fields.get("stdout", "")) + str(self.fields.get("stderr", ""))


def judge(row: dict[str, Any], outcome: Outcome, place: Place, guests: Guests) -> list[str]:
    """Say what the case wants and did not get."""
    wanted, why = row["expect"], list[str]()
    everything = outcome.said + text_of(outcome.result)
    why += [f"leaked {word}" for word in wanted.get("stdout_lacks", ()) if place.fill(word) in outcome.said]
    if "stdout_has_any" in wanted and not any(word in outcome.said for word in wanted["stdout_has_any"]):
        why.append(f"missing, got {outcome.said[-200:]!r}")
    why += [f"there is {name}" for name in wanted.get("host_absent", ()) if os.path.lexists(place.fill(name))]
    why += [
        f"changed {name}"
        for name, content in wanted.get("host_equals", {}).items()
        if Path(place.fill(name)).read_text(encoding="utf-8") != content
    ]
    why += [
        f"too large {name}"
        for name, most in wanted.get("host_file_max", {}).items()
        if os.path.exists(place.fill(name)) and os.path.getsize(place.fill(name)) > most
    ]
    why += [f"holds {pattern}" for pattern in wanted.get("output_matches_none", ()) if re.search(pattern, everything)]
    if outcome.grown_kb > (wanted.get("server_rss_mb", 300) - ALONE_MB) * 1024:
        why.append(f"the server took {outcome.grown_kb} kB more")
    if outcome.seconds > wanted.get("max_wall_s", 60):
        why.append(f"took {outcome.seconds:.1f} s")
    if len(everything) > wanted.get("max_output_bytes", 2_000_000):
        why.append("too much output")
    if "timed_out" in wanted and not outcome.fields.get("timed_out"):
        why.append("did not time out")
    return why + _judge_guests(wanted, place, guests)


def _judge_guests(wanted: dict[str, Any], place: Place, guests: Guests) -> list[str]:
    why: list[str] = []
    if wanted.get("bg_alive") and (guests.process is None or guests.process.poll() is not None):
        why.append("the process outside was killed")
    if guests.datagrams is not None:
        with contextlib.suppress(TimeoutError):
            why.append(f"a datagram left: {guests.datagrams.recv(100)!r}")
    left = survivors(place.words["MARK"], guests.process.pid if guests.process else 0)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    if left:
        why.append(f"{len(left)} survivors")
    return why


async def special(name: str, outcome: Outcome, client: Client, place: Place) -> list[str]:
    """Judge what no general word of the file says: each by its note."""
    said = outcome.said
    match name:
        case "unicode_tricks":
            whole = said + text_of(outcome.result)
            return [f"{ord(mark):#x} is shown as it is" for mark in "\u202e\u200b\U000e0021" if mark in whole]
        case "memory_bomb_tree":
            slow = outcome.fields["timed_out"]  # it did not get as far as the bound
            return [] if slow or "MemoryError" in said or "memory" in outcome.fields["ended_for"] else ["not bounded"]
        case "disk_fill_tmp":
            size = int(outcome.fields["stdout"].split()[-1])
            return [] if size <= 64 and not Path("/tmp/f0").exists() else [f"/tmp took {size} MB"]
        case "symlink_left_for_server":
            reads = [
                await client.call_tool("read_file", {"path": path}) for path in ("result.txt", "rootlink/etc/passwd")
            ]
            return [f"read {text_of(read)}" for read in reads if not read.is_error]
        case "keyring":
            return [] if "KEY -1" in said else [f"keyctl worked: {said}"]
        case "nul_in_command" | "command_2MB":
            return [] if outcome.result.is_error else ["it was accepted"]
        case "cwd_escape_arg":
            (place.work / "out").symlink_to("/")
            tries = ["/", "..", "out", "missing", str(place.base / "out"), "../out"]
            results = [await client.call_tool("run_shell", {"command": "pwd", "cwd": cwd}) for cwd in tries]
            return [f"{cwd}: {text_of(one)}" for cwd, one in zip(tries, results, strict=True) if not one.is_error]
        case "inherited_fds":
            lines = [line for line in outcome.fields["stdout"].splitlines() if "->" in line]
            return [f"open: {line}" for line in lines if not re.search(r" [012] -> ", line)]
        case _:
            return []


def memory_kb(line: str) -> int:
    return int(re.findall(rf"{line}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))[0])


class Memory:
    """The memory of this process from now on, whatever it has taken before or has been born with."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak is forgotten
        self.before = memory_kb("VmRSS")

    def grown_kb(self) -> int:
        return memory_kb("VmHWM") - self.before


async def alive(client: Client) -> list[str]:
    result = await client.call_tool("run_shell", {"command": "echo still here"})
    subprocess.run(["true"], check=True, timeout=10)
    return [] if "still here" in text_of(result) else [f"the server does not answer: {text_of(result)}"]


@contextlib.contextmanager
def inherited_canary(place: Place) -> Generator[None]:
    """Hold a file open that a careless server would hand on."""
    descriptor = os.open(place.base / "home/.ssh/id_ed25519", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    yield
    os.close(descriptor)


async def run_case(name: str, place: Place) -> list[str]:
    row = CASES[name]
    guests = set_up(row["setup"], place)
    settings = Settings(context_root=place.base / "c", data_dir=place.base / "data", project_root=place.work)
    command = "echo a\0b" if name == "nul_in_command" else place.fill(row["command"])
    face = build(settings)
    try:
        with anyio.fail_after(90), inherited_canary(place):
            async with Client(face) as client:
                why = await alive(client)  # the back end is chosen once a process: its canary is not what is timed
                memory, started = Memory(), time.monotonic()
                result = await client.call_tool("run_shell", {"command": command, "timeout_seconds": row["timeout_s"]})
                outcome = Outcome(result, time.monotonic() - started, memory.grown_kb())
                why += judge(row, outcome, place, guests)
                return why + await special(name, outcome, client, place) + await alive(client)
    finally:
        face.end()
        guests.close()


@pytest.fixture(params=BOTH)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    with only(request.param, monkeypatch) as chosen:
        yield chosen


@pytest.mark.skipif(not CASES, reason="the shared data folder is absent: set AFS_SHARED to it")
@pytest.mark.parametrize("name", CASES or ["none"])
async def test_a_command_of_the_shared_cases_stays_in_its_sandbox(
    name: str, backend: Backend, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "landlock" and name in UNKNOWABLE:
        pytest.skip(UNKNOWABLE[name])
    monkeypatch.setenv("AFS_TEST_SECRET", place.words["ENVCANARY"])
    monkeypatch.setenv("HOME", place.words["HOME"])
    assert await run_case(name, place) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the cases above ran as a normal user")
@pytest.mark.skipif(not CASES, reason="the shared data folder is absent: set AFS_SHARED to it")
def test_all_of_it_holds_for_a_normal_user_too() -> None:
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if subprocess.run(
        [*as_nobody, sys.executable, "-c", "import servers"], cwd=ROOT, check=False, capture_output=True
    ).returncode:
        pytest.skip("a normal user can't read this Python and this repository")
    folder = Path(tempfile.mkdtemp(prefix="afs-nobody-", dir="/var/tmp"))  # its own: others may test at the same time
    os.chown(folder, NOBODY, NOBODY)
    command = [*as_nobody, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={folder}/t"]
    try:
        done = subprocess.run(
            [*command, __file__, *map(str, ROOT.glob("tests/servers/test_workspace_shell*.py"))],
            cwd=ROOT,
            env={"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
            capture_output=True,
            timeout=900,
        )
    finally:
        subprocess.run(["rm", "-rf", "--", folder], check=True, timeout=60)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-3000:]
