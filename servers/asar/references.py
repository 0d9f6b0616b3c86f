"""What is to be read rather than called: the opcode and register references, and prompts to begin with."""

from __future__ import annotations

from collections.abc import Iterable

from mcp.server.mcpserver.exceptions import ResourceError

from servers.machine.face import Face

__all__ = ["offer_references"]

_MARKDOWN = "text/markdown"


def _opcode(mnemonic: str) -> str:
    from knowledge.m65816.outcome import CodeError
    from knowledge.m65816.reference import opcode_page

    try:
        return opcode_page(mnemonic)
    except CodeError as error:
        raise ResourceError(f"{error}; asm://opcode lists them") from error


def _register(register: str) -> str:
    from knowledge.m65816.outcome import CodeError
    from knowledge.m65816.reference import register_page

    try:
        return register_page(register)
    except CodeError as error:
        raise ResourceError(f"{error}; asm://register lists them") from error


def offer_references(face: Face) -> None:
    """Offer the references as resources with completion, and the prompts."""
    _offer_resources(face)
    _offer_prompts(face)
    face.completes("mnemonic", _mnemonics)
    face.completes("register", _registers)


def _offer_resources(face: Face) -> None:
    @face.resource("asm://opcode", title="65816 opcodes", mime_type=_MARKDOWN)
    def opcode_list() -> str:
        """List all mnemonics of the 65816."""
        from knowledge.m65816.reference import opcode_index

        return opcode_index()

    @face.resource("asm://opcode/{mnemonic}", title="A 65816 mnemonic", mime_type=_MARKDOWN)
    def opcode(mnemonic: str) -> str:
        """Tell all about one mnemonic: modes, bytes, cycles, flags. A mnemonic (LDA) or an opcode byte (A9)."""
        return _opcode(mnemonic)

    @face.resource("asm://register", title="SNES registers", mime_type=_MARKDOWN)
    def register_list() -> str:
        """List all hardware registers of the SNES."""
        from knowledge.m65816.reference import register_index

        return register_index()

    @face.resource("asm://register/{register}", title="A SNES register", mime_type=_MARKDOWN)
    def register(register: str) -> str:
        """Tell all about one hardware register, by address (2100) or name (INIDISP)."""
        return _register(register)


def _offer_prompts(face: Face) -> None:
    @face.prompt(title="Optimise 65816 code")
    def optimise(code: str, live: str = "") -> str:
        """Make code faster without changing what it does."""
        used = f"The caller uses only: {live}." if live else "First find out which registers and flags the caller uses."
        return (
            f"Make this 65816 code faster without changing what it does. {used}\n\n{code}\n\n"
            "Call count_cycles for what it costs now, then optimize_code. Try your own ideas, too, and let "
            "compare_code judge each; keep none that is refuted. Answer with the code, clocks before and after, "
            "and the verdict: proved or tested."
        )

    @face.prompt(title="Debug 65816 code")
    def debug(code: str, symptom: str = "") -> str:
        """Find out why code does not do what it should."""
        wrong = f"What goes wrong: {symptom}\n\n" if symptom else ""
        return (
            f"Find the bug in this 65816 code.\n\n{code}\n\n{wrong}"
            "Call lint, then run_code with inputs that show the fault (show=trace for each step). Answer with the bug, "
            "the line, the input that shows it, and code that is mended; prove by run_code that it is."
        )

    @face.prompt(title="Write 65816 code")
    def generate(task: str) -> str:
        """Write a routine and prove that it works."""
        return (
            f"Write 65816 code for asar: {task}\n\n"
            "Say which widths (M, X) and which direct page it expects. Call assemble, mend what fails, then lint, then "
            "run_code on inputs with known answers, edge cases among them. Answer with the code, its bytes, what ran."
        )

    @face.prompt(title="Explain 65816 code")
    def explain(code: str) -> str:
        """Explain what code does."""
        return (
            f"Explain this 65816 code: its purpose first, then step by step.\n\n{code}\n\n"
            "Call explain_bytes (or disassemble, when it is bytes) for the exact meaning and cost, and look up each "
            "address. Name what you are not sure of."
        )


def _names(found: Iterable[str], typed: str) -> list[str]:
    wanted = typed.upper().removeprefix("$")
    return [name for name in found if name.startswith(wanted)]


def _mnemonics(typed: str, _given: object) -> list[str]:
    from knowledge.m65816.opcodes import BY_MNEMONIC

    return _names(sorted(BY_MNEMONIC), typed)


def _registers(typed: str, _given: object) -> list[str]:
    from knowledge.snes.registers import registers

    return _names((name for item in registers() for name in (item.spelled[1:], item.name)), typed)
