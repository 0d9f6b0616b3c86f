"""Whether a candidate does what the original does: refuted by an input, tested on many, or proved for all.

A few inputs are run first, since most wrong candidates fail on them. Then a proof is tried: by z3 where it is installed
and the code is plain, by running every input where what both read has at most 16 bits. What cannot be proved is tested
on corner values, on the code's own constants and on seeded random values. Testing is never called a proof.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

from knowledge.m65816.contract_names import FLAG_NAMES, REGISTER_NAMES
from knowledge.m65816.contracts import check_contract
from knowledge.m65816.equivalence_contract import settled
from knowledge.m65816.equivalence_exhaustive import ASSUMED_STACK, exhaust, space_of
from knowledge.m65816.equivalence_run import Pair, Result
from knowledge.m65816.equivalence_shrink import counterexample, shrunk
from knowledge.m65816.live_in import Unbounded, flow_of
from knowledge.m65816.machine import Machine
from knowledge.m65816.opcodes import FLAGS
from knowledge.m65816.outcome import CodeError
from knowledge.m65816.program import Program
from knowledge.m65816.registers import Registers
from knowledge.m65816.smt import ASSUMPTIONS, Model, prove
from knowledge.m65816.vectors import Case, Mined, cases, mine
from schemas.contract import Contract, Verdict

__all__ = ["METHODS", "Method", "compare"]

Method = Literal["auto", "vectors", "smt", "exhaustive"]
METHODS: tuple[Method, ...] = ("auto", "vectors", "smt", "exhaustive")
_FIRST = 24
"""Cases that are run before a proof is tried."""
_MOST_WORK = 3_000_000
"""Work (see `equivalence_run.work`) after which no more vectors are tried: a few seconds at the worst."""
_MOST_RUNAWAYS = 12
"""Cases on which the original may run out of its budget before it is called endless for most inputs."""


class _Tried(NamedTuple):
    """What running cases came to."""

    cases: int
    left_out: int
    ended: int
    different: Case | None
    unreliable: int = 0


def compare(
    original: Program,
    candidate: Program,
    contract: Contract,
    *,
    seeds: int = 16,
    seed: int = 0,
    method: Method = "auto",
) -> Verdict:
    """Return whether a candidate may stand for the original under a contract.

    `seeds` scales how many random inputs are tried, `seed` chooses them, so that a caller can keep them secret.
    `method` asks for one way alone; what that way cannot decide is then tested on vectors.
    Raises CodeError for a contract that makes no sense, for an original that does not come to an end, and for programs
    that cannot be laid out.
    """
    check_contract(contract)
    if method not in METHODS:
        raise CodeError(f"no method {method!r}; write one of {', '.join(METHODS)}")
    if not 1 <= seeds <= 4096:
        raise CodeError(f"{seeds} seeds: give 1 to 4096")
    comparison = _Comparison(original, candidate, contract)
    return comparison.verdict(cases(comparison.contract, comparison.mined, seeds=seeds, seed=seed), method)


class _Comparison:
    def __init__(self, original: Program, candidate: Program, contract: Contract) -> None:
        self.original, self.candidate = original, candidate
        machines = Machine(original), Machine(candidate)
        self.contract = contract = settled(contract, machines[0].layout)
        self.flows = [flow_of(program, contract) for program in (original, candidate)]
        self.pair = Pair(machines, contract, self.flows[0])
        self.mined: Mined = mine(self.flows, contract, free=self.pair.free)
        self.notes: list[str] = []

    def verdict(self, series: Iterator[Case], method: Method) -> Verdict:
        first = self._try(islice(series, _FIRST))
        if first.different is not None:
            return self._refuted(first.different, first.cases, "vectors")
        if _same(self.original, self.candidate):
            reason = "The bytes are the same."
            return Verdict(result="proved", method="identical", cases=0, reason=reason, assumptions=self._assumed())
        for way in (self._by_smt, self._by_exhaustion):
            if method in ("auto", "smt" if way == self._by_smt else "exhaustive"):
                verdict = way(first.cases)
                if verdict is not None:
                    return verdict
        return self._by_vectors(first, series)

    def _by_smt(self, tried: int) -> Verdict | None:
        proof = prove(self.original, self.candidate, self.contract, frame=self.pair.frame)
        if proof.result == "equal":
            reason = f"z3 found that no input tells them apart ({proof.reason})."
            assumed = self._assumed(*ASSUMPTIONS)
            return Verdict(result="proved", method="smt", cases=tried, reason=reason, assumptions=assumed)
        if proof.model is not None:
            case = self._case_of(proof.model)
            result = self.pair.run(case)
            if result.usable and result.reliable and result.differences:
                return self._refuted(case, tried + 1, "smt")
            self.notes.append("z3's input did not differ when it was run")
        else:
            self.notes.append(f"no proof by z3: {proof.reason}")
        return None

    def _by_exhaustion(self, tried: int) -> Verdict | None:
        try:
            space = space_of(self.flows, self.contract)
            found = exhaust(self.pair, space)
        except Unbounded as error:
            self.notes.append(f"no proof by trying every input: {error}")
            return None
        if found.different is not None:
            if self.pair.run(found.different).reliable:
                return self._refuted(found.different, tried + found.cases, "exhaustive")
            self.notes.append("no proof by trying every input: on one the original reads its own instructions")
            return None
        names = ", ".join(space.names) or "nothing"
        reason = f"All {space.size} inputs agree: both read only {names}; all else was filled in two ways."
        free = not any(one.name == "S" for one in self.contract.inputs)
        low, high = ASSUMED_STACK
        assumed = self._assumed(*([f"S lies between ${low:04X} and ${high:04X} before the call"] if free else []))
        return Verdict(
            result="proved", method="exhaustive", cases=tried + found.cases, reason=reason, assumptions=assumed
        )

    def _by_vectors(self, first: _Tried, series: Iterator[Case]) -> Verdict:
        rest = self._try(series if self.pair.work <= _MOST_WORK else iter(()))
        total = first.cases + rest.cases
        if rest.different is not None:
            return self._refuted(rest.different, total, "vectors")
        left_out = first.left_out + rest.left_out
        assumed = list(self._assumed())
        if left_out:
            assumed.append(
                f"{left_out} inputs were left out, on which the original takes more than {self.contract.budget} "
                "instructions, leaves the program, or relies on open bus or on the bytes of its own instructions"
            )
        reason = (
            f"No difference in {total} inputs; that is a test and no proof ({'; '.join(self.notes) or 'not tried'})."
        )
        return Verdict(result="tested", method="vectors", cases=total, reason=reason, assumptions=tuple(assumed))

    def _try(self, series: Iterator[Case]) -> _Tried:
        """Run cases until one differs. Those on which the original does not end, or relies on chance, are left out."""
        tried = left_out = endless = 0
        chance: Case | None = None
        last: Result | None = None
        for case in series:
            result = self.pair.run(case)
            if not result.usable:
                left_out, last = left_out + 1, result
                endless += result.first.stop == "budget"
                if endless >= _MOST_RUNAWAYS:
                    break
            elif result.differences and result.reliable:
                return _Tried(tried + 1, left_out, tried + 1, case)
            elif not result.reliable:
                left_out += 1
                chance = case if result.differences and chance is None else chance
                last = result
            else:
                tried += 1
            if self.pair.work > (_MOST_WORK if tried else _MOST_WORK // 4):
                break
        if not tried and last is not None:
            return self._without_sure_cases(last, chance, left_out)
        return _Tried(tried, left_out, tried, None)

    def _without_sure_cases(self, last: Result, chance: Case | None, left_out: int) -> _Tried:
        """Settle what to do when no case was one to judge by: all relied on open bus, or none ended."""
        if not last.usable:
            raise CodeError(_endless(last, self.contract))
        return _Tried(left_out, 0, left_out, chance)

    def _refuted(self, case: Case, tried: int, method: Literal["smt", "exhaustive", "vectors"]) -> Verdict:
        case = shrunk(self.pair, case, self.mined) if self.pair.work <= _MOST_WORK else case
        result = self.pair.run(case)
        found = counterexample(case, result)
        worst = result.differences[0]
        reason = f"They differ in {worst.where}: {worst.original} in the original, {worst.candidate} in the candidate."
        return Verdict(
            result="refuted",
            method=method,
            cases=tried,
            reason=reason,
            counterexample=found,
            assumptions=self._assumed(),
        )

    def _case_of(self, model: Model) -> Case:
        """Return a solver's input as a case; what it does not name is 0."""
        given, contract = model.registers, self.contract
        p = sum(FLAGS[name] for name in "nvizc" if given.get(name))
        decimal = given.get("d", 0) if contract.decimal is None else contract.decimal
        p |= (FLAGS["d"] if decimal else 0) | (FLAGS["m"] if contract.m else 0) | (FLAGS["x"] if contract.x else 0)
        values = {one.name: min(one.values, default=one.low) for one in contract.inputs}
        whole = values.get("A", 0) if not contract.m else 0
        a = given.get("A", values.get("A", 0) & 0xFF) | given.get("B", values.get("B", whole >> 8)) << 8
        frame = self.pair.frame
        registers = Registers(
            a=a,
            x=given.get("X", values.get("X", 0)),
            y=given.get("Y", values.get("Y", 0)),
            s=given.get("S", 0x01FC) + frame,
            d=contract.d if contract.d is not None else given.get("D", 0),
            db=contract.db if contract.db is not None else given.get("DB", 0),
            p=p,
        )
        memory: dict[int, int] = {}
        for one in contract.inputs:
            if one.name.startswith("$"):
                place, value = int(one.name[1:], 16), min(one.values, default=one.low)
                memory |= {place + index: value >> 8 * index & 0xFF for index in range(one.size)}
        protected = range(0x7E0000 + registers.s - frame, 0x7E0001 + registers.s)
        memory |= {place: value for place, value in model.memory.items() if place not in protected}
        return Case(registers, memory, 0)

    def _assumed(self, *more: str) -> tuple[str, ...]:
        contract = self.contract
        said = [f"{'8' if contract.m else '16'}-bit A and {'8' if contract.x else '16'}-bit X, Y at entry"]
        said += [f"D = ${contract.d:04X} at entry"] if contract.d is not None else []
        said += [f"DB = ${contract.db:02X} at entry"] if contract.db is not None else []
        said += [] if contract.decimal is None else [f"decimal mode {'on' if contract.decimal else 'off'} at entry"]
        dead = [name for name in (*REGISTER_NAMES, *FLAG_NAMES) if name in contract.clobbers]
        said += [f"dead at exit: {' '.join(dead)} (capitals are registers, small letters flags)"] if dead else []
        if contract.hardware == "final":
            said.append(
                "of the hardware only VRAM, CGRAM and OAM at the end count: writes that leave them alone, such as "
                "those to $2100 and $4200, may differ or be left out"
            )
        return (*said, "bytes below S are dead at exit", *more)


def _same(one: Program, other: Program) -> bool:
    """Return whether two programs are the same in all that a run can see."""
    same = one.blocks == other.blocks and one.start == other.start and one.mapper == other.mapper
    return same and one.rom == other.rom and one.fast_rom == other.fast_rom


def _endless(result: Result, contract: Contract) -> str:
    at = f"${result.first.registers.pb:02X}{result.first.registers.pc:04X}"
    if result.first.stop == "budget":
        return (
            f"the original does not end within {contract.budget} instructions (it was at {at}): raise the budget, "
            "narrow the inputs, or give code that returns"
        )
    what = {
        "outside": f"goes to {at}, which is no part of the program: add that code, or let it return before",
        "stp": f"ends in STP at {at}: let it return",
        "wai": f"waits at {at} for an interrupt that does not come: let it return",
        "interrupt": f"meets BRK, COP or an interrupt that leads nowhere at {at}: let it return",
    }.get(result.first.stop, f"stops at {at}")
    return f"the original {what}"
