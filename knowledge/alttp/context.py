"""The few facts that matter for a prompt, ranked, each with its sources and why it is there, under a budget of tokens.

What the user's own graph says of the same things comes first, then the rows of the tables, then one step in the atlas:
who writes and reads, what it calls. What the prompt does not ask about is left out; nothing relevant gives nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from knowledge.alttp.atlas import atlas
from knowledge.alttp.context_prompt import PROMPT_LIMIT, Mention, content_words, mentions
from knowledge.alttp.validation.known import facts
from knowledge.alttp.words import stem
from knowledge.graph_view import Edge, GraphError, GraphView, Node
from knowledge.personal import KINDS
from schemas.fact import Fact
from schemas.prompt_facts import CHARACTERS_PER_TOKEN, PromptFact, PromptFacts, tokens_of

if TYPE_CHECKING:
    from knowledge.alttp.overlay import Overlay
    from knowledge.personal import Personal

__all__ = ["PROMPT_LIMIT", "context_for"]

_MOST = 40  # facts of one answer
_DETAILS = 8  # details of a row
_STEPS = 5  # rows whose neighbours in the atlas are given
_NEIGHBOURS = 6  # names given for one relation
_OWN = 6  # nodes of one graph of the user
_NAMED = 60  # words of a prompt among which names of nodes are looked for
_LONGEST_NAME = 4  # words of such a name
_AROUND = ".,;:!?()[]{}\"'`"  # what may stand around it
_LABEL = re.compile(r"(?=.*(?:_|[a-z0-9][A-Z]|:))[A-Za-z.][\w.:]{2,79}")  # ClearOAM, Sprite_Main, hack:Init
_LINE = 900  # characters of one fact
_STEP = "relations"  # the kind of a step in the atlas; it is told of rows that are told themselves
_NOTHING = "No fact of the tables or the graphs is about this prompt."
_SPARE = "More facts matter than fit: raise the budget, or ask about fewer things."
_VERBS: dict[tuple[str, bool], str] = {
    ("writes", False): "written by",
    ("reads", False): "read by",
    ("writes_register", False): "written by",
    ("reads_register", False): "read by",
    ("mirrors", False): "queued at",
    ("mirrors", True): "copied to",
    ("calls", False): "called by",
    ("calls", True): "calls",
    ("jumps_to", False): "reached from",
    ("writes", True): "writes",
    ("handled_by", True): "handled by",
    ("handled_by", False): "handles",
    ("initialised_by", True): "set up by",
    ("saved_to", True): "saved to",
    ("stored_at", True): "kept at",
    ("stored_at", False): "set by the item",
    ("appears_in", True): "appears in",
    ("drawn_by", True): "drawn by",
}
"""(relation, from the row on) to words; other relations are not told of."""


class _Item(NamedTuple):
    fact: PromptFact
    brief: PromptFact | None
    """A shorter form for when the whole does not fit."""


def context_for(
    prompt: str,
    budget: int = 1500,
    *,
    views: Sequence[GraphView] = (),
    overlay: "Overlay | None" = None,
    personal: "Personal | None" = None,
) -> PromptFacts:
    """Return the facts that matter for a prompt, in at most `budget` tokens (characters over four).

    `views` are further graphs, the user's own first; `overlay` is the user's symbols, `personal` what is known of the
    user. ValueError when the budget is less than one token.
    """
    if budget < 1:
        raise ValueError(f"the budget is {budget} tokens: give at least 1, usually 500 to 2,000")
    about = personal.context_for(prompt[:PROMPT_LIMIT], max(1, budget // 4)).text if personal else ""
    asked = mentions(prompt)
    items = [*_own(prompt, asked, views), *_symbols(prompt, overlay), *_rows(asked), *_steps(asked)]
    return _fitted(_unique(items), about, budget)


def _unique(items: Iterable[_Item]) -> list[_Item]:
    seen: dict[tuple[str, str, str], _Item] = {}
    for item in items:
        seen.setdefault((item.fact.layer, item.fact.name, item.fact.kind), item)
    return list(seen.values())[:_MOST]


def _fitted(items: Sequence[_Item], about: str, budget: int) -> PromptFacts:
    """Take the facts in their order as long as they fit; a long one may go in in brief."""
    room = budget * CHARACTERS_PER_TOKEN - (len(about) + 1 if about else 0)
    kept: list[PromptFact] = []
    for item in items:
        if item.fact.kind == _STEP and all(fact.name != item.fact.name for fact in kept):
            continue
        for form in (item.fact, item.brief):
            if form is not None and len(form.as_text()) + 1 <= room:
                kept.append(form)
                room -= len(form.as_text()) + 1
                break
    left = len(items) - len(kept)
    note = _SPARE if left else "" if items else _NOTHING
    shown = note if note and len(note) + 1 <= room else ""
    found = PromptFacts(facts=tuple(kept), personal=about, budget=budget, left_out=left, note=shown)
    return found if tokens_of(found.as_text()) <= budget else found.model_copy(update={"note": "", "personal": ""})


def _rows(asked: Sequence[Mention]) -> Iterator[_Item]:
    for mention in asked:
        fact = facts().fact(mention.row.entry)
        place = f"{mention.place}: " if mention.place else ""
        head = place + fact.headline()
        details = [detail for detail in fact.details if not detail.startswith(("Region:", "PC offset", "Label of"))]
        whole = " ".join([head, *(f"{detail.rstrip('.')}." for detail in details[:_DETAILS])])[:_LINE]
        yield _Item(_fact(fact, whole, mention.why), _fact(fact, head[:_LINE], mention.why))


def _fact(fact: Fact, text: str, why: str) -> PromptFact:
    return PromptFact(
        name=fact.ref,
        kind=fact.kind,
        text=text,
        why=why,
        layer="atlas",
        sources=fact.sources,
        rom_version=fact.rom_version,
    )


def _steps(asked: Sequence[Mention]) -> Iterator[_Item]:
    """Give one step in the atlas from the rows that matter most: one line a row."""
    graph = atlas()
    strongest = [mention for mention in asked if mention.row.kind not in ("sublabel", "data")][:_STEPS]
    for mention in strongest:
        ref = mention.row.ref
        told = list(_relations(ref, graph.edges(ref)))
        if told:
            sources = sorted({source for edge in graph.edges(ref) for source in edge.source.split(", ") if source})
            text = f"{mention.row.id} {mention.row.name}: {'; '.join(told)}. US 1.0"
            yield _Item(
                PromptFact(
                    name=ref,
                    kind=_STEP,
                    text=text[:_LINE],
                    why="one step in the atlas",
                    layer="atlas",
                    sources=tuple(sources[:4]),
                    rom_version="US 1.0",
                ),
                None,
            )


def _relations(ref: str, edges: Sequence[Edge]) -> Iterator[str]:
    counts = Counter((edge.relation, edge.subject == ref) for edge in edges)
    for key, verb in _VERBS.items():
        if not counts[key]:
            continue
        ends = [edge for edge in edges if (edge.relation, edge.subject == ref) == key]
        ends.sort(key=lambda edge: -edge.count)
        names = [_short(edge.object if key[1] else edge.subject) for edge in ends[:_NEIGHBOURS]]
        more = f" and {counts[key] - len(names)} more" if counts[key] > len(names) else ""
        yield f"{verb} {', '.join(names)}{more}"


def _short(ref: str) -> str:
    fact = atlas().fact(ref)
    return f"{fact.name or ref} ({fact.id})" if fact else ref


def _symbols(prompt: str, overlay: "Overlay | None") -> Iterator[_Item]:
    """Give the user's own symbols that the prompt names."""
    if overlay is None:
        return
    from knowledge.alttp.lookup import QUERY_LIMIT

    for own in overlay.find(prompt[:QUERY_LIMIT])[:_OWN]:
        fact = own.fact()
        yield _Item(
            PromptFact(
                name=fact.ref or f"symbol:{fact.name}",
                kind="symbol",
                text=fact.headline()[:_LINE],
                why=own.reason or "your symbol",
                layer="user",
                sources=fact.sources,
                rom_version=fact.rom_version,
            ),
            None,
        )


