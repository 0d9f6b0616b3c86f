"""The facts that matter for a prompt: the right ones first, within the budget, and no others."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.alttp.context import context_for
from knowledge.alttp.overlay import overlay_of
from knowledge.graph_view import Direction, Edge, Node
from knowledge.snes.symbol_table import Symbol, SymbolTable
from schemas.prompt_facts import tokens_of


def names(prompt: str, budget: int = 1500) -> list[str]:
    return [one.name for one in context_for(prompt, budget).facts]


@pytest.mark.parametrize(
    ("prompt", "first"),
    [
        ("update link health at $7EF36C", "ram:7EF36C"),
        ("what is at 7EF36D", "ram:7EF36D"),
        ("Why does STA $2100 do nothing?", "register:2100"),
        ("```asm\nLDA $F36D\n```", "ram:7EF36D"),
        ("```asm\n    LDA.w $0D10,X\n```", "ram:7E0D10"),
        ("```asm\n    JSL Sprite_SpawnDynamically\n```", "routine:1DF65D"),
        ("explain what happens in JSL $0799AD", "routine:0799AD"),
        ("spawn sprite 0x41 near Link", "sprite:41"),
        ("change the palette of the HUD", "ram:7E0AB2"),
        ("how do I give the player 100 rupees?", "ram:7EF360"),
        ("use INIDISP to fade out", "register:2100"),
    ],
)
def test_what_the_prompt_names_comes_first(prompt: str, first: str) -> None:
    assert names(prompt)[0] == first


def test_a_prompt_on_one_address_is_not_padded_with_other_rows() -> None:
    found = context_for("what is stored at $7EF36B?", 4000)
    assert {one.name for one in found.facts} == {"ram:7EF36B"}


def test_the_sword_beam_is_found_by_its_words() -> None:
    found = context_for("make the sword beam stronger").facts
    assert "ancilla:0C" in [one.name for one in found]
    assert any(one.kind == "routine" and "SwordBeam" in one.text for one in found)


@pytest.mark.parametrize(
    "prompt",
    ["hello", "fix this code", "Refactor my Python web server", "write a poem about spring", "", "   \n", "????"],
)
def test_a_prompt_about_nothing_known_gets_nothing_and_is_told_so(prompt: str) -> None:
    found = context_for(prompt)
    assert found.facts == ()
    assert "No fact" in found.as_text()


def test_each_fact_says_why_it_is_there_by_whom_and_for_which_rom() -> None:
    found = context_for("update link health at $7EF36C")
    first = found.facts[0]
    assert "$7EF36C in the prompt" in first.why
    assert "jpdasm" in first.sources
    assert "US 1.0" in first.rom_version
    assert all(one.why and one.sources for one in found.facts)


def test_one_step_in_the_atlas_tells_who_writes() -> None:
    found = context_for("what changes $7E0373")
    assert any(one.kind == "relations" and "written by" in one.text for one in found.facts)


PROMPTS = [
    "update link health at $7EF36C and magic at $7EF36E when sprite 0x41 dies in room 0x12",
    "```asm\nLDA $22\nSTA $0D10,X\nLDA $20\nSTA $0D00,X\nJSL Sprite_SpawnDynamically\nSTA $2100\n```",
    "make bombs explode faster",
]


@pytest.mark.parametrize("budget", [1, 5, 20, 60, 100, 250, 1000, 10_000])
def test_the_budget_is_never_exceeded(budget: int) -> None:
    for prompt in PROMPTS:
        found = context_for(prompt, budget)
        assert found.tokens == tokens_of(found.as_text()) <= budget


def test_a_greater_budget_only_adds() -> None:
    sizes = [len(context_for(PROMPTS[1], budget).facts) for budget in (100, 400, 1600, 6400)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_a_budget_of_nothing_is_refused_with_the_next_step() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        context_for("anything", 0)


class Notes:
    """A user's graph of a few nodes."""

    def __init__(self, nodes: Sequence[Node], edges: Sequence[Edge] = ()) -> None:
        self.nodes, self.links = {node.name: node for node in nodes}, list(edges)

    @property
    def layer(self) -> str:
        return "user"

    def stamp(self) -> object:
        return 0

    def resolve(self, text: str) -> str:
        return text if text in self.nodes else ""

    def node(self, name: str) -> Node | None:
        return self.nodes.get(name)

    def edges(self, name: str, *, direction: Direction = "both") -> Sequence[Edge]:
        del direction
        return [edge for edge in self.links if name in (edge.subject, edge.object)]

    def find(self, text: str = "", *, kind: str = "", limit: int = 50, offset: int = 0) -> Sequence[Node]:
        words = text.lower().split()
        return [one for one in self.nodes.values() if any(word in str(one).lower() for word in words)][:limit]

    def count(self) -> tuple[int, int]:
        return len(self.nodes), len(self.links)

    def pairs(self) -> Iterator[tuple[str, str, str]]:
        return iter([])


def test_what_the_user_knows_of_the_same_thing_comes_first() -> None:
    notes = Notes(
        [Node("my health hook", "note", ("runs each frame",), "user", "user"), Node("other", "note", ("trees",))],
        [Edge("my health hook", "writes", "ram:7EF36D", "user", "", 1, "user")],
    )
    found = context_for("why does $7EF36D change?", views=[notes])
    assert (found.facts[0].name, found.facts[0].layer) == ("my health hook", "user")
    assert "writes ram:7EF36D" in found.facts[0].text
    assert found.facts[1].name == "ram:7EF36D"
    assert "other" not in [one.name for one in found.facts]


def test_the_users_symbols_are_given_too() -> None:
    symbols = SymbolTable((Symbol("BossHealthBar", 0x208000),))
    found = context_for("BossHealthBar", overlay=overlay_of({"hack.sym": symbols}))
    assert found.facts[0].layer == "user"
    assert "BossHealthBar" in found.facts[0].text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.integers(1, 400))
def test_any_prompt_is_answered_within_its_budget(prompt: str, budget: int) -> None:
    assert context_for(prompt, budget).tokens <= budget


@pytest.mark.parametrize("piece", ["$7EF36D ", "LDA $2100\n", "a", "Link_Main ", "`", "sprite 0x41 ", "link health "])
def test_a_megabyte_of_prompt_is_answered(piece: str) -> None:
    assert context_for(piece * (1_000_000 // len(piece)), 300).tokens <= 300
