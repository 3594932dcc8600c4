"""Rules that a configuration tunes: each of them has its effect, and is said at the start."""

import json
import pathlib
import re

import harness
import pytest
import signing
import wire

UNKNOWN_ID = "AAAAAAAAAAAAAAA="
HZ = 100  # of /proc/net/tcp, whatever the kernel's own

effects = []


def effect(rule, setting):
    """Marks a function that sees the effect of a rule: it gets one that starts an emulator with it."""

    def register(check):
        effects.append(pytest.param(rule, setting, check, id=f"{rule}={setting}"))
        return check

    return register


# ---- frames and messages ----


@effect("frame-too-large", 1000)
def small_frames(begin):
    client = begin().connect()
    assert client.ask("x" * 1000) == "x" * 1000
    client.send("x" * 1001)
    assert client.wait_closed() == (1009, "Message too big")


@effect("frame-too-large", 1048576)
def large_frames(begin):
    client = begin().connect()
    assert client.ask("x" * 131072) == "x" * 131072


@effect("message-too-large", 1000)
def small_messages(begin):
    client = begin().connect()
    client.send_fragmented(b"x" * 1000, 300)
    assert client.receive() == "x" * 1000
    client.send_fragmented(b"x" * 1001, 300)
    assert client.wait_closed() == (1009, "Message too big")


@effect("message-too-large", 4194304)
def large_messages(begin):
    client = begin().connect()
    client.send_fragmented(b"x" * 1_000_000, 32768)
    assert client.receive() == "x" * 1_000_000


@effect("binary-frame", "allow")
def binary_frames(begin):
    client = begin().connect()
    client.send_frame(wire.BINARY, b"bytes")
    assert client.receive_frame() == (True, wire.TEXT, b"bytes")


@effect("text-not-utf8", "replace")
def text_that_is_not_utf_8(begin):
    client = begin().connect()
    client.send_frame(wire.TEXT, b"a\xff\xc3b")
    assert client.receive() == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"


@effect("send-queue-full", 1073741824)
def a_long_queue(begin):
    emulator = begin()
    connection_id = emulator.identify(emulator.connect(receive_buffer=4096))
    assert {emulator.post(connection_id, b"x" * 131072).status for _ in range(100)} == {200}


@effect("send-queue-full", 1024)
def a_short_queue(begin):
    emulator = begin()
    client = emulator.connect(receive_buffer=4096)
    connection_id = emulator.identify(client)
    while emulator.post(connection_id, b"x" * 1000).status == 200:
        pass
    emulator.wait_log(r"rule=send-queue-full .*limit=1024 ")


# ---- time ----


@effect("idle-timeout", 5000)
def a_short_idle_timeout(begin):
    emulator = begin()
    client = emulator.connect()
    emulator.advance("5s")
    assert client.wait_closed() == (1001, "Going away")
    emulator.wait_log("rule=idle-timeout .*limit=5000 ")


@effect("idle-timeout", 50)
def an_idle_timeout_in_real_time(begin):
    assert begin().connect().wait_closed() == (1001, "Going away")


@effect("idle-timeout", 86400000)
def a_long_idle_timeout(begin):
    emulator = begin()
    client = emulator.connect()
    emulator.advance("1h")
    assert client.ask("still here") == "still here"


@effect("connection-lifetime", 5000)
def a_short_life(begin):
    emulator = begin()
    client = emulator.connect()
    emulator.advance("5s")
    assert client.wait_closed() == (1001, "Going away")
    emulator.wait_log("rule=connection-lifetime .*limit=5000 ")


@effect("connection-lifetime", 604800000)
def a_long_life(begin):
    emulator = begin(**{"idle-timeout": 86400000})
    client = emulator.connect()
    for _ in range(8):
        emulator.advance("20h")
        assert client.ask("still here") == "still here"


@effect("ping-resets-idle", "no")
def pings_that_do_not_count(begin):
    emulator = begin()
    client = emulator.connect()
    emulator.advance("9m")
    client.send_frame(wire.PING, b"x")
    assert client.receive_frame() == (True, wire.PONG, b"x")
    emulator.advance("1m")
    assert client.wait_closed() == (1001, "Going away")


