"""A thousand clients at once."""

import resource

import harness
import pytest

CLIENTS = 1000
HIGH = 2200  # libwebsockets has another context for those above 2048 (net/contexts.c)
NO_RATES = {"connections-per-second": "off", "account-throttle": "off"}


@pytest.fixture
def many_descriptors():
    """Room for the test's own sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * CLIENTS)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def emulator(start):
    return start(harness.api(rules=NO_RATES))


def test_a_thousand_clients_all_get_their_own_answers(many_descriptors, emulator):
    clients = [emulator.connect() for _ in range(CLIENTS)]
    for number, client in enumerate(clients):
        client.send(f"from {number}")
    for number, client in enumerate(clients):
        assert client.receive() == f"from {number}"
    for client in clients:
        client.stream.close()


def test_a_thousand_clients_that_leave_at_once_leave_nothing_behind(many_descriptors, emulator):
    before = emulator.descriptors()
    clients = [emulator.connect() for _ in range(CLIENTS)]
    assert clients[0].ask("hello") == "hello"
    ids = [emulator.identify(client) for client in clients[:3]]
    for client in clients:
        client.drop()
    assert emulator.connect().ask("still here") == "still here"
    for connection_id in ids:
        assert emulator.get(connection_id).status == 410
    # the sockets are closed; execution environments keep a few
    harness.until(lambda: emulator.descriptors() < before + 50, "the sockets are closed")


def test_clients_with_high_descriptors_are_served_and_leave_as_others_do(many_descriptors, emulator):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 4 * HIGH:
        pytest.skip(f"{4 * HIGH} descriptors are not allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * HIGH, hard))
    before = emulator.descriptors()
    clients = [emulator.connect() for _ in range(HIGH)]
    for number in (0, HIGH - 2, HIGH - 1):
        clients[number].send(f"from {number}")
        assert clients[number].receive() == f"from {number}"
    assert emulator.get(emulator.identify(clients[-1])).status == 200
    for client in clients:
        client.drop()
    harness.until(lambda: emulator.descriptors() < before + 50, "the sockets are closed")
    assert emulator.connect().ask("still here") == "still here"
