"""The limits of frames and messages, each from both sides."""

import json
import struct

import harness
import pytest
import wire

FRAME_MAX = 32 * 1024
MESSAGE_MAX = 128 * 1024


@pytest.fixture
def client(emulator):
    return emulator.connect()


def sized(size):
    return ("0123456789abcdef" * (size // 16 + 1))[:size].encode()


@pytest.mark.parametrize("size", [1, 125, 126, FRAME_MAX - 1, FRAME_MAX])
def test_a_frame_up_to_32_kb_passes(client, size):
    client.send(sized(size))
    assert client.receive_bytes() == sized(size)


def test_a_frame_over_32_kb_closes_with_1009(client):
    client.send(sized(FRAME_MAX + 1))
    assert client.wait_closed() == (1009, "Message too big")


@pytest.mark.parametrize("claimed", [65536, 2**31, 2**32 + 1, 2**63 - 1])
def test_a_frame_that_only_claims_to_be_large_closes_with_1009(client, claimed):
    client.stream.send(bytes([0x81, 0xFF]) + struct.pack(">Q", claimed) + b"\0\0\0\0" + b"x" * 1000)
    assert client.wait_closed() == (1009, "Message too big")


def test_a_message_of_128_kb_in_frames_of_32_kb_passes(client):
    client.send_fragmented(sized(MESSAGE_MAX), FRAME_MAX)
    assert client.receive_bytes() == sized(MESSAGE_MAX)


def test_a_message_over_128_kb_closes_with_1009(client):
    client.send_fragmented(sized(MESSAGE_MAX + 1), FRAME_MAX)
    assert client.wait_closed() == (1009, "Message too big")


def test_a_message_in_many_small_frames_is_one_event(start):
    client = start(harness.api({"$default": "event"})).connect()
    client.send_fragmented(b"one message of many frames", 1)
    assert json.loads(client.receive())["body"] == "one message of many frames"


def test_empty_fragments_are_part_of_a_message(client):
    client.send_frame(wire.TEXT, b"", fin=False)
    client.send_frame(wire.CONTINUATION, b"a", fin=False)
    client.send_frame(wire.CONTINUATION, b"", fin=True)
    assert client.receive() == "a"


def test_a_ping_between_fragments_is_answered_and_the_message_stays_whole(client):
    client.send_frame(wire.TEXT, b"first ", fin=False)
    client.send_frame(wire.PING, b"are you there")
    client.send_frame(wire.CONTINUATION, b"second", fin=True)
    assert client.receive_frame() == (True, wire.PONG, b"are you there")
    assert client.receive() == "first second"


@pytest.mark.parametrize("payload", [b"", b"x", b"x" * 125])
def test_a_ping_is_answered_with_its_payload(client, payload):
    client.send_frame(wire.PING, payload)
    assert client.receive_frame() == (True, wire.PONG, payload)


def test_a_pong_that_nobody_asked_for_is_ignored(client):
    client.send_frame(wire.PONG, b"x")
    assert client.ask("hello") == "hello"


@pytest.mark.parametrize("payload", [b"", b"binary", bytes(range(256))], ids=["empty", "text", "bytes"])
def test_a_binary_frame_closes_with_1003(client, payload):
    client.send_frame(wire.BINARY, payload)
    assert client.wait_closed()[0] == 1003


INVALID_TEXT = {
    "a lone continuation byte": b"a\x80b",
    "an overlong form": b"\xc0\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "beyond unicode": b"\xf4\x90\x80\x80",
    "a cut sequence": b"\xe2\x82",
}


@pytest.mark.parametrize("kind", INVALID_TEXT)
def test_text_that_is_not_utf_8_closes_with_1007(client, kind):
    client.send_frame(wire.TEXT, INVALID_TEXT[kind])
    assert client.wait_closed()[0] == 1007


def test_a_character_may_be_split_between_frames(client):
    payload = "€😀".encode()
    client.send_fragmented(payload, 1)
    assert client.receive_bytes() == payload


BROKEN_FRAMES = {
    "a reserved bit": wire.encode_frame(wire.TEXT, b"x", rsv=4),
    "a reserved opcode": wire.encode_frame(3, b"x"),
    "a reserved control opcode": wire.encode_frame(11, b"x"),
    "a continuation of nothing": wire.encode_frame(wire.CONTINUATION, b"x"),
    "a fragmented ping": wire.encode_frame(wire.PING, b"x", fin=False),
    "a ping over 125 bytes": wire.encode_frame(wire.PING, b"x" * 126),
    "a new message inside another": wire.encode_frame(wire.TEXT, b"a", fin=False) + wire.encode_frame(wire.TEXT, b"b"),
}


@pytest.mark.parametrize("kind", BROKEN_FRAMES)
def test_a_frame_that_breaks_rfc_6455_closes_with_1002(client, kind):
    client.stream.send(BROKEN_FRAMES[kind])
    assert client.wait_closed()[0] in (1002, 1006)


def test_one_client_that_breaks_the_rules_does_not_disturb_another(emulator):
    good, bad = emulator.connect(), emulator.connect()
    bad.send(sized(FRAME_MAX + 1))
    assert bad.wait_closed()[0] == 1009
    assert good.ask("hello") == "hello"


def test_the_log_names_the_rule_and_the_size(emulator):
    emulator.connect().send(sized(FRAME_MAX + 1))
    emulator.wait_log(rf"frame-too-large.*{FRAME_MAX + 1}|{FRAME_MAX + 1}.*frame-too-large")


def test_the_log_names_the_rule_of_a_binary_frame(emulator):
    emulator.connect().send_frame(wire.BINARY, b"x")
    emulator.wait_log("binary-frame")
