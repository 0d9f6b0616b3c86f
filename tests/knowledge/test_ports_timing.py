"""Ports that go by the clock, and those to the outside: the screen, timers, joypads, the sound CPU."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.m65816.machine import Machine
from knowledge.m65816.outcome import Outcome, Script, Start
from knowledge.m65816.program import Block, Program
from knowledge.m65816.registers import Registers
from tests.oracle.work import Work, codes, kept

LINE, FRAME, VBLANK = 1364, 1364 * 262, 1364 * 225


def test_the_work_ram_port_steps_over_all_128_kib() -> None:
    work = Work()
    for register, value in ((0x2181, 0xFF), (0x2182, 0xFF), (0x2183, 0xFF), (0x2180, 7), (0x2180, 8)):
        work.write(register, value)

    assert work.run().memory == {0x7FFFFF: 7, 0x7E0000: 8}


def test_a_loop_that_waits_for_vertical_blank_ends_even_when_the_program_runs_alone() -> None:
    for register in (0x4212, 0x4210):
        work = Work()
        work.loop(register, "BPL")
        outcome = work.run()
        assert outcome.stop == "rtl"
        assert VBLANK <= outcome.clocks < VBLANK + 200


def test_the_nmi_flag_is_cleared_by_reading_it() -> None:
    work = Work()
    work.loop(0x4210, "BPL")
    work.keep(0x4210)

    assert kept(work)[0] >> 7 == 0


def test_waiting_for_the_end_of_a_blank_and_the_next_takes_a_frame() -> None:
    work = Work()
    work.loop(0x4212, "BPL")
    work.loop(0x4212, "BMI")
    work.loop(0x4212, "BPL")

    assert VBLANK + FRAME <= work.run().clocks < VBLANK + FRAME + 200


def test_a_timer_sets_its_flag_at_its_line() -> None:
    work = Work()
    work.word(0x4207, 0)
    work.word(0x4209, 100)
    work.write(0x4200, 0x20)
    work.loop(0x4211, "BPL")
    work.keep(0x4211)
    work.read(0x2137)
    work.keep(0x213D)

    flag, line = kept(work)

    assert (flag >> 7, line) == (0, 100)


def test_the_latched_counters_are_read_in_two_halves_that_213f_puts_back() -> None:
    work = Work()
    work.loop(0x4212, "BPL")
    work.read(0x2137)
    for register in (0x213D, 0x213F, 0x213D, 0x213D, 0x213F):
        work.keep(register)

    low, status, again, high, cleared = kept(work)

    assert (low, again, high & 1) == (225, 225, 0)
    assert (status & 0x40, cleared & 0x40) == (0x40, 0)


def interrupted(handler: bytes, main: Work, script: Script, *, budget: int = 60_000) -> Outcome:
    vectors = bytes.fromhex("0090" * 6)  # all of $FFE4-$FFEF
    blocks = (Block(0x008000, bytes(main.data) + b"\x6b"), Block(0x009000, handler), Block(0x00FFE4, vectors))
    return Machine(Program(blocks), cpu="python").run(Start(registers=Registers(p=0x30), script=script), budget=budget)


def test_an_nmi_comes_once_a_frame_when_it_is_switched_on() -> None:
    main = Work()
    main.write(0x4200, 0x80)
    for _ in range(3):
        main.put("WAI")

    outcome = interrupted(bytes.fromhex("eeff10 40"), main, Script(nmi=True))  # INC $10FF : RTI

    assert outcome.stop == "rtl"
    assert outcome.memory[0x7E10FF] == (0x55 + 3) & 0xFF
    assert VBLANK + 2 * FRAME <= outcome.clocks < VBLANK + 2 * FRAME + 400


def test_an_irq_comes_each_frame_at_its_line_until_it_is_acknowledged() -> None:
    main = Work()
    main.word(0x4209, 50)
    main.write(0x4200, 0x20)
    for _ in range(2):
        main.put("WAI")
    handler = bytes.fromhex("48 ad1142 eeff10 68 40")  # PHA : LDA $4211 : INC $10FF : PLA : RTI

    outcome = interrupted(handler, main, Script(nmi=True))

    assert (outcome.stop, outcome.memory[0x7E10FF]) == ("rtl", 0x57)
    assert FRAME + 50 * LINE <= outcome.clocks < FRAME + 50 * LINE + 400


def test_waiting_for_an_interrupt_that_nothing_will_send_stops_the_run() -> None:
    main = Work()
    main.put("WAI")

    assert interrupted(b"\x40", main, Script(nmi=True)).stop == "wai"
    assert interrupted(b"\x40", main, Script()).stop == "wai"


def test_switching_nmi_on_within_vertical_blank_brings_it_at_once() -> None:
    main = Work()
    main.loop(0x4212, "BPL")
    main.write(0x4200, 0x80)
    main.put("NOP")
    main.keep(0x7E10FF)

    outcome = interrupted(bytes.fromhex("eeff10 40"), main, Script(nmi=True))

    assert outcome.memory[0x7E4000] == 0x56


def test_video_memory_used_while_the_picture_is_drawn_is_remarked_and_the_byte_is_lost() -> None:
    work = Work()
    work.write(0x2100, 0x0F)
    work.word(0x2116, 0)
    work.write(0x2118, 0x12)

    drawn = work.run(Script(nmi=True))
    alone = work.run(Script())

    assert (codes(drawn), drawn.video["vram"][0]) == (["video_busy"], 0)
    assert (codes(alone), alone.video["vram"][0]) == ([], 0x12)


@pytest.mark.parametrize("forced", [True, False])
def test_video_memory_is_open_in_forced_and_in_vertical_blank(*, forced: bool) -> None:
    work = Work()
    work.write(0x2100, 0x80 if forced else 0x0F)
    if not forced:
        work.loop(0x4212, "BPL")
    for register in (0x2104, 0x2104, 0x2118, 0x2122, 0x2122):
        work.write(register, 1)

    assert codes(work.run(Script(nmi=True))) == []


def test_the_joypads_are_read_automatically_once_a_frame() -> None:
    work = Work()
    work.write(0x4200, 0x01)
    for frame in range(3):
        for branch in ("BPL", "BMI")[: 1 if frame == 0 else 2][::-1]:
            work.loop(0x4212, branch)
        work.put("LDA", "absolute", 0x4212)
        work.put("AND", "immediate_m", 1)
        work.put("BEQ", "relative", -7)
        work.put("LDA", "absolute", 0x4212)
        work.put("AND", "immediate_m", 1)
        work.put("BNE", "relative", -7)
        for register in (0x4218, 0x4219, 0x421A):
            work.keep(register)

    script = Script(joypads=((0x8010, 0x4020, 0x2040), (0x0080,)))

    assert kept(work, script) == [0x10, 0x80, 0x80, 0x20, 0x40, 0x80, 0x40, 0x20, 0x80]


def test_a_program_that_only_looks_at_the_joypads_sees_the_first_buttons() -> None:
    work = Work()
    work.keep(0x4218)
    work.keep(0x4219)
    work.keep(0x421B)

    assert kept(work, Script(joypads=((0x1280,),))) == [0x80, 0x12, 0x00]


def test_joypads_read_while_the_automatic_read_is_at_work_are_remarked() -> None:
    work = Work()
    work.write(0x4200, 0x01)
    work.put("LDA", "absolute", 0x4212)
    work.put("AND", "immediate_m", 1)
    work.put("BEQ", "relative", -7)
    work.read(0x4218)

    assert codes(work.run()) == ["early_result"]


def test_a_joypad_read_bit_by_bit_shifts_out_its_buttons_then_ones() -> None:
    work = Work()
    work.write(0x4016, 1)
    work.write(0x4016, 0)
    for _ in range(18):
        work.keep(0x4016)
    for _ in range(2):
        work.keep(0x4017)

    seen = kept(work, Script(joypads=((0xC010,), (0x8000,), (0x4000,))))

    assert [value & 1 for value in seen[:18]] == [1, 1] + [0] * 9 + [1] + [0] * 4 + [1, 1]
    assert [value & 3 for value in seen[18:]] == [1, 0]
    assert seen[1] & 2


def test_the_sound_ports_show_their_script_and_then_what_was_written() -> None:
    work = Work()
    for _ in range(3):
        work.keep(0x2140)
    work.write(0x2140, 0x77)
    work.keep(0x2144)
    work.keep(0x2141)

    assert kept(work, Script(apu=((0, 1), (0, 2)))) == [1, 2, 0xAA, 0x77, 0xBB]


def test_an_upload_to_the_sound_cpu_gets_through_its_handshakes() -> None:
    work = Work()
    work.put("REP", "immediate_8", 0x20)
    work.put("LDA", "absolute", 0x2140)
    work.put("CMP", "immediate_m", 0xBBAA)
    work.put("BNE", "relative", -8)
    work.put("SEP", "immediate_8", 0x20)
    work.write(0x2140, 0xCC)
    work.put("CMP", "absolute", 0x2140)
    work.put("BNE", "relative", -5)

    assert work.run().stop == "rtl"


@settings(deadline=None, max_examples=60)
@given(settings_bytes=st.binary(min_size=8, max_size=8), mask=st.integers(0, 255))
def test_any_dma_that_a_program_can_ask_for_ends(settings_bytes: bytes, mask: int) -> None:
    work = Work()
    for channel in range(2):
        for index, value in enumerate(settings_bytes[: 5 if channel else 7]):
            work.write(0x4300 + channel * 16 + index, value)
    work.write(0x4306, 0x01)
    work.write(0x4316, 0x01)
    work.write(0x420B, mask & 0x03)

    assert work.run().stop in ("rtl", "rts", "outside", "budget", "end", "interrupt")
