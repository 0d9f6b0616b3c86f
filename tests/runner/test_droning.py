"""A sentence that is said again and again is cut to one; code that repeats by its nature is not."""

from runner.models.droning import droned

SENTENCE = "The register is used in the code to set the display blanking and brightness. "


def test_a_sentence_said_again_and_again_is_kept_once() -> None:
    said = "INIDISP is $2100. " + SENTENCE * 6
    assert said[: droned(said)] == "INIDISP is $2100. " + SENTENCE.rstrip()


def test_it_is_heard_in_the_middle_of_a_sentence_too() -> None:
    said = "First. " + SENTENCE * 6 + SENTENCE[:30]
    kept = said[: droned(said)]
    assert kept.startswith("First. The register")
    assert kept.count("The register") == 1


def test_three_times_may_be_meant() -> None:
    assert droned(SENTENCE * 3) == 0


def test_a_routine_that_is_written_out_is_left_alone() -> None:
    assert droned("lda $7E0F00\nsta $7E0F40\n" * 60) == 0
    assert droned("    asl a ; times two\n" * 12) == 0


def test_a_table_of_different_rows_is_left_alone() -> None:
    rows = "".join(f"| ${0x2100 + row:04X} | the display register number {row} |\n" for row in range(40))
    assert droned(rows) == 0


def test_short_words_said_again_and_again_are_heard_when_there_are_many() -> None:
    said = "and that would be wrong " * 12
    assert 0 < droned(said) <= 48
