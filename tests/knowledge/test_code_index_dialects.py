"""Programs for ca65, wla-dx and bass: all that the index says of each, with file and line."""

from pathlib import Path

from tests.knowledge.code_program import Program

CA65 = """.p816
.smart
.include "regs.inc"
.segment "CODE"
; The reset handler
.proc Reset
    sei
    lda #$80
    sta a:INIDISP
@wait:
    lda z:frame
    beq @wait
    jsr Sub
    bra :+
    nop
:   jsl Far
    bne :-
    copy frame, speed
    rts
.endproc
.proc Sub
    ldx #0
loop:
    stz a:$0100,x
    dex
    bpl loop
    rts
.endproc
table: .word Reset, Sub
       .byte $01,$02
.macro copy from, to
    lda from
    sta to
.endmacro
Far:
    jmp (table,x)
"""


def test_a_program_for_ca65_has_procedures_and_cheap_labels(tmp_path: Path) -> None:
    it = Program(tmp_path, main__s=CA65, regs__inc="INIDISP := $2100\nframe = $10\nspeed = $0D40\n")
    assert it.symbols()[:7] == [
        ("Reset", "routine", 6, 20, -1),
        ("Reset@wait", "label", 10, 20, -1),
        ("Sub", "routine", 21, 28, -1),
        ("Sub::loop", "label", 23, 28, -1),
        ("table", "data", 29, 30, -1),
        ("%copy", "macro", 31, 34, -1),
        ("Far", "routine", 35, 36, -1),
    ]
    assert it.uses() == [
        ("main.s", "include", "regs.inc", 3),
        ("Reset", "write", "register:2100", 9),
        ("Reset", "read", "ram:7E0010", 11),
        ("Reset", "call", "Sub", 13),
        ("Reset", "call", "Far", 16),
        ("Reset", "macro", "%copy", 18),
        ("Reset", "read", "ram:7E0010", 18),
        ("Reset", "write", "ram:7E0D40", 18),
        ("Sub", "write", "ram:7E0100", 24),
        ("table", "pointer", "Reset", 29),
        ("table", "pointer", "Sub", 29),
        ("Far", "read", "table", 36),
    ]
    assert [line.target for line in it.lines("Reset") if line.mode == "relative"] == ["Reset@wait", ":@16", ":@16"]
    assert it.lines("Sub")[-2].target == "Sub::loop"


WLA = """.INCLUDE "header.inc"
.DEFINE PLAYER_X $7E0022
.ENUM $7E0100
mode db
pointer dw
.ENDE
.BANK 0 SLOT 0
.ORG 0
.SECTION "Main" FORCE
Start:
    sei
    lda.l PLAYER_X
    sta $2116
-   dex
    bne -
    jsr Update
_local:
    bra _local
Update:
    inc $10
    lda.l pointer
    Mac 5, PLAYER_X
    rts
.ENDS
Table:
.dw Start, Update
.db "text", 0
.MACRO Mac ARGS value, place
    lda #value
    sta \\2
.ENDM
"""


def test_a_program_for_wla_dx_has_sections_enums_and_numbered_arguments(tmp_path: Path) -> None:
    it = Program(tmp_path, main__asm=WLA, header__inc=".DEFINE DONE 1\n")
    assert it.symbols()[1:] == [
        ("PLAYER_X", "define", 2, 2, 0x7E0022),
        ("mode", "define", 4, 4, 0x7E0100),
        ("pointer", "define", 5, 5, 0x7E0101),
        ("Start", "routine", 10, 18, -1),
        ("Start_local", "label", 17, 18, -1),
        ("Update", "routine", 19, 23, -1),
        ("Table", "data", 25, 27, -1),
        ("%Mac", "macro", 28, 31, -1),
    ]
    assert it.uses() == [
        ("main.asm", "include", "header.inc", 1),
        ("Start", "read", "ram:7E0022", 12),
        ("Start", "write", "register:2116", 13),
        ("Start", "call", "Update", 16),
        ("Update", "read", "ram:7E0010", 20),
        ("Update", "write", "ram:7E0010", 20),
        ("Update", "read", "ram:7E0101", 21),
        ("Update", "macro", "%Mac", 22),
        ("Update", "write", "ram:7E0022", 22),
        ("Table", "pointer", "Start", 26),
        ("Table", "pointer", "Update", 26),
    ]


BASS = """arch snes.cpu
// constants
constant player_x($7E0022)
define speed($0D40)
include "sub.asm"
macro seek(offset) {
  origin {offset} & $3FFFFF
  base {offset}
}
macro clear(address) {
  stz.w {address}
}
seek($808000)
main: {
  sei; clc; xce
  lda.l player_x
  sta.w $2116
-;  dex
  bne -
  clear($0100)
  jsr sub.run
  jmp .done
.done:
  rtl
}
scope sub {
run:
  lda {speed}
  rts
}
"""


def test_a_program_for_bass_has_scopes_in_braces_and_several_statements_a_line(tmp_path: Path) -> None:
    it = Program(tmp_path, main__asm=BASS, sub__asm="// nothing yet\n")
    assert it.symbols()[2:] == [
        ("%seek", "macro", 6, 9, -1),
        ("%clear", "macro", 10, 12, -1),
        ("main.asm:13", "routine", 13, 13, -1),
        ("main", "routine", 14, 24, -1),
        ("main.done", "label", 23, 24, -1),
        ("sub.run", "routine", 27, 29, -1),
    ]
    assert it.uses() == [
        ("main.asm", "include", "sub.asm", 5),
        ("main.asm:13", "macro", "%seek", 13),
        ("main", "read", "ram:7E0022", 16),
        ("main", "write", "register:2116", 17),
        ("main", "macro", "%clear", 20),
        ("main", "write", "ram:7E0100", 20),
        ("main", "call", "sub.run", 21),
        ("sub.run", "read", "ram:7E0D40", 28),
    ]
