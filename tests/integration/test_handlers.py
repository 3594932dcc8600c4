"""Whatever a handler does, the emulator lives on and says what happened."""

import json
import os
import re
import signal
import time

import harness
import pytest

INTERNAL = "Internal server error"


def message_of(answer):
    return json.loads(answer)["message"]


ENDINGS = {
    # a sanitizer may see the null pointer first, and exit
    "crash": r"Runtime exited with error: (signal: segmentation fault|exit status 1)"
    if harness.SANITIZED
    else r"Runtime exited with error: signal: segmentation fault",
    "abort": r"Runtime exited with error: signal: aborted",
    "exit0": r"Runtime exited without providing a reason",
    "exit3": r"Runtime exited with error: exit status 3",
}


@pytest.mark.parametrize("handler", ENDINGS)
def test_a_handler_that_ends_its_process_fails_one_invocation_and_the_log_says_how(start, handler):
    emulator = start(harness.api({"$default": handler, "ok": "echo"}))
    client = emulator.connect()
    assert message_of(client.ask("x")) == INTERNAL
    emulator.wait_log(ENDINGS[handler])
    assert client.ask('{"action":"ok"}') == '{"action":"ok"}'
    assert message_of(client.ask("x")) == INTERNAL


def test_a_crash_is_followed_by_a_backtrace_that_names_the_plugin(start):
    emulator = start(harness.api({"$default": "crash"}))
    emulator.connect().ask("x")
    emulator.wait_log(r"handler_suite")


def test_a_handler_that_hangs_is_ended_at_its_timeout(start):
    emulator = start(harness.api({"$default": "hang"}, {"hang": {"timeout": 1}}))
    client = emulator.connect()
    began = time.monotonic()
    assert message_of(client.ask("x")) == INTERNAL
    assert 0.9 <= time.monotonic() - began < 5
    emulator.wait_log(r"Task timed out after 1\.00 seconds")


def test_a_handler_that_fails_says_why_in_the_log(start):
    emulator = start(harness.api({"$default": "error"}))
    assert message_of(emulator.connect().ask("x")) == INTERNAL
    emulator.wait_log("integration-failed")


def test_a_handler_that_answers_nothing_is_malformed(start):
    emulator = start(harness.api({"$default": "respond_none"}))
    assert message_of(emulator.connect().ask("x")) == INTERNAL
    emulator.wait_log("result-malformed")


def pid_of(client):
    return json.loads(client.ask('{"action":"pid"}'))


@pytest.fixture
def counting(start):
    routes = {"pid": "pid", "crash": {"function": "pid_crash", "routeResponse": True}, "$default": "echo"}
    return start(harness.api(routes, {"pid_crash": {"handler": "crash"}}))


def test_globals_survive_from_one_invocation_to_the_next(counting):
    client = counting.connect()
    answers = [pid_of(client) for _ in range(5)]
    assert len({answer["pid"] for answer in answers}) == 1
    counts = [answer["count"] for answer in answers]
    assert counts == list(range(counts[0], counts[0] + 5))


def test_environments_of_two_functions_share_nothing(start):
    routes = {name: {"function": name, "routeResponse": True} for name in ("one", "two")}
    emulator = start(harness.api(routes, {"one": {"handler": "pid"}, "two": {"handler": "pid"}}))
    client = emulator.connect()
    one, two, again = (json.loads(client.ask(json.dumps({"action": name}))) for name in ("one", "two", "one"))
    assert one["pid"] != two["pid"]
    assert one["pid"] == again["pid"]
    assert two["count"] == one["count"]


def test_after_an_environment_died_the_next_one_begins_afresh(start):
    emulator = start(harness.api({"pid": "pid"}))
    client = emulator.connect()
    first = pid_of(client)
    assert pid_of(client)["count"] == first["count"] + 1
    os.kill(first["pid"], signal.SIGKILL)
    harness.until(lambda: not os.path.exists(f"/proc/{first['pid']}"), "the environment is gone")
    second = pid_of(client)
    assert second["pid"] != first["pid"]
    assert second["count"] == first["count"]


