"""A client that does not read is bounded, and bothers nobody else."""

import json
import time

import harness
import pytest
import wire

CHUNK = 64 * 1024
QUEUE_MAX = 1024 * 1024


@pytest.fixture
def blocked(emulator):
    """A client that reads nothing from now on, and its id."""
    client = emulator.connect(receive_buffer=4096)
    return client, emulator.identify(client)


def fill(emulator, connection_id, limit=400):
    """Posts until it is refused; returns the refusal and how many bytes were taken before."""
    body = b"x" * CHUNK
    for count in range(limit):
        response = emulator.post(connection_id, body)
        if response.status != 200:
            return response, count * CHUNK
    raise AssertionError(f"{limit * CHUNK} bytes were taken for a client that does not read")


def test_a_client_that_does_not_read_gets_429_after_about_a_megabyte(emulator, blocked):
    _, connection_id = blocked
    response, taken = fill(emulator, connection_id)
    assert (response.status, response.body) == (429, b"")
    assert response.get("x-amzn-ErrorType") == "LimitExceededException"
    # what the kernel's socket buffers hold comes on top of the queue
    assert QUEUE_MAX - 2 * CHUNK <= taken <= QUEUE_MAX + 8 * 1024 * 1024


def test_empty_messages_are_bounded_too(start):
    emulator = start(harness.api(rules={"account-throttle": "off"}))
    client = emulator.connect(receive_buffer=4096)
    connection_id = emulator.identify(client)
    fill(emulator, connection_id)
    for _ in range(2):
        client.receive()  # there is room for bytes
    request = f"POST {emulator.connection_target(connection_id)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    stream = wire.Stream(emulator.address)
    statuses = []
    while 429 not in statuses and len(statuses) < 70_000:
        stream.send(request.encode() * 500)
        statuses += [stream.read_response().status for _ in range(500)]
    stream.close()
    assert set(statuses) == {200, 429}
    shown = json.loads(emulator.http("GET", f"/_apigw/connections/{connection_id}").text)
    assert shown["queue"]["messages"] == 65_536


def test_the_log_says_it_and_says_how_large_the_queue_is(emulator, blocked):
    fill(emulator, blocked[1])
    emulator.wait_log("send-queue-full")


@pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer keeps freed memory")
def test_memory_stays_bounded_however_much_is_posted(emulator, blocked):
    fill(emulator, blocked[1])
    before = emulator.memory_bytes()
    for _ in range(100):
        assert emulator.post(blocked[1], b"x" * CHUNK).status == 429
    assert emulator.memory_bytes() - before < 4 * 1024 * 1024


def test_other_clients_are_not_slowed_down(emulator, blocked):
    fill(emulator, blocked[1])
    other = emulator.connect()
    began = time.monotonic()
    for number in range(50):
        assert other.ask(str(number)) == str(number)
    assert time.monotonic() - began < 5


def test_a_client_that_reads_again_gets_everything_that_was_taken_in_order(emulator, blocked):
    client, connection_id = blocked
    taken = 0
    while emulator.post(connection_id, f"{taken:08d}".encode() * (CHUNK // 8)).status == 200:
        taken += 1
    for number in range(taken):
        assert client.receive_bytes()[:8] == f"{number:08d}".encode()
    assert emulator.post(connection_id, "again").status == 200
    assert client.receive() == "again"


def test_a_client_that_does_not_read_can_be_deleted(emulator, blocked):
    fill(emulator, blocked[1])
    assert emulator.delete(blocked[1]).status == 204
    assert emulator.get(blocked[1]).status == 410


def test_a_client_that_does_not_read_does_not_hold_up_the_end(emulator, blocked):
    fill(emulator, blocked[1])
    assert emulator.stop() == 0


def test_a_handler_learns_that_a_client_does_not_read(start):
    emulator = start(harness.api({"$default": "post"}))
    sender, receiver = emulator.connect(), emulator.connect(receive_buffer=4096)
    message = harness.compact(to=emulator.identify(receiver), data="x" * 30000)
    harness.until(lambda: "429" in sender.ask(message), "the handler's post is refused with 429")


def test_a_client_that_sends_without_reading_the_answers_is_bounded(start):
    emulator = start(harness.api({"$default": "big"}))
    client = emulator.connect(receive_buffer=4096)
    for _ in range(300):
        client.send("65536")
    emulator.wait_log("send-queue-full")
    other = emulator.connect()
    assert len(other.ask("10")) == 10
