"""API keys and usage plans on $connect."""

import datetime
import json
import re

import harness
import pytest
import wire

MOBILE = "d41d8cd98f00b204e980"
OTHER = "b204e9800998ecf8427e"
ABSENT = "0998ecf8427e9800b204"
FORBIDDEN = (403, "ForbiddenException", b'{"message":"Forbidden"}')
TOO_MANY = (429, "TooManyRequestsException", b'{"message":"Too Many Requests"}')
USED_UP = (429, "LimitExceededException", b'{"message":"Limit Exceeded"}')


def keyed(plan=None, keys=None, connect="status", routes=None, **members):
    """An API whose $connect requires a key; the key `mobile` is in the plan."""
    connect = {"apiKeyRequired": True, **({"function": connect} if connect else {})}
    functions = {**({connect["function"]: {}} if "function" in connect else {}), **members.pop("functions", {})}
    return harness.api(
        {"$connect": connect, "$default": "echo", **(routes or {})},
        functions,
        apiKeys={"mobile": {"value": MOBILE}, **(keys or {})},
        usagePlans={"basic": {"apiKeys": ["mobile"], **(plan or {})}},
        **members,
    )


def with_key(value=MOBILE):
    return [("x-api-key", value)]


def connects(emulator, value=MOBILE):
    """True, or what a client with this key is answered."""
    try:
        return emulator.connect(headers=with_key(value)).ask("hello") == "hello"
    except wire.Refused as refused:
        response = refused.response
        return response.status, response.get("x-amzn-ErrorType"), response.body


def line_of(emulator, rule):
    return emulator.wait_log(rf"(?m)^.* rule={rule} .*$").group(0)


# ---- which keys are good ----


def test_a_client_with_a_key_of_a_usage_plan_is_let_in(start):
    assert connects(start(keyed())) is True


def test_the_header_may_have_any_case(start):
    assert start(keyed()).connect(headers=[("X-API-Key", MOBILE)]).ask("hello") == "hello"


def test_a_connect_without_a_function_can_require_a_key(start):
    emulator = start(keyed(connect=None))
    assert connects(emulator, ABSENT) == FORBIDDEN
    assert connects(emulator) is True


def test_a_key_that_is_not_required_is_not_looked_at(start):
    config = keyed(keys={"off": {"value": OTHER, "enabled": False}})
    config["routes"]["$connect"]["apiKeyRequired"] = False
    emulator = start(config)
    assert emulator.connect().ask("hello") == "hello"
    assert connects(emulator, OTHER) is True