def test_an_environment_that_is_killed_while_it_runs_fails_that_invocation_alone(start, gate):
    config = harness.api({"$default": "gate", "ok": "echo"}, {"gate": gate.function(timeout=60)})
    emulator = start(config)
    client = emulator.connect()
    client.send("first")
    gate.wait_entered("first")
    (host,) = emulator.hosts()
    os.kill(host, signal.SIGKILL)
    assert message_of(client.receive()) == INTERNAL
    emulator.wait_log("signal: killed")
    assert client.ask('{"action":"ok"}') == '{"action":"ok"}'


def test_an_invocation_that_waits_behind_a_slow_one_gets_an_environment_of_its_own(start, gate):
    emulator = start(harness.api({"$default": "gate"}, {"gate": gate.function(timeout=60)}))
    client = emulator.connect()
    names = [f"name{number}" for number in range(5)]
    for name in names:
        client.send(name)
    for name in names:
        gate.wait_entered(name)
    assert len(emulator.hosts()) == 5
    gate.open(*reversed(names))
    assert sorted(client.receive() for _ in names) == names


def test_slow_handlers_run_at_the_same_time(start):
    emulator = start(harness.api({"$default": "sleep_ms"}))
    client = emulator.connect()
    client.ask("1")
    began = time.monotonic()
    for _ in range(20):
        client.send("300")
    assert [client.receive() for _ in range(20)] == ["300"] * 20
    assert time.monotonic() - began < 20 * 0.3 / 2


def test_quick_handlers_share_a_few_environments(start):
    emulator = start(harness.api({"pid": "pid"}))
    client = emulator.connect()
    for _ in range(300):
        client.send('{"action":"pid"}')
    pids = {json.loads(client.receive())["pid"] for _ in range(300)}
    assert len(pids) <= 10


def test_concurrency_limits_the_environments(start, gate):
    emulator = start(harness.api({"$default": "gate"}, {"gate": gate.function(timeout=60, concurrency=2)}))
    client = emulator.connect()
    names = [f"name{number}" for number in range(8)]
    for name in names:
        client.send(name)
    harness.until(lambda: len(emulator.hosts()) == 2, "two environments run")
    gate.open(*names)
    most = 0
    for _ in names:
        client.receive()
        most = max(most, len(emulator.hosts()))
    assert most == 2


@pytest.mark.parametrize("end", ["kill", "timeout"])
def test_messages_that_wait_behind_one_that_dies_are_not_lost(start, gate, end):
    function = gate.function(concurrency=1, timeout=60 if end == "kill" else 1)
    emulator = start(harness.api({"$default": "gate"}, {"gate": function}))
    client = emulator.connect()
    names = [f"name{number}" for number in range(10)]
    gate.open(*names)
    client.send("closed")
    gate.wait_entered("closed")
    (host,) = emulator.hosts()
    for name in names:
        client.send(name)
    if end == "kill":
        os.kill(host, signal.SIGKILL)
    answers = [client.receive() for _ in range(11)]
    (failed,) = [answer for answer in answers if answer.startswith("{")]
    assert message_of(failed) == INTERNAL
    assert sorted(set(answers) - {failed}) == names


