"""`Verdict` and `Checked`: what running tools found out about an answer, and the evidence."""

from typing import Literal

from pydantic import Field

from schemas.frozen import Frozen

__all__ = ["Checked", "Verdict"]

Verdict = Literal["proved", "tested", "refuted", "unchecked"]
"""proved: for all inputs; tested: on all that was tried; refuted: with evidence; unchecked: nothing could tell.

Of a whole answer, `proved` and `tested` say that it does what was asked. Code of which only is known that it
assembles, or a text in which only no mistake was found, is `unchecked`.
"""


class Checked(Frozen):
    """One claim of an answer, and what a tool said about it."""

    tool: str = Field(description="the tool that was asked, by its name on its server")
    claim: str = Field(description="what the verdict is about, e.g. `the code assembles`")
    verdict: Verdict
    said: str = Field(default="", description="the evidence: what the tool said, shortened")
    code: str = Field(default="", description="the code that was judged, shortened")
