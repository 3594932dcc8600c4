"""The rates of the account, of new connections and of routes: what is over them, and when there is room again."""

import json
import re
import time

import harness
import pytest
import wire

# So slow that no token comes while a test runs, and 100 seconds bring one.
SLOW = {"throttlingRateLimit": 0.01}
TOO_MANY = (429, "TooManyRequestsException", b'{"message":"Too Many Requests"}')
ERROR_FRAME = (
    r'\{"message": "Too Many Requests", "connectionId":"' + harness.CONNECTION_ID + r'", "requestId":"'
    + harness.CONNECTION_ID + r'"\}'
)


def slow_account(burst, **more):
    """Rules of an account with one request a second: a test that takes less than that counts exactly."""
    return {"account-throttle": 1, "account-burst": burst, **more}


def send_at_once(client, *texts):
    """Sends the messages together, and returns the answers sorted: those of different invocations may overtake."""
    client.stream.send(b"".join(wire.encode_frame(wire.TEXT, text.encode()) for text in texts))
    return sorted(client.receive() for _ in texts)


def is_refusal(text):
    return bool(re.fullmatch(ERROR_FRAME, text))


def refusals(texts):
    return sum(map(is_refusal, texts))


def handshakes_at_once(emulator, count, target="/dev"):
    """The responses to handshakes that come together."""
    streams = [wire.Stream(emulator.address) for _ in range(count)]
    for stream in streams:
        stream.send(wire.handshake_request(target)[0])
    return [stream.read_response() for stream in streams]


def summary(response):
    return response.status, response.get("x-amzn-ErrorType"), response.body


def line_of(emulator, rule):
    return emulator.wait_log(rf"(?m)^.* rule={rule} .*$").group(0)


# ---- new connections ----


def test_as_many_handshakes_as_the_rate_pass_at_once_and_one_more_does_not(start):
    emulator = start(harness.api(rules={"connections-per-second": 1}))
    first, second = handshakes_at_once(emulator, 2)
    assert sorted([first.status, second.status]) == [101, 429]
    refused = first if first.status == 429 else second
    assert summary(refused) == TOO_MANY
    line = line_of(emulator, "connections-per-second")
    assert " warn " in line and "limit=1 unit=handshakes/s" in line and "status=429" in line


def test_new_connections_have_room_again_with_the_time(start):
    emulator = start(harness.api(rules={"connections-per-second": 20}))
    began = time.monotonic()
    statuses = [response.status for response in handshakes_at_once(emulator, 60)]
    passed = statuses.count(101)
    assert 20 <= passed <= 20 + 20 * (time.monotonic() - began) + 1
    assert statuses.count(429) == 60 - passed
    emulator.advance("1m")
    assert [response.status for response in handshakes_at_once(emulator, 20)] == [101] * 20


def test_messages_do_not_count_as_new_connections(start):
    client = start(harness.api(rules={"connections-per-second": 1})).connect()
    assert refusals(send_at_once(client, *map(str, range(20)))) == 0


def test_neither_connect_nor_disconnect_follows_a_handshake_over_the_rate(start, events):
    config = harness.api(
        {"$connect": "event", "$disconnect": "event"}, {"event": events.function}, rules={"connections-per-second": 1}
    )
    emulator = start(config)
    emulator.connect().close(1000)
    assert emulator.refusal().status == 429
    emulator.advance("1s")
    emulator.connect().close(1000, "let in")
    harness.until(lambda: any("let in" in text for text in events.texts("DISCONNECT")), "the last $disconnect")
    assert len(events.texts("CONNECT")) == len(events.texts("DISCONNECT")) == 2


# ---- the account ----


def test_an_account_has_its_burst_and_not_one_more(start):
    client = start(harness.api(rules=slow_account(6))).connect()  # the first one
    assert refusals(send_at_once(client, *"abcde")) == 0


def test_a_message_over_the_accounts_rate_gets_an_error_frame_and_the_connection_stays(start):
    emulator = start(harness.api(rules=slow_account(4)))
    client = emulator.connect()
    answers = send_at_once(client, *"abcdef")
    assert [text for text in answers if not is_refusal(text)] == ["a", "b", "c"]
    assert refusals(answers) == 3
    ids = {json.loads(text)["connectionId"] for text in answers if is_refusal(text)}
    emulator.advance("1m")
    assert ids == {emulator.identify(client)}
    line = line_of(emulator, "account-throttle")
    assert "limit=1 unit=requests/s" in line and 'frame="Too Many Requests"' in line and "burst of 4" in line


