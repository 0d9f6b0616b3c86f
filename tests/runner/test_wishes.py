"""What prompts want code to do: understood where it is said in plain words, and whole where nothing is left."""

import time

import pytest

from runner.wishes import Ended, Wish, wish_in


def changes(wish: Wish) -> dict[str, int]:
    """The bytes that the first run shall change."""
    trial = wish.trials[0]
    return {f"{address:06X}": value for address, value in trial.after.items() if trial.before[address] != value}


@pytest.mark.parametrize(
    ("prompt", "changed"),
    [
        ("Write a routine that stores 5 to $7E0020 and returns with RTL.", {"7E0020": 5}),
        ("Store #$05 at $20", {"7E0020": 5}),
        ("Write code that sets the byte at $0F00 to zero. A is 8 bits wide.", {"7E0F00": 0}),
        ("Write a routine that sets $10 to $1234 and returns with RTS", {"7E0010": 0x34, "7E0011": 0x12}),
        ("Clear $7E0010", {"7E0010": 0}),
        ("Store 42 ($2A) to $7E0F40 and preserve X.", {"7E0F40": 42}),
        ("Store $1234 to $10. A must be 8 bits wide again at the end.", {"7E0010": 0x34, "7E0011": 0x12}),
        ("Write a routine which clears 2 bytes from $7E0F00 to $7E0F01", {"7E0F00": 0, "7E0F01": 0}),
    ],
)
def test_a_plain_prompt_is_understood_whole(prompt: str, changed: dict[str, int]) -> None:
    wish = wish_in(prompt)
    assert (changes(wish), wish.whole, len(wish.trials)) == (changed, True, 3)


def test_adding_taking_copying_and_swapping_follow_what_is_there() -> None:
    for seed in range(3):
        trial = wish_in("Write code that swaps the bytes at $10 and $11 and adds 3 to the byte at $10").trials[seed]
        assert trial.after[0x7E0010] == trial.before[0x7E0011] + 3 & 0xFF
        assert trial.after[0x7E0011] == trial.before[0x7E0010]
    wide = wish_in("Write code that adds 300 to the 16-bit number of rupees at $7EF360").trials[0]
    before, after = ([at[0x7EF360 + offset] for offset in range(2)] for at in (wide.before, wide.after))
    assert int.from_bytes(after, "little") == int.from_bytes(before, "little") + 300 & 0xFFFF
    copied = wish_in("Write code that copies the byte at $22 to $7F0030").trials[1]
    assert copied.after[0x7F0030] == copied.before[0x7E0022]
    taken = wish_in("It shall take 2 from the byte at $31").trials[1]
    assert taken.after[0x7E0031] == taken.before[0x7E0031] - 2 & 0xFF


@pytest.mark.parametrize(
    "prompt",
    [
        "Write a routine that stores 5 to $10 if A is 3",
        "Write a routine that never stores 5 to $10",
        "Why does this code store 5 to $10?",
        "This routine stores 6 to $10 instead of 5",
        "Store 5 to $C08000",
        "Write a routine that stores the byte at $10 to X",
        "What is $2100?",
        "Return with RTS, or with RTL: returns with RTL",
        "",
    ],
)
def test_what_is_not_sure_is_not_wished(prompt: str) -> None:
    assert wish_in(prompt) == Wish()


@pytest.mark.parametrize(
    "prompt",
    [
        "Write a routine that stores 5 to $10 and $11",
        "Write a routine that stores 5 to $10. Use X for it.",
        "Write a routine that stores 5 to $10 and plays a sound",
        "This routine shall store 5 to $10, but it stores 6.",
    ],
)
def test_a_prompt_that_says_more_is_not_understood_whole(prompt: str) -> None:
    wish = wish_in(prompt)
    assert (changes(wish), wish.whole) == ({"7E0010": 5}, False)


def test_the_return_follows_from_its_name_or_from_the_call() -> None:
    said = ("It returns with RTL", "It shall end by an RTS.", "It is called with JSL.", "Called through JSR")
    assert [wish_in(prompt).returns for prompt in said] == ["rtl", "rts", "rtl", "rts"]


