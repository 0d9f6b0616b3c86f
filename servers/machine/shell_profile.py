"""How a shell command is started in each back end: what it sees, what it may write, and its environment.

Under bubblewrap it sees `/usr` and the workspace at its own path, processes and a network of its own, and folders of
limited size for temporary files. Under Landlock it sees the same folders of the host, no processes and no network.
"""

import contextlib
import functools
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from servers.machine import landlock
from servers.machine.agent_files import AGENT_FILES
from servers.machine.bubblewrap import SYSTEM_PATHS, Gate, ResourceLimits, knows
from servers.machine.errors import ServerError
from servers.machine.process_start import Launch
from servers.machine.sandbox_launch import tool
from servers.machine.sandbox_marks import Mark, as_runner
from servers.machine.seatbelt import SANDBOX_EXEC, limited, profile, sealed_patterns
from servers.machine.seccomp import filter_file, filter_thread, filters_here
from servers.machine.shell_seals import Seal, Seals
from servers.machine.spare_network import enter_network, take_network

__all__ = [
    "GO",
    "Bound",
    "ShellLimits",
    "Shown",
    "bound",
    "by_bubblewrap",
    "by_landlock",
    "by_nothing",
    "by_sandbox_exec",
    "shell_words",
    "system_state",
    "to_bind",
]

GO = b"go\n"
"""What a command under Landlock waits for."""
_TEMPORARY = "/tmp"
_SHARED = "/dev/shm"
_SHARED_BYTES = 16 << 20
_LINKED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_READABLE = ("/etc/alternatives", "/etc/ld.so.cache", "/nix/store", "/gnu/store")
_NAMESPACES = (
    *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"),
    *("--uid", "1000", "--gid", "1000", "--hostname", "sandbox"),
)
_BOUND = (stat.S_IFREG, stat.S_IFDIR)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_PASSWD = b"sandbox:x:1000:1000:sandbox:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
_GROUP = b"sandbox:x:1000:\nnogroup:x:65534:\n"
_WAIT = 'read -r go && exec "$@" </dev/null'


class ShellLimits(NamedTuple):
    """What one command may take. Bytes, seconds and counts."""

    wall_seconds: float = 60.0
    address_bytes: int = 4 << 30
    """Of each process."""
    memory_bytes: int = 2 << 30
    """Of all processes together, looked at twenty times a second."""
    file_bytes: int = 1 << 30
    disk_bytes: int = 2 << 30
    """By which the free space of the workspace's disk may shrink."""
    temporary_bytes: int = 64 << 20
    open_files: int = 256
    processes: int = 96
    head_bytes: int = 20_000
    tail_bytes: int = 20_000
    flood_bytes: int = 64 << 20
    """Of each stream; a command that writes more is ended."""

    def bounds(self, mark: int) -> ResourceLimits:
        """Return what the kernel is to bound for a run that has this mark."""
        cpu = int(self.wall_seconds) + 1
        return ResourceLimits(self.address_bytes, cpu, self.file_bytes, self.open_files, self.processes, mark)


class Bound(NamedTuple):
    """A file or folder of the workspace that is bound on itself; `identity` is device and inode."""

    path: bytes
    writable: bool
    identity: tuple[int, int]


class Shown(NamedTuple):
    """What a command is shown: the folder `source` at the path `place`, some of it bound, and where it starts."""

    source: Path
    place: Path
    bound: Sequence[Bound] = ()
    cwd: str = ""
    """Below the workspace, as the system spells it."""
    temporary: Path | None = None
    """A private folder for temporary files, where there is no such file system."""


def to_bind(seals: Seals) -> list[Seal]:
    """Return what is bound of a workspace with these seals: repositories, and what is sealed but for links."""
    return sorted(seal for seal in (*seals.pins, *seals.found) if seal.kind in _BOUND)


