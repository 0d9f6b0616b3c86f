"""The experts' server: an expert asked, waited for, looked at, judged and rated over MCP."""

import json
from pathlib import Path

import anyio
import pytest
from mcp import Client

from runner.depth import INSIDE
from runner.feedback import Feedback
from runner.server import build
from runner.serving.place import Place
from servers.settings import Settings
from tests.runner.experts_served import Era, Work, call, refused, told

pytestmark = pytest.mark.anyio

SHIPPED = Path(__file__).resolve().parents[2] / "mcp.json"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(tmp_path, monkeypatch)


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_an_expert_is_asked_and_its_run_is_kept_looked_at_and_rated(work: Work, era: Era) -> None:
    async with work.served(era) as client:
        model = work.model({"text": "Hello there."})
        asked = await call(client, "ask_expert", prompt="say hello", expert="waiter", model=model)
        looked = await call(client, "run_status", run=asked["run"])
        rated = await call(client, "rate_run", run=asked["run"], rating="-1", text="too short")
        again = await call(client, "run_status", run=asked["run"][-8:])
    assert (asked["state"], asked["stop"], asked["answer"]) == ("ended", "answer", "Hello there.")
    assert (asked["expert"], asked["model"].split(":")[0], asked["cost"]) == ("waiter", "scripted", 0.0)
    assert (asked["verdict"], asked["grounded"], asked["steps"]) == ("unchecked", False, 1)
    assert looked == asked
    assert rated["rating"] == -1
    assert "too short" in again["rating"]
    assert work.recorder.load("last").id == asked["run"]
    (rating,) = Feedback(work.recorder).all()
    assert (rating.run, rating.by) == (asked["run"], "tool")


async def test_both_halves_of_a_result_say_the_same(work: Work) -> None:
    async with work.served() as client:
        model = work.model({"text": "Hello there."})
        arguments = {"prompt": "say hello", "expert": "waiter", "model": model}
        result = await client.call_tool("ask_expert", arguments)
    assert result.structured_content is not None
    for key, value in result.structured_content.items():
        shown = f"{value:.1f}" if key == "seconds" else str(value)
        assert not value or isinstance(value, bool | list) or shown in told(result), key


async def test_a_run_goes_on_beside_the_call_and_run_status_waits_for_it(work: Work) -> None:
    async with work.served() as client:
        asked = await call(client, "ask_expert", prompt="hold", expert="waiter", model=work.holding, wait=0)
        assert asked["state"] in ("waiting", "running")
        assert asked["run"] in asked["note"]
        async with work.released():
            looked = await call(client, "run_status", run=asked["run"], wait=50)
    assert (looked["state"], looked["stop"], looked["answer"]) == ("ended", "answer", "It said hi.")
    assert (looked["calls"], looked["steps"], looked["note"]) == (["hold"], 2, "say with rate_run whether it served")
    assert work.recorder.ids() == [looked["run"]]