def keepalive_timer(port):
    """Seconds until the kernel asks whether the client is there; None while it is busy with something else."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, _, timer, *_ = line.split()
        kind, when = timer.split(":")
        if local.endswith(f":{port:04X}") and state == "01" and kind == "02":
            return int(when, 16) / HZ
    return None


def asks_after(emulator, seconds):
    client = emulator.connect()
    assert client.ask("hello") == "hello"
    waits = harness.until(lambda: keepalive_timer(emulator.port), "the keepalive timer runs")
    assert seconds * 0.8 < waits <= seconds + 1


@effect("client-vanished", 60000)
def a_client_that_may_be_silent_for_a_minute(begin):
    asks_after(begin(), 30)


@effect("client-vanished", 3600000)
def a_client_that_may_be_silent_for_an_hour(begin):
    asks_after(begin(), 1800)


def test_a_client_may_be_silent_for_five_minutes_unless_it_is_tuned(emulator):
    asks_after(emulator, 150)


# ---- functions ----


@effect("integration-timeout", 100)
def a_short_integration(begin):
    client = begin(harness.api({"$default": "hang"}, {"hang": {"timeout": 900}})).connect()
    assert json.loads(client.ask("x"))["message"] == "Endpoint request timed out"


@effect("integration-timeout", 300000)
def a_long_integration(begin):
    gate = begin.gate
    emulator = begin(harness.api({"$default": "gate"}, {"gate": gate.function(timeout=900)}))
    client = emulator.connect()
    client.send("a")
    gate.wait_entered("a")
    emulator.advance("4m")
    with pytest.raises(TimeoutError):
        client.receive(timeout=0.05)
    emulator.advance("1m")
    assert json.loads(client.receive())["message"] == "Endpoint request timed out"
    gate.open("a")


@effect("refusal-body", "message")
def a_refusal_without_ids(begin):
    response = begin(harness.api({"$connect": "fail"})).refusal()
    assert (response.status, response.body) == (502, b'{"message":"Internal server error"}')


@effect("two-way-no-body", "nothing")
def no_body(begin):
    client = begin(harness.api({"none": "respond_json", "$default": "respond_json"})).connect()
    client.send('{"statusCode":200}')
    assert client.ask('{"statusCode":200,"body":"a body"}') == "a body"


@effect("two-way-status", "fail")
def a_status_that_fails(begin):
    client = begin(harness.api({"$default": "status"})).connect()
    assert json.loads(client.ask("400"))["message"] == "Internal server error"
    assert client.ask("399") == "status 399"


# ---- routes ----


@effect("reserved-route-key", "match")
def reserved_keys(begin):
    client = begin(harness.api({"$connect": "status", "$disconnect": "event", "$default": "echo"})).connect()
    client.send('{"action":"$connect"}')  # not two-way: no answer
    assert client.ask("hello") == "hello"


@effect("null-selection", "text")
def a_null_that_selects(begin):
    client = begin(harness.api({"null": "pid", "$default": "echo"})).connect()
    assert "pid" in json.loads(client.ask('{"action":null}'))
    assert client.ask("{}") == "{}"


# ---- requests ----


@effect("head-too-large", 1024)
def small_heads(begin):
    emulator = begin()
    assert emulator.refusal(headers=[("X-Large", "x" * 1024)]).status == 431
    assert emulator.connect().ask("hello") == "hello"


@effect("head-too-large", 65536)
def large_heads(begin):
    emulator = begin()
    large = [("X-Large", "x" * 60_000)]
    assert emulator.connect(headers=large).ask("hello") == "hello"
    assert wire.request(emulator.address, "GET", "/dev/@connections/AAAAAAAAAAAAAAA=", headers=large).status == 410


@effect("head-timeout", 50)
def slow_heads(begin):
    stream = wire.Stream(begin().address)
    stream.send(b"GET /dev HTTP/1.1\r\n")
    assert stream.read_response().status == 408


@effect("url-too-long", 100)
def short_urls(begin):
    emulator = begin()
    assert emulator.connect(path="/dev?" + "x" * 95).ask("hello") == "hello"
    assert emulator.refusal(path="/dev?" + "x" * 96).status == 414


@effect("url-too-long", 8192)
def long_urls(begin):
    assert begin().connect(path="/dev?" + "x" * 8000).ask("hello") == "hello"


@effect("payload-too-large", 1000)
def small_payloads(begin):
    emulator = begin()
    connection_id = emulator.identify(emulator.connect())
    assert emulator.post(connection_id, "x" * 1000).status == 200
    assert emulator.post(connection_id, "x" * 1001).status == 413


@effect("payload-too-large", 4194304)
def large_payloads(begin):
    emulator = begin(**{"send-queue-full": 16777216})
    client = emulator.connect()
    assert emulator.post(emulator.identify(client), "x" * 1_000_000).status == 200
    assert client.receive() == "x" * 1_000_000


@effect("delete-status", "200")
def a_delete_with_200(begin):
    emulator = begin()
    assert emulator.delete(emulator.identify(emulator.connect())).status == 200


@effect("user-agent-missing", "omit")
def no_user_agent(begin):
    emulator = begin()
    connection_id = emulator.identify(emulator.connect())
    assert json.loads(emulator.get(connection_id).text)["identity"] == {"sourceIp": "127.0.0.1"}


# ---- rates ----


@effect("account-throttle", 0)
def an_account_that_may_nothing(begin):
    assert begin().refusal().status == 429


@effect("account-throttle", "off")
def an_account_that_may_all(begin):
    emulator = begin(**{"account-burst": 0})
    assert emulator.connect().ask("hello") == "hello"


@effect("account-burst", 2)
def a_small_burst(begin):
    emulator = begin(**{"account-throttle": 1})
    client = emulator.connect()
    client.stream.send(wire.encode_frame(wire.TEXT, b"a") * 2)
    refused, passed = sorted([client.receive(), client.receive()], reverse=True)
    assert passed == "a" and "Too Many Requests" in refused


@effect("connections-per-second", 0)
def no_new_connections(begin):
    assert begin().refusal().status == 429


@effect("connections-per-second", "off")
def as_many_connections_as_one_likes(begin):
    emulator = begin()
    clients = [emulator.connect() for _ in range(700)]
    assert clients[-1].ask("hello") == "hello"


@effect("route-throttle", "off")
def routes_without_rates(begin):
    config = harness.api({"$default": "echo"}, routeSettings={"$default": {"throttlingRateLimit": 0}})
    assert begin(config).connect().ask("hello") == "hello"


@effect("throttled-message", "close")
def a_close_instead_of_a_frame(begin):
    config = harness.api({"$default": "echo"}, routeSettings={"$default": {"throttlingRateLimit": 0}})
    client = begin(config).connect()
    client.send("hello")
    assert client.wait_closed() == (1008, "Policy violation")


# ---- authorization ----


def signed():
    return harness.api({"$connect": {"authorizationType": "AWS_IAM"}, "$default": "echo"}, iam=signing.iam())


@effect("signature-expired", 3600000)
def old_signatures(begin):
    assert signing.Signer(shift_s=-3000).connect(begin(signed())).ask("hello") == "hello"


@effect("signature-expired", 60000)
def signatures_that_must_be_new(begin):
    headers = signing.Signer(shift_s=-100).headers("GET", "/dev")
    assert begin(signed()).refusal(headers=headers).status == 403


@effect("signature-not-yet", 3600000)
def early_signatures(begin):
    assert signing.Signer(shift_s=3000).connect(begin(signed())).ask("hello") == "hello"


@effect("authorizer-timeout", 100)
def a_short_authorizer(begin):
    function = {"plugin": str(harness.AUTHORIZERS), "handler": "hang", "timeout": 900}
    emulator = begin(harness.guarded(function))
    assert emulator.refusal().status == 500
    emulator.wait_log("rule=authorizer-timeout .*limit=100 ")


@effect("authorizer-result-too-large", 1000)
def a_small_result(begin):
    emulator = begin(harness.guarded("sized"))
    assert emulator.connect("?bytes=1000").ask("hello") == "hello"
    assert emulator.refusal("?bytes=1001").status == 500


def with_resource(resource):
    statement = {"Effect": "Allow", "Action": "*", "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return [("X-Answer", json.dumps({"principalId": "user", "policyDocument": policy}))]


@effect("authorizer-resource-too-long", 16)
def a_short_resource(begin):
    emulator = begin(harness.guarded("answer"))
    assert emulator.connect(headers=with_resource("*" * 16)).ask("hello") == "hello"
    assert emulator.refusal(headers=with_resource("*" * 17)).status == 500


@effect("authorizer-resource-too-long", 65536)
def a_long_resource(begin):
    emulator = begin(harness.guarded("answer"))
    assert emulator.connect(headers=with_resource("*" * 5000)).ask("hello") == "hello"


@effect("authorizer-context", "as-returned")
def a_context_with_numbers(begin):
    client = begin(harness.guarded("policy_allow")).connect("?context=" + '{"n":1.50,"b":true}'.replace('"', "%22"))
    authorizer = re.search(r'"authorizer":(\{[^}]*\})', client.ask('{"action":"whoami"}')).group(1)
    assert authorizer == '{"n":1.50,"b":true,"principalId":"user"}'


# ---- all of them ----


@pytest.mark.parametrize("rule,setting,check", effects)
def test_a_tuned_rule_has_its_effect(start, gate, rule, setting, check):
    def begin(config=None, **rules):
        config = config or harness.api()
        config["rules"] = {rule: setting, **rules}
        return start(config)

    begin.gate = gate
    check(begin)


def tunable():
    """Each rule that can be tuned, and each choice of it that is not the default; None for another limit."""
    rules = json.loads(harness.run("rules", "--format", "json").stdout)
    for rule in rules:
        if "limitMax" in rule:
            yield rule["id"], None
        for choice in rule.get("choices", []):
            if choice != rule["choiceByDefault"]:
                yield rule["id"], choice


def test_the_effect_of_each_tunable_rule_is_tested():
    tested = [param.values[:2] for param in effects]
    seen = {(rule, setting if isinstance(setting, str) else None) for rule, setting in tested}
    assert set(tunable()) == seen


@pytest.mark.parametrize("rule,setting", sorted({param.values[:2] for param in effects}, key=str))
def test_what_is_tuned_is_said_at_the_start(start, rule, setting):
    emulator = start(harness.api(rules={rule: setting}))
    said = f'"{setting}"' if isinstance(setting, str) else str(setting)
    unit = "" if isinstance(setting, str) else r" \S+"
    emulator.wait_log(rf"info  config: rule {rule} is {said}{unit} here, \S.* (on AWS|by default)")


def test_what_is_as_on_aws_is_not_said(start):
    rules = {"idle-timeout": 600000, "binary-frame": "close", "account-throttle": "on"}
    assert "config: rule" not in start(harness.api(rules=rules)).log
    assert "config: rule" not in start().log
