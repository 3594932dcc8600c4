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
    assert emulator.process.wait(harness.DEADLINE_S) == 0


def test_a_running_handler_finishes(start, gate):
    config = harness.api({"$default": harness.one_way("gate")}, {"gate": gate.function(timeout=60)})
    emulator = start(config)
    client = emulator.connect()
    client.send("work")
    gate.wait_entered("work")
    emulator.process.terminate()
    assert client.wait_closed()[0] == 1001
    assert emulator.process.poll() is None
    gate.open("work")
    assert emulator.process.wait(harness.DEADLINE_S) == 0
    assert "still running" not in emulator.log


def test_disconnect_runs_for_each_client(start, events):
    emulator = start(harness.api({"$disconnect": "event", "$default": "echo"}, {"event": events.function}))
    for _ in range(5):
        emulator.connect()
    assert emulator.stop() == 0
    assert len(events.texts("DISCONNECT")) == 5


@pytest.fixture
def held_up(start, gate):
    """An emulator with a handler that runs and does not end, and the client that called it."""
    emulator = start(harness.api({"$default": harness.one_way("gate")}, {"gate": gate.function(timeout=600)}))
    client = emulator.connect()
    client.send("closed")
    gate.wait_entered("closed")
    return emulator, client


def test_a_handler_that_never_ends_does_not_hold_it_up_for_ever(held_up):
    emulator, _ = held_up
    assert emulator.stop() == 0
    emulator.wait_log("still running")


def test_a_second_signal_ends_it_at_once(held_up):
    emulator, client = held_up
    emulator.process.terminate()
    client.wait_closed()
    began = time.monotonic()
    emulator.process.send_signal(signal.SIGTERM)
    assert emulator.process.wait(harness.DEADLINE_S) == 0
    assert time.monotonic() - began < 3


def test_nobody_can_connect_any_more(held_up):
    emulator, client = held_up
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

@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_signals_that_keep_coming_until_it_has_ended_do_not_change_its_status(start, stop):
    for _ in range(5):
        emulator = start()
        emulator.connect()
        while emulator.process.poll() is None:
            emulator.process.send_signal(stop)
        assert emulator.process.returncode == 0
