"""Classes of tools and who is asked: what may run is said by our table and the user's, never by a server."""

import json
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.server import MCPServer

from runner import trust
from runner.asking import Policy, Question, Reply
from runner.classes import Classes, Grade, Identity, ToolClass, identify, load_classes
from runner.config import ServerSpec, load_config, shipped_config
from runner.errors import ConfigError
from runner.toolbox import Toolbox
from schemas.message import ToolCall
from schemas.run import CallRecord

pytestmark = pytest.mark.anyio

BIN = Path(sysconfig.get_path("scripts"))
NOBODY = "nobody is here to confirm it"


def own(command: str, **more: Any) -> ServerSpec:
    return ServerSpec(name="s", command=command, **more)


class Person:
    """Answers questions with what it was told to, and remembers them."""

    def __init__(self, *answers: Reply) -> None:
        self.answers = list(answers)
        self.asked: list[Question] = []

    async def __call__(self, question: Question) -> Reply:
        self.asked.append(question)
        await anyio.lowlevel.checkpoint()
        return self.answers.pop(0)


def machine(ran: list[str]) -> MCPServer[Any]:
    """Return a server whose tools note that they ran."""
    server: MCPServer[Any] = MCPServer("m")

    @server.tool()
    def run(command: str) -> str:
        """Run a command."""
        ran.append(command)
        return f"ran {command}"

    @server.tool()
    def read() -> str:
        """Read a file."""
        return "text of somebody"

    return server


def graded(run: ToolClass = "exec", *, outside: bool = False) -> Classes:
    """Return classes by which the machine's `run` is what is said, and `read` brings text from outside."""
    return Classes({}, {"m": {"run": Grade(run, outside=outside), "read": Grade("read", outside=True)}})


async def ask_for(
    calls: Sequence[ToolCall], person: Person | None, *, allow: tuple[str, ...] = (), at_once: bool = False
) -> tuple[list[str], tuple[CallRecord, ...]]:
    ran: list[str] = []
    policy = Policy(ask=person, allow=allow, classes=graded())
    with anyio.fail_after(20):
        async with Toolbox([("m", machine(ran))], policy=policy) as box:
            tools = box.for_run("r")
            records = await tools.call_all(calls) if at_once else tuple([await tools.call(call) for call in calls])
    return ran, records


def run(command: str, *, from_text: bool = False) -> ToolCall:
    return ToolCall(id=command, name="run", arguments={"command": command}, from_text=from_text)


READ = ToolCall(id="r", name="read")


def test_the_table_names_every_tool_of_the_suite_and_no_other() -> None:
    kept = json.loads(Path(trust.__file__).with_name("pins.json").read_bytes())["servers"]
    classes = load_classes({})
    assert {script: classes.names(script) for script in kept} == {script: set(tools) for script, tools in kept.items()}


def test_what_runs_programs_or_reaches_outside_is_exec_and_nothing_that_writes_is_read() -> None:
    classes = load_classes({})
    specs = {spec.name: identify(spec) for spec in load_config(shipped_config())}
    assert classes.grade(specs["afs-workspace"], "run_shell") == Grade("exec", outside=True)
    assert classes.grade(specs["context"], "mount_context").kind == "exec"
    assert classes.grade(specs["afs-workspace"], "write_file").kind == "write"
    assert classes.grade(specs["asar"], "assemble") == Grade("read", outside=False)
    assert classes.grade(specs["afs-workspace"], "read_file") == Grade("read", outside=True)


@pytest.mark.parametrize(
    "spec",
    [
        own("/tmp/afs-asar"),
        own("afs-asar", env={"LD_PRELOAD": "/tmp/evil.so"}),
        own("afs-asar", env={"PYTHONPATH": "/tmp/evil"}),
        own("afs-asar", env={"PATH": "/tmp/evil"}),
        own("afs-evil"),
        own("python", args=("-m", "afs-asar")),
        ServerSpec(name="asar", url="http://127.0.0.1:1/afs-asar"),
    ],
)
def test_a_server_that_only_looks_like_one_of_ours_is_a_stranger(spec: ServerSpec) -> None:
    who = identify(spec)
    assert who.ours == ""
    assert load_classes({}).grade(who, "assemble") == Grade("exec", outside=True)


def test_our_server_is_ours_by_name_and_by_path_and_with_variables_of_its_own() -> None:
    assert identify(own("afs-asar", env={"AFS_ASAR": "/usr/bin/asar"})).ours == "afs-asar"
    assert identify(own(str(BIN / "afs-asar"))).ours == "afs-asar"


def test_a_tool_of_ours_that_the_table_does_not_know_is_exec() -> None:
    assert load_classes({}).grade(identify(own("afs-asar")), "new_tool").kind == "exec"


def test_the_users_table_is_over_ours(tmp_path: Path) -> None:
    table = tmp_path / "classes.toml"
    strangers = '["npx notes --dir x"]\nread = ["search"]\nwrite = ["*"]\noutside = []\n'
    text = f'{strangers}[afs-workspace]\nread = ["run_shell"]\n'
    table.write_text(text, encoding="utf-8")
    classes = load_classes({"AFS_TOOL_CLASSES": str(table)})
    notes = identify(own("npx", args=("notes", "--dir", "x")))
    assert classes.grade(notes, "search") == Grade("read", outside=False)
    assert classes.grade(notes, "store").kind == "write"
    assert classes.grade(identify(own("npx", args=("notes",))), "search").kind == "exec"
    assert classes.grade(identify(own("afs-workspace")), "run_shell") == Grade("read", outside=True)
    assert classes.grade(identify(own("afs-workspace")), "write_file").kind == "write"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "this is not TOML"),
        ("[x]\nreads = ['a']", "takes lists of tool names under read, write, exec, outside"),
        ("[x]\nread = 'a'", "takes lists of tool names"),
        ("[x]\nread = ['a']\nexec = ['a']", "has 'a' in two classes"),
    ],
)
def test_a_table_that_cannot_be_understood_says_where_and_what(text: str, says: str, tmp_path: Path) -> None:
    table = tmp_path / "classes.toml"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says) as caught:
        load_classes({"AFS_TOOL_CLASSES": str(table)})
    assert str(table) in str(caught.value)
    with pytest.raises(ConfigError, match="correct AFS_TOOL_CLASSES or unset it"):
        load_classes({"AFS_TOOL_CLASSES": str(tmp_path / "none")})