BROKEN = ["wrong_magic", "newer_abi", "other_major", "short_struct", "no_symbol", "no_handlers", "null_handler"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_plugin_that_does_not_fit_is_refused_at_the_start(tmp_path, name):
    config = harness.api({"$default": {"function": "broken"}})
    config["functions"]["broken"] = {"plugin": harness.plugin(name), "handler": name}
    (tmp_path / "routes.json").write_text(json.dumps(config, indent=2))
    result = harness.run("run", "--port", "0", cwd=tmp_path)
    assert result.returncode == 2
    output = result.stdout + result.stderr
    assert len(re.findall(r"error: .*", output)) == 1
    assert name in output


BROKEN_INIT = {"init_fails": "init returned 7", "init_crashes": "segmentation fault during init", "init_hangs": ""}


@pytest.mark.parametrize("name", BROKEN_INIT)
def test_a_plugin_that_does_not_start_fails_its_invocations_and_nothing_else(start, name):
    config = harness.api({"$default": {"function": "broken", "routeResponse": True}, "ok": "echo"})
    config["functions"]["broken"] = {"plugin": harness.plugin(name), "handler": name, "timeout": 1}
    emulator = start(config)
    client = emulator.connect()
    client.send("x")
    other = emulator.connect()
    assert other.ask('{"action":"ok"}') == '{"action":"ok"}'
    if name != "init_hangs":
        assert message_of(client.receive()) == INTERNAL
        emulator.wait_log("broken: no environment could be started: .*" + BROKEN_INIT[name])


@pytest.mark.parametrize("handler", ["scribble", "close_fds", "flood_log"])
def test_a_handler_that_attacks_its_surroundings_harms_only_itself(start, handler):
    emulator = start(harness.api({"$default": handler, "ok": "echo"}, {handler: {"timeout": 2}}))
    attacker, other = emulator.connect(), emulator.connect()
    attacker.send("x")
    for number in range(20):
        message = json.dumps({"action": "ok", "number": number})
        assert other.ask(message) == message
    attacker.receive()
    assert other.ask('{"action":"ok"}') == '{"action":"ok"}'


def test_the_environment_of_a_function_is_set(start):
    emulator = start(harness.api({"$default": "env"}, {"env": {"environment": {"ROOM": "lobby"}, "memorySize": 256}}))
    client = emulator.connect()
    assert client.ask("ROOM") == "lobby"
    assert client.ask("AWS_LAMBDA_FUNCTION_NAME") == "env"
    assert client.ask("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") == "256"
    assert client.ask("AWS_REGION") == "us-east-1"


def test_a_handler_knows_where_clients_connect(start):
    """What apigw_url gives, whatever `apigw` was started with."""
    emulator = start(harness.api({"$default": "env"}), env={"APIGW_WEBSOCKET_URL": "ws://elsewhere/dev"})
    assert emulator.connect().ask("APIGW_WEBSOCKET_URL") == emulator.ready["websocket"]


def test_a_handler_knows_how_much_time_is_left(start):
    client = start(harness.api({"$default": "remaining"}, {"remaining": {"timeout": 7}})).connect()
    assert 0 < int(re.search(r"\d+", client.ask("x")).group()) <= 7000


def test_each_invocation_has_a_request_id_of_its_own(start):
    client = start(harness.api({"$default": "request_id"})).connect()
    ids = {client.ask("x") for _ in range(3)}
    assert len(ids) == 3
    assert all(re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", text) for text in ids)


def test_the_context_of_a_handler_is_filled(start):
    emulator = start(harness.api({"$default": "context"}, {"context": {"memorySize": 512}}))
    assert json.loads(emulator.connect().ask("x")) == {"functionName": "context", "memory": 512, "user": 42}


def test_an_environment_that_is_retired_calls_fini(start, tmp_path):
    path = tmp_path / "fini"
    emulator = start(harness.api({"$default": "echo"}, {"echo": {"environment": {"FINI_FILE": str(path)}}}))
    emulator.connect().ask("x")
    emulator.stop()
    assert path.read_text() == "fini\n"


@pytest.mark.parametrize("handler", ["fork", "thread"])
def test_a_call_from_another_process_or_thread_is_refused_and_harms_nothing(start, handler):
    client = start(harness.api({"$default": handler})).connect()
    refusal = "11" if handler == "fork" else "-500"
    assert [client.ask("x") for _ in range(3)] == [refusal] * 3


def test_no_environment_outlives_the_emulator(start, gate):
    emulator = start(harness.api({"$default": "gate", "ok": "echo"}, {"gate": gate.function(timeout=60)}))
    client = emulator.connect()
    client.ask('{"action":"ok"}')
    client.send("closed")
    gate.wait_entered("closed")
    hosts = emulator.hosts()
    assert len(hosts) == 2
    emulator.process.kill()
    emulator.process.wait()
    for pid in hosts:
        harness.until(lambda: not os.path.exists(f"/proc/{pid}"), f"environment {pid} is gone")
    emulator.process.returncode = 0  # killed by this test