BAD = {
    "no key": ([], "there is none"),
    "an empty key": (with_key(""), "there is none"),
    "an unknown key": (with_key(ABSENT), "no API key has the value"),
    "a key in another case": (with_key(MOBILE.upper()), "no API key has the value"),
    "a part of a key": (with_key(MOBILE[:-1]), "no API key has the value"),
    "a name instead of a value": (with_key("mobile"), "no API key has the value"),
    "a key that is not enabled": (with_key(OTHER), "off is not enabled"),
    "a key that is in no plan": (with_key(ABSENT[::-1]), "free is in no usage plan"),
    "the key in another header": ([("Authorization", MOBILE)], "there is none"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_client_is_refused_with(start, kind):
    headers, why = BAD[kind]
    keys = {"off": {"value": OTHER, "enabled": False}, "free": {"value": ABSENT[::-1]}}
    config = keyed(keys=keys)
    config["usagePlans"]["basic"]["apiKeys"].append("off")
    emulator = start(config)
    response = emulator.refusal(headers=headers)
    assert (response.status, response.get("x-amzn-ErrorType"), response.body) == FORBIDDEN
    line = line_of(emulator, "api-key-invalid")
    assert why in line and "status=403" in line and " warn " in line
    assert not emulator.hosts()


def test_the_value_of_a_key_is_never_in_the_log(start):
    emulator = start(keyed({"quota": {"limit": 1, "period": "DAY"}}))
    assert connects(emulator) is True
    assert connects(emulator) == USED_UP
    assert connects(emulator, ABSENT) == FORBIDDEN
    line_of(emulator, "api-key-invalid")
    assert MOBILE not in emulator.log and ABSENT not in emulator.log


def test_a_query_is_no_place_for_a_key(start):
    emulator = start(keyed())
    assert emulator.refusal(f"?x-api-key={MOBILE}").status == 403


# ---- where the key comes from ----


def authorized(plan=None, **members):
    config = harness.guarded(
        "policy_allow",
        apiKeySelectionExpression="$context.authorizer.usageIdentifierKey",
        apiKeys={"mobile": {"value": MOBILE}},
        usagePlans={"basic": {"apiKeys": ["mobile"], **(plan or {})}},
        **members,
    )
    config["routes"]["$connect"]["apiKeyRequired"] = True
    return config


def test_the_key_can_come_from_the_authorizer(start):
    emulator = start(authorized())
    assert emulator.connect(f"?key={MOBILE}").ask("hello") == "hello"
    assert emulator.refusal(f"?key={ABSENT}").status == 403
    assert emulator.refusal().status == 403


def test_where_the_authorizer_gives_the_key_the_header_does_not(start):
    emulator = start(authorized())
    assert emulator.refusal(headers=with_key()).status == 403
    assert emulator.connect(f"?key={MOBILE}", headers=with_key(ABSENT)).ask("hello") == "hello"


def test_where_the_header_gives_the_key_the_authorizer_does_not(start):
    config = authorized()
    config["apiKeySelectionExpression"] = "$request.header.x-api-key"
    emulator = start(config)
    assert emulator.refusal(f"?key={MOBILE}").status == 403
    assert emulator.connect(f"?key={ABSENT}", headers=with_key()).ask("hello") == "hello"


def test_the_authorizer_is_asked_before_the_key_is_looked_at(start):
    config = harness.guarded("fail", apiKeys={"mobile": {"value": MOBILE}})
    config["routes"]["$connect"]["apiKeyRequired"] = True
    emulator = start(config)
    assert emulator.refusal("?message=Unauthorized").status == 401
    assert emulator.refusal("?message=Unauthorized", headers=with_key()).status == 401


# ---- events ----


def identities(start, events, config, **request):
    config["functions"]["event"].update(events.function)
    client = start(config).connect(**request)
    message = client.ask('{"action":"whoami"}')
    client.close(1000)
    texts = [events.wait("CONNECT")[0], message, events.wait("DISCONNECT")[0]]
    return [json.loads(text)["requestContext"]["identity"] for text in texts]


def test_each_event_has_the_key_and_its_id(start, events):
    config = keyed(connect="event", routes={"$disconnect": "event"})
    connect, message, disconnect = identities(start, events, config, headers=with_key())
    assert connect == message == disconnect
    assert connect["apiKey"] == MOBILE
    assert re.fullmatch("[a-z0-9]{10}", connect["apiKeyId"])


def test_each_event_has_the_key_that_the_authorizer_gave(start, events):
    config = authorized(connect="event", routes={"$disconnect": "event"})
    for identity in identities(start, events, config, query=f"?key={MOBILE}"):
        assert identity["apiKey"] == MOBILE


def test_the_id_of_a_key_is_the_same_in_every_run_and_another_for_each_key(start):
    ids = []
    for name in ("mobile", "mobile", "browser"):
        config = keyed(keys={"browser": {"value": OTHER}})
        config["usagePlans"]["basic"]["apiKeys"].append("browser")
        client = start(config).connect(headers=with_key(MOBILE if name == "mobile" else OTHER))
        ids.append(json.loads(client.ask('{"action":"whoami"}'))["requestContext"]["identity"]["apiKeyId"])
    assert ids[0] == ids[1] != ids[2]


def test_without_a_key_events_have_none(start):
    identity = json.loads(start().connect(headers=with_key()).ask('{"action":"whoami"}'))["requestContext"]["identity"]
    assert {"apiKey", "apiKeyId"}.isdisjoint(identity)


def test_neither_connect_nor_disconnect_follows_a_refusal(start, events):
    config = keyed(connect="event", routes={"$disconnect": "event"}, functions={"event": events.function})
    emulator = start(config)
    assert connects(emulator, ABSENT) == FORBIDDEN
    emulator.connect(headers=with_key()).close(1000, "let in")
    assert "let in" in events.wait("DISCONNECT")[0]
    assert len(events.texts("CONNECT")) == len(events.texts("DISCONNECT")) == 1


# ---- throttles ----


def test_a_key_is_used_as_often_at_once_as_its_plan_says_and_then_at_its_rate(start):
    emulator = start(keyed({"throttle": {"rateLimit": 0.01, "burstLimit": 3}}))
    assert [connects(emulator) for _ in range(4)] == [True, True, True, TOO_MANY]
    line = line_of(emulator, "usage-plan-throttle")
    assert "mobile" in line and "basic" in line and "status=429" in line
    emulator.advance("99s")
    assert connects(emulator) == TOO_MANY
    emulator.advance("2s")
    assert [connects(emulator) for _ in range(2)] == [True, TOO_MANY]


def test_a_burst_is_full_again_after_a_while_and_not_fuller(start):
    emulator = start(keyed({"throttle": {"rateLimit": 0.01, "burstLimit": 2}}))
    for _ in range(2):
        assert [connects(emulator) for _ in range(3)] == [True, True, TOO_MANY]
        emulator.advance("1h")


@pytest.mark.parametrize("throttle", [{"rateLimit": 0}, {"burstLimit": 0}, {"rateLimit": 0, "burstLimit": 0}])
def test_a_limit_of_0_refuses_everything(start, throttle):
    emulator = start(keyed({"throttle": throttle}))
    assert connects(emulator) == TOO_MANY
    emulator.advance("1h")
    assert connects(emulator) == TOO_MANY


def test_each_key_of_a_plan_has_its_own_throttle_and_quota(start):
    plan = {"throttle": {"rateLimit": 0.01, "burstLimit": 2}, "quota": {"limit": 2, "period": "DAY"}}
    config = keyed(plan, keys={"browser": {"value": OTHER}})
    config["usagePlans"]["basic"]["apiKeys"].append("browser")
    emulator = start(config)
    for value in (MOBILE, OTHER):
        assert [connects(emulator, value) for _ in range(3)] == [True, True, TOO_MANY]
    emulator.advance("150s")
    for value in (MOBILE, OTHER):
        assert connects(emulator, value) == USED_UP


# ---- quotas ----


def now(emulator):
    text = json.loads(emulator.http("GET", "/_apigw/clock").text)["now"]
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def to_midnight_before(emulator, is_wanted):
    """Moves to a minute before the next midnight (UTC) of a day that is wanted."""
    end = now(emulator).replace(hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days=1)
    while not is_wanted(end):
        end += datetime.timedelta(days=1)
    emulator.advance(int((end - now(emulator)).total_seconds() * 1000) - 60_000)


def is_any_day(_):
    return True


def is_sunday(day):
    return day.weekday() == 6


def is_first_of_a_month(day):
    return day.day == 1


PERIODS = {"DAY": is_any_day, "WEEK": is_sunday, "MONTH": is_first_of_a_month}


@pytest.mark.parametrize("period", PERIODS)
def test_a_quota_is_new_at_the_end_of_its(start, period):
    emulator = start(keyed({"quota": {"limit": 2, "period": period}}))
    to_midnight_before(emulator, PERIODS[period])
    assert [connects(emulator) for _ in range(4)] == [True, True, USED_UP, USED_UP]
    line = line_of(emulator, "usage-plan-quota")
    assert f"2 requests of this {period.lower()}" in line and "basic" in line and "status=429" in line
    emulator.advance("55s")
    assert connects(emulator) == USED_UP
    emulator.advance("10s")
    assert [connects(emulator) for _ in range(3)] == [True, True, USED_UP]


@pytest.mark.parametrize("period,days", [("WEEK", 6), ("MONTH", 27)])
def test_a_quota_lasts_through_the_days_of_its(start, period, days):
    emulator = start(keyed({"quota": {"limit": 1, "period": period}}))
    to_midnight_before(emulator, PERIODS[period])
    emulator.advance("2m")
    assert connects(emulator) is True
    emulator.advance(f"{days}d")
    assert connects(emulator) == USED_UP


def test_what_is_refused_does_not_count_for_the_quota(start):
    plan = {"throttle": {"rateLimit": 0.01, "burstLimit": 1}, "quota": {"limit": 2, "period": "MONTH"}}
    emulator = start(keyed(plan))
    to_midnight_before(emulator, is_first_of_a_month)
    emulator.advance("2m")
    assert [connects(emulator) for _ in range(4)] == [True, TOO_MANY, TOO_MANY, TOO_MANY]
    emulator.advance("150s")
    assert connects(emulator) is True
    emulator.advance("150s")
    assert connects(emulator) == USED_UP


def test_what_connect_refuses_has_counted_for_the_quota(start):
    emulator = start(keyed({"quota": {"limit": 1, "period": "MONTH"}}))
    assert emulator.refusal("?status=418", headers=with_key()).status == 418
    assert connects(emulator) == USED_UP


def test_messages_do_not_count_for_a_usage_plan(start):
    plan = {"throttle": {"rateLimit": 0.01, "burstLimit": 1}, "quota": {"limit": 1, "period": "MONTH"}}
    client = start(keyed(plan)).connect(headers=with_key())
    assert [client.ask(str(number)) for number in range(20)] == [str(number) for number in range(20)]
