"""Where `afs-run` sends a prompt: to this machine or to the cloud, a second time after a failure, within the switches.

The models of this machine are those of a double of Ollama, the cloud is a double of Claude or Gemini.
"""

import json
from collections.abc import Generator
from pathlib import Path

import anyio
import pytest

from runner.conduct import Request, goes_to_cloud
from runner.models import ollama_wire
from runner.models.http_double import ScriptedReply
from runner.models.openai_double import OpenAIDouble
from runner.models.weights import SIZE, weights_path
from runner.routing.switches import Switches
from servers.settings import Settings
from tests.runner.placed import EASY, GEMINI, HARD, KEY, RIGHT, VERAN, WRONG, Place, action, machine


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    with machine(tmp_path) as made:
        yield made


def test_an_easy_prompt_goes_to_the_router_s_expert_on_its_local_model(place: Place) -> None:
    place.locally(action(RIGHT), action(RIGHT))
    run = place.run("--unchecked", EASY)
    assert (run["expert"], run["model"]) == ("veran", f"ollama:{VERAN}")
    route = run["metadata"]["route"]
    assert (route["where"], route["expert"], route["fallback"]) == ("local", "veran", False)
    assert "below 0.70" in route["why"] and "fallback" not in run["metadata"]
    assert place.asked[1] == 0


def test_a_hard_prompt_goes_to_the_cloud_and_stays_there(place: Place) -> None:
    place.above("It is as it is.")
    run = place.run("--unchecked", HARD)
    assert (run["expert"], run["model"], run["answer"]) == ("veran", f"gemini:{GEMINI}", "It is as it is.")
    assert run["metadata"]["route"]["where"] == "cloud" and place.asked == (0, 1)


def test_what_is_pinned_is_not_routed(place: Place) -> None:
    place.locally(action("One."), action("Two."))
    run = place.run("--unchecked", "--expert", "veran", "optimize this: lda #$00")
    assert (run["expert"], run["model"], run["metadata"]["route"]["expert"]) == ("veran", f"ollama:{VERAN}", "veran")
    plain = place.run("--unchecked", "--model", f"ollama:{VERAN}", EASY)
    assert (plain["expert"], "route" in plain["metadata"]) == ("default", False)


def test_an_expert_auto_is_routed_on_the_model_that_is_given(place: Place) -> None:
    place.above(RIGHT)
    run = place.run("--unchecked", "--model", f"gemini:{GEMINI}", "--expert", "auto", EASY)
    assert (run["expert"], run["model"]) == ("veran", f"gemini:{GEMINI}")
    assert (run["metadata"]["route"]["expert"], run["metadata"]["route"]["where"]) == ("veran", None)


@pytest.mark.parametrize("switch", ["--local-only", "--offline"])
def test_a_hard_prompt_stays_here_where_nothing_may_leave(place: Place, switch: str) -> None:
    place.locally(action("It depends."))
    run = place.run("--unchecked", switch, HARD)
    assert (run["model"], run["metadata"]["route"]["where"], place.asked) == (f"ollama:{VERAN}", "local", (1, 0))


def test_a_failure_here_stays_here_where_nothing_may_leave(place: Place) -> None:
    place.locally(status=500, problem="out of memory")
    run = place.run("--unchecked", EASY, AFS_LOCAL_ONLY="1")
    assert (run["stop"], run["metadata"]["route"]["where"], place.asked[1]) == ("model_error", "local", 0)


@pytest.mark.parametrize("switch", ["--local-only", "--offline"])
@pytest.mark.parametrize("words", [(), ("--fuse", "veran,din"), ("--critic", "farore")])
def test_a_hosted_model_is_refused_where_nothing_may_leave(place: Place, switch: str, words: tuple[str, ...]) -> None:
    url = "https://models.example.com"
    done = place.afs(switch, "--model", f"gemini:{GEMINI}", *words, EASY, GOOGLE_GEMINI_BASE_URL=url)
    told = done.stderr.decode()
    assert (done.returncode, place.asked) == (1, (0, 0)), told
    assert f"leave {switch} out" in told and "Traceback" not in told


def test_a_server_elsewhere_is_not_asked_where_nothing_may_leave(place: Place) -> None:
    config = {"mcpServers": {"far": {"url": "https://tools.example.com/mcp"}, "alttp": {"command": "afs-alttp"}}}
    (place.folder / "mcp.json").write_text(json.dumps(config), encoding="utf-8")
    dry = json.loads(place.afs("--local-only", "--dry-run", "--json", EASY).stdout)
    (far,) = [server for server in dry["servers"] if server["name"] == "far"]
    assert (far["state"], "--local-only" in far["detail"]) == ("failed", True)


