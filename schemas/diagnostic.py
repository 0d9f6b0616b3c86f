"""`Diagnostic`: one finding about code, with the place and the next step."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen

__all__ = ["Diagnostic"]


class Diagnostic(Frozen):
    """What an assembler or a linter says about one line."""

    severity: Literal["error", "warning"]
    code: str = Field(description="stable id, e.g. Elabel_not_found")
    message: str
    file: str = ""
    line: int = Field(default=0, ge=0, description="1-based; 0 when the tool gave none")
    source: str = Field(default="", description="the line or command that it is about")
    called_from: str = Field(default="", description="file:line of the macro call, if any")
    next_step: str = Field(default="", description="what to do about it")
