"""The tools about the user: facts, preferences and style rules, for the models that speak for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from servers.graph.opened import telling
from servers.graph.results import Changed
from servers.machine.face import APPENDS, Face

if TYPE_CHECKING:
    from knowledge.personal import Told
    from servers.graph.opened import Opened

__all__ = ["offer_knowing"]

_Source = Annotated[str, Field(description="who said so: the user, a file")]


def _changed(told: Told) -> Changed:
    before = (f"before: {told.before}",) if told.before else ()
    return Changed(done=f"{'kept' if told.created else 'up to date'}: {told.text}", names=(told.name,), notes=before)


def offer_knowing(face: Face, opened: Opened) -> None:
    """Offer `add_fact`, `add_preference` and `add_style_rule`."""

    @face.offer(APPENDS, title="Remember a fact about the user")
    def add_fact(
        key: Annotated[str, Field(description="what it is about: name, editor, current hack; at most 200 characters")],
        value: Annotated[str, Field(description="what is so, at most 4,000 characters")],
        category: Annotated[str, Field(description="identity, project, tool, person ...; identity is told first")] = "",
        source: _Source = "",
    ) -> Changed:
        """Remember a fact about the user or their work; a newer value replaces the older, which stays as history.

        `remove` with the node's name forgets it, `undo_remove` puts it back.
        """
        with telling():
            return _changed(opened.personal.add_fact(key, value, category=category, source=source))

    @face.offer(APPENDS, title="Remember a preference of the user")
    def add_preference(
        item: Annotated[str, Field(description="what is liked or disliked, at most 200 characters")],
        strength: Annotated[float, Field(ge=-1, le=1, description="-1 (avoids it) to 1 (loves it)")],
        note: Annotated[str, Field(description="why, or when")] = "",
        source: _Source = "",
    ) -> Changed:
        """Remember how much the user likes something, from -1 to 1; a newer strength replaces the older."""
        with telling():
            return _changed(opened.personal.add_preference(item, strength, note=note, source=source))

    @face.offer(APPENDS, title="Remember a style rule")
    def add_style_rule(
        rule: Annotated[
            str, Field(description="a rule for all answers (avoid: corporate jargon), at most 400 characters")
        ],
        source: _Source = "",
    ) -> Changed:
        """Remember a rule that holds for how every answer to the user is written."""
        with telling():
            return _changed(opened.personal.add_style_rule(rule, source=source))
