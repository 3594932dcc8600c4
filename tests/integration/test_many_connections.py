"""A thousand clients at once."""

import resource

import harness
import pytest

CLIENTS = 1000
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
