"""Code that is compared, optimised, linted and counted through the asar server, with the real asar."""

import json
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.types import ResourceTemplateReference, TextContent, TextResourceContents

from servers.asar.server import build
from tests.asar import HERE, NEEDS_ASAR, called

FUZZ = int(os.environ.get("AFS_FUZZ_CASES", "60"))
"""Cases of each fuzz test; 10000 for a long look."""
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


pytestmark = [pytest.mark.anyio, *NEEDS_ASAR]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client(build(HERE)) as connected:
        yield connected


ZERO = "lda #$00\nsta $10\nrts"
COUNT = "lda $10\nclc\nadc #$01\nsta $10\nrts"


@pytest.mark.parametrize(
    ("original", "candidate", "live", "result"),
    [
        (ZERO, "stz $10\nrts", "A", "refuted"),
        (ZERO, "stz $10\nrts", "X Y", "proved"),
        (COUNT, "inc $10\nrts", "A", "refuted"),
        (COUNT, "inc $10\nrts", "c", "refuted"),
        (COUNT, "inc $10\nrts", "X Y n z", "proved"),
        (COUNT, COUNT, "", "proved"),
    ],
)
async def test_a_candidate_is_judged_by_what_the_caller_uses(
    client: Client, original: str, candidate: str, live: str, result: str
) -> None:
    text, fields = await called(client, "compare_code", original=original, candidate=candidate, live=live)
    assert fields["result"] == result, text
    assert (fields["counterexample"] is not None) == (result == "refuted")


async def test_a_counterexample_can_be_run_and_shows_the_difference(client: Client) -> None:
    pair = {"original": "lda $10\nasl\nrts", "candidate": "lda $10\nclc\nadc #$05\nrts"}
    _, fields = await called(client, "compare_code", **pair, live="A")
    example = fields["counterexample"]
    inputs = [f"{name}=${value:X}" for name, value in example["registers"].items() if name not in ("S",)]
    inputs += [f"{place}={value:02X}" for place, value in example["memory"].items()]
    ran = [(await called(client, "run_code", code=code, inputs=inputs))[1]["registers"]["A"] for code in pair.values()]
    assert ran[0][-2:] != ran[1][-2:]


async def test_a_candidate_that_never_ends_is_refuted_and_an_original_that_never_ends_is_an_error(
    client: Client,
) -> None:
    loop = "loop: bra loop"
    text, fields = await called(client, "compare_code", original="rts", candidate=loop, budget=2_000)
    assert fields["result"] == "refuted", text
    text, fields = await called(client, "compare_code", original=loop, candidate="rts", budget=2_000)
    assert not fields and "budget" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"live": "Q"}, "no register or flag"),
        ({"live": "A", "clobbers": "A"}, "both live and clobbered"),
        ({"inputs": ["A=9..3"]}, "backwards"),
        ({"entry": "m7"}, "m8 x16"),
        ({"candidate": "foo"}, "candidate does not assemble"),
        ({"candidate": ""}, "empty"),
    ],
)
async def test_a_comparison_that_makes_no_sense_is_refused_with_the_next_step(
    client: Client, arguments: dict[str, Any], said: str
) -> None:
    text, fields = await called(client, "compare_code", **{"original": ZERO, "candidate": ZERO, **arguments})
    assert not fields and said in text, text


async def test_an_optimised_version_comes_with_its_verdict_and_assembles_to_its_bytes(client: Client) -> None:
    code = "lda #$00\nsta $10\nlda #$00\nsta $11\nlda $12\ncmp #$00\nbeq skip\ninc $13\nskip:\nrts"
    text, fields = await called(client, "optimize_code", code=code, live="X Y")
    best = fields["best"]
    assert fields["improved"] and best["clocks"] < fields["original_clocks"], text
    assert best["result"] in ("proved", "tested") and best["changes"]
    _, assembled = await called(client, "assemble", code=best["code"])
    assert "".join(block["hex"] for block in assembled["blocks"]) == best["hex"]
    _, judged = await called(client, "compare_code", original=code, candidate=best["code"], live="X Y", seed=77)
    assert judged["result"] in ("proved", "tested")


async def test_code_with_nothing_to_save_comes_back_unchanged_and_says_so(client: Client) -> None:
    text, fields = await called(client, "optimize_code", code="inc $10\nrts")
    assert fields["improved"] is False and fields["best"] is None and text


async def test_a_lint_finding_has_its_rule_its_path_and_its_fix_and_can_be_silenced(client: Client) -> None:
    code = "org $008000\nrep #$20\nlda #$12\nsta $10\nrts\n"
    text, fields = await called(client, "lint", code=code)
    assert fields["errors"] == 1 and "AFS201" in text
    finding = fields["findings"][0]
    assert finding["place"] == "main.asm:3" and "rep #$20" in finding["path"][0] and finding["fix"]
    silenced = code.replace("lda #$12", "lda #$12 ; lint: ignore AFS201 meant for a caller in 8 bits")
    assert (await called(client, "lint", code=silenced))[1]["total"] == 0
    assert (await called(client, "lint", code=code, rules="-AFS201"))[1]["errors"] == 0


