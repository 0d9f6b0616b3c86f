"""Programs for asar and listings: all that the index says of each, and what asar says of the same text."""

import re
from collections import Counter
from pathlib import Path

import pytest

from knowledge.code_graph.index import CodeIndex
from knowledge.code_graph.types import contents
from knowledge.m65816.opcodes import OPCODES
from tests.knowledge.code_program import Program
from tests.knowledge.lint_cases import CORPUS, KNOWN_GOOD, cases, examples, stored

BANK_LISTING = """; Bank 00
org $008000

;================================================

Vector_Reset:
#_008000: SEI

#_008001: STZ.w NMITIMEN ; $4200
#_008004: JSR.w Sound_LoadSongs
#_008007: JSL InitializeMemory

.wait_for_nmi
#_00800B: LDA.b $12
#_00800D: BEQ .wait_for_nmi

#_00800F: CLI
#_008010: JSR.w Module_Route
#_008013: BRA .wait_for_nmi

;================================================

Module_Route:
#_008015: LDX.b $10
#_008017: LDA.w Pool_low,X
#_00801A: STA.b $03
#_00801C: JML.w [$0003]

Pool_low:
#_00801F: db Module00>>0
#_008020: db Module01>>0

Module00:
#_008021: LDA.b #$01
#_008023: STA.l $7EF36D
Module01:
#_008027: RTL
"""


def test_a_disassembly_with_address_labels_gives_the_address_of_each_line(tmp_path: Path) -> None:
    it = Program(tmp_path, bank_00__asm=BANK_LISTING, symbols__asm="NMITIMEN = $4200\n!LINK_X = $0022\n")
    assert it.symbols() == [
        ("Vector_Reset", "routine", 6, 19, 0x8000),
        ("Vector_Reset_wait_for_nmi", "label", 13, 19, 0x800B),
        ("Module_Route", "routine", 23, 27, 0x8015),
        ("Pool_low", "data", 29, 31, 0x801F),
        ("Module00", "routine", 33, 35, 0x8021),
        ("Module01", "routine", 36, 37, 0x8027),
        ("NMITIMEN", "define", 1, 1, 0x4200),
        ("!LINK_X", "define", 2, 2, 0x22),
    ]
    assert it.uses() == [
        ("Vector_Reset", "write", "register:4200", 9),
        ("Vector_Reset", "call", "Sound_LoadSongs", 10),
        ("Vector_Reset", "call", "InitializeMemory", 11),
        ("Vector_Reset", "read", "ram:7E0012", 14),
        ("Vector_Reset", "call", "Module_Route", 18),
        ("Module_Route", "read", "ram:7E0010", 24),
        ("Module_Route", "read", "Pool_low", 25),
        ("Module_Route", "write", "ram:7E0003", 26),
        ("Module_Route", "read", "ram:7E0003", 27),
        ("Pool_low", "pointer", "Module00", 30),
        ("Pool_low", "pointer", "Module01", 31),
        ("Module00", "write", "ram:7EF36D", 35),
        ("Module00", "fall", "Module01", 35),
    ]
    assert [line.address for line in it.lines("Module_Route")] == [0x8015, 0x8017, 0x801A, 0x801C]


HACK = """lorom
!freeram = $7F8000
org $02A4E3
  JSL hook : NOP
org $1F8000
; Counts what is picked up
hook:
  lda !freeram
  beq .skip
  %inc16($0D00)
.skip
  rtl
macro inc16(a)
  inc <a> : bne ?done
  inc <a>+1
?done:
endmacro
pushpc
org $0288FF
  db $80
pullpc
struct Obj $0E00
  .x: skip 2
  .y: skip 2
endstruct
namespace foo
Bar:
  sta Obj.y
  jsr Baz
  rts
Baz:
-   dex
  bpl -
  bra +
+ rts
namespace off
Last:
  jsl foo_Bar
if !x == 1
  lda #$01
else
  jsl hook
endif
  rtl
"""


