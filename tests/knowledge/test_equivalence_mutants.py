"""Correct pairs that must never be refuted, and mutants of them that must be.

`equivalence_pairs.jsonl` holds the pairs as assembly text, the bytes that asar 1.91 makes of it, and the contract. A
mutant that happens to do the same as the original is counted as such only when z3 or the run of every input says so;
one that is merely not refuted by testing is a miss. AFS_MUTANTS sets how many mutants of each pair are tried (20 for
the full measurement), AFS_MUTANT_SEED which ones.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from knowledge.m65816.contracts import parse_contract
from knowledge.m65816.equivalence import compare
from knowledge.m65816.live_in import flow_of
from knowledge.m65816.mutants import mutants
from knowledge.m65816.program import Program, snippet
from schemas.contract import Contract
from servers.machine.asar import assemble_code, find_asar
from servers.machine.errors import ServerError
from servers.settings import Settings

COUNT = int(os.environ.get("AFS_MUTANTS", "2"))
SEED = int(os.environ.get("AFS_MUTANT_SEED", "0"))
HERE = Settings.from_environment()


class Correct(NamedTuple):
    """A pair of programs that do the same under a contract."""

    name: str
    original: Program
    candidate: Program
    contract: Contract
    texts: tuple[list[str], list[str]]


def _pair(line: str) -> Correct:
    row = json.loads(line)
    contract = parse_contract(entry=row["entry"], clobbers=row["clobbers"], inputs=row["inputs"])
    programs = [snippet(bytes.fromhex(row[name])) for name in ("original_bytes", "candidate_bytes")]
    return Correct(row["name"], programs[0], programs[1], contract, (row["original"], row["candidate"]))


LINES = Path(__file__).with_name("equivalence_pairs.jsonl").read_text(encoding="utf-8").splitlines()
PAIRS = [_pair(line) for line in LINES]


def _asar_there() -> bool:
    try:
        find_asar(HERE)
    except ServerError:
        return False
    return True


def test_there_are_at_least_100_pairs_with_names_of_their_own() -> None:
    assert len({pair.name for pair in PAIRS}) == len(PAIRS) >= 100


@pytest.mark.anyio
@pytest.mark.asar
@pytest.mark.skipif(not _asar_there(), reason="asar is absent: afs fetch asar")
async def test_the_bytes_of_the_pairs_are_what_asar_makes_of_their_text() -> None:
    for pair in PAIRS[:: max(1, len(PAIRS) // 40)]:
        for text, program in zip(pair.texts, (pair.original, pair.candidate), strict=True):
            assembly = await assemble_code("org $008000\n" + "\n".join(text) + "\n", HERE)
            assert assembly.ok, pair.name
            assert [block.data for block in assembly.blocks] == [program.blocks[0].data], pair.name


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_no_correct_pair_is_refuted(seed: int) -> None:
    pairs = PAIRS if seed == SEED else PAIRS[::4]
    refuted = [pair.name for pair in pairs if _result(pair, pair.candidate, seed) == "refuted"]
    assert refuted == []


def _result(pair: Correct, candidate: Program, seed: int) -> str:
    return compare(pair.original, candidate, pair.contract, seed=seed, seeds=8).result


def test_mutants_are_refuted_or_proved_to_be_the_same() -> None:
    killed, same, missed = 0, 0, list[str]()
    for pair in PAIRS:
        for mutant in mutants(pair.candidate, flow_of(pair.candidate, pair.contract), count=COUNT, seed=SEED):
            result = compare(pair.original, mutant.program, pair.contract, seed=SEED).result
            killed += result == "refuted"
            same += result == "proved"
            missed += [f"{pair.name} {mutant.change}"] if result == "tested" else []
    figures = f"{killed} refuted, {same} proved the same, {len(missed)} missed: {missed}"
    assert killed >= 0.99 * (killed + len(missed)), figures
    assert killed > len(PAIRS), figures