async def test_findings_come_as_sarif_too(client: Client) -> None:
    _, fields = await called(client, "lint", code="rep #$20\nlda #$12\nrts", format="sarif")
    log = json.loads(fields["sarif"])
    assert log["version"] == "2.1.0"
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["AFS201"]


async def test_a_static_count_holds_the_exact_one_and_says_why_it_is_a_range(client: Client) -> None:
    code = "lda $10\nbeq skip\ninc $11\nskip:\nrts"
    _, fields = await called(client, "count_cycles", code=code)
    assert (fields["cycles"]["least"], fields["cycles"]["most"]) == (3 + 3 + 6, 3 + 2 + 5 + 6)
    assert any("branch" in reason for reason in fields["reasons"])
    for value, exact in (("00", 12), ("01", 16)):
        _, fields = await called(client, "count_cycles", code=code, inputs=[f"$10={value}"])
        assert fields["run"]["cycles"] == exact


async def test_references_are_resources_with_completion(client: Client) -> None:
    for uri, said in (("asm://opcode", "LDA"), ("asm://opcode/LDA", "$A9"), ("asm://register/2100", "INIDISP")):
        content = (await client.read_resource(uri)).contents[0]
        assert isinstance(content, TextResourceContents) and said in content.text
    reference = ResourceTemplateReference(type="ref/resource", uri="asm://opcode/{mnemonic}")
    found = await client.complete(reference, {"name": "mnemonic", "value": "ld"})
    assert found.completion.values == ["LDA", "LDX", "LDY"]


async def test_prompts_name_the_tools_that_prove(client: Client) -> None:
    prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
    assert {"optimise", "debug", "generate", "explain"} <= prompts
    message = (await client.get_prompt("optimise", {"code": "nop", "live": "A"})).messages[0]
    assert isinstance(message.content, TextContent)
    assert "compare_code" in message.content.text and "A" in message.content.text


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The one place for temporary files of a test: open to nobody, whom root becomes, which tmp_path is not."""
    with tempfile.TemporaryDirectory(prefix="afs-proofs-") as name:
        Path(name).chmod(0o711)
        monkeypatch.setattr("tempfile.tempdir", name)
        yield Path(name)


def processes(folder: Path) -> set[str]:
    """Command lines of the processes that name a folder."""
    found: set[str] = set()
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if str(folder).encode() in line:
            found.add(line.decode(errors="replace"))
    return found


TOOLS = ("run_code", "disassemble", "lint", "count_cycles", "explain_bytes")


@pytest.fixture
def asked(folder: Path) -> Iterator[Callable[..., str]]:
    """One server for many examples: what a tool says, as text."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(build(HERE))) as client:

        def ask(tool: str, **arguments: Any) -> str:
            text: str = portal.call(partial(called, client, tool, **arguments))[0]
            return text

        yield ask


@settings(max_examples=FUZZ, deadline=None, suppress_health_check=SLOW)
@given(data=st.binary(min_size=1, max_size=60), entry=st.sampled_from(["", "m16 x16", "m8 x16", "e=1", "m16"]))
def test_no_bytes_crash_a_tool(asked: Callable[..., str], data: bytes, entry: str) -> None:
    for tool in TOOLS:
        name = "bytes" if tool == "explain_bytes" else "code"
        extra = {"budget": 2_000} if tool == "run_code" else {}
        text = asked(tool, entry=entry, **{name: f"hex: $008000: {data.hex()}"}, **extra)
        assert "Error executing tool" not in text, (tool, data.hex())


FRAGMENTS = """
lda sta ldx #$12 #$1234 $10 $2100 $7E0010 ,x ,y ( ) [ ] rep sep #$30 jsr loop loop: - + bra bne rts rtl org $008000 db
dw incsrc incbin macro endmacro if endif while 1 %x() !a = rep 3 : ; " ' \\ { } base off arch spc700 struct freecode
pushpc pullpc assert print error warn fill pad namespace é \x00 \x7f
"""
WORDS = st.sampled_from(FRAGMENTS.split())


@settings(max_examples=FUZZ, deadline=None, suppress_health_check=SLOW)
@given(words=st.lists(st.one_of(WORDS, st.text(max_size=6)), max_size=30), ends=st.randoms())
def test_no_text_crashes_a_tool_or_leaves_a_process(
    asked: Callable[..., str], folder: Path, words: list[str], ends: Any
) -> None:
    code = "".join(word + ends.choice([" ", "\n", "", "\n"]) for word in words)
    for tool in ("assemble", "lint"):
        assert "Error executing tool" not in asked(tool, code=code), (tool, code)
    assert processes(folder) == set()


async def test_what_cannot_be_optimised_is_told_with_the_reason(client: Client) -> None:
    text, fields = await called(client, "optimize_code", code="loop: bra loop", entry="m8 x8")
    assert not fields and "Error executing" not in text and "budget" in text


async def test_code_that_may_not_grow_does_not(client: Client) -> None:
    code = "ldx #$0f\nloop:\nlda $0200,x\nsta $0300,x\ndex\nbpl loop\nrts"
    _, fields = await called(client, "optimize_code", code=code, live="none", growth=0)
    assert fields["best"] is None or fields["best"]["bytes"] <= fields["original_bytes"]
