"""What the log says, and that nobody can forge it."""

import json
import re

import harness
import pytest
import wire

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_what_a_handler_prints_is_tagged_with_function_and_request_id(start):
    emulator = start(harness.api({"$default": "print"}))
    emulator.connect().ask("hello")
    for text in ("stdout hello", "stderr hello", "two pieces hello", "stdout without newline hello", "WARN logged"):
        emulator.wait_log(rf"(?m)^[0-9:.]+ print {UUID} \| {text}$")


def test_what_a_handler_writes_past_its_streams_is_tagged_with_the_function(start):
    emulator = start(harness.api({"$default": "print"}))
    emulator.connect().ask("hello")
    for text in ("raw stdout hello", "raw stderr hello"):
        emulator.wait_log(rf"(?m)^[0-9:.]+ print \S+ \| {text}$")


def test_lines_of_two_functions_can_be_told_apart(start):
    routes = {name: {"function": name, "routeResponse": True} for name in ("first", "second")}
    emulator = start(harness.api(routes, {"first": {"handler": "print"}, "second": {"handler": "print"}}))
    client = emulator.connect()
    client.ask('{"action":"first"}')
    client.ask('{"action":"second"}')
    emulator.wait_log(r"first.* \| ")
    emulator.wait_log(r"second.* \| ")


def test_a_flood_of_lines_does_not_stop_the_emulator(start):
    emulator = start(harness.api({"flood": "flood_log", "$default": "echo"}))
    client = emulator.connect()
    client.send('{"action":"flood"}')
    other = emulator.connect()
    assert other.ask("hello") == "hello"


def test_a_client_cannot_forge_a_line(emulator):
    forged = "2024 error gateway: forged"
    client = emulator.connect()
    emulator.http("GET", "/nowhere\x9b31m")
    client.send_frame(wire.CLOSE, b"\x03\xe8" + f"bye\n{forged}\x1b[2J".encode())
    client.wait_closed()
    assert emulator.connect().ask("marker") == "marker"
    assert not re.search(rf"^{forged}", emulator.log, re.MULTILINE)
    assert "\x1b" not in emulator.log


def test_a_quiet_day_leaves_a_short_log(emulator):
    client = emulator.connect()
    for number in range(100):
        client.ask(str(number))
    client.close()
    assert len(emulator.log.splitlines()) < 20


# What writes a line of each level.
LEVELS = {
    "error": lambda emulator: emulator.connect("?status=200").ask('{"action":"crash"}'),
    "warn": lambda emulator: emulator.refusal(path="/nowhere"),
    "info": lambda emulator: emulator.refusal("?status=418"),
    "debug": lambda emulator: emulator.connect("?status=200"),
}


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_shows_its_lines_and_those_of_the_graver_ones(start, level):
    config = harness.api({"$connect": "status", "crash": "crash"})
    emulator = start(config, arguments=["--log-level", level])
    for act in LEVELS.values():
        act(emulator)
    emulator.stop()
    names = list(LEVELS)
    shown = names[: names.index(level) + 1]
    found = set(re.findall(r"(?m)^[0-9:.]{12} (error|warn|info|debug) ", emulator.log))
    assert found == set(shown)


def test_what_handlers_print_is_shown_at_every_level(start):
    emulator = start(harness.api({"$default": "print"}), arguments=["--log-level", "error"])
    emulator.connect().ask("hello")
    emulator.wait_log(rf"(?m)^[0-9:.]+ print {UUID} \| stdout hello$")


def test_a_line_of_a_rule_says_who_what_and_what_to_do(emulator):
    client = emulator.connect()
    connection_id = emulator.identify(client)
    client.send("x" * 32769)
    emulator.wait_log(
        r"(?m)^[0-9:.]+ warn  gateway: closed a connection: .* rule=frame-too-large value=32769 limit=32768 unit=bytes "
        rf"conn={connection_id} close=1009 \(send the message in several frames, .*\)$"
    )


def test_the_line_of_an_error_frame_has_its_ids_and_its_text(start):
    emulator = start(harness.api({"say": "echo"}))
    frame = json.loads(emulator.connect().ask("nope"))
    ids = f"conn={frame['connectionId']} req={frame['requestId']}"
    emulator.wait_log(rf"rule=route-not-found {ids} frame=Forbidden \(")
    emulator.connect().ask('{"action":"none"}')
    emulator.wait_log(r'"none" and there is no \$default; routes: whoami, say')