def bound(root: int, seals: Seals) -> tuple[Bound, ...]:
    """Return how it is bound: the open folder itself, repositories, so that they stay where they are, and read-only
    what is sealed."""
    ours = os.fstat(root)
    pins = frozenset(seals.pins)
    return (
        Bound(b"", True, (ours.st_dev, ours.st_ino)),  # noqa: FBT003  # a field of a value
        *(Bound(seal.path, seal in pins, seal.identity) for seal in to_bind(seals)),
    )


def system_state() -> tuple[tuple[int, int], ...]:
    """Return the identities of what a sandbox shows of the system."""
    states: list[tuple[int, int]] = []
    for name in ("/usr", *_LINKED, *_READABLE):
        with contextlib.suppress(OSError):
            state = os.lstat(name)
            states.append((state.st_dev, state.st_ino))
    return tuple(states)


def shell_words(command: str) -> list[str]:
    """Return the words that run a command in bash, or in sh where there is none, without start-up files."""
    with contextlib.suppress(ServerError):
        return [str(tool("bash")), "--noprofile", "--norc", "-c", command]
    return [str(tool("sh")), "-c", command]


def _environment(temporary: str, path: str = "") -> dict[str, str]:
    """Return all of the environment; nothing of the server's own comes along."""
    return {
        "PATH": path or "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": temporary,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "SHELL": "/bin/sh",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def by_bubblewrap(
    words: Sequence[str], shown: Shown, limits: ResourceLimits, *, temporary_bytes: int, stack: contextlib.ExitStack
) -> tuple[Launch, Gate]:
    """Return how to start `words` under bubblewrap, and its gate."""
    gate = Gate(limits, stack, check=functools.partial(_check, shown))
    news, go, *_ = gate.descriptors
    filters = filter_file("inside") if filters_here() else -1
    files = [file for file in (_in_memory(_PASSWD), filters) if file >= 0]
    for file in files:
        stack.callback(os.close, file)
    program = tool("bwrap")
    command = [str(program), "--info-fd", str(news), "--block-fd", str(go)]
    command += ["--seccomp", str(filters)] if filters >= 0 else []
    network = take_network()
    if network >= 0:
        stack.callback(os.close, network)
    command += [*_NAMESPACES, *([] if network >= 0 else ["--unshare-net"])]
    command += ["--disable-userns"] if knows(program, "--disable-userns") else []
    command += ["--cap-drop", "ALL", "--die-with-parent", "--new-session", *_system(), "--proc", "/proc"]
    command += ["--remount-ro", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    command += [*_tmpfs(program, _SHARED, _SHARED_BYTES), *_tmpfs(program, _TEMPORARY, temporary_bytes)]
    command += ["--file", str(files[0]), "/etc/passwd", *_workspace(shown), "--file", str(gate.hold(_GROUP))]
    command += ["/etc/group", "--remount-ro", "/", "--chdir", str(shown.place / shown.cwd), "--", *words]
    launch = Launch(
        command,
        shown.source,
        _environment(_TEMPORARY),
        functools.partial(_become_nobody, network) if os.geteuid() == 0 else None,
        descriptors=(*gate.descriptors, *files),
        started=gate.open,
        watches_child=True,
        sweep=gate.sweep,
    )
    return launch, gate


def _become_nobody(network: int) -> None:
    """Give up root in the calling thread, in a network of its own where there is one."""
    if network >= 0:
        enter_network(network)
    landlock.become_nobody()


def _in_memory(data: bytes) -> int:
    file = os.memfd_create("afs-file", os.MFD_CLOEXEC)
    os.write(file, data)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _system() -> list[str]:
    command = ["--ro-bind", "/usr", "/usr"]
    for name in _LINKED:
        link = os.path.islink(name)
        command += ["--symlink", os.readlink(name), name] if link else ["--ro-bind-try", name, name]
    for name in _READABLE:
        command += ["--ro-bind-try", name, name]
    return command


def _tmpfs(program: Path, place: str, size: int) -> list[str]:
    return [*(["--size", str(size)] if knows(program, "--size") else []), "--tmpfs", place]


def _workspace(shown: Shown) -> list[str]:
    command = ["--bind", str(shown.source), str(shown.place)]
    for item in shown.bound:
        if not item.path:  # the workspace itself
            continue
        name = os.fsdecode(item.path)
        source, place = os.path.join(shown.source, name), os.path.join(shown.place, name)
        command += ["--bind" if item.writable else "--ro-bind", source, place]
    return command


def _check(shown: Shown, root: str) -> None:
    """Look at what has been bound from the inside: a path may have been swapped for a link meanwhile."""
    for item in shown.bound:
        found = (0, 0)
        with contextlib.suppress(OSError):
            state = os.stat(os.path.join(f"{root}{shown.place}", os.fsdecode(item.path)), follow_symlinks=False)
            found = (state.st_dev, state.st_ino)
        if found != item.identity:
            raise ServerError("the workspace was changed while the sandbox was made, so nothing was run; call again")


def by_landlock(
    words: Sequence[str], shown: Shown, limits: ResourceLimits, *, mark: Mark, stack: contextlib.ExitStack
) -> Launch:
    """Return how to start `words` under Landlock, once it has got `GO`; `shown.temporary` is there."""
    shell = str(tool("sh"))
    command = [shell, "-c", _WAIT, "sh", *words]
    with contextlib.suppress(ServerError):
        command = [str(tool("setpriv")), "--pdeathsig", "KILL", "--", *command]
    temporary = shown.temporary or shown.source
    system = [*SYSTEM_PATHS, *(Path(name) for name in ("/usr", *_LINKED, *_READABLE))]
    ruleset = landlock.open_ruleset(
        read_only=[*system, Path(command[0]), Path(words[0])],
        read_write=[shown.source, temporary, *map(Path, _DEVICES)],
    )
    stack.callback(os.close, ruleset)
    return Launch(
        command,
        shown.source / shown.cwd,
        _environment(str(temporary)),
        functools.partial(_confine, ruleset),
        admit=_admission(limits),
        sweep=mark.sweep,
    )


def _confine(ruleset: int) -> None:
    if os.geteuid() == 0:
        landlock.become_nobody()
    landlock.restrict_thread(ruleset)
    filter_thread("none")


def _admission(limits: ResourceLimits) -> Callable[[int], None]:
    """Return what puts the limits on a process; the kernel counts all processes of the user here."""

    def admit(pid: int) -> None:
        counted = limits._replace(processes=limits.processes + _tasks())
        as_runner(lambda: counted.put_on(pid))

    return admit


def _tasks() -> int:
    """Return how many processes and threads the machine runs now."""
    return int(Path("/proc/loadavg").read_text(encoding="utf-8").split()[3].partition("/")[2])


def by_sandbox_exec(words: Sequence[str], shown: Shown, limits: ResourceLimits) -> Launch:
    """Return how to start `words` under macOS's sandbox-exec, in the workspace itself, with its seals denied."""
    rules = profile(
        readable=[Path("/private/etc/localtime")],
        writable=[shown.place, Path("/private/tmp")],
        sealed=sealed_patterns(shown.place, AGENT_FILES),
    )
    bounded = limited(words, cpu_seconds=limits.cpu_seconds, file_bytes=limits.file_bytes, open_files=limits.open_files)
    command = [str(SANDBOX_EXEC), "-p", rules, *bounded]
    return Launch(command, shown.place / shown.cwd, _environment(_TEMPORARY), None)


def by_nothing(words: Sequence[str], shown: Shown, limits: ResourceLimits, *, mark: Mark) -> Launch:
    """Return how to start `words` with no sandbox at all, as this user: with limits, in the workspace itself."""
    command = [str(tool("sh")), "-c", _WAIT, "sh", *words]
    counted = limits._replace(processes=limits.processes + _tasks())
    environment = _environment(_TEMPORARY, os.environ.get("PATH", "")) | {"HOME": os.environ.get("HOME", "/")}
    return Launch(command, shown.source / shown.cwd, environment, None, admit=counted.put_on, sweep=mark.sweep)
