"""`Run`: what happened between a prompt and its answer, whole and in order."""

from typing import Literal

from pydantic import Field, JsonValue

from schemas.frozen import Frozen
from schemas.message import Image, Message, ToolCall, Usage
from schemas.verdict import Checked, Verdict

__all__ = ["CallRecord", "Run", "ServerState", "Step", "Stop"]

Stop = Literal["running", "answer", "max_steps", "loop", "budget", "interrupted", "model_error"]


class CallRecord(Frozen):
    """One tool call and what came back."""

    call: ToolCall
    server: str = ""
    ok: bool
    text: str = Field(description="the result as the model saw it")
    file: str = Field(default="", description="where its full text is, beside the run, when `text` is cut")
    structured: JsonValue = None
    images: tuple[Image, ...] = ()
    seconds: float = 0.0
    outside: bool = Field(default=False, description="holds what somebody else wrote: a model sees it in a frame")


class Step(Frozen):
    """One reply of the model with the calls that it made."""

    index: int = Field(ge=1)
    text: str = ""
    thinking: str = ""
    calls: tuple[CallRecord, ...] = ()
    usage: Usage = Usage()
    seconds: float = Field(default=0.0, description="time of the model's reply, without the tools")
    note: str = Field(default="", description="what the runner told the model after this step, if anything")


class ServerState(Frozen):
    """How a server took part in the run."""

    name: str
    state: Literal["ready", "failed", "died"]
    tools: int = 0
    detail: str = ""


class Run(Frozen):
    """Everything about one run; kept as one JSON file under the context root's history."""

    version: Literal[1] = 1
    id: str
    prompt: str
    expert: str = ""
    model: str = Field(description="provider:name")
    started: str = Field(description="UTC, ISO 8601")
    seconds: float = 0.0
    stop: Stop = "running"
    answer: str = ""
    error: str = ""
    grounded: bool = Field(default=False, description="a tool result of this run stands behind the answer")
    verdict: Verdict = Field(default="unchecked", description="what tools found out about the answer as a whole")
    checks: tuple[Checked, ...] = Field(default=(), description="each claim that was checked, with the evidence")
    steps: tuple[Step, ...] = ()
    messages: tuple[Message, ...] = ()
    servers: tuple[ServerState, ...] = ()
    usage: Usage = Usage()
    resumes: str = Field(default="", description="the id of the run that this one continues")
    metadata: dict[str, JsonValue] = {}
