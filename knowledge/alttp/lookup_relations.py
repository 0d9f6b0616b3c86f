"""Questions about relations, "what writes $7E0010", "who calls Sprite_Main": answered by the atlas, with counts."""

import re
from collections.abc import Callable
from typing import NamedTuple

from knowledge.graph_view import Direction
from schemas.fact import Fact, Lookup, Related

__all__ = ["RelationAsked", "asked_relation", "relation_answer"]

_CODE = (
    r"(?:(?:who|what|which)(?: (?:all|else|other|rom|game))?"
    r"(?: (?:routines?|functions?|subroutines?|code|places?|labels?|instructions?))?(?: (?:is|are|all|that|which))*"
    r"|where(?: (?:is|are|does|do))?(?: the (?:code|game))?|list(?: all)?(?: the)? (?:routines|functions|code)"
    r"(?: (?:that|which))?|(?:show |find |list |give )?(?:me )?(?:all |every |the )*"
    r"(?:routines?|functions?|code|everything|anything|places?) (?:that|which))"
)
_FROM = r"(?: (?:from|in|by)(?: (?:the code|code|where|who|which routines?|what))?)?"
_IS = r"where (?:is|are|does) (?P<what>.+?) (?:get )?"
_LIST = r"(?:all |the |list |every |each |any |show |find |give |me |of |what are |which are )*"
_DATA = r"(?:what|which (?:addresses|registers|ram|variables))"


class _Form(NamedTuple):
    """A way to ask: the pattern, what it asks for, and how the answer begins."""

    pattern: re.Pattern[str]
    relations: tuple[str, ...]
    direction: Direction
    says: str
    loose: bool
    """The thing may be told in plain words; else only by an address, a name or an id."""


_WRITES = ("writes", "writes_register")
_READS = ("reads", "reads_register", "reads_table", "uses_pointer")
_CALLS = ("calls", "jumps_to")


def _form(pattern: str, relations: tuple[str, ...], direction: Direction, says: str, *, loose: bool = False) -> _Form:
    return _Form(re.compile(rf"\s*(?:{pattern})\s*[?.!]*\s*"), relations, direction, says, loose)


_FORMS = (
    _form(
        rf"{_CODE} (?:writes?|written|writing|stores?|stored|storing)(?: (?:to|into|in))? (?P<what>.+)",
        _WRITES,
        "in",
        "what writes {}",
        loose=True,
    ),
    _form(rf"{_CODE} (?:sets?|changes?|modif(?:y|ies)|updates?|clears?) (?P<what>.+)", _WRITES, "in", "what writes {}"),
    _form(rf"{_IS}(?:written|set|stored to|changed|modified|updated){_FROM}", _WRITES, "in", "what writes {}"),
    _form(rf"{_LIST}(?:writers?|writes) (?:of|to) (?P<what>.+)", _WRITES, "in", "what writes {}", loose=True),
    _form(rf"{_CODE} (?:reads?|reading|loads?|checks?)(?: from)? (?P<what>.+)", _READS, "in", "what reads {}"),
    _form(rf"{_IS}(?:read|loaded|checked|tested){_FROM}", _READS, "in", "what reads {}"),
    _form(rf"{_LIST}(?:readers?|reads) (?:of|from) (?P<what>.+)", _READS, "in", "what reads {}", loose=True),
    _form(
        rf"{_CODE} (?:uses?|using|access(?:es)?|touch(?:es)?|references?) (?P<what>.+)",
        (*_READS, *_WRITES, "references_pointer_to"),
        "in",
        "what uses {}",
    ),
    _form(
        rf"{_IS}(?:used|accessed|referenced|touched){_FROM}",
        (*_READS, *_WRITES, *_CALLS, "references_pointer_to"),
        "in",
        "what uses {}",
    ),
    _form(
        rf"{_CODE} (?:calls?|calling|jumps? to|jsrs?(?: to)?|jsls?(?: to)?|invokes?) (?P<what>.+)",
        _CALLS,
        "in",
        "what calls {}",
        loose=True,
    ),
    _form(rf"{_IS}(?:called|invoked|jumped to){_FROM}", _CALLS, "in", "what calls {}"),
    _form(rf"{_LIST}(?:callers?|calls) (?:of|to) (?P<what>.+)", _CALLS, "in", "what calls {}", loose=True),
    _form(
        rf"{_LIST}(?:xrefs?|cross[ -]?references?|references?|uses|usages?|users) (?:to|of|for) (?P<what>.+)",
        (*_READS, *_WRITES, *_CALLS, "references_pointer_to"),
        "in",
        "what uses {}",
    ),
    _form(
        r"(?:what|which routines?|who)(?: routines?)? does (?P<what>.+?) (?:call|jump to|invoke)",
        _CALLS,
        "out",
        "what {} calls",
    ),
    _form(
        r"(?:callees of|calls made by|routines called by|what is called by) (?P<what>.+)",
        _CALLS,
        "out",
        "what {} calls",
    ),
    _form(rf"{_DATA}(?: \w+)? does (?P<what>.+?) (?:write|store|set|change)(?: to)?", _WRITES, "out", "what {} writes"),
    _form(rf"{_DATA}(?: \w+)? does (?P<what>.+?) (?:read|load|check)(?: from)?", _READS, "out", "what {} reads"),
    _form(
        r"(?:where|in (?:which|what) (?:rooms?|areas?|screens?)) (?:does|do|is|are) (?P<what>.+?) "
        r"(?:appear|appears|spawn|found|placed|live)",
        ("appears_in", "in_chest_of", "in_big_chest_of"),
        "out",
        "where {} is",
    ),
    _form(
        r"(?:which|what) (?:rooms|areas|screens) (?:have|contain|use|hold) (?P<what>.+)",
        ("appears_in", "in_chest_of", "in_big_chest_of"),
        "out",
        "where {} is",
    ),
    _form(
        r"(?:which|what) entrances? (?:leads?|goes?|go|opens?) (?:in)?to (?P<what>.+)",
        ("leads_to",),
        "in",
        "what leads to {}",
    ),
    _form(
        r"(?:what|which entrances?|who|where)(?: is| are)? (?:leads?|leading) (?:in)?to (?P<what>.+)",
        ("leads_to",),
        "in",
        "what leads to {}",
    ),
    _form(
        r"(?:what|which (?:entrances?|rooms?)|where)(?: is| are)? (?:plays?|playing) (?P<what>.+)",
        ("plays",),
        "in",
        "what plays {}",
    ),
    _form(r"where is (?P<what>.+?) played", ("plays",), "in", "what plays {}"),
)

