"""What is no evidence: sizes, verbs, ends of names and values contradict nothing, and what is certain still does."""

import pytest

from knowledge.alttp.validate import findings


def codes(text: str) -> list[str]:
    return [finding.code for finding in findings(text)]


@pytest.mark.parametrize(
    "text",
    [
        "The last word of the block (offset $4FE) is the inverse checksum.",
        "The marker at offset $3E1 has to read 55AA.",
        "It lies inside the $500 byte block that is copied to SRAM.",
        "Each array is $10 bytes long, so the X speed is $10 further on.",
        "`OAM_ResetRegionBases` resets the pointers in $7E0FE0 every frame.",
        "The US code stores the Y trail to $7EF3CD.",
        "`$0D` is FloodDam ($02904F), which is for the dam.",
        "`OrientLampLightCone` at $00F567 (it's one byte later in JP, $00F568) turns it.",
        "The room tag is `$18` when the water is drained.",
        "The width of the water window is in $7E0686 (horizontal).",
        "If the room is $0012 then return.",
        "The tile type for a pit is $20, and deep water is $08.",
        "$7E0066 is the last direction pushed.",
        'The text "speed" at $7E012D means something else.',
        "Bit layout of $7EF379: bit 2 boots, bit 1 swim.",
        "$0FD8 is the combined 16-bit values.",
        "Insert the table at PC 0x080000 and call the draw routine at $0DBA80 from there.",
        "```asm\nLDA #$80\nSTA.l $7EF36E     ; magic power, $80 = full\n```",
        "```asm\nREP #$20\nLDA #$0020\nSTA $02\nSEP #$20\nLDA #$20\n```",
    ],
)
def test_what_may_be_meant_otherwise_contradicts_nothing(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("`OrientLampLightCone` is at $00F567 in JP 1.0.", "wrong-version"),
        ("`Underworld_FloodDam` is at $02904A.", "wrong-address"),
        ("```asm\nSTA.l $7EF36F     ; magic power, $80 = full\n```", "wrong-name"),
        ("```asm\nLDA #$80\nSTA.l $7EF36F     ; magic power\n```", "wrong-name"),
        ("```asm\nLDX $2F\nINX\nXAB              ; swap bytes of A\nRTS\n```", "unknown-mnemonic"),
        ("```asm\nREP #$20\nLDA #$20\nSTA $02\nSEP #$20\n```", "wrong-width"),
        ("The new space starts at PC 0x100000, in LoROM this is `$108000`.", "wrong-number"),
        ("Link spawns in room `$007`, that's the Swamp Palace boss room.", "wrong-id"),
        ("Receipt item `$13` gives you the inactive flute.", "wrong-id"),
        ("The mirror portal\n\n- sprite id: `$6D`\n- created by the mirror", "wrong-id"),
        ("Tile type $20 is deep water.", "wrong-id"),
        ("For the song command, $F1 is fade out and `$F0` means load a song bank.", "wrong-id"),
        ("The byte **$7EF350** tells which bottle is selected in the menu.", "wrong-name"),
        ("The small keys for the current dungeon are in `$7EF343`.", "wrong-name"),
        ("To exchange A and X there is the SWAPX instruction, otherwise you use the stack.", "unknown-mnemonic"),
        ("The levels go to the four APU ports, $2100 to $2103, in the same order.", "wrong-name"),
    ],
)
def test_what_only_one_fact_can_mean_is_found(text: str, code: str) -> None:
    assert code in codes(text)
