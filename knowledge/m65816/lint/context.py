"""What every rule is given: the program, its text, its flow, and the way to make a finding."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from knowledge.m65816.flow import Flow, Node, Routine
from knowledge.m65816.lint.catalogue import rule
from knowledge.m65816.lint.entries import implied_size
from knowledge.m65816.lint.finding import Finding, Gain, Severity, Step
from knowledge.m65816.lint.options import LintOptions
from knowledge.m65816.lint.source import Command, Source
from knowledge.m65816.program import Program

__all__ = ["Context"]


@dataclass
class Context:
    """A program as the rules see it."""

    program: Program
    source: Source
    options: LintOptions
    flow: Flow
    given: bool = False
    """Whether the caller named the entries, so that their states are facts."""
    guessed: frozenset[int] = field(default_factory=frozenset[int])
    """Entries that nothing in the program reaches, taken from the labels in its text."""

    @cached_property
    def nodes(self) -> dict[int, Node]:
        """The instructions that can be reached, by address."""
        return self.flow.nodes

    @cached_property
    def immediates(self) -> dict[int, int]:
        """Bytes of data that the text gives to each immediate whose width M or X decides, by address."""
        found: dict[int, int] = {}
        for address, node in self.nodes.items():
            if node.instruction.opcode.mode in ("immediate_m", "immediate_x"):
                size = implied_size(self.source, address)
                if size in (2, 3):
                    found[address] = size - 1
        return {address: size for address, size in found.items() if not self.ghost(address)}

    @cached_property
    def mismatched(self) -> frozenset[int]:
        """Immediates whose text has another width than the CPU."""
        found: set[int] = set()
        for address, size in self.immediates.items():
            node = self.nodes[address]
            wide = node.instruction.opcode.mode == "immediate_m"
            values = {state.m if wide else state.x for state in node.states}
            if any(value is not None and 2 - value != size for value in values):
                found.add(address)
        return frozenset(found)

    @cached_property
    def conflicting(self) -> frozenset[int]:
        """Addresses whose bytes are decoded in two ways."""
        return frozenset(conflict.address for conflict in self.flow.conflicts)

    @cached_property
    def astray(self) -> frozenset[int]:
        """Instructions that may only be reached because bytes were decoded in a way that the text does not mean."""
        if self.source.commands:
            return self.misled | self._behind([address for address in self.nodes if self.ghost(address)])
        forks = [
            edge.target for address in self.nodes if self._forks(address) for edge in self.nodes[address].successors
        ]
        return self._behind([*self.conflicting, *forks])

    def _forks(self, address: int) -> bool:
        """Tell whether an immediate has two lengths because its width is unknown."""
        node = self.nodes[address]
        mode = node.instruction.opcode.mode
        if mode not in ("immediate_m", "immediate_x"):
            return False
        return any((state.m if mode == "immediate_m" else state.x) is None for state in node.states)

    @cached_property
    def misled(self) -> frozenset[int]:
        """Instructions that are reached behind an immediate whose text has another width than the CPU."""
        return self._behind([edge.target for address in self.mismatched for edge in self.nodes[address].successors])

    def _behind(self, work: list[int]) -> frozenset[int]:
        found: set[int] = set()
        while work:
            address = work.pop()
            if address not in found and address in self.nodes:
                found.add(address)
                work += [edge.target for edge in self.nodes[address].successors if edge.kind != "call"]
        return frozenset(found)

    @cached_property
    def sound_nodes(self) -> dict[int, Node]:
        """The instructions that are surely meant."""
        if not self.astray:
            return self.nodes
        return {address: node for address, node in self.nodes.items() if address not in self.astray}

    @cached_property
    def sound_routines(self) -> dict[int, Routine]:
        """The routines all of whose instructions are surely meant."""
        astray = self.astray
        return {
            address: routine
            for address, routine in self.flow.routines.items()
            if address in self.nodes and not (astray and astray.intersection(routine.nodes))
        }

    @cached_property
    def decimal(self) -> bool:
        """Whether any instruction switches decimal mode on."""
        return any(
            node.instruction.opcode.code == 0xF8
            or (node.instruction.opcode.code == 0xE2 and node.instruction.operand & 8)
            for node in self.nodes.values()
        )

    def ghost(self, address: int) -> bool:
        """Tell whether the text shows data at an address, or an instruction that begins before it."""
        if not self.source.commands:
            return False
        command = self.source.at(address)
        if command is None or command.kind == "other":
            return False
        if command.kind == "data":
            return True
        return address != command.address and implied_size(self.source, command.address) != 0

    def clean(self, addresses: Sequence[int]) -> bool:
        """Tell whether none of the instructions on a path is astray."""
        return not self.astray or not self.astray.intersection(addresses)

    def direct_page(self, address: int) -> int | None:
        """Return D before the instruction at an address; None when unknown or never reached."""
        node = self.nodes.get(address)
        return node.state.d if node else None

    def step(self, address: int, text: str) -> Step:
        """Return a step of a witness, with its line."""
        command = self.source.at(address) if address >= 0 else None
        return Step(address, text, command.file, command.line) if command else Step(address, text)

    def trail(self, path: Sequence[int], text: str) -> list[Step]:
        """Return the ends of a path: where it begins, and the last instruction before the place where it leads."""
        known = [address for address in path if address in self.nodes]
        if not known:
            return []
        last = known[-2] if len(known) > 1 else known[-1]
        return [self.step(last, f"{self.shown(last)}: comes here with {text}")]

    def at_command(
        self, name: str, command: Command, message: str, *, path: Sequence[Step] = (), fix: str = ""
    ) -> Finding:
        """Make a finding about a command of the text."""
        item = rule(name)
        return Finding(
            item.id, item.name, item.severity, message, command.address, command.file, command.line,
            command.text[:120], tuple(path), fix,
        )  # fmt: skip

    def at_address(
        self,
        name: str,
        address: int,
        message: str,
        *,
        path: Sequence[Step] = (),
        fix: str = "",
        gain: Gain | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """Make a finding about an instruction or a byte; `severity` where this one differs from its rule's."""
        item = rule(name)
        level = severity or item.severity
        command = self.source.at(address)
        file, line, text = (command.file, command.line, command.text[:120]) if command else ("", 0, self.shown(address))
        return Finding(item.id, item.name, level, message, address, file, line, text, tuple(path), fix, gain)

    def shown(self, address: int) -> str:
        """Return the instruction at an address as text: the source's, else a plain spelling; empty when unknown."""
        command = self.source.by_address.get(address)
        if command is not None:
            return command.text[:120]
        node = self.nodes.get(address)
        if node is None:
            return ""
        instruction = node.instruction
        row = instruction.opcode
        if instruction.size == 1:
            return row.mnemonic.lower()
        mark = "#" if row.mode.startswith("immediate") else ""
        target = instruction.target
        digits = 2 * (instruction.size - 1)
        value = f"${target:06X}" if target is not None else f"{mark}${instruction.operand:0{digits}X}"
        return f"{row.mnemonic.lower()} {value}"

    def label(self, address: int) -> str:
        """Return how to speak of an address: its label, else `$008000`."""
        return self.source.named.get(address) or f"${address:06X}"
