"""mcp.json: what is read, and what every mistake says."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.call_times import CallTimes
from runner.config import (
    ServerSpec,
    find_config,
    load_config,
    read_document,
    resolve_command,
    select,
    shipped_config,
)
from runner.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "mcp.json"
    path.write_text(text, encoding="utf-8")
    return path


def one(folder: Path, entry: str, **environ: str) -> ServerSpec:
    (spec,) = load_config(write(folder, f'{{"mcpServers": {{"a": {entry}}}}}'), environ=environ)
    return spec


def test_the_shipped_file_lists_our_servers_by_console_script() -> None:
    specs = load_config(shipped_config(), environ={})
    assert [spec.command for spec in specs] == ["afs-" + spec.name.removeprefix("afs-") for spec in specs]
    assert {"alttp", "asar", "context", "scratchpad"} <= {spec.name for spec in specs}
    assert not any(spec.problem for spec in specs)


def test_the_nearest_file_above_wins_and_mcp_json_comes_before_its_hidden_twin(tmp_path: Path) -> None:
    inner = tmp_path / "project" / "src"
    inner.mkdir(parents=True)
    write(tmp_path, "{}")
    hidden = tmp_path / "project" / ".mcp.json"
    hidden.write_text("{}", encoding="utf-8")
    assert find_config(inner) == hidden
    plain = write(tmp_path / "project", "{}")
    assert find_config(inner) == plain


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_another_user_left_in_a_folder_open_to_all_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, "{}")
    os.chown(path, 12345, 12345)
    assert find_config(tmp_path) == path
    tmp_path.chmod(0o777)
    assert find_config(tmp_path) != path


def test_variables_are_filled_in_everywhere_and_an_empty_one_takes_the_default(tmp_path: Path) -> None:
    entry = """{"command": "${BIN}/x", "args": ["--root=${ROOT:-/d}", "${EMPTY:-e}"],
                "env": {"K": "${K:-}"}, "cwd": "${SUB}"}"""
    spec = one(tmp_path, entry, BIN="/bin", EMPTY="", SUB="work")
    assert (spec.command, spec.args, spec.env) == ("/bin/x", ("--root=/d", "e"), {"K": ""})
    assert spec.cwd == str(tmp_path / "work")


def test_overrides_win_over_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, '{"mcpServers": {"a": {"command": "${X}"}}}')
    (spec,) = load_config(path, environ={"X": "old"}, overrides={"X": "new"})
    assert spec.command == "new"


def test_a_missing_variable_is_the_problem_of_its_server_alone(tmp_path: Path) -> None:
    path = write(tmp_path, '{"mcpServers": {\n"a": {"command": "${NOPE}"},\n"b": {"command": "b"}}}')
    first, second = load_config(path, environ={})
    assert "NOPE is not set" in first.problem and f"{path}:2" in first.problem
    assert second.problem == ""


def test_keys_that_only_a_host_knows_are_tolerated(tmp_path: Path) -> None:
    entry = '{"command": "x", "type": "stdio", "timeout": 90000, "trust": true, "alwaysLoad": true, "includeTools": []}'
    spec = one(tmp_path, entry)
    assert (spec.command, spec.timeout_s, spec.problem) == ("x", 90.0, "")


def test_calls_may_take_a_time_of_their_own_by_server_and_by_tool(tmp_path: Path) -> None:
    spec = one(tmp_path, '{"command": "x", "timeout": 5000, "toolTimeouts": {"slow": 120000, "quick": 1}}')
    assert (spec.timeout_s, spec.tool_timeouts_s) == (5.0, {"slow": 120.0, "quick": 1.0})
    times = CallTimes(spec, 60, ours=True)
    assert [times.of(tool, {}) for tool in ("slow", "quick", "other")] == [120, 1, 5]
    assert CallTimes(one(tmp_path, '{"command": "x"}'), 60, ours=False).of("other", {}) == 60


def test_our_own_tool_that_is_given_a_time_for_its_work_has_that_time(tmp_path: Path) -> None:
    spec = one(tmp_path, '{"command": "x", "toolTimeouts": {"capped": 2000}}')
    times = CallTimes(spec, 60, ours=True)
    assert [times.of("run_shell", {"timeout_seconds": given}) for given in (5, 300, 10**9, "300")] == [60, 310, 60, 60]
    assert times.of("capped", {"timeout_seconds": 300}) == 2
    assert CallTimes(spec, 60, ours=False).of("run_shell", {"timeout_seconds": 300}) == 60


def test_a_url_of_either_host_is_read_and_another_scheme_refused(tmp_path: Path) -> None:
    assert one(tmp_path, '{"httpUrl": "http://h/mcp", "headers": {"A": "${T}"}}', T="t").headers == {"A": "t"}
    assert one(tmp_path, '{"url": "https://h/mcp"}').problem == ""
    assert "no streamable HTTP address" in one(tmp_path, '{"url": "file:///etc/passwd"}').problem
    assert "no streamable HTTP address" in one(tmp_path, '{"type": "sse", "url": "http://h"}').problem


def test_headers_and_environment_are_kept_out_of_the_printed_form(tmp_path: Path) -> None:
    assert "hush" not in repr(one(tmp_path, '{"command": "x", "env": {"TOKEN": "hush"}, "headers": {"A": "hush"}}'))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"mcpServers": {\n  "a": {"command": "x",}\n}}', ":2:"),
        ("", ":1:1: this is not JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "mcpServers is missing"),
        ('{"servers": {}, \n"mcpServers": []}', ":2: the key mcpServers is not an object"),
        (
            '{"mcpServers": {\n"a": {"command": "x"},\n"a": {"command": "y"}}}',
            ":3: the key 'mcpServers.a' is there twice",
        ),
        ('{"mcpServers": {"a": {"command": "x",\n\n"command": "y"}}}', ":3: the key 'mcpServers.a.command'"),
        ('{"mcpServers": {\n"a": 5}}', ":2: mcpServers.a is not an object"),
        ('{"mcpServers": {\n"a": {}}}', ':2: mcpServers.a needs either "command" or "url"'),
        ('{"mcpServers": {"a": {"command": "x", "url": "http://h"}}}', 'needs either "command" or "url"'),
        ('{"mcpServers": {"a": {"command": "x",\n"args": "y"}}}', ":2: 'mcpServers.a.args' should be a valid list"),
        ('{"mcpServers": {"a": {"command": "x", "args": [\n1]}}}', "'mcpServers.a.args.0' should be a valid string"),
        ('{"mcpServers": {"a": {"command": "x", "env": {\n"K": 1}}}}', ":2: 'mcpServers.a.env.K'"),
        ('{"mcpServers": {"a": {"command": 5}}}', "'mcpServers.a.command' should be a valid string"),
        ('{"mcpServers": {"a": {"command": "x", "timeout": -1}}}', "'mcpServers.a.timeout'"),
        ('{"mcpServers": {"a": {"command": "x", "toolTimeouts": {"t": 0}}}}', "'mcpServers.a.toolTimeouts.t'"),
        ('{"mcpServers": {"a b": {"command": "x"}}}', "'a b' is no server name"),
        ('{"mcpServers": {"\\u001b[2J": {"command": "x"}}}', "is no server name"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "1" * 10_000 + "}", "too big"),
        ("\udcff", "is not UTF-8"),
        (" " * (1 << 20) + "{}", "larger than 1 MiB"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as error:
        load_config(path, environ={})
    assert says in str(error.value)
    assert str(error.value).startswith(str(path))
    assert "\x1b" not in str(error.value)


def test_a_missing_file_and_a_folder_say_what_to_name(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json", Path("a\0b")):
        with pytest.raises(ConfigError, match="name an existing"):
            load_config(path, environ={})


@pytest.mark.parametrize("entry", ['{"command": "a\\u0000b"}', '{"command": "x", "args": ["\\ud800"]}'])
def test_what_no_process_can_be_given_is_a_problem_and_not_a_crash(tmp_path: Path, entry: str) -> None:
    assert "NUL or half of a character" in one(tmp_path, entry).problem


def test_an_empty_command_is_a_problem(tmp_path: Path) -> None:
    assert "its command is empty" in one(tmp_path, '{"command": "${NOTHING:-}  "}').problem


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_by_name(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "mcp.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        specs = load_config(path, environ={})
    except ConfigError as error:
        assert str(path) in str(error)
    else:
        assert all(spec.name for spec in specs)


def test_lines_are_right_in_a_file_with_brackets_and_escapes_in_its_strings(tmp_path: Path) -> None:
    path = write(tmp_path, '{\n"a": "}{][,:\\"\\\\",\n"b": [1, {"c": 2}, "x"],\n"d": {"e":\n{"f": 1}}}')
    document = read_document(path)
    assert document.at("a") == f"{path}:2"
    assert document.at("b", "1", "c") == f"{path}:3"
    assert document.at("d", "e", "f") == f"{path}:5"
    assert document.at("d", "unknown") == f"{path}:4"


def test_selecting_nothing_takes_all_that_are_enabled() -> None:
    specs = (ServerSpec(name="a", command="x"), ServerSpec(name="b", command="x", disabled=True))
    assert [spec.name for spec in select(specs, ())] == ["a"]
    assert [(spec.name, spec.disabled) for spec in select(specs, ("b",))] == [("b", False)]


def test_selecting_an_unknown_server_names_the_known_ones() -> None:
    specs = (ServerSpec(name="scratchpad", command="x"), ServerSpec(name="asar", command="x"))
    with pytest.raises(ConfigError, match=r"no server 'scratchpd'; did you mean scratchpad\?.*scratchpad, asar"):
        select(specs, ("scratchpd",))


def test_our_own_scripts_are_found_without_path_and_others_on_it(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n", encoding="utf-8")
    tool.chmod(0o755)
    nowhere = {"PATH": str(tmp_path)}
    assert resolve_command(ServerSpec(name="a", command="afs-alttp", env=nowhere)).endswith("afs-alttp")
    assert resolve_command(ServerSpec(name="a", command="tool", env=nowhere)) == str(tool)
    assert resolve_command(ServerSpec(name="a", command="./tool", cwd=str(tmp_path))) == f"{tmp_path}/./tool"
    assert resolve_command(ServerSpec(name="a", command="no-such-tool")) == ""


def test_a_server_is_found_by_its_name_without_the_mark_of_the_suite_too() -> None:
    specs = load_config(shipped_config(), environ={})
    assert [spec.name for spec in select(specs, ["workspace", "asar"])] == ["afs-workspace", "asar"]


@pytest.mark.parametrize("place", ['"env": {"X": "${ANTHROPIC_API_KEY}"}', '"args": ["--key=${OPENAI_API_KEY:-}"]'])
def test_the_key_of_a_model_is_given_to_no_server(place: str, tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{"mcpServers": {"x": {"command": "echo", ' + place + "}}}", encoding="utf-8")
    environ = {"ANTHROPIC_API_KEY": "hush-hush", "OPENAI_API_KEY": "hush-hush"}
    (spec,) = load_config(path, environ=environ)
    assert "the key of a model, which no server is given; take it out of" in spec.problem
    assert "hush-hush" not in spec.model_dump_json()
