"""How many invocations run at once, and what becomes of those beyond."""

import json

import harness

THROTTLED = "throttled, its reserved concurrency of {} is used up"


def test_over_its_reserved_concurrency_a_function_is_throttled_at_once(start, gate):
    emulator = start(harness.api({"$default": "f"}, {"f": gate.function(reservedConcurrency=2, timeout=60)}))
    clients = [emulator.connect() for _ in range(3)]
    for client, name in zip(clients, "ab"):
        client.send(name)
        gate.wait_entered(name)
    frame = clients[2].ask("c")
    assert json.loads(frame)["message"] == "Internal server error"
    assert frame.startswith('{"message": "Internal server error", "connectionId":"')
    emulator.wait_log(THROTTLED.format(2))
    emulator.wait_log(r"warn  gateway: .*Rate Exceeded.* rule=function-throttled")
    gate.open("a", "b", "d")
    assert [client.receive() for client in clients[:2]] == ["a", "b"]
    assert clients[2].ask("d") == "d", "there is room again"


def test_a_reserve_of_none_refuses_each_message(start):
    emulator = start(harness.api({"$default": "echo"}, {"echo": {"reservedConcurrency": 0}}))
    client = emulator.connect()
    for _ in range(3):
        assert json.loads(client.ask("x"))["message"] == "Internal server error"
    assert not emulator.hosts()
    emulator.wait_log(THROTTLED.format(0))


def test_a_throttled_connect_function_refuses_the_client(start):
    emulator = start(harness.api({"$connect": "status"}, {"status": {"reservedConcurrency": 0}}))
    response = emulator.refusal()
    assert response.status == 500
    assert json.loads(response.body)["message"] == "Internal server error"


def test_a_throttled_authorizer_refuses_the_client(start):
    config = harness.api(
        {"$connect": {"authorizationType": "CUSTOM", "authorizer": "a"}},
        {"respond_json": {"reservedConcurrency": 0}},
        authorizers={"a": {"function": "respond_json"}},
    )
    response = start(config).refusal()
    assert response.status == 500


def test_without_a_reserve_what_is_too_much_waits_and_is_told(start, gate):
    emulator = start(harness.api({"$default": "f"}, {"f": gate.function(concurrency=1, timeout=60)}))
    clients = [emulator.connect() for _ in range(3)]
    clients[0].send("a")
    gate.wait_entered("a")
    for client in clients[1:]:
        client.send("b")
    emulator.wait_log(
        r"warn  function: f: 2 invocations wait, the first for 1\.\d seconds; 1 of at most 1 environments are at work"
    )
    gate.open("a", "b")
    assert [client.receive() for client in clients] == ["a", "b", "b"]


def test_environments_start_up_to_the_functions_concurrency(start, gate):
    emulator = start(harness.api({"$default": "f"}, {"f": gate.function(concurrency=3, timeout=60)}))
    clients = [emulator.connect() for _ in range(5)]
    for number, client in enumerate(clients):
        client.send(f"n{number}")
    for number in range(3):
        gate.wait_entered(f"n{number}")
    assert len(emulator.hosts()) == 3
    gate.open(*[f"n{number}" for number in range(5)])
    assert [client.receive() for client in clients] == [f"n{number}" for number in range(5)]