def test_a_daemon_elsewhere_is_not_asked_where_nothing_may_leave(place: Place) -> None:
    done = place.afs("--local-only", "--expert", "veran", EASY, OLLAMA_HOST="http://ollama.example.com:11434")
    assert done.returncode == 1 and "afs fetch model" in done.stderr.decode()


def test_an_error_of_the_local_model_is_answered_by_the_cloud_and_both_runs_are_kept(place: Place) -> None:
    place.ollama.script([ollama_wire.ScriptedReply(status=500, problem="out of memory") for _ in range(9)])
    place.above(RIGHT, RIGHT)
    run = place.run("--unchecked", EASY)
    assert (run["model"], run["answer"], run["metadata"]["fallback"]) == (f"gemini:{GEMINI}", RIGHT, True)
    assert run["metadata"]["route"]["fallback"] is True and "out of memory" in run["metadata"]["route"]["why"]
    first = place.kept(run["metadata"]["first"])
    assert (first["stop"], first["model"], first["prompt"]) == ("model_error", f"ollama:{VERAN}", EASY)
    assert first["metadata"]["route"]["where"] == "local" and "fallback" not in first["metadata"]


@pytest.mark.parametrize("words", [(), ("--expert", "veran")])
def test_a_death_in_mid_reply_is_told_at_once_and_what_was_said_is_kept(place: Place, words: tuple[str, ...]) -> None:
    place.locally(content=action("$2100 is the register that"), dropped=True)
    place.above(RIGHT, RIGHT)
    told = ("--json", "--servers", "alttp", "--context-budget", "0", "--unchecked", *words, EASY)
    done = place.afs(*told)
    run = json.loads(done.stdout)
    (line,) = done.stderr.decode().splitlines()
    assert f"gemini:{GEMINI} is asked in place of ollama:{VERAN}" in line and "$2100 is the register" in line
    assert (run["answer"], run["metadata"]["fallback"]) == (RIGHT, True)
    first = place.kept(run["metadata"]["first"])
    assert (first["stop"], first["answer"].startswith("$2100 is the register")) == ("model_error", True)


def test_the_tokens_of_a_reply_that_died_count_against_the_limit(place: Place) -> None:
    place.locally(content=action("$2100 is the register that"), dropped=True)
    told = ("--json", "--servers", "alttp", "--context-budget", "0", "--unchecked", "--max-tokens", "60", EASY)
    run = json.loads(place.afs(*told).stdout)
    assert (run["stop"], place.asked[1]) == ("model_error", 0)
    assert run["metadata"]["uncounted"] >= 60


@pytest.mark.parametrize("words", [(), ("--expert", "veran")])
def test_a_death_in_mid_reply_without_another_model_shows_what_was_said(place: Place, words: tuple[str, ...]) -> None:
    place.locally(content=action("$2100 is the register that"), dropped=True)
    told = ("--quiet", "--servers", "alttp", "--context-budget", "0", "--unchecked", *words, EASY)
    done = place.afs(*told, GEMINI_API_KEY="")
    assert (done.returncode, done.stdout.startswith(b"$2100 is the register")) == (4, True)
    assert "closed the connection" in done.stderr.decode() and "in place of" not in done.stderr.decode()


def test_an_embedded_model_that_turns_out_not_to_be_one_leaves_what_was_said(place: Place) -> None:
    weights = weights_path(Settings.from_environment(place.environ))
    weights.parent.mkdir(parents=True)
    with weights.open("wb") as file:
        file.truncate(SIZE)
    place.locally(content=action("$2100 is the register that"), dropped=True)
    told = ("--quiet", "--servers", "alttp", "--context-budget", "0", "--unchecked", EASY)
    done = place.afs(*told, GEMINI_API_KEY="")
    first, second, *_ = done.stderr.decode().splitlines()
    weights.unlink()
    assert "embedded:" in first and "loading it takes a while" in first and "failed too" in second
    assert (done.returncode, done.stdout.startswith(b"$2100 is the register")) == (4, True)


def test_a_refuted_answer_is_given_again_by_the_cloud(place: Place) -> None:
    place.locally(*[action(WRONG)] * 8)
    place.above(RIGHT, RIGHT, RIGHT)
    run = place.run("--servers", "alttp,graph", EASY)
    assert (run["model"], run["metadata"]["fallback"], run["verdict"]) == (f"gemini:{GEMINI}", True, "unchecked")
    assert place.kept(run["metadata"]["first"])["verdict"] == "refuted"


