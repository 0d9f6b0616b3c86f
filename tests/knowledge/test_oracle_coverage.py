"""The page that says what is judged, and by whom, says it of the corpora as they are."""

import json
import re
from pathlib import Path

from tests.oracle.corpus import FOLDER
from tests.oracle.coverage import PAGE, count_single_steps, main


def test_the_coverage_page_is_fresh() -> None:
    assert main(["--check"]) == 0


def test_the_single_step_cases_are_counted_from_the_files(shared: Path) -> None:
    kept = json.loads((FOLDER / "single_step.json").read_text(encoding="utf-8"))
    assert count_single_steps(shared / "conformance" / "65816") == kept


def test_every_opcode_has_a_row_and_only_stp_has_no_judge_in_some_mode() -> None:
    rows = re.findall(
        r"^\| `([0-9A-F]{2})` \| (\w+) .*\| (.+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [int(code, 16) for code, *_ in rows] == list(range(256))
    assert {name for _code, name, native, emulation in rows if "none" in (native, emulation)} == {"STP"}