def test_an_account_has_room_again_with_the_time(start):
    emulator = start(harness.api(rules=slow_account(4)))
    client = emulator.connect()
    assert refusals(send_at_once(client, *"abcd")) == 1
    emulator.advance("2s")
    assert refusals(send_at_once(client, *"abcd")) == 2
    emulator.advance("9m")
    assert refusals(send_at_once(client, *"abcdefgh")) == 4


def test_handshakes_messages_and_connections_share_the_accounts_rate(start):
    emulator = start(harness.api(rules=slow_account(4)))
    client = emulator.connect()
    connection_id = emulator.identify(client)
    assert emulator.get(connection_id).status == 200
    assert emulator.post(connection_id, "pushed").status == 200
    assert client.receive() == "pushed"
    assert summary(emulator.refusal()) == TOO_MANY
    for response in (emulator.post(connection_id, "x"), emulator.get(connection_id), emulator.delete(connection_id)):
        assert summary(response) == (429, "LimitExceededException", b"")
    assert is_refusal(client.ask("hello"))
    assert "status=429" in line_of(emulator, "callback-throttled")
    emulator.advance("1m")
    assert client.ask("still here") == "still here"


def test_a_handler_is_told_that_the_account_is_over_its_rate(start):
    emulator = start(harness.api({"post": "post_self"}, rules=slow_account(3)))
    client = emulator.connect()
    assert sorted([client.ask('{"action":"post"}'), client.receive()]) == ["0", '{"action":"post"}']
    emulator.advance("2s")
    assert send_at_once(client, '{"action":"post"}', '{"action":"post"}') == ["-429", "-429"]
    line_of(emulator, "callback-throttled")


def test_an_account_with_a_limit_of_0_refuses_everything(start):
    emulator = start(harness.api(rules={"account-throttle": 0}))
    assert summary(emulator.refusal()) == TOO_MANY
    emulator.advance("1h")
    assert summary(emulator.refusal()) == TOO_MANY


# ---- routes ----


def say(text="", route="say"):
    return json.dumps({"action": route, "text": text})


def throttled_api(settings=None, default=None, **members):
    """An API with the routes say and shout."""
    config = harness.api({"say": "echo", "shout": "echo", "$default": "echo"}, **members)
    if settings is not None:
        config["routeSettings"] = settings
    if default is not None:
        config["defaultRouteSettings"] = default
    return config


def test_a_route_has_its_burst_and_then_its_rate(start):
    emulator = start(throttled_api({"say": {**SLOW, "throttlingBurstLimit": 3}}))
    client = emulator.connect()
    assert refusals(send_at_once(client, *map(say, "abcde"))) == 2
    line = line_of(emulator, "route-throttle")
    assert "the route say has 0.01 requests/s and a burst of 3" in line and 'frame="Too Many Requests"' in line
    emulator.advance("99s")
    assert is_refusal(client.ask(say()))
    emulator.advance("2s")
    assert refusals([client.ask(say()), client.ask(say())]) == 1
    emulator.advance("9m")
    assert refusals(send_at_once(client, *map(say, "abcd"))) == 1


def test_other_routes_and_other_clients_of_it(start):
    emulator = start(throttled_api({"say": {**SLOW, "throttlingBurstLimit": 2}}))
    ada, bob = emulator.connect(), emulator.connect()
    assert ada.ask(say()) == bob.ask(say()) == say()
    assert is_refusal(ada.ask(say())) and is_refusal(bob.ask(say()))
    assert ada.ask(say(route="shout")) == say(route="shout")
    assert bob.ask("anything") == "anything"


def test_routes_without_settings_each_have_the_default_ones(start):
    client = start(throttled_api({"say": {"throttlingBurstLimit": 100}}, {**SLOW, "throttlingBurstLimit": 1})).connect()
    for text in (say(route="shout"), "to the default route"):
        assert client.ask(text) == text
        assert is_refusal(client.ask(text))
    assert refusals([client.ask(say()) for _ in range(3)]) == 0


def test_only_the_rate_leaves_a_burst_of_5000(start):
    client = start(throttled_api({"say": SLOW}, rules={"account-throttle": "off"})).connect()
    for _ in range(50):
        assert refusals(send_at_once(client, *[say()] * 100)) == 0
    assert is_refusal(client.ask(say()))


@pytest.mark.parametrize("limit", ["throttlingRateLimit", "throttlingBurstLimit"])
def test_a_limit_of_0_refuses_every_message(start, limit):
    emulator = start(throttled_api({"say": {limit: 0}}))
    client = emulator.connect()
    assert is_refusal(client.ask(say()))
    emulator.advance("9m")
    assert is_refusal(client.ask(say()))
    assert client.ask("anything else") == "anything else"


