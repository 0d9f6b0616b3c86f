"""`Expert`: a named configuration of a model, not the model itself."""

from typing import Literal

from pydantic import Field, JsonValue

from schemas.frozen import Frozen
from schemas.route import Intent

__all__ = ["Check", "Example", "Expert"]

Check = Literal["none", "assemble", "lint", "compare_code", "validate_output"]
"""The tool that judges an expert's answers before they are given."""


class Example(Frozen):
    """A question and the call, or the answer, that it wants; shown to small models."""

    prompt: str
    tool: str = Field(default="", description="the tool that the question wants; empty: it wants `answer`")
    arguments: dict[str, JsonValue] = {}
    answer: str = Field(default="", description="the answer in the expert's form")


class Expert(Frozen):
    """Who answers: instructions, the models that can play the part, and the tools that it may use."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    summary: str = Field(description="one line, for lists")
    instructions: str
    models: dict[str, str] = Field(default={}, description="provider -> model name, e.g. ollama -> nayru-v5:latest")
    tools: tuple[str, ...] = Field(default=(), description="names of tools or tool sets that it may use")
    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    num_ctx: int = Field(default=8192, ge=1024, description="context window in tokens, the same for the whole run")
    think: bool = Field(
        default=False,
        description="an Ollama model that can think does so before it calls tools or answers; off, since it takes "
        "minutes on a small machine and the tools do the proving",
    )
    examples: tuple[Example, ...] = ()
    proof: str = Field(
        default="", description="the tool whose last good result is quoted under an answer that lacks it"
    )
    must_prove: bool = Field(default=False, description="an answer counts only after `proof` has accepted something")
    check: Check = Field(default="none", description="the tool that judges its answers before they are given")
    answer_form: str = Field(default="", description="the form of its answers, as headings and what stands under them")
    intent: Intent | None = Field(
        default=None, description="the intent it serves; it is chosen where one of its keywords stands in the prompt"
    )
    keywords: tuple[str, ...] = Field(default=(), description="words of a prompt that speak for it")
    made_from: str = Field(default="", description="the Ollama model or GGUF file that its Modelfile starts from")
    planned: bool = Field(default=False, description="it has no model of its own yet; another one plays the part")

    @property
    def system(self) -> str:
        """What a model is told before a conversation: the instructions, and the form of the answer."""
        form = self.answer_form.strip()
        return f"{self.instructions.strip()}\n\nForm of the answer:\n{form}" if form else self.instructions.strip()
