"""The check of answers on values: short numbers in lists, fields of registers, comments beside constants."""

import pytest

from knowledge.alttp.validate import findings


def codes(text: str) -> list[str]:
    return [finding.code for finding in findings(text)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Link's direction is at `$2F`:\n\n- `$00` - up\n- `$02` - down\n- `$04` - right", "wrong-value"),
        ("The module is in `$7E0010`:\n\n1. `$07` - underworld\n2. `$0F` - attract mode", "wrong-value"),
        ("The follower is in `$7EF3CC`.\n\n`$01` = Zelda\n`$0A` = Blind maiden", "wrong-value"),
        ("`$7E040C` is the dungeon. `$0A` is Swamp Palace and `$0E` is Skull Woods.", "wrong-value"),
        ("Bottles are `$7EF35C` to `$7EF35F`.\n\n| Value | What |\n|---|---|\n| $03 | Empty |", "wrong-value"),
        ("```asm\n    LDA $0E20,X\n    CMP #$15 ; Cucco\n```", "wrong-value"),
        ("```asm\n    LDA #$16 ; boss music\n    STA $012C\n```", "wrong-value"),
        ("INIDISP (`$2100`):\n- bit 7: forced blank, 0 turns the picture off", "wrong-bits"),
        ("`$2115` bits 1-0 are the step: 0 = 1 word, 1 = 64 words.", "wrong-bits"),
        ("Bit 7 of `$4219` is the A button.", "wrong-bits"),
        ("Boss rooms:\n- Room `$0033` - Moldorm (Tower of Hera)", "wrong-id"),
        ("There are 16 ancilla slots, their types are at `$0C4A`.", "wrong-size"),
        ("`$7E0000`-`$7E3FFF` is also visible in banks `$00`-`$3F`.", "outside-map"),
        ("Transfers of the stack pointer: `TSX`, `TXS`, `TYS`, `TCS`.", "unknown-mnemonic"),
        ("| Register | Name |\n|---|---|\n| `$210A` | BG4SC |\n| `$210B` | BG5SC |", "unknown-symbol"),
        ("Write its number to the CGRAM address register `$2122`.", "wrong-name"),
    ],
)
def test_a_wrong_value_is_found_where_only_the_lines_before_say_of_what(text: str, code: str) -> None:
    assert code in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        "Common modules:\n\n- `$12` - game over\n- `$14` - attract mode\n- `$1A` - credits",
        "Ancilla types:\n- `$1F` Hookshot\n- `$22` Item receipt",
        "| Id | Dungeon |\n|---|---|\n| `$10` | Skull Woods |\n| `$16` | Thieves' Town |",
        "| Bit | Crystal |\n|---|---|\n| `$10` | Swamp Palace |\n| `$20` | Thieves' Town |",
        "Room `$0104` is Link's house and screen `$2C` the area around it.",
        "```asm\n    LDA $7E001A ; absolute long, 4 bytes\n```",
        "No, you cannot read `$2100`.",
        "The code you posted has this line:\n\n```asm\n    STZ $7EF36E\n```",
        "Look at this:\n\n```asm\n    STZ $7EF36E\n```\n\nThis will not assemble.",
        "The keys that are shown in the HUD are at `$7EF36F`.",
        "Auto joypad read needs bit 0 of `$4200`.",
        "DMA channel 0: put the target into `$4301`. `$22` is CGRAM, `$04` OAM.",
        "| $43x1 | target |\n|---|---|\n| $22 | CGRAM data |",
        "Access to `$4016` takes 12 master clocks.",
        "`PEI ($10)` pushes the word at $10.",
        "`$4204/5` by `$4206` -> quotient `$4214/5`.",
        "The PPU is at `$2100`, the CPU's own at `$4200`.",
        "`$A9` is `LDA #`, `$A5` is `LDA dp`.",
        "```asm\n    LDA $11 : CMP #$02 ; messages\n```",
        "`$2115` bits 1-0: 00 is 1 word, 01 is 32 words, 10 and 11 are 128 words.",
        "`$2100` bit 7: 1 turns the screen off, 0 shows the picture.",
    ],
)
def test_a_number_that_is_no_address_has_no_finding(text: str) -> None:
    assert codes(text) == []


def test_only_a_column_of_addresses_has_short_addresses() -> None:
    table = "| {head} | What |\n|---|---|\n| `$22` | Link's Y coordinate |"
    assert codes(table.format(head="Address")) == ["wrong-name"]
    assert codes(table.format(head="Value")) == []
