"""`Expert`: a named configuration of a model, not the model itself."""

from pydantic import Field, JsonValue

from schemas.frozen import Frozen

__all__ = ["Example", "Expert"]


class Example(Frozen):
    """A question and the call that it wants, shown to small models."""

    prompt: str
    tool: str
    arguments: dict[str, JsonValue] = {}


class Expert(Frozen):
    """Who answers: instructions, the models that can play the part, and the tools that it may use."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    summary: str = Field(description="one line, for lists")
    instructions: str
    models: dict[str, str] = Field(default={}, description="provider -> model name, e.g. ollama -> nayru-v5:latest")
    tools: tuple[str, ...] = Field(default=(), description="names of tools or tool sets that it may use")
    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    num_ctx: int = Field(default=8192, ge=1024, description="context window in tokens, the same for the whole run")
    examples: tuple[Example, ...] = ()
    proof: str = Field(
        default="", description="the tool whose last good result is quoted under an answer that lacks it"
    )
    must_prove: bool = Field(default=False, description="an answer counts only after `proof` has accepted something")
    keywords: tuple[str, ...] = ()