def test_a_cloud_that_cannot_be_reached_leaves_the_prompt_to_the_local_model(place: Place) -> None:
    place.locally(action("It depends."))
    told = ("--json", "--servers", "alttp", "--context-budget", "0", "--unchecked", HARD)
    done = place.afs(*told, GOOGLE_GEMINI_BASE_URL="http://127.0.0.1:9")
    run = json.loads(done.stdout)
    assert (done.returncode, run["model"], run["answer"]) == (0, f"ollama:{VERAN}", "It depends.")
    assert (run["metadata"]["fallback"], run["metadata"]["route"]["where"]) == (True, "local")
    first = place.kept(run["metadata"]["first"])
    assert (first["stop"], first["model"]) == ("model_error", f"gemini:{GEMINI}")
    (line,) = done.stderr.decode().splitlines()
    assert f"ollama:{VERAN} is asked in place of gemini:{GEMINI}" in line and "--offline" in line
    assert first["error"][:60] in line


def test_a_cloud_that_declines_or_was_asked_for_by_name_is_not_replaced(place: Place) -> None:
    place.gemini.script([ScriptedReply(status=400, problem="no")])
    run = place.run("--unchecked", "--model", f"gemini:{GEMINI}", HARD)
    assert (run["stop"], run["model"], place.asked[0]) == ("model_error", f"gemini:{GEMINI}", 0)
    place.gemini.script([ScriptedReply(text="I cannot help with that.", refused=True)])
    run = place.run("--unchecked", HARD)
    assert (run["stop"], run["model"], place.asked[0]) == ("model_error", f"gemini:{GEMINI}", 0)
    assert "declined" in run["error"] and "fallback" not in run["metadata"]


@pytest.mark.parametrize("words", [("--local-only",), ("--offline",), ("--max-cost", "0.0000001")])
def test_a_local_model_that_dies_names_the_cloud_that_was_barred_and_the_switch(
    place: Place, words: tuple[str, ...]
) -> None:
    place.ollama.script([ollama_wire.ScriptedReply(status=500, problem="out of memory") for _ in range(9)])
    run = place.run("--unchecked", *words, EASY)
    assert (run["stop"], place.asked[1]) == ("model_error", 0)
    assert f"the cloud (gemini:{GEMINI}) was not asked" in run["error"] and words[0] in run["error"]
    assert run["error"] == place.kept(run["id"])["error"]


def test_a_run_never_costs_more_than_it_may(place: Place) -> None:
    place.gemini.script([ScriptedReply(calls=(("alttp_lookup", {"query": "$2100"}),)) for _ in range(9)])
    run = place.run("--unchecked", "--max-cost", "0.012", HARD)
    limits = [body["generationConfig"]["maxOutputTokens"] for body in place.gemini.bodies(":streamGenerateContent")]
    assert 0 < run["usage"]["cost"] <= 0.012 and limits and all(limit < 16_000 for limit in limits)


def test_a_compatible_server_is_asked_for_no_more_than_what_is_left(place: Place) -> None:
    with OpenAIDouble(("gpt-5.4-mini",), key=KEY) as double:
        double.script([ScriptedReply(text=RIGHT), ScriptedReply(text=RIGHT)])
        environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": double.api_url}
        run = place.run("--unchecked", "--max-cost", "0.02", "--model", "openai:gpt-5.4-mini", EASY, **environ)
        limits = [body["max_tokens"] for body in double.bodies("/chat/completions")]
    assert run["answer"] and 0 < run["usage"]["cost"] <= 0.02 and limits and all(limit < 8192 for limit in limits)


def test_a_budget_that_pays_for_no_answer_keeps_a_prompt_here_or_ends_the_run(place: Place) -> None:
    place.locally(action("It depends."))
    run = place.run("--unchecked", "--max-cost", "0.0001", HARD)
    assert (run["model"], "above the budget" in run["metadata"]["route"]["why"]) == (f"ollama:{VERAN}", True)
    pinned = place.run("--unchecked", "--max-cost", "0.0001", "--model", f"gemini:{GEMINI}", EASY)
    assert (pinned["stop"], pinned["usage"]["cost"], place.asked[1]) == ("budget", 0, 0)
    assert "raise --max-cost" in pinned["error"]


def test_a_model_without_a_price_is_refused_under_a_budget(place: Place) -> None:
    done = place.afs("--max-cost", "1", "--model", "gemini:nobody-knows-it", EASY)
    assert done.returncode == 1 and "AFS_PRICES" in done.stderr.decode() and place.asked == (0, 0)


