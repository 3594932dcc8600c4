"""Environments that have nothing to do: how long they are kept, and those that are started ahead."""

import json
import pathlib
import re

import harness


def test_an_environment_is_retired_after_ten_idle_minutes_and_fini_is_called(start, tmp_path):
    fini = tmp_path / "fini"
    emulator = start(harness.api({"$default": "pid"}, {"pid": {"environment": {"FINI_FILE": str(fini)}}}))
    client = emulator.connect()
    first = json.loads(client.ask("x"))
    emulator.advance("9m")
    assert emulator.hosts() == [first["pid"]]
    client.ask("x")
    emulator.advance("9m")
    assert emulator.hosts() == [first["pid"]], "it counts from its last invocation"
    emulator.advance("2m")
    harness.until(lambda: not emulator.hosts(), "the idle environment is gone")
    assert fini.read_text() == "fini\n"
    assert "while no handler ran" not in emulator.log
    client = emulator.connect()
    second = json.loads(client.ask("x"))
    assert second["pid"] != first["pid"]
    assert second["count"] == 1, "globals are gone with it"


def test_idle_timeout_is_the_functions_own(start):
    functions = {"pid": {"idleTimeout": 30}, "env": {}}
    emulator = start(harness.api({"pid": "pid", "env": "env"}, functions))
    client = emulator.connect()
    pid = json.loads(client.ask('{"action":"pid"}'))["pid"]
    client.ask('{"action":"env"}')
    assert len(emulator.hosts()) == 2
    emulator.advance("31s")
    harness.until(lambda: len(emulator.hosts()) == 1, "one environment is retired")
    assert pid not in emulator.hosts()


def test_an_environment_that_runs_is_not_idle(start, gate):
    emulator = start(harness.api({"$default": "f"}, {"f": gate.function(timeout=900, idleTimeout=5)}))
    client = emulator.connect()
    client.send("a")
    gate.wait_entered("a")
    emulator.advance("20s")
    hosts = emulator.hosts()
    gate.open("a")
    assert client.receive() == "a"
    assert len(hosts) == 1


def test_a_fini_that_hangs_is_ended(start):
    function = {"plugin": harness.plugin("fini_hangs"), "handler": "fini_hangs", "idleTimeout": 5}
    emulator = start(harness.api({"$default": "f"}, {"f": function}))
    assert emulator.connect().ask("x") == "x"
    emulator.advance("6s")
    harness.until(lambda: not emulator.hosts(), "the environment whose fini hangs is gone")


def test_provisioned_environments_are_there_before_the_first_message(start, tmp_path):
    logs = tmp_path / "logs"
    emulator = start(
        harness.api({"$default": "env"}, {"env": {"provisioned": 2, "idleTimeout": 1}}), arguments=("--logs", str(logs))
    )
    harness.until(lambda: len(emulator.hosts()) == 2, "two environments are there")
    texts = lambda: [path.read_text() for path in logs.rglob("*") if path.is_file()]
    harness.until(lambda: sum("INIT_REPORT" in text for text in texts()) == 2, "both are ready")
    before = set(emulator.hosts())
    emulator.advance("1h")
    assert set(emulator.hosts()) == before, "they are kept"
    client = emulator.connect()
    assert client.ask("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency"
    assert set(emulator.hosts()) == before
    emulator.stop()
    texts = [path.read_text() for path in logs.rglob("*") if pathlib.Path(path).is_file()]
    assert len(texts) == 2
    for text in texts:
        assert re.search(r"^INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init$", text, re.MULTILINE)
        assert "\tInit Duration" not in text


def test_a_provisioned_environment_that_dies_is_replaced(start):
    emulator = start(harness.api({"$default": "exit3"}, {"exit3": {"provisioned": 1}}))
    harness.until(lambda: len(emulator.hosts()) == 1, "one environment is there")
    before = emulator.hosts()
    emulator.connect().ask("x")
    harness.until(lambda: len(emulator.hosts()) == 1 and emulator.hosts() != before, "another one is there")
