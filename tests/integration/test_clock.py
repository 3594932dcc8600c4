"""The emulator's clock, moved forward: what is due happens, in its order, and the answer comes then."""

import json
import re
import threading
import time

import harness
import pytest
import wire

IDLE_MS = 600_000

# Deadlines are on one clock, times in events on another one, and both are cut to milliseconds. A slow machine is late.
EARLY_MS, LATE_MS = 5, 5000


@pytest.fixture
def gated(start, gate):
    """An emulator whose route `gate` waits for the test, with a minute of time."""
    return start(harness.api({"gate": "gate", "$default": "echo"}, {"gate": gate.function(timeout=60)}))


def clock(emulator):
    return json.loads(emulator.http("GET", "/_apigw/clock").text)


def is_open(emulator, connection_id):
    """Without being traffic on the connection."""
    return emulator.get(connection_id).status == 200


def epoch_of(text):
    return json.loads(text)["requestContext"]["requestTimeEpoch"]


# ---- asking and moving ----


def test_the_clock_begins_with_the_time_of_the_system(emulator):
    response = emulator.http("GET", "/_apigw/clock")
    assert (response.status, response.get("Content-Type")) == (200, "application/json")
    body = json.loads(response.text)
    assert list(body) == ["now", "advancedMs"]
    assert body["advancedMs"] == 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["now"])


AMOUNTS = {
    0: 0,
    250: 250,
    31536000000: 31536000000,
    "0ms": 0,
    "500ms": 500,
    "30s": 30_000,
    "1.5m": 90_000,
    "2h": 7_200_000,
    "1d": 86_400_000,
    "365d": 31_536_000_000,
    "0.001s": 1,
    "0.25s": 250,
}


@pytest.mark.parametrize("amount", AMOUNTS)
def test_the_clock_moves_by(emulator, amount):
    before = clock(emulator)["now"]
    assert emulator.advance(amount)["advancedMs"] == AMOUNTS[amount]
    assert emulator.advance(0)["advancedMs"] == clock(emulator)["advancedMs"] == AMOUNTS[amount]
    assert clock(emulator)["now"] >= before
    if AMOUNTS[amount] >= 86_400_000:
        assert clock(emulator)["now"][:10] > before[:10]


WRONG_BODIES = [
    b"",
    b"10m",
    b"[]",
    b"null",
    b'"10m"',
    b"{}",
    b'{"Advance":1}',
    b'{"advance":1',
    *(
        json.dumps({"advance": amount}).encode()
        for amount in [None, True, [], {}, -1, 1.5, 1e30, 31536000001, "", "10", "m", "10 m", " 10m", "-1s", "+1s"]
        + ["1w", "1M", "1e3s", "1.s", ".5s", "1..5s", "366d", "31536000001ms", "9" * 400 + "s", "1h30m", "\u0661s"]
    ),
]


@pytest.mark.parametrize("body", WRONG_BODIES)
def test_a_wrong_request_is_a_400_with_a_sentence_and_moves_nothing(emulator, body):
    response = emulator.http("POST", "/_apigw/clock", body, harness.JSON)
    assert response.status == 400
    message = json.loads(response.text)["message"]
    assert "advance" in message and len(message.split()) > 4
    assert clock(emulator)["advancedMs"] == 0


def test_the_clock_moves_by_a_hundred_years_in_all(emulator):
    for _ in range(100):
        emulator.advance("365d")
    response = emulator.move_clock(1)
    assert response.status == 400
    assert "hundred years" in json.loads(response.text)["message"]
    assert emulator.connect().ask("hello") == "hello"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/_apigw//", "/_apigw/other", "/_apigw/clock/", "/_apigw/Clock"])