@pytest.mark.parametrize("settings", ["routeSettings", "defaultRouteSettings"])
def test_a_limit_of_0_refuses_every_handshake(start, settings):
    config = harness.api({"$connect": "status"})
    none = {"throttlingRateLimit": 0, "throttlingBurstLimit": 0}
    config[settings] = {"$connect": none} if settings == "routeSettings" else none
    emulator = start(config)
    assert summary(emulator.refusal()) == TOO_MANY
    emulator.advance("1h")
    assert summary(emulator.refusal()) == TOO_MANY
    assert "status=429" in line_of(emulator, "route-throttle")


def test_the_settings_of_connect_count_handshakes(start):
    config = harness.api({"$connect": "status", "$default": "echo"})
    config["routeSettings"] = {"$connect": {**SLOW, "throttlingBurstLimit": 2}}
    emulator = start(config)
    clients = [emulator.connect(), emulator.connect()]
    assert summary(emulator.refusal()) == TOO_MANY
    assert clients[0].ask("hello") == "hello"
    emulator.advance("101s")
    assert emulator.connect().ask("hello") == "hello"


def test_a_disconnect_is_never_throttled(start, events):
    config = harness.api({"$connect": "event", "$disconnect": "event"}, {"event": events.function})
    config["routeSettings"] = {"$disconnect": {"throttlingRateLimit": 0}}
    emulator = start(config)
    for _ in range(3):
        emulator.connect().close(1000)
    assert len(events.wait("DISCONNECT", 3)) == 3


def test_a_message_over_a_rate_does_not_reach_its_function(start):
    config = harness.api({"count": "pid", "$default": "echo"}, {"pid": {"concurrency": 1}})
    config["routeSettings"] = {"count": {**SLOW, "throttlingBurstLimit": 1}}
    emulator = start(config)
    client = emulator.connect()
    assert json.loads(client.ask('{"action":"count"}'))["count"] == 1
    assert refusals([client.ask('{"action":"count"}') for _ in range(3)]) == 3
    emulator.advance("101s")
    assert json.loads(client.ask('{"action":"count"}'))["count"] == 2


def test_what_a_route_refuses_has_counted_for_the_account(start):
    config = throttled_api({"say": {"throttlingRateLimit": 0}}, rules=slow_account(4))
    client = start(config).connect()
    assert refusals(send_at_once(client, say(), say(), say(), "one too many")) == 4


def test_a_message_without_a_route_counts_for_the_account(start):
    client = start(harness.api({"say": "echo"}, rules=slow_account(3))).connect()
    answers = [json.loads(text)["message"] for text in send_at_once(client, "a", "b", "c")]
    assert answers == ["Forbidden", "Forbidden", "Too Many Requests"]


# ---- tuned ----


def test_each_rate_can_be_turned_off(start):
    none = {"throttlingRateLimit": 0, "throttlingBurstLimit": 0}
    rules = {"account-throttle": "off", "account-burst": 0, "connections-per-second": "off", "route-throttle": "off"}
    emulator = start(throttled_api({"say": none}, none, rules=rules))
    clients = [emulator.connect() for _ in range(20)]
    assert refusals([client.ask(say()) for client in clients]) == 0
    assert emulator.get(emulator.identify(clients[0])).status == 200
    assert "Too Many" not in emulator.log


def test_only_the_connections_rate_can_be_turned_off(start):
    emulator = start(harness.api(rules=slow_account(2, **{"connections-per-second": "off"})))
    statuses = sorted(response.status for response in handshakes_at_once(emulator, 3))
    assert statuses == [101, 101, 429]


def test_a_message_over_a_rate_may_close_the_connection(start, events):
    config = throttled_api({"say": {"throttlingRateLimit": 0}}, rules={"throttled-message": "close"})
    config["routes"]["$disconnect"] = {"function": "event"}
    config["functions"]["event"].update(events.function)
    emulator = start(config)
    client = emulator.connect()
    assert client.ask("anything") == "anything"
    client.send(say())
    assert client.wait_closed() == (1008, "Policy violation")
    end = json.loads(events.wait("DISCONNECT")[0])["requestContext"]
    assert (end["disconnectStatusCode"], end["disconnectReason"]) == (1008, "Policy violation")
    line_of(emulator, "route-throttle")
    assert "close=1008" in line_of(emulator, "throttled-message")
