"""The `experts` server: local experts for Claude, Gemini and other hosts, their answers judged by tools.

Its parts are imported by `build`, as `serve` wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.machine.start import serve

if TYPE_CHECKING:
    from servers.machine.face import Face
    from servers.settings import Settings

__all__ = ["build", "main"]

_INSTRUCTIONS = (
    "Local experts on 65816 code and A Link to the Past, on the user's own models. Delegate with ask_expert: the "
    "answer comes with a verdict of tools and a run id. A long run goes on beside the call: wait for it with "
    "run_status. critique judges an answer of your own by running tools. Tell with rate_run whether an answer served."
)


def build(settings: Settings, *, scripts: bool = False, own_process: bool = False) -> Face:
    """Build the server; nothing is read, started or asked before a tool is called.

    `scripts` lets a call name a script for a model, which is read from wherever it says: to try the server out.
    `own_process`: as of an `Agent`.
    """
    from runner.serving.asking import offer_asking, offer_status
    from runner.serving.choosing import offer_experts, offer_routing
    from runner.serving.face import ExpertsFace
    from runner.serving.judging import offer_critique, offer_rating
    from runner.serving.place import Place
    from runner.serving.runs import Runs
    from servers.settings import version

    place = Place(settings, scripts=scripts, own_process=own_process)
    runs = Runs(place)
    face = ExpertsFace("experts", title="Local experts", instructions=_INSTRUCTIONS, version=version())
    face.while_serving(runs.serving)
    offer_asking(face, place, runs)
    offer_status(face, place, runs)
    offer_rating(face, place, runs)
    for offer in (offer_routing, offer_critique, offer_experts):
        offer(face, place)
    return face


def main() -> None:
    """Serve on stdio."""
    serve(lambda settings: build(settings, own_process=True))


if __name__ == "__main__":
    main()
