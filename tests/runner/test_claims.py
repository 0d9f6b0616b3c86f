"""Code and promises in texts: what of a prompt or an answer goes to the tools."""

import time

import pytest

from runner.claims import Promise, code_in, ending, in_blocks, plain, promise_in

TWO = "LDA #$00\nSTA $10"


def texts(text: str, *, inline: bool = False) -> list[str]:
    return [code.text for code in code_in(text, inline=inline)]


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("Optimize: LDA #$00 / STA $10 (A is dead)", TWO),
        ("Make `LDA #$00 : STA $10` smaller", TWO),
        ("make faster: LDA #$00; STA $10", TWO),
        ("Optimize this:\n\nLDA #$00\nSTA $10\n\nA is dead.", TWO),
        ("- LDA #$00\n- STA $10\nplease", TWO),
        ("$008000: A9 00     LDA #$00\n$008002: 85 10     STA $10", TWO),
        ("Find the bug: REP #$20 / LDA #$0F / RTL", "REP #$20\nLDA #$0F\nRTL"),
        ("What does CLC / ADC #$01 do?", "CLC\nADC #$01"),
        ("Optimize `LDA #$0000`", "LDA #$0000"),
        ("The answer:\n\nstz.b $45\nrts\n\nThat is it.", "stz.b $45\nrts"),
        ("loop: lda.w $0F00,x\nbne loop", "loop: lda.w $0F00,x\nbne loop"),
    ],
)
def test_code_is_found_however_a_prompt_writes_it(prompt: str, code: str) -> None:
    assert texts(prompt, inline=True) == [code]


@pytest.mark.parametrize(
    "prose",
    [
        "The rupees are at $7EF360.\nThe bombs are at $7EF343.\nThe keys are at $7EF36F.",
        "See $10 / $20 and the $7E0010 address. Bank $7E: use the register $2100.",
        "You can add the two and see why it is so.",
        '```python\nprint("lda #$00")\n```',
        "```json\n{}\n```",
        "```text\nThis is prose, and nothing else.\nIt goes on.\n```",
        "```asm\nfile: patches/main.asm\n```",
        "```asm\n```",
        "",
    ],
)
def test_addresses_in_prose_and_other_languages_are_no_code(prose: str) -> None:
    assert texts(prose, inline=True) == []


def test_an_answer_has_its_code_in_blocks_and_not_in_its_sentences() -> None:
    assert texts("LDA #$00 / STA $10 becomes one instruction.") == []
    assert texts("So:\nlda #$00\nsta $10\nBytes: A9 00 85 10") == ["lda #$00\nsta $10"]


def test_several_blocks_are_kept_apart_with_what_they_are_said_to_be() -> None:
    answer = "Original:\n```asm\nlda #$00\n```\nOptimized version of the original:\n~~~\nstz $10\nrts\n~~~"
    assert [(code.text, code.role) for code in code_in(answer)] == [("lda #$00", "original"), ("stz $10\nrts", "new")]


def test_a_comment_may_say_what_a_block_is() -> None:
    assert code_in("```asm\n; before\nlda #$00\n```")[0].role == "original"


def test_a_block_that_is_never_closed_runs_to_the_end() -> None:
    assert texts("```asm\nloop:\n  dex\n  bne loop") == ["loop:\n  dex\n  bne loop"]


def test_code_is_the_same_whatever_its_comments_case_and_spaces() -> None:
    assert plain("org $008000\n  LDA  #$00 ; zero\n\n") == plain("lda #$00")


def test_the_ending_of_code_is_its_last_instruction_when_it_leaves() -> None:
    assert [ending(code) for code in ("lda #0\nRTS ; done", "stz $10", "end: rtl", "")] == ["rts", "", "rtl", ""]


@pytest.mark.parametrize(
    ("prompt", "promise"),
    [
        ("A is not used afterwards", Promise(clobbers="A")),
        ("A and the flags are dead.", Promise(clobbers="A n z v c")),
        ("only X is used, X is 16-bit", Promise(entry="x16", live="X")),
        ("live: A c", Promise(live="A c")),
        ("Nothing is needed afterwards, m16 x8 d=$0000", Promise(entry="m16 x8 d=$0000", live="none")),
        ("D is $0000 and the data bank is $7E. A is dead", Promise(entry="d=$0000 db=$7E", clobbers="A")),
        ("db=$00, DBR is $7F; the direct page is $1F00", Promise(entry="d=$1F00 db=$00")),
        ("8-bit accumulator, 16-bit index; you may clobber Y: clobber Y", Promise(entry="m8 x16", clobbers="Y")),
        ("Write a 16-bit value of 5 to $10. A routine.", Promise()),
    ],
)
def test_what_a_prompt_says_of_registers_is_read(prompt: str, promise: Promise) -> None:
    assert promise_in(prompt) == promise


@pytest.mark.parametrize(
    "piece", ["```", "lda #$00 / ", "lda ($1 ", "A, ", "> ", "a ", "`", "lda #$00\n", "```asm\n1\n```\n"]
)
def test_reading_takes_time_in_step_with_the_length_of_a_hostile_text(piece: str) -> None:
    def took(length: int) -> float:
        text = piece * (length // len(piece))
        begun = time.process_time()
        found = code_in(text, inline=True)
        promise_in(text)
        in_blocks(text)
        assert len(found) <= 8
        return time.process_time() - begun

    short, long = (min(took(length) for _ in range(3)) for length in (25_000, 200_000))
    assert long < 40 * short


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("It should be: `rep #$20 lda #$1234 sta $10 rts`.", "rep #$20\nlda #$1234\nsta $10\nrts"),
        ("So: ```asm pha lda #$07 sta $20 pla rts ``` It is balanced.", "pha\nlda #$07\nsta $20\npla\nrts"),
        ("Do `ldx #$0F loop: stz $0F00,x dex bpl loop rtl`", "ldx #$0F\nloop:\nstz $0F00,x\ndex\nbpl loop\nrtl"),
        ("Before `rts` goes `pla`: `pha lda #$07 sta $20 pla rts`.", "pha\nlda #$07\nsta $20\npla\nrts"),
        ("`lda $10 asl a sta $11`", "lda $10\nasl a\nsta $11"),
        ("The routine is: `lda $10\nsta $11\nrts`", "lda $10\nsta $11\nrts"),
        ("The routine is: ```asm\nlda $10\nsta $11\nrts```", "lda $10\nsta $11\nrts"),
    ],
)
def test_code_within_prose_becomes_a_block(said: str, code: str) -> None:
    assert [block.text for block in code_in(in_blocks(said))] == [code]


def test_a_text_with_a_block_of_its_own_stays_as_it_is() -> None:
    said = "Instead of `lda #$00 sta $10`:\n```asm\nstz $10\n```\n"
    assert in_blocks(said) == said


def test_words_behind_the_fence_that_ends_a_block_get_a_line_of_their_own() -> None:
    said = "**Code:**\n```asm\nstz $10\nrts\n```**Bytes:** 3\n```asm\nrts\n```\nDone.\n"
    assert in_blocks(said) == said.replace("```**Bytes", "```\n**Bytes")


@pytest.mark.parametrize("said", ["`the cat sat`", "`sta $20` is missing", "`A is $20 now`", "`", "```asm\n```", ""])
def test_words_and_single_instructions_are_no_block(said: str) -> None:
    assert in_blocks(said) == said
