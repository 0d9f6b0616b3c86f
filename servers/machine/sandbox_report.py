"""What `afs doctor` says of the sandbox: the back ends in use, what they lack, and how to get better ones."""

from typing import NamedTuple

from servers.machine import landlock
from servers.machine.errors import ServerError
from servers.machine.sandbox_choice import choose_backend
from servers.machine.sandbox_launch import Backend
from servers.machine.seccomp import filters_here
from servers.machine.shell_choice import choose_shell_backend, shell_flaw

__all__ = ["SandboxReport", "describe_sandbox"]


_SEATBELT_LACKS = (
    "never tried on a machine of ours: only its canary has run",
    "no bound on memory and processes",
    "a command's process that leaves its group outlives its run",
)


class SandboxReport(NamedTuple):
    """The back end of single programs and that of shell commands, or why there is none, and what would be better."""

    backend: Backend | None
    lacks: tuple[str, ...]
    advice: str
    shell: Backend | None = None


def describe_sandbox() -> SandboxReport:
    """Say which back ends are used, what they lack and how to get better ones. Runs the canaries: 60 ms."""
    try:
        backend = choose_backend()
    except ServerError as error:
        return SandboxReport(None, (), str(error))
    try:
        shell: Backend | None = choose_shell_backend()
    except ServerError:
        shell = None
    if backend == "sandbox-exec":
        return SandboxReport(backend, _SEATBELT_LACKS, "", shell)
    lacks = ["no cgroup: the memory of a command's processes together is looked at 20 times a second"]
    if "landlock" in (backend, shell):
        lacks += _landlock_lacks()
    if shell is None:
        lacks.append("run_shell runs nothing")
    why = shell_flaw("bubblewrap") if shell != "bubblewrap" else ""
    return SandboxReport(backend, tuple(lacks), f"make bubblewrap work ({why})" if why else "", shell)


def _landlock_lacks() -> list[str]:
    abi = landlock.abi_version()
    lacks = [
        "run_shell works in a copy of the workspace, at another path",
        "no processes of its own: a command sees no /proc, and the kernel counts all processes of the user",
        "no limit but the disk's for temporary files",
    ]
    if not filters_here():
        lacks.append("no filter of system calls for this processor: UDP and sockets by path are not refused")
    if abi < 6:
        lacks.append(f"Landlock interface {abi}: signals to other programs of the user are not refused (6 does)")
    return lacks