class Progress:
    """What a host hears while it waits."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.said: list[str] = []
        self.holding = anyio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.at.append(progress)
        self.said.append(message or "")
        assert total == 10
        if "calls hold" in (message or ""):
            self.holding.set()


async def test_progress_grows_with_each_step(work: Work) -> None:
    heard = Progress()
    async with work.served() as client, work.released():
        arguments = {"prompt": "hold", "expert": "waiter", "model": work.holding}
        await client.call_tool("ask_expert", arguments, progress_callback=heard)
    assert heard.at == sorted(set(heard.at))
    assert any("thinking" in text for text in heard.said)


async def test_a_cancelled_call_interrupts_its_run_which_is_kept_and_can_go_on(work: Work) -> None:
    heard = Progress()

    async def ask(client: Client, scope: anyio.CancelScope) -> None:
        with scope:
            arguments = {"prompt": "hold", "expert": "waiter", "model": work.holding}
            await client.call_tool("ask_expert", arguments, progress_callback=heard)

    async with work.served() as client:
        scope = anyio.CancelScope()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, client, scope)
            await heard.holding.wait()
            scope.cancel()
        ended = await call(client, "run_status", run="last", wait=30)
        assert (ended["state"], ended["stop"]) == ("ended", "interrupted")
        assert ended["run"] in ended["note"]
        more = await call(
            client, "ask_expert", prompt="go on", earlier=ended["run"], model=work.model({"text": "I am back."})
        )
    assert (more["answer"], more["expert"]) == ("I am back.", "waiter")
    assert work.recorder.load(more["run"]).resumes == ended["run"]


async def test_a_run_has_a_hard_bound_of_time_and_is_kept(work: Work) -> None:
    async with work.served() as client:
        arguments = {"prompt": "hold", "expert": "waiter", "model": work.holding}
        ended = await call(client, "ask_expert", **arguments, max_seconds=5)
    assert (ended["state"], ended["stop"]) == ("ended", "budget")
    assert work.recorder.load("last").id == ended["run"]


async def test_runs_take_turns_and_those_that_wait_are_told_from_those_that_run(work: Work) -> None:
    async with work.served() as client:
        first = await call(client, "ask_expert", prompt="hold", expert="waiter", model=work.holding, wait=0)
        quick = work.model({"text": "Second."})
        second = await call(client, "ask_expert", prompt="hi", expert="waiter", model=quick, wait=0)
        assert (await call(client, "run_status", run=second["run"]))["state"] == "waiting"
        async with work.released():
            last = await call(client, "run_status", run=second["run"], wait=50)
        ended = await call(client, "run_status", run=first["run"])
    assert (last["answer"], ended["answer"]) == ("Second.", "It said hi.")


async def test_too_many_runs_are_refused_with_the_ids_of_those_that_go_on(work: Work) -> None:
    async with work.served() as client:
        arguments = {"prompt": "hold", "expert": "waiter", "model": work.holding, "wait": 0}
        runs = [(await call(client, "ask_expert", **arguments))["run"] for _ in range(9)]
        said = await refused(client, "ask_expert", **arguments)
    assert "run_status" in said
    assert [run for run in runs[1:] if run not in said] == []


async def test_a_server_that_ends_interrupts_its_run_which_is_kept(work: Work) -> None:
    async with work.served() as client:
        heard = Progress()
        await call(client, "ask_expert", prompt="hold", expert="waiter", model=work.holding, wait=0)
        with anyio.move_on_after(30):
            async with anyio.create_task_group() as tasks:

                async def follow() -> None:
                    arguments = {"run": "last", "wait": 30}
                    await client.call_tool("run_status", arguments, progress_callback=heard)

                tasks.start_soon(follow)
                await heard.holding.wait()
                tasks.cancel_scope.cancel()
    kept = work.recorder.load("last")
    assert kept.stop == "interrupted"


async def test_a_long_answer_is_read_page_by_page(work: Work) -> None:
    answer = "\n".join(f"line {number} {'é' * 40}" for number in range(900))
    async with work.served() as client:
        model = work.model({"text": answer})
        page = await call(client, "ask_expert", prompt="say much", expert="waiter", model=model)
        read = page["answer"]
        while page["next_offset"] != -1:
            assert page["answer"].endswith("\n")
            page = await call(client, "run_status", run=page["run"], offset=page["next_offset"])
            read += page["answer"]
    assert read == answer


async def test_what_cannot_be_asked_is_refused_with_the_next_step(work: Work) -> None:
    async with work.served() as client:
        assert "prompt is empty" in await refused(client, "ask_expert", prompt=" ")
        assert "100,000" in await refused(client, "ask_expert", prompt="x" * 100_001)
        assert "there are" in await refused(client, "ask_expert", prompt="hi", expert="ganondorf")
        assert "provider:name" in await refused(client, "ask_expert", prompt="hi", expert="waiter", model="nobody:x y")
        assert "afs agent runs" in await refused(client, "ask_expert", prompt="hi", earlier="20260101T000000Z-00000000")
        assert "afs agent runs" in await refused(client, "rate_run", run="never", rating="+1")
        assert "answer is empty" in await refused(client, "critique", answer="")


@pytest.mark.parametrize(
    "model", ["scripted:/etc/passwd", " scripted:x", "scripted", "ollama:/etc/passwd", "openai:~/x"]
)
async def test_a_file_is_no_model_for_a_caller(tmp_path: Path, model: str) -> None:
    settings = Settings(context_root=tmp_path / "context", data_dir=tmp_path / "data", project_root=tmp_path)
    with anyio.fail_after(60):
        async with Client(build(settings)) as client:
            said = await refused(client, "ask_expert", prompt="hi", expert="veran", model=model)
    assert "no file" in said and "provider:name" in said


@pytest.mark.parametrize(("rating", "kept"), [("+1", 1), ("1", 1), (1, 1), ("-1", -1), (-1, -1)])
async def test_a_rating_is_taken_as_models_write_it(work: Work, rating: str | int, kept: int) -> None:
    async with work.served() as client:
        await call(client, "ask_expert", prompt="hi", expert="waiter", model=work.model({"text": "Hello."}))
        rated = await call(client, "rate_run", run="last", rating=rating)
    assert rated["rating"] == kept


@pytest.mark.parametrize("rating", ["2", 2, 0, True, "", "good", 1.5, None])
async def test_what_is_no_rating_is_refused(work: Work, rating: object) -> None:
    async with work.served() as client:
        await call(client, "ask_expert", prompt="hi", expert="waiter", model=work.model({"text": "Hello."}))
        assert "rating" in await refused(client, "rate_run", run="last", rating=rating)


async def test_the_id_of_a_run_that_waits_leads_to_the_kept_run_after_a_restart_too(work: Work) -> None:
    async with work.served() as client:
        await call(client, "ask_expert", prompt="hold", expert="waiter", model=work.holding, wait=0)
        quick = work.model({"text": "Second."})
        waiting = await call(client, "ask_expert", prompt="hi", expert="waiter", model=quick, wait=0)
        async with work.released():
            ended = await call(client, "run_status", run=waiting["run"], wait=50)
    async with work.served() as client:
        for name in (waiting["run"], waiting["run"][-6:], ended["run"]):
            assert (await call(client, "run_status", run=name))["answer"] == "Second."
        rated = await call(client, "rate_run", run=waiting["run"], rating="+1")
        more = await call(
            client, "ask_expert", prompt="go on", earlier=waiting["run"], model=work.model({"text": "I am back."})
        )
    assert (rated["run"], ended["state"]) == (ended["run"], "ended")
    assert work.recorder.load(more["run"]).resumes == ended["run"]


async def test_a_run_that_cannot_begin_is_refused_and_the_next_one_has_its_turn(work: Work) -> None:
    async with work.served() as client:
        (work.folder / "context").write_text("in the way", encoding="utf-8")
        hello = work.model({"text": "Hello."})
        said = await refused(client, "ask_expert", prompt="hi", expert="waiter", model=hello)
        assert "AFS_CONTEXT_ROOT" in said
        (work.folder / "context").unlink()
        short = work.model({"text": "Hello."})
        assert (await call(client, "ask_expert", prompt="hi", expert="waiter", model=short))["answer"] == "Hello."


async def test_a_run_that_fails_tells_why_and_how_to_go_on(work: Work) -> None:
    async with work.served() as client:
        model = work.model({"calls": [{"name": "hold", "arguments": {"wrong": 1}}]})
        ended = await call(client, "ask_expert", prompt="hi", expert="waiter", model=model)
    assert (ended["state"], ended["stop"], ended["answer"]) == ("ended", "model_error", "")
    assert "replies" in ended["error"]
    assert f"earlier={ended['run']}" in ended["note"]


async def test_an_expert_is_never_given_the_experts_for_a_tool(
    work: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    servers = {"experts": {"command": "x"}, "other": {"command": "/bin/afs-experts"}, "fine": {"command": "afs-asar"}}
    path = work.write("all.json", {"mcpServers": servers})
    settings = Settings(context_root=tmp_path, data_dir=tmp_path)
    (only,) = Place(settings, {"AFS_EXPERTS_CONFIG": path}).sources()
    assert (only.name, only.env) == ("fine", {INSIDE: "1"})
    monkeypatch.setenv(INSIDE, "1")
    async with work.served() as client:
        said = await refused(client, "ask_expert", prompt="hi", expert="waiter", model="embedded")
    assert "no further experts" in said
    assert work.recorder.ids() == []


async def test_the_mcp_json_of_a_project_is_not_used(
    work: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(work.folder)
    settings = Settings(context_root=tmp_path, data_dir=tmp_path)
    names = {spec.name for spec in Place(settings, {}).sources()}
    shipped = set(json.loads(SHIPPED.read_text(encoding="utf-8"))["mcpServers"])
    assert names == {name for name in shipped if name.removeprefix("afs-") != "experts"}


async def test_the_router_says_where_a_prompt_goes_and_why(work: Work) -> None:
    async with work.served() as client:
        routed = await call(client, "route_prompt", prompt="What is $2100?")
        model = work.model({"text": "It is INIDISP, the screen's brightness."})
        asked = await call(client, "ask_expert", prompt="What is $2100?", model=model)
    assert (routed["expert"], routed["intent"]) == ("veran", "explain")
    assert len(routed["scores"]) == 8
    assert asked["expert"] == "veran"
    assert asked["why"].startswith("explain: ")


async def test_the_experts_are_listed_in_pages_with_the_users_own(work: Work) -> None:
    async with work.served() as client:
        everyone = await call(client, "list_experts")
        first = await call(client, "list_experts", limit=5)
        rest = await call(client, "list_experts", limit=100, offset=first["next_offset"])
    names = [row["name"] for row in everyone["experts"]]
    assert {"din", "nayru", "farore", "veran", "majora", "waiter"} <= set(names)
    assert [row["name"] for page in (first, rest) for row in page["experts"]] == names
    assert everyone["total"] == len(names)


@pytest.mark.asar
async def test_an_answer_is_judged_by_running_tools(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFS_EXPERTS_CONFIG")
    bad = "Here you are:\n\n```asm\nLDA #$00\nSTQ $10\nRTS\n```\n"
    async with work.served(data_dir=Settings.from_environment().data_dir) as client:
        judged = await call(client, "critique", answer=bad, question="clear $10", expert="nayru")
    assert "asar ready" in judged["servers"]
    if any("afs fetch asar" in line for line in judged["checks"]):
        pytest.skip("needs the real asar: run `afs fetch asar`")
    assert judged["verdict"] == "refuted"
    assert "STQ" in " ".join(judged["checks"])
    assert "Mend it" in judged["diagnosis"]