def test_the_command_route_says_what_a_run_would_do_and_a_dry_run_shows_it(place: Place) -> None:
    for words, prompt in (((), EASY), ((), HARD), (("--local-only",), HARD), (("--max-cost", "0"), HARD)):
        told = json.loads(place.afs("agent", "route", "--json", *words, prompt, command="afs").stdout)
        dry = json.loads(place.afs("--dry-run", "--json", "--servers", "alttp", *words, prompt).stdout)
        assert (told["expert"], told["where"]["where"], told["where"]["model"]) == (
            dry["route"]["expert"],
            dry["route"]["where"],
            dry["route"]["model"],
        )
    assert place.asked == (0, 0)


def test_the_display_says_where_a_prompt_went_and_a_quiet_one_does_not(place: Place) -> None:
    place.locally(action(RIGHT), action(RIGHT))
    told = ("--unchecked", "--servers", "alttp", "--context-budget", "0")
    shown = place.afs(*told, EASY).stderr.decode()
    (line,) = [line for line in shown.splitlines() if line.strip().startswith("route ")]
    assert "veran (explain" in line and f"local: ollama:{VERAN}" in line and "below 0.70" in line
    assert "route" not in place.afs("--quiet", *told, EASY).stderr.decode()


def test_a_server_that_only_the_user_knows_serves_the_routers_expert_too(place: Place) -> None:
    config = {"mcpServers": {"mine": {"command": "afs-graph"}, "alttp": {"command": "afs-alttp"}}}
    (place.folder / "mcp.json").write_text(json.dumps(config), encoding="utf-8")
    dry = json.loads(place.afs("--dry-run", "--json", EASY).stdout)
    assert dry["expert"] == "veran" and {"alttp_lookup", "query_graph"} <= set(dry["tools"])


def test_the_statistics_count_where_runs_went(place: Place) -> None:
    place.ollama.script([ollama_wire.ScriptedReply(status=500, problem="out of memory") for _ in range(9)])
    place.above(RIGHT)
    place.run("--unchecked", EASY)
    told = json.loads(place.afs("agent", "stats", "--json", command="afs").stdout)
    total = told["total"]
    assert (total["runs"], total["local"], total["fallbacks"]) == (2, 1, 1) and total["cost"] > 0


def test_only_what_runs_on_this_machine_waits_for_its_turn_in_a_queue(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in place.environ.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environment()
    away = Switches(local_only=True)
    requests = [
        (Request(prompt=EASY), False),
        (Request(prompt=HARD), True),
        (Request(prompt=HARD, switches=away), False),
        (Request(prompt=EASY, model=f"gemini:{GEMINI}"), True),
        (Request(prompt=HARD, model=f"ollama:{VERAN}"), False),
    ]
    for request, away_from_here in requests:
        assert anyio.run(goes_to_cloud, request, settings) is away_from_here
    assert place.asked == (0, 0)


def test_experts_together_use_the_cloud_for_a_hard_prompt_and_their_own_models_for_an_easy_one(place: Place) -> None:
    place.above("It is as it is.", "VERDICT: PASS\nSCORE: 0.9")
    hard = place.run("--critic", "farore", "--expert", "veran", HARD)
    assert (hard["model"], place.asked[0]) == (f"gemini:{GEMINI}", 0)
    place.locally(*[action("It is as it is.")] * 3, *[action("VERDICT: PASS\nSCORE: 0.9")] * 3)
    easy = place.run("--critic", "veran", "--expert", "veran", "What is it?")
    assert easy["model"] == f"ollama:{VERAN}" and place.asked[0] > 0


def test_the_embedded_model_plays_an_expert_where_no_daemon_answers(place: Place) -> None:
    weights = weights_path(Settings.from_environment(place.environ))
    weights.parent.mkdir(parents=True)
    with weights.open("wb") as file:
        file.truncate(SIZE)  # holes: nothing reads it before a run
    nobody = {"OLLAMA_HOST": "127.0.0.1:9", "GEMINI_API_KEY": ""}
    dry = json.loads(place.afs("--dry-run", "--json", "--servers", "alttp", HARD, **nobody).stdout)
    assert (dry["model"], dry["route"]["where"]) == ("embedded:qwen2.5-coder-1.5b", "local")
    assert "no Ollama daemon answers" in dry["route"]["why"] and "no cloud model" in dry["route"]["why"]
    weights.unlink()


def test_nothing_to_run_on_is_an_error_that_says_what_to_set_up(place: Place) -> None:
    nobody = {"OLLAMA_HOST": "127.0.0.1:9", "GEMINI_API_KEY": ""}
    done = place.afs(EASY, **nobody)
    told = done.stderr.decode()
    assert done.returncode == 1 and "afs fetch model" in told and "GEMINI_API_KEY" in told and "Traceback" not in told