def test_a_hack_in_asar_has_hooks_macros_structs_and_namespaces(tmp_path: Path) -> None:
    it = Program(tmp_path, main__asm=HACK)
    assert it.symbols() == [
        ("!freeram", "define", 2, 2, 0x7F8000),
        ("$02A4E3", "routine", 4, 4, 0x02A4E3),
        ("hook", "routine", 7, 12, 0x1F8000),
        ("hook_skip", "label", 11, 12, -1),
        ("%inc16", "macro", 13, 17, -1),
        ("$0288FF", "data", 20, 20, 0x0288FF),
        ("Obj", "define", 22, 22, 0x0E00),
        ("Obj.x", "define", 23, 23, 0x0E00),
        ("Obj.y", "define", 24, 24, 0x0E02),
        ("foo_Bar", "routine", 27, 30, -1),
        ("foo_Baz", "routine", 31, 35, -1),
        ("Last", "routine", 37, 44, -1),
    ]
    assert it.uses() == [
        ("$02A4E3", "call", "hook", 4),
        ("hook", "read", "ram:7F8000", 8),
        ("hook", "macro", "%inc16", 10),
        ("hook", "read", "ram:7E0D00", 10),
        ("hook", "write", "ram:7E0D00", 10),
        ("hook", "read", "ram:7E0D01", 10),
        ("hook", "write", "ram:7E0D01", 10),
        ("foo_Bar", "write", "ram:7E0E02", 28),
        ("foo_Bar", "call", "foo_Baz", 29),
        ("Last", "call", "foo_Bar", 38),
        ("Last", "call", "hook", 42),
    ]
    assert [use.via for use in it.index.accesses("it") if use.via] == ["%inc16"] * 4
    targets = [(line.word, line.target, line.depth) for line in it.lines("foo_Baz") if line.target]
    assert targets == [("BPL", "-@32", 0), ("BRA", "+@35", 0)]
    assert [line.depth for line in it.lines("Last")] == [0, 0, 1, 0, 1, 0, 0]
    assert [it.text for it in it.index.routine("it", "hook")] == ["Counts what is picked up"]


DUMP = """008000 78        SEI
008001 9C 00 42  STZ $4200
Main:
008004 A9 8F     LDA #$8F
008006 8D 00 21  STA $2100
008009 20 10 80  JSR $8010
00800C 80 F6     BRA Main
Sub:
008010 EE 10 00  INC $0010
008013 60        RTS
"""


@pytest.mark.parametrize("form", ["{0} {1}", "{0}: {1}", "${0} {1}"])
def test_a_listing_has_addresses_and_bytes_before_its_lines(tmp_path: Path, form: str) -> None:
    text = "".join(
        form.format(line[:6], line[7:]) + "\n" if line[:2] == "00" else line + "\n" for line in DUMP.splitlines()
    )
    it = Program(tmp_path, dump__lst=text)
    assert it.symbols() == [
        ("$008000", "routine", 1, 2, 0x8000),
        ("Main", "routine", 3, 7, 0x8004),
        ("Sub", "routine", 8, 10, 0x8010),
    ]
    assert it.uses() == [
        ("$008000", "write", "register:4200", 2),
        ("$008000", "fall", "Main", 2),
        ("Main", "write", "register:2100", 5),
        ("Main", "call", "Sub", 6),
        ("Sub", "read", "ram:7E0010", 9),
        ("Sub", "write", "ram:7E0010", 9),
    ]


def test_labels_that_tell_their_address_and_comments_that_do_are_believed(tmp_path: Path) -> None:
    text = (
        "CODE_00800A:        9C 00 42      STZ.W $4200 ;\n                    60            RTS\n"
        "Told: ; $01:8034\n    LDA $10,X             ;018034|B510    |      ;\n    RTS\n"
        "Plain: ; $7E0010 is what it reads\n    RTL\n"
    )
    it = Program(tmp_path, smw__asm=text)
    assert it.symbols() == [
        ("CODE_00800A", "routine", 1, 2, 0x800A),
        ("Told", "routine", 3, 5, 0x18034),
        ("Plain", "routine", 6, 7, 0x18037),
    ]


def test_addresses_and_names_and_modes_are_those_of_asar(tmp_path: Path) -> None:
    made = stored(CORPUS) | stored(KNOWN_GOOD)
    index, counts, wrong = CodeIndex(tmp_path / "code.db"), Counter[str](), list[str]()
    for case in (*cases(CORPUS), *cases(KNOWN_GOOD), *examples()):
        if case.key not in made:
            continue
        text = made[case.key].symbols
        index.update("it", [contents("main.asm", f"org $008000\n{case.text}".encode())])
        mine = {symbol.name: symbol.address for symbol in index.symbols("it")}
        for bank, offset, name in re.findall(r"^(\w\w):(\w{4}) ([^:\s]\S*)$", text.partition("[source")[0], re.M):
            address = mine.get(name, 0)
            counts["unknown" if address < 0 else "known"] += 1
            wrong += [f"{case.key}: {name}"] if address not in (-1, int(bank + offset, 16)) else []
        where = {int(line, 16): int(a + b, 16) for a, b, line in re.findall(r"^(\w\w):(\w{4}) 0000:(\w+)$", text, re.M)}
        bytes_ = {block.address + at: byte for block in made[case.key].blocks for at, byte in enumerate(block.data)}
        lines = Counter(line.number for body in index.bodies("it") for line in body.lines if line.kind != "label")
        for body in index.bodies("it"):
            for line in body.lines:
                opcode = OPCODES[bytes_.get(where.get(line.number - 1, -1), 0)]
                if line.kind != "code" or lines[line.number] > 1 or opcode.mnemonic != line.word:
                    continue
                counts["modes"] += 1
                wrong += [f"{case.key}: {line}"] if line.mode != opcode.mode else []
    assert wrong == []
    assert counts["known"] > 690 > 30 > counts["unknown"] and counts["modes"] > 2_000
