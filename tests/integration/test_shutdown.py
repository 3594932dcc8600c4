"""The end: clients are told, handlers finish, the status is 0."""

import signal
import time

import harness
import pytest
import wire


def test_clients_are_closed_with_1001(emulator):
    clients = [emulator.connect() for _ in range(10)]
    emulator.process.terminate()
    for client in clients:
        assert client.wait_closed() == (1001, "Going away")
    assert emulator.stop() == 0


def test_a_running_handler_finishes(start, events):
    routes = {"$default": harness.one_way("sleep_ms"), "$disconnect": "event"}
    emulator = start(harness.api(routes, {"event": events.function}))
    client = emulator.connect()
    client.send("500")
    harness.until(emulator.hosts, "the handler runs")
    began = time.monotonic()
    assert emulator.stop() == 0
    assert time.monotonic() - began < 10
    events.wait("DISCONNECT")
    assert "killed" not in emulator.log


def test_disconnect_runs_for_each_client(start, events):
    emulator = start(harness.api({"$disconnect": "event", "$default": "echo"}, {"event": events.function}))
    for _ in range(5):
        emulator.connect()
    assert emulator.stop() == 0
    assert len(events.texts("DISCONNECT")) == 5


def test_a_handler_that_never_ends_does_not_hold_it_up_for_ever(start):
    emulator = start(harness.api({"$default": harness.one_way("hang")}, {"hang": {"timeout": 600}}))
    emulator.connect().send("x")
    harness.until(emulator.hosts, "the handler runs")
    assert emulator.stop() == 0


def test_a_second_signal_ends_it_at_once(start):
    emulator = start(harness.api({"$default": harness.one_way("hang")}, {"hang": {"timeout": 600}}))
    client = emulator.connect()
    client.send("x")
    harness.until(emulator.hosts, "the handler runs")
    emulator.process.terminate()
    client.wait_closed()
    began = time.monotonic()
    emulator.process.send_signal(signal.SIGTERM)
    emulator.process.wait(harness.DEADLINE_S)
    assert time.monotonic() - began < 3
    emulator.process.returncode = 0  # whatever it was: it was told to hurry


def test_nobody_can_connect_any_more(start):
    emulator = start(harness.api({"$default": harness.one_way("hang")}, {"hang": {"timeout": 600}}))
    client = emulator.connect()
    client.send("x")
    harness.until(emulator.hosts, "the handler runs")
    emulator.process.terminate()
    client.wait_closed()
    with pytest.raises((ConnectionError, wire.Refused, EOFError)):
        emulator.connect()


def test_a_client_that_never_answers_the_close_does_not_hold_it_up(emulator):
    client = emulator.connect()
    emulator.process.terminate()
    with pytest.raises(wire.Closed):
        client.receive()
    assert emulator.process.wait(harness.DEADLINE_S) == 0


def test_a_half_open_handshake_does_not_hold_it_up(emulator):
    stream = wire.Stream(emulator.address)
    stream.send(b"GET /dev HTTP/1.1\r\nHost: x\r\n")
    http = wire.Stream(emulator.address)
    http.send(b"POST /dev/@connections/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
    began = time.monotonic()
    assert emulator.stop() == 0
    assert time.monotonic() - began < 8


def test_its_port_is_free_afterwards(start):
    first = start()
    first.connect()
    first.stop()
    second = start(arguments=["--port", str(first.port)])
    assert second.port == first.port
