"""$disconnect: once for every way a connection can end."""

import json

import harness
import pytest
import wire


@pytest.fixture
def emulator(start, events):
    routes = {"$connect": "status", "$disconnect": "event", "$default": "echo", "delete": "delete"}
    return start(harness.api(routes, {"event": events.function}))


def end_of(events):
    """(code, reason) of the one $disconnect event."""
    context = json.loads(events.wait("DISCONNECT")[0])["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


def connect(emulator):
    return emulator.connect("?status=200")


def test_a_client_that_closes_without_a_code_is_1005(emulator, events):
    connect(emulator).close()
    assert end_of(events) == (1005, "Client-side close frame status not set")


@pytest.mark.parametrize("code,reason", [(1000, "bye"), (1001, ""), (3000, "library"), (4999, "ä€")])
def test_a_client_that_closes_with_a_code_gives_code_and_reason(emulator, events, code, reason):
    assert connect(emulator).close(code, reason)[0] == code
    assert end_of(events) == (code, reason)


def test_a_client_that_vanishes_is_1006(emulator, events):
    connect(emulator).drop()
    assert end_of(events)[0] == 1006


def test_a_client_that_ends_its_stream_without_a_close_frame_is_1006(emulator, events):
    connect(emulator).stream.close()
    assert end_of(events)[0] == 1006


def test_a_delete_by_a_backend_is_1000(emulator, events):
    client = connect(emulator)
    assert emulator.delete(emulator.identify(client)).status == 204
    assert client.wait_closed() == (1000, "Connection Closed Normally")
    assert end_of(events) == (1000, "Connection Closed Normally")


def test_a_frame_that_is_too_large_is_1009(emulator, events):
    connect(emulator).send("x" * 40000)
    assert end_of(events) == (1009, "Message too big")


def test_a_binary_frame_is_1003(emulator, events):
    connect(emulator).send_frame(wire.BINARY, b"x")
    assert end_of(events)[0] == 1003


def test_text_that_is_not_utf_8_is_1007(emulator, events):
    connect(emulator).send_frame(wire.TEXT, b"\xff")
    assert end_of(events)[0] == 1007


def test_a_frame_that_breaks_the_protocol_is_1002(emulator, events):
    connect(emulator).send_frame(wire.TEXT, b"x", rsv=4)
    assert end_of(events) == (1002, "Protocol error")


def test_a_client_that_is_idle_is_1001(emulator, events):
    client = connect(emulator)
    emulator.advance("10m")
    assert client.wait_closed() == (1001, "Going away")
    assert end_of(events) == (1001, "Going away")


def test_a_client_that_has_lived_for_two_hours_is_1001(emulator, events):
    client = connect(emulator)
    for _ in range(13):
        emulator.advance("9m")
        assert client.ask("hello") == "hello"
    emulator.advance("3m")
    assert end_of(events) == (1001, "Going away")


def test_a_client_over_a_rate_is_1008_where_the_rule_says_so(start, events):
    config = harness.api(
        {"$disconnect": "event", "$default": "echo"},
        {"event": events.function},
        routeSettings={"$default": {"throttlingRateLimit": 0}},
        rules={"throttled-message": "close"},
    )
    client = start(config).connect()
    client.send("hello")
    assert client.wait_closed() == (1008, "Policy violation")
    assert end_of(events) == (1008, "Policy violation")


def test_a_move_of_the_clock_over_both_limits_ends_a_connection_once(emulator, events):
    connect(emulator)
    emulator.advance("3h")
    end_of(events)
    emulator.advance("3h")
    assert len(events.texts("DISCONNECT")) == 1


def test_the_end_of_the_emulator_is_1001(emulator, events):
    client = connect(emulator)
    emulator.process.terminate()
    assert client.wait_closed()[0] == 1001
    assert end_of(events)[0] == 1001


def test_a_refused_handshake_has_no_disconnect(emulator, events):
    emulator.refusal("?status=401")
    connect(emulator).close(1000, "the second")
    assert end_of(events) == (1000, "the second")
    assert len(events.texts("DISCONNECT")) == 1


def test_there_is_one_disconnect_even_if_both_sides_close(emulator, events):
    client = connect(emulator)
    connection_id = emulator.identify(client)
    client.send_frame(wire.CLOSE, b"\x03\xe8")
    emulator.delete(connection_id)
    client.stream.close()
    connect(emulator).close(1000, "marker")
    harness.until(lambda: any("marker" in text for text in events.texts("DISCONNECT")), "the marker")
    assert sum(connection_id in text for text in events.texts("DISCONNECT")) == 1


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
def test_a_close_frame_with_a_code_that_must_not_be_sent_ends_the_connection_once(emulator, events, code):
    client = connect(emulator)
    client.send_frame(wire.CLOSE, code.to_bytes(2, "big"))
    client.wait_closed()
    end_of(events)
    assert len(events.texts("DISCONNECT")) == 1


def test_a_close_frame_of_one_byte_ends_the_connection_once(emulator, events):
    client = connect(emulator)
    client.send_frame(wire.CLOSE, b"x")
    client.wait_closed()
    end_of(events)
    assert len(events.texts("DISCONNECT")) == 1


def test_after_the_close_the_connection_is_gone(emulator, events):
    client = connect(emulator)
    connection_id = emulator.identify(client)
    client.close(1000)
    events.wait("DISCONNECT")
    assert emulator.get(connection_id).status == 410


def test_a_disconnect_handler_that_fails_is_only_seen_in_the_log(start):
    emulator = start(harness.api({"$disconnect": "fail", "$default": "echo"}))
    emulator.connect().close(1000)
    emulator.wait_log("integration-failed|fail")
    assert emulator.connect().ask("hello") == "hello"


def test_posting_to_the_connection_in_its_own_disconnect_is_gone(start):
    emulator = start(harness.api({"$disconnect": "post_self", "$default": "echo"}))
    emulator.connect().close(1000)
    assert emulator.connect().ask("hello") == "hello"
