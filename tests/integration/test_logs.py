"""What the log says, and that nobody can forge it."""

import re

import harness
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
