"""Why the sandbox ended asar before asar had said all: time, memory, output or size, told as a diagnostic."""

import signal

from schemas.diagnostic import Diagnostic
from servers.machine.asar_program import SOURCE
from servers.machine.errors import ServerError
from servers.machine.sandbox import Finished
from servers.machine.sandbox_launch import Limits

__all__ = ["why_stopped"]

_LAUNCHERS = ("bwrap:", "prlimit:", "setpriv:")


def why_stopped(done: Finished, diagnostics: list[Diagnostic], limits: Limits) -> Diagnostic | None:
    """Tell why the sandbox ended asar; None when it ended by itself and said what it had to say."""
    number = -done.returncode if done.returncode < 0 else done.returncode - 128
    if done.truncated:
        return _limit(
            "output",
            f"the program printed more than {limits.output_bytes} bytes",
            "print less: look for an endless loop",
        )
    if done.timed_out or number in (signal.SIGXCPU, signal.SIGKILL):
        spent = f"{limits.wall_seconds:g} seconds" if done.timed_out else f"{limits.cpu_seconds} seconds of the CPU"
        return _limit(
            "time",
            f"the program did not assemble in {spent}",
            "look for an endless while, for or rep, and make the loop end",
        )
    if number == signal.SIGXFSZ:
        return _limit(
            "rom_size", f"the ROM would be larger than {limits.file_bytes >> 20} MiB", "use an org inside the ROM"
        )
    if number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        return _limit(
            "memory",
            f"asar broke down, most likely out of memory (signal {number}, {limits.memory_bytes >> 20} MiB)",
            "look for a define or a loop that grows without end",
        )
    if done.returncode == 0 or any(item.severity == "error" for item in diagnostics):
        return None
    said = (done.stderr or done.stdout)[-200:].decode("utf-8", "replace").strip()
    if said.startswith(_LAUNCHERS):
        raise ServerError(f"the sandbox could not start asar ({said}); run: afs doctor")
    return _limit("crash", f"asar ended with status {done.returncode}: {said}", "try a smaller piece of the code")


def _limit(name: str, message: str, step: str) -> Diagnostic:
    return Diagnostic(severity="error", code=f"E_afs_{name}", message=message, file=SOURCE, next_step=step)
