"""The check of answers as people and models write them: several things on a line, lists of bits, both versions."""

import pytest

from knowledge.alttp.validate import findings


def codes(text: str) -> list[str]:
    return [finding.code for finding in findings(text)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```asm\n    LDA #$01 : STA $420C   ; MDMAEN: start channel 0\n```", "wrong-address"),
        ("```\nC2 20        REP #$20\nA5 20        LDA $20      ; Link's X coordinate\n```", "wrong-name"),
        ("Poll bit 0 of `$4210` (HVBJOY) until it is clear.", "wrong-address"),
        ("Set bit 0 of `$420E` (MEMSEL) for fast ROM.", "wrong-address"),
        ("```asm\n    LDA $10\n    BRNE .elsewhere\n```", "unknown-mnemonic"),
        ("`$212C`: bit 0 is BG1, bit 1 is BG2, bit 5 is OBJ.", "wrong-bits"),
        ("NMITIMEN (`$4200`) is set once. Bit 4 of that register enables the vblank NMI.", "wrong-bits"),
        ("| Code | Effect |\n|---|---|\n| `REP #$10` | A becomes 16-bit |", "wrong-width"),
        ("`Sprite_PrepOAMCoord` (US `$06E424`, JP `$06E41E`) finds the place on the screen.", "wrong-version"),
        ("| Label | US | JP |\n|---|---|---|\n| `Link_ReceiveItem` | `$07999D` | `$0799AD` |", "wrong-version"),
    ],
)
def test_an_error_is_found_in_the_form_that_answers_have(text: str, code: str) -> None:
    assert code in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        "Health counts in eighths, so `$18` means three hearts.",
        "```asm\n    LDX #$0F : STZ $0DD0,X ; kill all sprites\n```",
        "Four `NOP`s take 8 cycles.",
        "The X coordinate follows at `$22`.",
        "OAM entries are built in the buffer at `$7E0800`.",
        "| Code | Bytes | Cycles |\n|---|---|---|\n| `STA $10` | 2 | 3 |",
        "Write the scanline to `$4209` (VTIMEL) and the dot to `$4207` (HTIMEL).",
        "```asm\n    LDA #$01 : STA $420B   ; MDMAEN: start channel 0\n```",
        "`Sprite_PrepOAMCoord` (US `$06E41E`, JP `$06E424`) finds the place on the screen.",
        "| Label | US | JP |\n|---|---|---|\n| `Link_ReceiveItem` | `$0799AD` | `$07999D` |",
        "`$212C`: bit 0 is BG1, bit 1 is BG2, bit 4 is OBJ.",
    ],
)
def test_a_true_statement_of_that_form_has_no_finding(text: str) -> None:
    assert codes(text) == []
