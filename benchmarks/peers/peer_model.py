"""The model of the comparison: a scripted stand-in that notes when it was asked and when its reply was out."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers.scenarios import FINISHED
from runner.models.http_double import Answer, Received, ScriptedReply
from runner.models.openai_double import OpenAIDouble

__all__ = ["PeerModel", "Used", "used_by"]


class Used(NamedTuple):
    """What a process has used so far, without its children; zeros where the system does not tell."""

    memory_mb: float = 0.0
    """At its largest."""
    cpu_ms: float = 0.0
    """Of all its threads; unlike the clock it hardly depends on what else the machine does."""


class PeerModel(OpenAIDouble):
    """Says what the script says, by the names that the runner gives to the tools, and `FINISHED` after its end."""

    def __init__(self, replies: Sequence[ScriptedReply]) -> None:
        super().__init__()
        self.script(replies)
        self.asked: list[float] = []
        """When each chat was asked for, by `time.perf_counter`, in seconds."""
        self.replied: list[float] = []
        """When each reply was out."""
        self.process = 0
        """The runner, once it is started."""
        self.used = Used()
        """What the runner has used when the script is at its end."""
        self._tools: tuple[str, ...] = ()

    def answer(self, request: Received) -> Answer:
        """Answer as the script says, and note the time of a chat."""
        now = time.perf_counter()
        if not _is_chat(request):
            return super().answer(request)
        self.asked.append(now)
        self._tools = tuple(_names(request.body.get("tools")))
        answer = super().answer(request)
        if answer.pieces is None:
            return answer
        return replace(answer, pieces=(b"".join(answer.pieces),))  # in one piece: the time after it is the runner's

    def next_reply(self) -> ScriptedReply:
        """Return the next reply with the runner's names, the last one when there is none left."""
        reply = super().next_reply()
        if reply is None:
            self.used = used_by(self.process)
            return ScriptedReply(text=FINISHED)
        calls = tuple((self._named(name), arguments) for name, arguments in reply.calls)
        return replace(reply, text=reply.text.replace("{echo}", self._named("echo")), calls=calls)

    def note_sent(self, request: Received) -> None:
        """Note when a reply was out."""
        if _is_chat(request):
            self.replied.append(time.perf_counter())

    def _named(self, tool: str) -> str:
        """Return the name that the runner has for a tool: some put the server's in front."""
        return next((name for name in self._tools if name == tool or name.endswith((f"_{tool}", f".{tool}"))), tool)

    def gaps_ms(self) -> tuple[float, ...]:
        """Return the milliseconds from the end of each reply to the next request."""
        return tuple(max(0.0, asked - sent) * 1000 for sent, asked in zip(self.replied, self.asked[1:], strict=False))


def _is_chat(request: Received) -> bool:
    return request.path.endswith("/chat/completions")


def _names(tools: Any) -> list[str]:
    return [str(tool["function"]["name"]) for tool in tools or ()]


def used_by(process: int) -> Used:
    """Return what a process has used so far (Linux)."""
    if not sys.platform.startswith("linux") or not process:
        return Used()
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return Used()
    memory = next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)
    ticks = int(fields[11]) + int(fields[12])  # utime and stime, the 14th and 15th of proc_pid_stat(5)
    return Used(memory, ticks * 1000 / os.sysconf("SC_CLK_TCK"))
