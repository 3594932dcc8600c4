"""The load generator against a server that does something wrong: it must not count that."""

import base64
import contextlib
import hashlib
import json
import socket
import struct
import subprocess
import threading

import pytest

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LIMIT_S = 30


def read_exactly(stream, size):
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def upgrade(stream):
    key = b""
    while (line := stream.readline().strip()):
        if line.lower().startswith(b"sec-websocket-key:"):
            key = line.split(b":", 1)[1].strip()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    stream.write(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    stream.flush()


def read_frame(stream):
    """The text of one masked frame of 126 to 65535 bytes."""
    _, length, mask = struct.unpack("!HH4s", read_exactly(stream, 8))
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(read_exactly(stream, length)))


def write_frame(stream, text):
    stream.write(struct.pack("!BBH", 0x81, 126, len(text)) + text)
    stream.flush()


class WrongServer:
    """Upgrades one client, and gives what it says to `answer`, so many messages at a time."""

    def __init__(self, answer, at_once):
        self.answer = answer
        self.at_once = at_once
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError, EOFError):
            client, _ = self.listener.accept()
            with client, client.makefile("rwb") as stream:
                upgrade(stream)
                while True:
                    for text in self.answer(*(read_frame(stream) for _ in range(self.at_once))):
                        write_frame(stream, text)

    def close(self):
        self.listener.close()
        self.thread.join(LIMIT_S)


@pytest.fixture
def load(built):
    """load(answer): what the generator says of a server that answers so two messages which were sent at once."""
    servers = []

    def run(answer, scenario="burst", at_once=2):
        servers.append(WrongServer(answer, at_once))
        command = [str(built / "apigw-load"), scenario, "--port", str(servers[-1].port), "--inflight", "2", "--size", "200"]
        command += ["--duration-ms", "50", "--warmup-ms", "0", "--limit-ms", "500"]
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)

    yield run
    for server in servers:
        server.close()


def result_of(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_messages_that_come_back_in_order_are_counted(load):
    result = result_of(load(lambda a: [a], "echo", 1))
    assert result["count"] > 0 and result["total"] >= result["count"] and result["reordered"] == 0


def test_a_message_that_was_overtaken_is_counted(load):
    result = result_of(load(lambda a, b: [b, a]))
    assert (result["total"], result["reordered"]) == (2, 1)


def test_a_burst_is_sent_once(load):
    result = result_of(load(lambda a, b: [a, b]))
    assert (result["total"], result["reordered"]) == (2, 0)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda a, b: [a], "never answered"),
        (lambda a, b: [a, a], "came twice"),
        (lambda a, b: [a, b.replace(b"action", b"oction")], "not an echo"),
        (lambda a, b: [a, b + b" "], "not an echo"),
        (lambda a, b: [a, b"x" * 200], "not an echo"),
    ],
    ids=["lost", "twice", "changed", "longer", "foreign"],
)
def test_a_run_in_which_a_message_went_wrong_has_no_result(load, answer, says):
    done = load(answer)
    assert done.returncode == 1
    assert says in done.stderr
    assert "{" not in done.stdout
