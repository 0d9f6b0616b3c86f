"""The atlas: the relations between the facts, as a graph that can be read."""

from collections import Counter
from pathlib import Path

import pytest

from knowledge.alttp.atlas import RELATIONS, Atlas, atlas
from knowledge.alttp.generate_read import read
from knowledge.alttp.tables import tables
from knowledge.graph_view import GraphView


def end(edge: dict[str, str], side: str) -> str:
    """What a raw edge ties: the address of an end where the edge has one, else its name."""
    detail = edge[f"{side}_detail"]
    return detail if detail.startswith("$") else edge[side]


def objects(name: str, relation: str) -> set[str]:
    return {edge.object for edge in atlas().edges(name, direction="out", relation=relation)}


def subjects(name: str, relation: str) -> set[str]:
    return {edge.subject for edge in atlas().edges(name, direction="in", relation=relation)}


def test_the_atlas_is_a_graph_view_of_at_least_fifty_thousand_edges() -> None:
    view: GraphView = atlas()
    nodes, edges = view.count()
    assert view.layer == "atlas"
    assert view.stamp() == view.stamp()
    assert edges >= 50_000
    assert nodes >= sum(len(table.rows) for table in tables().values())
    assert len(set(view.pairs())) == edges


def test_who_writes_the_main_module_is_known() -> None:
    writers = atlas().edges("ram:7E0010", direction="in", relation="writes")
    assert len(writers) > 20
    assert all(edge.source and edge.layer == "atlas" and edge.count > 0 for edge in writers)
    assert any(edge.source == "usdasm, zelda3" for edge in writers)


def test_a_thing_is_tied_to_its_routines_rooms_and_bytes() -> None:
    assert objects("sprite:00", "handled_by") == {"routine:1DDD7B"}
    assert objects("sprite:00", "initialised_by") == {"routine:068969"}
    assert objects("item:0B", "stored_at") == {"ram:7EF340"}
    assert objects("menu_item:01", "stored_at") == {"ram:7EF340"}
    assert objects("entrance:02", "leads_to") == {"room:012"}
    assert objects("room:012", "part_of") == {"dungeon:00"}
    assert objects("room:012", "has_save_flags_at") == {"ram:7EF024"}
    assert objects("module:07", "handled_by") == {"routine:0287A2"}
    assert objects("module:07.02.01", "part_of") == {"module:07.02"}
    assert objects("ram:7E0013", "mirrors") == {"register:2100"}
    assert objects("register:2100", "part_of") == {"subsystem:PPU"}
    assert "ram:7E0D00" in subjects("struct:sprite_slot", "belongs_to")


def test_a_copy_in_a_save_file_says_what_it_is_a_copy_of() -> None:
    assert objects("ram:7EF36D", "saved_to") == {"ram:70036D"}
    node = atlas().node("ram:70036D")
    assert node is not None
    assert node.texts


def test_values_that_stand_for_nothing_are_no_nodes() -> None:
    assert not subjects("dungeon:FF", "part_of")
    assert atlas().node("song:FF") is not None
    assert not subjects("song:FF", "plays")
    assert atlas().node("room:13D") is None


def test_a_node_says_what_the_fact_says() -> None:
    node = atlas().node("register:2100")
    assert node is not None
    assert node.kind == "register"
    assert "INIDISP" in node.texts[0]
    assert node.source
    assert atlas().fact("register:2100") is not None
    assert atlas().fact("subsystem:PPU") is None


@pytest.mark.parametrize("name", ["", ":", "ram:", "ram:FFFFFFFF", "nothing:01", "ram:7e0010", "\udcff", "ram:\udcff"])
def test_a_name_that_is_none_has_no_node_and_no_edges(name: str) -> None:
    assert atlas().node(name) is None
    assert not atlas().edges(name)


def test_both_directions_are_the_two_together_and_a_loop_comes_once() -> None:
    for name in ("ram:7E0010", "routine:0080C9", "sprite:41", "module:07"):
        both = atlas().edges(name)
        out = atlas().edges(name, direction="out")
        into = atlas().edges(name, direction="in")
        assert len(set(both)) == len(both)
        assert set(both) == {*out, *into}
        assert all(edge.subject == name for edge in out)
        assert all(edge.object == name for edge in into)


def test_every_end_of_an_edge_is_a_node() -> None:
    names = {name for subject, _, target in atlas().pairs() for name in (subject, target)}
    assert all(atlas().node(name) is not None for name in sorted(names)[::50])
    rows = {table.ref(number) for table in tables().values() for number in range(len(table.rows))}
    assert {name.partition(":")[0] for name in names - rows} == {"ram", "struct", "subsystem"}


def test_all_nodes_of_a_kind_are_listed_in_pages() -> None:
    first = atlas().find(kind="subsystem", limit=3)
    rest = atlas().find(kind="subsystem", limit=10, offset=3)
    assert {node.name for node in (*first, *rest)} == {
        f"subsystem:{name}" for name in ("APU", "CPU", "DMA", "PPU", "WRAM")
    }
    assert [node.name for node in atlas().find("sprite slot", kind="struct")] == ["struct:sprite_slot"]
    assert [node.name for node in atlas().find(limit=1)] == ["ram:700000"]


def test_a_line_that_is_no_relation_is_an_error_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "relations.txt"
    path.write_text("@writes routine ram usdasm\n008034 7E0010*many\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"relations\.txt, line 2 is no relation"):
        Atlas(tables(), path)


def test_relations_have_names_and_the_file_says_who_wrote_it() -> None:
    assert {"calls", "reads", "writes", "mirrors", "part_of", "appears_in", "leads_to"} <= set(atlas().relations())
    assert "generate.py" in RELATIONS.read_text(encoding="utf-8").splitlines()[0]


def test_every_raw_edge_is_kept_or_stands_for_nothing(shared: Path) -> None:
    path = shared / "facts" / "relations.csv"
    if not path.is_file():
        pytest.skip("the raw relations are absent")
    kept = Counter(relation for _, relation, _ in atlas().pairs())
    nothing = ("dungeon:0xFF", "song:0xFF", "room:0x12D", "room:0x13D")
    stated: dict[str, set[tuple[str, str]]] = {}
    for edge in read(path):
        if edge["object"] not in nothing:  # two labels of one address are one end
            stated.setdefault(edge["relation"], set()).add((end(edge, "subject"), end(edge, "object")))
    for relation, ends in stated.items():
        assert kept[relation] >= len(ends), relation


def test_a_text_finds_the_nodes_that_it_names_or_speaks_of() -> None:
    assert atlas().find("$2100", limit=1)[0].name == "register:2100"
    assert atlas().find("INIDISP", kind="register", limit=1)[0].name == "register:2100"
    assert "ram:7EF36D" in [node.name for node in atlas().find("Link's current health", kind="ram", limit=5)]
    assert {node.kind for node in atlas().find("health", kind="ram")} == {"ram"}
    assert atlas().find("health", limit=3, offset=2) == atlas().find("health", limit=5)[2:]
    assert not atlas().find("xyzzyplugh")
    assert atlas().resolve("$80:2100") == atlas().resolve("register:2100") == "register:2100"
    assert not atlas().resolve("no such thing")