def _own(prompt: str, asked: Sequence[Mention], views: Sequence[GraphView]) -> Iterator[_Item]:
    """Give what further graphs say: of the same rows by their refs, then what has the words of the prompt."""
    words = content_words(prompt[:2000])[:12]
    for view in views:
        found: dict[str, tuple[Node, str]] = {}
        for mention in asked[:8]:
            for node, why in _of_ref(view, mention.row.ref):
                found.setdefault(node.name, (node, why))
        for node, why in (*_of_name(view, prompt), *_of_words(view, words)):
            found.setdefault(node.name, (node, why))
        about = [(node, why) for node, why in found.values() if node.kind not in KINDS]
        for node, why in about[:_OWN]:
            yield _of_node(node, why, view.layer)


def _of_ref(view: GraphView, ref: str) -> Iterator[tuple[Node, str]]:
    node = view.node(ref)
    if node and node.texts:
        yield node, f"names {ref}"
    for edge in list(view.edges(ref))[:_OWN]:
        other = edge.object if edge.subject == ref else edge.subject
        there = view.node(other)
        if there:
            said = f"{edge.subject} {edge.relation} {edge.object}" + (f" ({edge.note})" if edge.note else "")
            yield there._replace(texts=(said, *there.texts)), f"linked to {ref}"


def _of_name(view: GraphView, prompt: str) -> Iterator[tuple[Node, str]]:
    """Give the nodes that the prompt calls by their whole name: the user's in any words, of code what looks a label."""
    words = [stripped for word in prompt[:2000].split()[:_NAMED] if (stripped := word.strip(_AROUND))]
    if view.layer == "user":
        spans = [(size, at) for size in range(_LONGEST_NAME, 0, -1) for at in range(len(words) - size + 1)]
        names = [" ".join(words[at : at + size]) for size, at in spans if size > 1 or content_words(words[at])]
    else:
        names = [word for word in words if _LABEL.fullmatch(word)][:_OWN]
    for name in names:
        if (found := view.resolve(name)) and (node := view.node(found)):
            yield node, f"{found[:60]} in the prompt"


def _of_words(view: GraphView, words: Sequence[str]) -> Iterator[tuple[Node, str]]:
    """Give nodes that have at least two words of the prompt, or its only one."""
    if not words:
        return
    stems = {stem(word): word for word in words}
    try:
        nodes = list(view.find(" ".join(words), limit=_OWN))
    except GraphError:
        return
    for node in nodes:
        text = f"{node.name} {' '.join(node.texts[:6])}"[:4000]
        has = {stem(word) for word in content_words(text.replace("_", " "))}
        shared = [word for base, word in stems.items() if base in has]
        if len(shared) >= min(2, len(stems)):
            yield node, "words: " + ", ".join(shared[:5])


def _of_node(node: Node, why: str, layer: str) -> _Item:
    said = "; ".join(node.texts) if node.texts else node.kind

    def fact(text: str) -> PromptFact:
        sources = (node.source,) if node.source else ()
        return PromptFact(name=node.name, kind=node.kind, text=text, why=why, layer=layer, sources=sources)

    return _Item(fact(f"{node.name}: {said}"[:_LINE]), fact(f"{node.name}: {said}"[:160]))