_LEADING = re.compile(r"(?:(?:the|a|an|all|address|ram|wram|register|reg|routine|function|variable|to|from)\s+)+")


class RelationAsked(NamedTuple):
    """A question about a relation."""

    what: str
    """The thing that is asked about, as it was written."""
    relations: tuple[str, ...]
    direction: Direction
    says: str
    """How the answer begins, `{}` for the thing."""
    loose: bool


def asked_relation(query: str) -> RelationAsked | None:
    """Return what relation a question asks for, None when it asks for none."""
    text = " ".join(query.split())
    folded = text.lower()
    if len(folded) != len(text):
        return None
    for form in _FORMS:
        found = form.pattern.fullmatch(folded)
        if found:
            start, end = found.span("what")
            what = text[start:end].rstrip(" ?.!")
            skipped = _LEADING.match(what.lower())
            shorter = what[skipped.end() :] if skipped else what
            return RelationAsked(shorter or what, form.relations, form.direction, form.says, form.loose)
    return None


def relation_answer(
    query: str, asked: RelationAsked, about: Fact, *, limit: int, offset: int, fact_at: Callable[[str], Fact | None]
) -> Lookup:
    """Return the facts that stand in the relation to `about`, the most places first, as one page."""
    from knowledge.alttp.atlas import atlas

    found: dict[str, tuple[int, list[str], list[str]]] = {}
    for edge in atlas().edges(about.ref, direction=asked.direction):
        if edge.relation in asked.relations:
            other = edge.subject if asked.direction == "in" else edge.object
            count, relations, sources = found.setdefault(other, (0, [], []))
            relations += [edge.relation] if edge.relation not in relations else []
            sources += [name for name in edge.source.split(", ") if name not in sources]
            found[other] = (count + edge.count, relations, sources)
    ordered = sorted(found, key=lambda ref: (-found[ref][0], ref))
    shown = [_related(ref, found[ref], fact_at) for ref in ordered[offset : offset + limit]]
    after = offset + limit
    return Lookup(
        query=query,
        found=True,
        answer=about,
        reason="relation",
        relation=asked.says.format(f"{about.id} {about.name}".strip()),
        related=tuple(one for one in shown if one is not None),
        total=len(ordered),
        offset=offset,
        next_offset=after if after < len(ordered) else 0,
        hint="" if ordered else "The relations come from a scan of the US 1.0 code: indirect accesses are not in it.",
    )


def _related(ref: str, said: tuple[int, list[str], list[str]], fact_at: Callable[[str], Fact | None]) -> Related | None:
    row = fact_at(ref)
    if row is None:
        return None
    count, relations, sources = said
    return Related(
        kind=row.kind,
        ref=ref,
        id=row.id,
        name=row.name,
        relation=", ".join(relations),
        count=count,
        sources=", ".join(sources),
    )
