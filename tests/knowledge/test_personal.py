"""What is known of the user: facts that replace each other, likings, rules, context within a budget, forgetting."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.graph import Graph
from knowledge.graph_jsonl import export_jsonl, import_jsonl
from knowledge.graph_view import GraphError
from knowledge.personal import Personal
from schemas.prompt_facts import tokens_of


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return Graph(tmp_path / "graph.db")


@pytest.fixture
def personal(graph: Graph) -> Personal:
    personal = Personal(graph)
    personal.add_fact("name", "scawful", category="identity")
    personal.add_fact("editor", "vim with asar syntax")
    personal.add_fact("home town", "Hyrule Castle Town")
    personal.add_preference("65816 assembly", 0.9, note="the tighter the better")
    personal.add_preference("corporate jargon", -1)
    personal.add_style_rule("avoid:  corporate jargon")
    return personal


def test_a_newer_fact_replaces_the_older_which_stays_as_history(personal: Personal) -> None:
    told = personal.add_fact("editor", "emacs")
    assert (told.created, told.before) == (False, "vim with asar syntax")
    personal.add_fact("editor", "ed")
    assert personal.history("editor") == ("emacs", "vim with asar syntax")
    text = personal.context_for("which editor?").text
    assert "editor: ed\n" in text and "emacs" not in text


def test_a_fact_that_is_told_again_changes_nothing(personal: Personal) -> None:
    assert personal.add_fact("name", "scawful", category="identity").before == ""
    assert personal.history("name") == ()


def test_the_context_says_the_rules_and_what_the_prompt_is_about_first(personal: Personal) -> None:
    lines = personal.context_for("Optimise this assembly routine in my editor").text.splitlines()
    assert lines[:2] == ["Style rules, always:", "- avoid: corporate jargon"]
    assert lines.index("- editor: vim with asar syntax") < lines.index("- name: scawful (identity)")
    assert lines.index("- loves 65816 assembly (0.9): the tighter the better") < lines.index(
        "- avoids corporate jargon (-1)"
    )


def test_the_budget_holds_and_rules_go_in_before_all_else(personal: Personal) -> None:
    whole = personal.context_for("editor", 1000)
    assert (whole.left_out, len(whole.names)) == (0, 6)
    tight = personal.context_for("what town is home?", 28)
    assert tight.names == ("rule:avoid: corporate jargon", "fact:home town")
    assert (tight.left_out, tight.tokens) == (4, tokens_of(tight.text))
    assert personal.context_for("x", 1).text == ""
    with pytest.raises(GraphError, match="at least 1"):
        personal.context_for("x", 0)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200), st.integers(1, 120))
def test_no_prompt_breaks_the_budget(personal: Personal, prompt: str, budget: int) -> None:
    found = personal.context_for(prompt, budget)
    assert found.tokens == tokens_of(found.text) <= budget
    assert len(found.names) + found.left_out == 6


def test_a_prompt_of_a_megabyte_is_read_in_part(personal: Personal) -> None:
    assert personal.context_for("assembly " + "x " * 500_000).left_out == 0


def test_what_is_forgotten_can_be_put_back(personal: Personal, graph: Graph) -> None:
    personal.add_fact("editor", "emacs")
    before = list(export_jsonl(graph))
    removal = personal.forget("Editor")
    assert removal.nodes == ("fact:editor", "fact:editor (1)")
    assert not any("emacs" in line or "vim" in line for line in export_jsonl(graph))
    personal.undo(removal.number)
    assert sorted(export_jsonl(graph)) == sorted(before)
    assert personal.history("editor") == ("vim with asar syntax",)


@pytest.mark.parametrize("what", ["corporate jargon", "preference:corporate jargon", "avoid: corporate jargon", "NAME"])
def test_anything_personal_is_forgotten_by_its_word(personal: Personal, what: str) -> None:
    assert len(personal.forget(what).nodes) == 1


def test_forgetting_asks_when_several_things_go_by_the_word(personal: Personal, graph: Graph) -> None:
    personal.add_preference("editor", 0.5)
    with pytest.raises(GraphError, match="'fact:editor', 'preference:editor'; give one of these"):
        personal.forget("editor")
    graph.add_node("a note")
    for what in ("a note", "nothing", "", "\ud800"):
        with pytest.raises(GraphError, match="nothing personal is known"):
            personal.forget(what)


def test_a_preference_may_change_its_mind(personal: Personal) -> None:
    assert personal.add_preference("65816 assembly", -0.2).before == "0.9: the tighter the better"
    assert "dislikes 65816 assembly (-0.2)" in personal.context_for("assembly").text


@pytest.mark.parametrize("strength", [1.01, -2, float("nan"), float("inf")])
def test_a_strength_out_of_bounds_is_refused(personal: Personal, strength: float) -> None:
    with pytest.raises(GraphError, match="give -1"):
        personal.add_preference("x", strength)


def test_what_cannot_be_kept_is_refused(personal: Personal) -> None:
    for key, value in (
        ("", "x"),
        ("x", ""),
        ("x", "a\0"),
        ("a\nb", "x"),
        ("x", "y" * 1_000_000),
        ("y" * 1_000_000, "x"),
    ):
        with pytest.raises(GraphError, match=r"the (key|value)"):
            personal.add_fact(key, value)
    with pytest.raises(GraphError, match="the rule"):
        personal.add_style_rule(" ")


def test_a_node_of_the_user_s_is_never_taken_for_a_fact(personal: Personal, graph: Graph) -> None:
    graph.add_node("fact:shoe size", "note", text="not personal")
    with pytest.raises(GraphError, match="of kind 'note'"):
        personal.add_fact("shoe size", "43")
    node = graph.node("fact:shoe size")
    assert node is not None and node.texts == ("not personal",)


def test_it_is_exported_in_three_forms_and_with_the_graph(personal: Personal, graph: Graph, tmp_path: Path) -> None:
    listed = json.loads("".join(personal.export("json")))
    lines = [json.loads(line) for line in "".join(personal.export("jsonl")).splitlines()]
    assert listed == lines
    assert {item["name"] for item in listed} >= {
        "fact:name",
        "preference:corporate jargon",
        "rule:avoid: corporate jargon",
    }
    assert "## Preferences\n\n- loves 65816 assembly (0.9): the tighter the better\n" in "".join(personal.export())
    other = Graph(tmp_path / "other.db")
    import_jsonl(other, export_jsonl(graph))
    assert Personal(other).context_for("editor") == personal.context_for("editor")
    with pytest.raises(GraphError, match="json, jsonl or markdown"):
        personal.export("yaml")  # type: ignore[arg-type]  # what is tested


def test_nothing_known_is_an_empty_context(graph: Graph) -> None:
    personal = Personal(graph)
    assert personal.context_for("x") == ("", 0, (), 0)
    assert json.loads("".join(personal.export("json"))) == []
    assert "".join(personal.export("jsonl")).strip() == ""