async def test_without_anybody_to_ask_an_exec_call_is_refused_and_says_how_to_allow_it() -> None:
    ran, (record,) = await ask_for([run("ls")], None)
    assert ran == [] and not record.ok
    assert NOBODY in record.text and "--allow m.run" in record.text


@pytest.mark.parametrize("name", ["run", "m.run", "*"])
async def test_a_tool_allowed_by_name_runs_unasked(name: str) -> None:
    ran, _ = await ask_for([run("ls")], None, allow=(name,))
    assert ran == ["ls"]


async def test_yes_holds_once_and_no_is_told_to_the_model() -> None:
    person = Person("yes", "no")
    ran, (_, refused) = await ask_for([run("a"), run("b")], person)
    assert ran == ["a"] and refused.text == "the user refused run; go on without it"


async def test_always_holds_for_the_tool_until_something_from_outside_is_read() -> None:
    person = Person("always", "yes", "no")
    ran, _ = await ask_for([run("a"), run("b"), READ, run("c"), run("d")], person)
    assert ran == ["a", "b", "c"]
    assert [question.may_always for question in person.asked] == [True, False, False]
    assert "text from outside has been read" in person.asked[1].why


async def test_always_in_one_run_is_nothing_to_another() -> None:
    ran: list[str] = []
    person = Person("always", "no")
    with anyio.fail_after(20):
        async with Toolbox([("m", machine(ran))], policy=Policy(ask=person, classes=graded())) as box:
            assert (await box.for_run("1").call(run("a"))).ok
            assert not (await box.for_run("2").call(run("b"))).ok


async def test_a_run_that_goes_on_from_text_of_outside_is_asked_at_once() -> None:
    ran: list[str] = []
    person = Person("always", "no")
    with anyio.fail_after(20):
        async with Toolbox([("m", machine(ran))], policy=Policy(ask=person, classes=graded())) as box:
            tools = box.for_run("1", tainted=True)
            await tools.call(run("a"))
            await tools.call(run("b"))
    assert ran == ["a"]


async def test_a_call_recognised_in_text_is_asked_for_whatever_is_allowed() -> None:
    ran, (record,) = await ask_for([run("ls", from_text=True)], None, allow=("*",))
    assert ran == [] and "printed as text" in record.text
    person = Person("always", "yes", "no")
    ran, _ = await ask_for([run("a"), run("b", from_text=True), run("c", from_text=True)], person)
    assert ran == ["a", "b"] and "only printed this call" in person.asked[1].why


@pytest.mark.parametrize(("kind", "in_prose", "runs"), [("read", True, 1), ("write", True, 0), ("write", False, 1)])
async def test_a_call_printed_after_words_runs_unasked_only_where_it_reads(
    *, kind: ToolClass, in_prose: bool, runs: int
) -> None:
    ran: list[str] = []
    call = run("a").model_copy(update={"from_text": True, "in_prose": in_prose})
    with anyio.fail_after(20):
        async with Toolbox([("m", machine(ran))], policy=Policy(allow=("*",), classes=graded(kind))) as box:
            record = await box.for_run("1").call(call)
    assert len(ran) == runs
    assert record.ok is bool(runs) and (runs or "Call the tool itself" in record.text)


async def test_questions_of_calls_at_the_same_time_come_one_after_another() -> None:
    person = Person("always")
    ran, records = await ask_for([run("a"), run("b"), run("c")], person, at_once=True)
    assert sorted(ran) == ["a", "b", "c"] and all(record.ok for record in records)
    assert len(person.asked) == 1


async def test_the_question_shows_server_tool_and_every_argument_whole_and_clean() -> None:
    person = Person("no")
    command = "echo " + "x" * 100_000 + "\n[y]es\x1b[2J\u202e; rm -rf /"
    await ask_for([run(command)], person)
    (question,) = person.asked
    assert (question.server, question.tool) == ("m (m)", "run")
    (shown,) = question.arguments
    assert "x" * 100_000 in shown and "rm -rf /" in shown
    assert not any(sign in shown for sign in "\n\x1b\u202e")


async def test_wrong_arguments_are_not_asked_about() -> None:
    person = Person()
    _, (record,) = await ask_for([ToolCall(id="1", name="run", arguments={"cmd": "x"})], person)
    assert not record.ok and person.asked == []


async def test_a_strangers_tool_is_asked_for_even_if_it_says_that_it_only_reads(tmp_path: Path) -> None:
    script = Path(__file__).with_name("hostile_server.py")
    spec = ServerSpec(name="h", command=sys.executable, args=(str(script), "readonly"))
    with anyio.fail_after(20):
        async with Toolbox([spec], policy=Policy(pins=tmp_path)) as box:
            record = await box.call(ToolCall(id="1", name="t", arguments={"text": "hi"}))
    assert not record.ok and NOBODY in record.text


def test_an_identity_shows_the_whole_command_line() -> None:
    spec = own("npx", args=("-y", "a b", "\x1b[2J"))
    assert identify(spec) == Identity("npx -y 'a b' '\\x1b[2J'")
