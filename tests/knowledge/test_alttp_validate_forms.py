"""The check of answers in lists, by references back, in code across lines, and of what ids and bits belong to."""

import pytest

from knowledge.alttp.tables import fact, tables
from knowledge.alttp.validate import findings


def codes(text: str) -> list[str]:
    return [finding.code for finding in findings(text)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("`Link_ReceiveItem` gives an item. The routine is at `$07A999`.", "wrong-address"),
        ("The main module variable tells what the game is doing. It lives at `$7E0012`.", "wrong-name"),
        ("`PHA` and `PLA` are handy for saving A. Each takes 2 cycles.", "wrong-cycles"),
        ("Both `INX` and `DEX` need 3 cycles.", "wrong-cycles"),
        ("XBA swaps the two halves of A. It is one byte long and takes 4 cycles.", "wrong-cycles"),
        ("`MVN` takes 3 cycles for each byte moved.", "wrong-cycles"),
        ("TAX does not change any flags.", "wrong-flags"),
        ("`$5D`: 0x04 dashing, 0x11 swimming, 0x17 bunny.", "wrong-value"),
        ("$1B - 0 indoors, 1 outdoors", "wrong-value"),
        ("A sprite is active when `$0DD0,X` is 8.", "wrong-value"),
        ("Set `$10` to 0x09 to enter the dungeon module.", "wrong-value"),
        ("Bit 6 of `$2100` enables the screen's fade.", "wrong-bits"),
        ("`$2100`: bit 7 forced blank, bits 4-6 fade speed, bits 0-3 brightness.", "wrong-bits"),
        ("$4200 in short: bit 6 (NMI), bit 0 (automatic joypad reading).", "wrong-bits"),
        ("```asm\n    LDA.b $F6\n    AND.b #$40 ; A button\n    BEQ .no\n```", "wrong-bits"),
        ("```asm\n    REP #$20\n    LDA.b #$05\n    STA.l $7EF360\n```", "wrong-width"),
        ("```asm\n    SEP #$30\n    LDA #$1234\n    STA $7F5000\n```", "wrong-width"),
        ("```asm\n    LDA.b #$0120\n    STA.b $22\n```", "addressing-mode"),
        ("Moldorm is in room 0x20.", "wrong-id"),
        ("The boss room of the Eastern Palace is 0xC9.", "wrong-id"),
        ("Boss rooms for a boss rush:\n- Trinexx 0x0AC\n- Vitreous 0x090", "wrong-id"),
        ("Entrance 0x02 leads to room 0x60.", "wrong-id"),
        ("The dungeon id for Swamp Palace is 0x0C.", "wrong-id"),
        ("| follower | id |\n|---|---|\n| old man | 0x05 |\n| Zelda | 0x01 |", "wrong-id"),
        ("Module 0x07 is underworld play, 0x08 is the overworld during normal play.", "wrong-id"),
        ("The NMI vector is at `$00FFEC`.", "wrong-address"),
        ("`$7F0000` is mirrored at `$0000`.", "wrong-address"),
        ("CGRAM is 544 bytes (256 colours).", "wrong-size"),
        ("Ids are at $0E20, health at $0E50.\nEach of those tables is 32 bytes long.", "wrong-size"),
        ("  file 1 copy   $704F00\n  file 2 copy   $701400", "outside-map"),
        ("Porting from US to JP: Link_ReceiveItem goes from $0799AD to $07998D.", "wrong-address"),
        ("On a US 1.0 ROM: AncillaAdd_Boomerang at $098209.", "wrong-version"),
        ("Mothula_SpawnBeams is at $1EC010.", "wrong-address"),
        ("Sprite ids: 0x0A Moldorm, 0x0B Cucco.", "wrong-id"),
        ("| sprite | id |\n|---|---|\n| Moldorm | 0x0A |", "wrong-id"),
        ("| magic power of Link | $7EF36B |", "wrong-name"),
        ("You want $7EF36B, i.e. Link's magic power.", "wrong-name"),
        ("- Link_HandleSwordCooldowns $079AC2", "unknown-symbol"),
        ("VMDATAX is $2118.", "unknown-symbol"),
        ("SEP #$20 clears the upper byte of the accumulator.", "wrong-width"),
    ],
)
def test_an_error_is_found_where_only_the_context_says_what_is_meant(text: str, code: str) -> None:
    assert code in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        "`Link_Main` is hooked. The new routine is at `$1CFD8E`.",
        "`PHA` and `PLA` are a pair. Together they take 7 cycles.",
        "$1B - 0 outdoors, 1 indoors",
        "Bits 4-6 of `$2100` are unused.",
        "```asm\n    NOP #8\n    ASL #3\n```",
        "```asm\n    REP #$20\n    JSR Elsewhere\n    LDA.b #$05\n```",
        "```asm\n    LDA.b $F6\n    AND.b #$80 ; A button\n```",
        "Boss rooms for a boss rush:\n- Trinexx 0x0A4\n- Vitreous 0x090",
        "Can I read back $2100? No.",
        'Somebody wrote "the room number is in $A2 as a word". It holds the previous room.',
        "What happens if I write $FF to $7EF359?\nNothing good to equip: $FF is none of the sword levels.",
        "On the SPC700, $F4-$F7 are the four communication ports.",
        "Ancillae on the other hand sit at $0C4A.",
        "SEP does not touch the Z flag here.",
        "The high byte of Link's X coordinate at $22 is $23.",
        "The maximum is one byte away from magic's neighbour: $7EF36C.",
        "Sprite ids:\n4-way shooter 0xC6\nPokey 0xC7",
        "$7EF3D9 player name, 8 bytes",
    ],
)
def test_a_true_statement_with_the_same_words_has_no_finding(text: str) -> None:
    assert codes(text) == []


FORMS = (
    "{a} - {d}",
    "{d} lives in `{a}`.",
    "You want {a}, that is {d}.",
    "| {d} | {a} |",
    "For the {d}, look at {a}.",
    "{a} is the {d}, {b} the {e}.",
    "{d}: {a}\n{e}: {b}",
    "Watch {a} and {b}: {d} and {e}.",
)


@pytest.mark.parametrize("form", FORMS)
def test_what_a_register_is_can_be_said_in_any_form(form: str) -> None:
    table = tables()["register"]
    facts = [fact(table, row) for row in table.rows[:90]]
    pairs = zip(facts, [*facts[1:], facts[0]], strict=True)
    said = [form.format(a=one.id, b=two.id, d=one.description, e=two.description) for one, two in pairs]
    assert {text: codes(text) for text in said if codes(text)} == {}


@pytest.mark.parametrize("kind", ["sprite", "ancilla", "overlord", "room", "module", "song", "follower"])
def test_what_an_id_is_can_be_said_in_lists_and_tables(kind: str) -> None:
    table = next(table for name, table in tables().items() if name == kind)
    named = [
        (one.id.split()[-1], one.name) for one in (fact(table, row) for row in table.rows[:60]) if "." not in one.id
    ]
    said = [
        text.format(k=kind, i=number, n=name)
        for number, name in named
        for text in ("{k} {i} is {n}.", "{k} ids:\n- {i} {n}", "{n} is {k} {i}.", "The {k} id of {n} is {i}.")
    ]
    assert {text: codes(text) for text in said if codes(text)} == {}