def test_anything_else_of_the_emulators_own_is_a_404(emulator, method, path):
    response = emulator.http(method, path)
    assert response.status == 404
    assert "/_apigw/clock" in json.loads(response.text)["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_a_405(emulator, method):
    response = emulator.http(method, "/_apigw/clock")
    assert response.status == 405
    assert "GET and POST" in json.loads(response.text)["message"]


def test_what_only_begins_like_it_belongs_to_aws(emulator):
    response = emulator.http("GET", "/_apigwx/clock")
    assert (response.status, response.body) == (403, b'{"message":"Forbidden"}')


def test_a_query_changes_nothing(emulator):
    assert emulator.http("POST", "/_apigw/clock?a=b", b'{"advance":5}', harness.JSON).status == 200
    assert clock(emulator)["advancedMs"] == 5


def test_the_clock_needs_no_signature_and_no_room_in_a_rate(start):
    iam = {"credentials": {"a": {"accessKeyId": "A", "secretAccessKey": "s"}}, "connections": True}
    emulator = start(harness.api(iam=iam, rules={"account-throttle": 0, "account-burst": 0}))
    assert emulator.advance("1s")["advancedMs"] == 1000


# ---- connections ----


def test_a_connection_without_traffic_for_ten_minutes_is_closed(emulator):
    client = emulator.connect()
    connection_id = emulator.identify(client)
    emulator.advance(IDLE_MS - 10_000)
    assert is_open(emulator, connection_id)
    emulator.advance(10_000)
    assert not is_open(emulator, connection_id)
    assert client.wait_closed() == (1001, "Going away")
    emulator.wait_log(r"rule=idle-timeout value=6000\d\d limit=600000 unit=ms .*close=1001")


def send(emulator, client, connection_id):
    assert client.ask("hello") == "hello"


def push(emulator, client, connection_id):
    assert emulator.post(connection_id, "pushed").status == 200
    assert client.receive() == "pushed"


def ping(emulator, client, connection_id):
    client.send_frame(wire.PING, b"x")
    assert client.receive_frame() == (True, wire.PONG, b"x")


def pings(emulator, client, connection_id):
    for _ in range(20):
        ping(emulator, client, connection_id)


@pytest.mark.parametrize("traffic", [send, push, ping, pings])
def test_the_idle_time_begins_again_with(emulator, traffic):
    client = emulator.connect()
    connection_id = emulator.identify(client)
    for _ in range(4):
        emulator.advance(IDLE_MS - 10_000)
        traffic(emulator, client, connection_id)
    emulator.advance(IDLE_MS - 10_000)
    assert is_open(emulator, connection_id)
    emulator.advance(20_000)
    assert client.wait_closed() == (1001, "Going away")


def test_a_ping_and_a_message_together_begin_the_idle_time_again(emulator):
    client = emulator.connect()
    connection_id = emulator.identify(client)
    for _ in range(3):
        emulator.advance(IDLE_MS - 10_000)
        send(emulator, client, connection_id)
        emulator.advance(IDLE_MS - 10_000)
        ping(emulator, client, connection_id)
    assert is_open(emulator, connection_id)


def test_looking_a_connection_up_is_no_traffic(emulator):
    client = emulator.connect()
    connection_id = emulator.identify(client)
    emulator.advance(IDLE_MS - 10_000)
    assert is_open(emulator, connection_id)
    emulator.advance(10_000)
    assert client.wait_closed() == (1001, "Going away")


def test_a_ping_may_count_for_nothing(start):
    emulator = start(harness.api(rules={"ping-resets-idle": "no"}))
    client = emulator.connect()
    connection_id = emulator.identify(client)
    emulator.advance(IDLE_MS // 2)
    ping(emulator, client, connection_id)
    emulator.advance(IDLE_MS // 2)
    assert client.wait_closed() == (1001, "Going away")


def test_a_connection_lives_for_two_hours_whatever_its_traffic(emulator):
    client = emulator.connect()
    for _ in range(13):
        emulator.advance("9m")
        assert client.ask("hello") == "hello"
    emulator.advance("3m")
    assert client.wait_closed() == (1001, "Going away")
    emulator.wait_log(r"rule=connection-lifetime value=7200000 limit=7200000 unit=ms .*close=1001")


def test_each_thing_that_is_due_happens_in_its_order_at_its_own_moment(start, events):
    emulator = start(harness.api({"$connect": "event", "$disconnect": "event"}, {"event": events.function}))
    for _ in range(5):
        emulator.connect()
        emulator.advance("1m")
    emulator.advance("1h")
    connects, ends = events.texts("CONNECT"), events.texts("DISCONNECT")
    assert [id_of(text) for text in ends] == [id_of(text) for text in connects]
    for connect, end in zip(connects, ends):
        assert -EARLY_MS < epoch_of(end) - epoch_of(connect) - IDLE_MS < LATE_MS


def id_of(text):
    return json.loads(text)["requestContext"]["connectionId"]


def test_idle_and_lifetime_are_kept_apart_on_the_way(start, events):
    rules = {"idle-timeout": 5_400_000, "connection-lifetime": 7_200_000}
    routes = {"$connect": "event", "$disconnect": "event", "$default": "echo"}
    emulator = start(harness.api(routes, {"event": events.function}, rules=rules))
    old = emulator.connect()
    emulator.advance("1h")
    young = emulator.connect()
    assert old.ask("still here") == "still here"
    emulator.advance("3h")
    first, second = (json.loads(text)["requestContext"] for text in events.texts("DISCONNECT"))
    for end, age_ms in ((first, 7_200_000), (second, 5_400_000)):
        assert -EARLY_MS < end["requestTimeEpoch"] - end["connectedAt"] - age_ms < LATE_MS
    assert old.wait_closed() == young.wait_closed() == (1001, "Going away")


def test_the_answer_comes_when_every_disconnect_has_run(start, events):
    emulator = start(harness.api({"$connect": "event", "$disconnect": "event"}, {"event": events.function}))
    clients = [emulator.connect() for _ in range(100)]
    emulator.advance("10m")
    assert len(events.texts("DISCONNECT")) == 100
    for client in clients:
        assert client.wait_closed() == (1001, "Going away")


def test_what_starts_on_the_way_has_nothing_taken_from_its_time(start, events):
    functions = {"event": {**events.function, "timeout": 1}}
    emulator = start(harness.api({"$connect": "event", "$disconnect": "event"}, functions))
    for _ in range(10):
        emulator.connect()
        emulator.advance("10s")
    emulator.advance("1d")
    assert len(events.texts("DISCONNECT")) == 10
    assert "timed out" not in emulator.log


@pytest.mark.parametrize("amount", ["10m", "12m", "1h"])
def test_a_disconnect_that_hangs_is_waited_for_for_two_seconds_at_most(start, amount):
    emulator = start(harness.api({"$disconnect": "hang", "$default": "echo"}, {"hang": {"timeout": 900}}))
    emulator.connect()
    began = time.monotonic()
    emulator.advance(amount)
    assert time.monotonic() - began < 8


# ---- functions ----


def test_a_handler_that_runs_has_the_time_taken_from_it(start, gate):
    emulator = start(harness.api({"gate": "gate", "$default": "gate"}, {"gate": gate.function()}))
    client = emulator.connect()
    client.send("a")
    gate.wait_entered("a")
    emulator.advance("3s")
    assert json.loads(client.receive())["message"] == "Internal server error"
    emulator.wait_log("Task timed out after 3.00 seconds")


def test_an_integration_that_has_not_answered_in_29_seconds_is_told_so_once(start, gate):
    emulator = start(harness.api({"$default": "gate"}, {"gate": gate.function(timeout=60)}))
    client = emulator.connect()
    client.send("a")
    gate.wait_entered("a")
    emulator.advance(28_000)
    with pytest.raises(TimeoutError):
        client.receive(timeout=0.05)
    emulator.advance(1000)
    assert json.loads(client.receive())["message"] == "Endpoint request timed out"
    emulator.wait_log(r"rule=integration-timeout limit=29000 unit=ms .*frame=\"Endpoint request timed out\"")
    gate.open("a", "b")
    assert client.ask("b") == "b"


def test_a_connect_that_has_not_answered_in_29_seconds_is_a_504(start, gate):
    authorizer = gate.function(handler="authorizer", timeout=60)
    emulator = start(harness.api({"$connect": "slow"}, {"slow": authorizer}))
    stream = wire.Stream(emulator.address)
    stream.send(wire.handshake_request("/dev?gate=a")[0])
    gate.wait_entered("a")
    emulator.advance("29s")
    response = stream.read_response()
    assert response.status == 504
    assert json.loads(response.text)["message"] == "Endpoint request timed out"
    gate.open("a")


def test_a_function_that_waits_for_its_turn_is_not_timed_out_before_it_begins(start, gate):
    functions = {"gate": gate.function(timeout=20, concurrency=1)}
    emulator = start(harness.api({"$default": "gate"}, functions))
    client = emulator.connect()
    client.send("a")
    gate.wait_entered("a")
    client.send("b")
    gate.open("b")
    emulator.advance("20s")
    assert sorted([client.receive(), client.receive()])[0] == "b"


def test_times_in_events_and_answers_follow_the_clock(emulator):
    client = emulator.connect()
    before = epoch_of(client.ask('{"action":"whoami"}'))
    emulator.advance("9m")
    after = json.loads(client.ask('{"action":"whoami"}'))["requestContext"]
    assert -EARLY_MS < after["requestTimeEpoch"] - before - 540_000 < LATE_MS
    assert after["connectedAt"] <= before
    emulator.advance("365d")
    year = clock(emulator)["now"][:4]
    assert f" {year} " in emulator.connect().response.get("Date")
    assert f" {year} " in emulator.get("AAAAAAAAAAAAAAA=").get("Date")


# ---- what does not follow ----


def test_a_head_on_its_way_is_not_cut_off_by_a_move(emulator):
    data, _ = wire.handshake_request("/dev")
    stream = wire.Stream(emulator.address)
    stream.send(data[:50])
    emulator.advance("1h")
    stream.send(data[50:])
    assert stream.read_response().status == 101


def test_an_http_client_that_keeps_its_connection_keeps_it(emulator):
    request = b"GET /dev/@connections/AAAAAAAAAAAAAAA%3D HTTP/1.1\r\nHost: x\r\n\r\n"
    stream = wire.Stream(emulator.address)
    for _ in range(3):
        stream.send(request)
        assert stream.read_response().status == 410
        emulator.advance("1d")


# ---- moves that come together ----

REQUEST = b"POST /_apigw/clock HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def request_to_move(amount):
    body = json.dumps({"advance": amount}).encode()
    return REQUEST % (len(body), body)


def in_threads(count, run):
    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(harness.DEADLINE_S)
        assert not thread.is_alive()


def test_moves_that_come_together_happen_one_after_another(emulator):
    answers = {}

    def move(number):
        answers[number] = emulator.advance(2**number)["advancedMs"]

    in_threads(30, move)
    order = sorted(answers, key=answers.get)
    assert [answers[number] for number in order] == [sum(2**n for n in order[: i + 1]) for i in range(30)]
    assert clock(emulator)["advancedMs"] == 2**30 - 1


def test_moves_of_many_connections_at_once_are_each_answered(emulator):
    streams = [wire.Stream(emulator.address) for _ in range(100)]
    for turn in range(5):
        for stream in streams:
            stream.send(request_to_move(1))
        answers = [json.loads(stream.read_response().text)["advancedMs"] for stream in streams]
        assert sorted(answers) == list(range(turn * 100 + 1, turn * 100 + 101))


def test_moves_that_one_client_sends_without_waiting_are_answered_in_order(emulator):
    stream = wire.Stream(emulator.address)
    stream.send(request_to_move(10) * 50)
    answers = [json.loads(stream.read_response().text)["advancedMs"] for _ in range(50)]
    assert answers == [10 * number for number in range(1, 51)]


def test_a_request_behind_a_move_on_its_connection_is_answered_after_it(start):
    emulator = start(harness.api({"$disconnect": "hang", "$default": "echo"}, {"hang": {"timeout": 900}}))
    emulator.connect()
    stream = wire.Stream(emulator.address)
    stream.send(request_to_move("10m") + b"GET /_apigw/clock HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for _ in range(2):
        assert json.loads(stream.read_response().text)["advancedMs"] == IDLE_MS


def test_everybody_else_is_served_while_a_move_waits(start):
    emulator = start(harness.api({"$disconnect": "hang", "$default": "echo"}, {"hang": {"timeout": 900}}))
    emulator.connect()
    stream = wire.Stream(emulator.address)
    stream.send(request_to_move("10m"))
    emulator.wait_log("rule=idle-timeout")
    assert emulator.connect().ask("hello") == "hello"
    assert emulator.get("AAAAAAAAAAAAAAA=").status == 410
    assert stream.read_response().status == 200


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_moves_whose_clients_go_away_happen_all_the_same(emulator, leave):
    emulator.advance(0)
    before = emulator.descriptors()
    for _ in range(50):
        stream = wire.Stream(emulator.address)
        stream.send(request_to_move(2))
        stream.read_exactly(1)
        getattr(stream, leave)()
    assert clock(emulator)["advancedMs"] == 100
    harness.until(lambda: emulator.descriptors() <= before + 2, "the sockets are closed")


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_leaves_during_its_move_does_no_harm(start, leave):
    emulator = start(harness.api({"$disconnect": "hang", "$default": "echo"}, {"hang": {"timeout": 900}}))
    before = emulator.descriptors()
    for turn in range(3):
        client = emulator.connect()
        stream = wire.Stream(emulator.address)
        stream.send(request_to_move("10m"))
        assert client.wait_closed()[0] == 1001
        getattr(stream, leave)()
        assert emulator.advance(1)["advancedMs"] == (turn + 1) * (IDLE_MS + 1)
    harness.until(lambda: emulator.descriptors() <= before + 20, "the sockets are closed")


def test_a_move_that_is_sent_by_halves_moves_nothing_until_it_is_whole(emulator):
    data = request_to_move("10m")
    stream = wire.Stream(emulator.address)
    stream.send(data[:-3])
    assert clock(emulator)["advancedMs"] == 0
    stream.send(data[-3:])
    assert json.loads(stream.read_response().text)["advancedMs"] == IDLE_MS


def test_moves_and_messages_at_once_lose_nothing(emulator):
    clients = [emulator.connect() for _ in range(8)]
    ok = []

    def work(number):
        for turn in range(50):
            if number < 8:
                ok.append(clients[number].ask(f"{number} {turn}") == f"{number} {turn}")
            else:
                ok.append(emulator.move_clock(100).status == 200)

    in_threads(12, work)
    assert ok == [True] * 600
    assert clock(emulator)["advancedMs"] == 4 * 50 * 100


# ---- stopping ----


def test_a_stop_during_a_move_does_not_wait_for_it(start):
    emulator = start(harness.api({"$disconnect": "hang", "$default": "echo"}, {"hang": {"timeout": 900}}))
    emulator.connect()
    streams = [wire.Stream(emulator.address) for _ in range(20)]
    for stream in streams:
        stream.send(request_to_move("10m"))
    emulator.wait_log("rule=idle-timeout")
    assert emulator.stop(timeout=10) == 0
    for stream in streams:
        assert re.match(rb"$|HTTP/1.1 (200|503) ", stream.read_to_end())