def test_a_register_shall_get_its_value_last() -> None:
    wish = wish_in("Write code that writes $80 to the register INIDISP ($2100)")
    assert wish.hardware == ((0x2100, 0x80),)
    fields: dict[str, object] = {"stop": "rts", "memory": [], "memory_total": 0, "hardware_total": 1}
    right = Ended.of({**fields, "hardware": ["clock 40: $2100 INIDISP <- $80 at $008002"]})
    wrong = Ended.of({**fields, "hardware": ["clock 40: $2100 INIDISP <- $8F at $008002"]})
    assert right is not None
    assert wrong is not None
    assert right.wrong(wish.trials[0], wish) == ""
    assert "writes $8F to $2100, and shall write $80" in wrong.wrong(wish.trials[0], wish)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"stop": "outside", "memory": [], "memory_total": 0, "hardware": [], "hardware_total": 0},
        {"stop": "rts", "memory": ["$7E0010: 12"], "memory_total": 900, "hardware": [], "hardware_total": 0},
        {"stop": "rts", "memory": "$7E0010", "memory_total": 1, "hardware": 5, "hardware_total": 0},
    ],
)
def test_an_end_of_which_not_all_is_told_is_no_evidence(fields: dict[str, object]) -> None:
    assert Ended.of(fields) is None


@pytest.mark.parametrize(
    "piece",
    [
        "stores 5 to $10 and ",
        "preserve A and X, ",
        "A, X and Y must ",
        "leave A ",
        "store ",
        "the ",
        "$10 ",
        "if\n",
        "(",
        "a" * 50,
    ],
)
def test_reading_a_hostile_prompt_takes_little_time(piece: str) -> None:
    def took(length: int) -> float:
        begun = time.perf_counter()
        wish = wish_in((piece * length)[:length])
        assert len(wish.trials) in (0, 3)
        return time.perf_counter() - begun

    short = min(took(1_000) for _ in range(3))
    assert took(200_000) < 60 * short + 0.1


@pytest.mark.parametrize(
    ("said", "keeps", "widths"),
    [
        ("and preserves A and X", "AX", {}),
        ("and leave X as it was", "X", {}),
        ("and give A back as it was", "A", {}),
        (". X and Y must be as before at the end", "XY", {}),
        (". The accumulator should be restored", "A", {}),
        (". A is 8 bits wide at entry and shall be at the end", "", {"A": 8}),
        (". A and X must be 16 bits wide on return", "", {"A": 16, "X": 16}),
        (". A may change", "", {}),
        (". X is changed", "", {}),
        (". If carry is set, preserve A", "", {}),
    ],
)
def test_what_is_said_of_registers_at_the_end_is_read(said: str, keeps: str, widths: dict[str, int]) -> None:
    wish = wish_in(f"Write a routine that stores 5 to $10 {said}.")
    assert ("".join(wish.exit.keeps), dict(wish.exit.widths)) == (keeps, widths)


def test_registers_that_are_not_as_wished_at_the_end_are_told() -> None:
    wish = wish_in("Store 5 to $10, preserve X. A must be 8 bits wide at the end.")
    run = {"stop": "rts", "memory": ["$7E0010: 05"], "memory_total": 1, "hardware": [], "hardware_total": 0}
    ends = [
        Ended.of({**run, "registers": {"A": "$0005", "X": x, "P": p}}) for x, p in (("$0029", "$30"), ("$0001", "$30"))
    ]
    wide = Ended.of({**run, "registers": {"A": "$0005", "X": "$0029", "P": "$10"}})
    told = [end.wrong(wish.trials[0], wish) for end in (*ends, wide) if end is not None]
    assert told[0] == ""
    assert "X is $01 at the end and shall be as before, $29" in told[1]
    assert "`sep #$20` is missing" in told[2]
    silent = Ended.of(run)
    assert silent is not None
    assert not silent.tells(wish)
