"""API keys, usage plans and throttling: what is over a rate or a quota, and what the answer is."""

import json
import re

import facts
import harness
import pytest
from facts import DOCUMENTED, INFERRED, OBSERVED, UNSETTLED, Source, allow, fact, policy, query, row, table

ROUTE_LIMITS = Source("API Gateway developer guide, websocket-api-protect", DOCUMENTED)
ZERO = Source("hashicorp/terraform-provider-aws#14742, pulumi-aws#2363", OBSERVED)
REFUSED = Source("serverlessunicorn/ServerlessNetworkingClients#3: HTTP 429", OBSERVED)
REFUSED_TYPE = Source("the status was observed; type and text are REST APIs'", INFERRED)
FRAME = Source("whether AWS sends a frame, and which text it has, is not known", UNSETTLED)
CALLBACK = Source("ApiGatewayManagementApi 2018-11-29, service model; the empty body is inferred", DOCUMENTED)
QUOTAS = Source("API Gateway developer guide, limits", DOCUMENTED)
BUCKET = Source("API Gateway developer guide, api-gateway-request-throttling: a token bucket", DOCUMENTED)
KEYS = Source("API Gateway developer guide, supported-gateway-response-types (INVALID_API_KEY), of REST APIs", INFERRED)
SELECTION = Source("API Gateway developer guide, apigateway-websocket-api-selection-expressions", DOCUMENTED)
PLAN = Source("API Gateway developer guide, supported-gateway-response-types (THROTTLED), of REST APIs", INFERRED)
QUOTA = Source("API Gateway developer guide, supported-gateway-response-types (QUOTA_EXCEEDED), of REST APIs", INFERRED)
PERIODS = Source("usage plans of REST APIs; when periods begin is inferred", INFERRED)
WEEKS = Source("when a week begins is not known", UNSETTLED)
IDENTITY = Source("API Gateway developer guide, apigateway-websocket-api-mapping-template-reference", DOCUMENTED)

TOO_MANY = (429, "TooManyRequestsException", '{"message":"Too Many Requests"}')
OVER_QUOTA = (429, "LimitExceededException", '{"message":"Limit Exceeded"}')
BAD_KEY = (403, "ForbiddenException", '{"message":"Forbidden"}')

KEY = "d41d8cd98f00b204e9800998ecf8427e"
OTHER_KEY = "0123456789abcdef0123456789abcdef"
DISABLED_KEY = "ffffffffffffffffffffffffffffffff"
LOOSE_KEY = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"


def outcome(response):
    if response.status == 101:
        return "in"
    return response.status, response.get("x-amzn-ErrorType"), response.text


def settings(rate, burst):
    return {"throttlingRateLimit": rate, "throttlingBurstLimit": burst}


# ---- routes ----


@pytest.fixture
def fresh(serve, request):
    """fresh(routes, **members): an emulator that no other test has used up."""
    return lambda routes, **members: serve(facts.api(routes, name=re.sub(r"[^a-z0-9]", "-", request.node.name)[:100], **members))


@table(
    "rate,burst",
    row("both", ZERO, "a $connect with limits of 0 is always a 429", 0, 0),
    row("rate", ZERO, "a rate of 0 refuses everything", 0, 5000),
    row("burst", ZERO, "a burst of 0 refuses everything", 10000, 0),
)
def test_a_limit_of_zero(fresh, rate, burst):
    emulator = fresh({"$connect": "event", "$default": "echo"}, defaultRouteSettings=settings(rate, burst))
    assert facts.handshake(emulator).status == 429


@fact("a throttled handshake is a 429", REFUSED.where, OBSERVED)
def test_a_throttled_handshake(fresh):
    emulator = fresh({"$connect": "event", "$default": "echo"}, routeSettings={"$connect": settings(0.01, 2)})
    assert [facts.handshake(emulator).status for _ in range(3)] == [101, 101, 429]


@fact("its type is TooManyRequestsException and its text Too Many Requests", REFUSED_TYPE.where, INFERRED)
def test_the_answer_of_a_throttled_handshake(fresh):
    emulator = fresh({"$connect": "event", "$default": "echo"}, routeSettings={"$connect": settings(0.01, 0)})
    assert outcome(facts.handshake(emulator)) == TOO_MANY


@fact("a throttled handshake never reaches $connect", REFUSED.where, INFERRED)
def test_a_throttled_handshake_is_not_seen(fresh):
    emulator = fresh({"$connect": "event", "$default": "echo"}, routeSettings={"$connect": settings(0.01, 1)})
    assert facts.handshake(emulator, "?mark=first").status == 101
    assert facts.handshake(emulator, "?mark=second").status == 429
    emulator.event("first", "CONNECT")
    assert not emulator.events("second")


SAY = '{"action":"say"}'


def answers(client, count, text=SAY):
    return ["frame" if "Too Many Requests" in client.ask(text) else "through" for _ in range(count)]


@fact("a route has the burst of its settings", ROUTE_LIMITS.where, DOCUMENTED)
def test_the_burst_of_a_route(fresh):
    client = fresh({"$default": "echo", "say": "echo"}, routeSettings={"say": settings(0.01, 3)}).connect()
    assert answers(client, 5) == ["through"] * 3 + ["frame"] * 2


@fact("tokens come back at the route's rate", BUCKET.where, DOCUMENTED)
def test_the_rate_of_a_route(fresh):
    emulator = fresh({"$default": "echo", "say": "echo"}, routeSettings={"say": settings(0.01, 1)})
    client = emulator.connect()
    assert answers(client, 2) == ["through", "frame"]
    emulator.advance("100s")
    assert answers(client, 2) == ["through", "frame"]


@fact("no more tokens come back than the burst", BUCKET.where, DOCUMENTED)
def test_the_burst_is_the_most(fresh):
    emulator = fresh({"$default": "echo", "say": "echo"}, routeSettings={"say": settings(0.1, 2)})
    client = emulator.connect()
    assert answers(client, 3) == ["through", "through", "frame"]
    emulator.advance("5m")
    assert answers(client, 3) == ["through", "through", "frame"]


@fact("a route's rate counts all its clients", ROUTE_LIMITS.where, DOCUMENTED)
def test_the_rate_of_all_clients(fresh):
    emulator = fresh({"$default": "echo", "say": "echo"}, routeSettings={"say": settings(0.01, 1)})
    first, second = emulator.connect(), emulator.connect()
    assert (answers(first, 1), answers(second, 1)) == (["through"], ["frame"])


@fact("one route's rate is nothing to another", ROUTE_LIMITS.where, DOCUMENTED)
def test_the_rates_of_two_routes(fresh):
    client = fresh({"$default": "echo", "say": "echo"}, routeSettings={"say": settings(0.01, 0)}).connect()
    assert answers(client, 1) == ["frame"]
    assert client.ask("to $default") == "to $default"


@fact("a route without settings takes the default ones", ROUTE_LIMITS.where, DOCUMENTED)
def test_the_default_settings(fresh):
    client = fresh(
        {"$connect": "event", "$default": "echo", "say": "echo"},
        defaultRouteSettings=settings(0.01, 1),
        routeSettings={"$connect": settings(100, 100)},
    ).connect()
    assert answers(client, 2) == ["through", "frame"]
    assert answers(client, 2, "to $default") == ["through", "frame"]


@fact("a throttled message is an error frame, and the connection stays open", FRAME.where, UNSETTLED)
def test_the_frame_of_a_throttled_message(fresh):
    client = fresh({"$default": "echo", "say": "echo"}, routeSettings={"say": settings(0.01, 0)}).connect()
    assert re.fullmatch(facts.error_frame("Too Many Requests"), client.ask(SAY))
    assert client.ask("still here") == "still here"


@fact("a throttled message of a one-way route is an error frame, too", FRAME.where, UNSETTLED)
def test_the_frame_of_a_one_way_route(fresh):
    routes = {"$default": "echo", "say": harness.one_way("event")}
    client = fresh(routes, routeSettings={"say": settings(0.01, 0)}).connect()
    assert re.fullmatch(facts.error_frame("Too Many Requests"), client.ask(SAY))


# ---- the account ----



@fact("handshakes, messages and @connections share the account's rate", QUOTAS.where, DOCUMENTED)
def test_the_account(fresh):
    emulator = fresh({"$default": "echo"}, rules={"account-throttle": 1, "account-burst": 3})
    client = emulator.connect()
    connection_id = emulator.identify(client)
    assert emulator.get(connection_id).status == 200
    assert emulator.get(connection_id).status == 429
    assert facts.handshake(emulator).status == 429
    assert re.fullmatch(facts.error_frame("Too Many Requests"), client.ask("x"))


@fact("@connections over the account's rate is a LimitExceededException with an empty body", CALLBACK.where, DOCUMENTED)
def test_a_throttled_callback(fresh):
    emulator = fresh({"$default": "echo"}, rules={"account-throttle": 1, "account-burst": 2})
    connection_id = emulator.identify(emulator.connect())
    response = emulator.post(connection_id, "x")
    assert (response.status, response.get("x-amzn-ErrorType"), response.body) == (429, "LimitExceededException", b"")


@fact("a function whose post is over the account's rate is told 429", CALLBACK.where, DOCUMENTED)
def test_a_throttled_function(fresh):
    emulator = fresh({"$default": "post_self"}, rules={"account-throttle": 1, "account-burst": 2})
    assert emulator.connect().ask("x") == "-429"


@fact("the account's rate lets through again after a second", QUOTAS.where, DOCUMENTED)
def test_the_account_recovers(fresh):
    emulator = fresh({"$default": "echo"}, rules={"account-throttle": 1, "account-burst": 1})
    assert [facts.handshake(emulator).status for _ in range(2)] == [101, 429]
    emulator.advance("1s")
    assert facts.handshake(emulator).status == 101


@fact("new connections have a rate of their own", QUOTAS.where, DOCUMENTED)
def test_the_rate_of_new_connections(fresh):
    emulator = fresh({"$default": "echo"}, rules={"connections-per-second": 2})
    assert [outcome(facts.handshake(emulator)) for _ in range(3)] == ["in", "in", TOO_MANY]
    emulator.advance("1s")
    assert facts.handshake(emulator).status == 101


def the_rule(rule_id):
    return next(rule for rule in json.loads(harness.run("rules", "--format", "json").stdout) if rule["id"] == rule_id)


@table(
    "rule_id,number",
    row("rate", QUOTAS, "an account has 10,000 requests a second", "account-throttle", 10000),
    row("burst", QUOTAS, "an account has a burst of 5,000", "account-burst", 5000),
    row("connections", QUOTAS, "an account has 500 new connections a second", "connections-per-second", 500),
    row("frame", QUOTAS, "a frame has 32 KB", "frame-too-large", 32768),
    row("message", QUOTAS, "a message has 128 KB", "message-too-large", 131072),
    row("idle", QUOTAS, "a connection may be idle for 10 minutes", "idle-timeout", 600000),
    row("lifetime", QUOTAS, "a connection lives for 2 hours", "connection-lifetime", 7200000),
    row("integration", QUOTAS, "an integration has 29 seconds", "integration-timeout", 29000),
    row("authorizer", QUOTAS, "an authorizer has 10 seconds", "authorizer-timeout", 10000),
    row("result", QUOTAS, "an authorizer's answer has 8 KB", "authorizer-result-too-large", 8192),
    row("url", QUOTAS, "a URL has 4096 characters", "url-too-long", 4096),
)
def test_a_quota(rule_id, number):
    assert the_rule(rule_id)["limitByDefault"] == number


# ---- API keys ----


def keyed(name="keys", routes=None, plan=None, **members):
    plan = {"apiKeys": ["mobile", "off"]} if plan is None else {"apiKeys": ["mobile", "other"], **plan}
    config = facts.api({"$connect": "event", "$disconnect": "event", "$default": "event"} if routes is None else routes, name=name, **members)
    config["apiKeys"] = {
        "mobile": {"value": KEY},
        "other": {"value": OTHER_KEY},
        "off": {"value": DISABLED_KEY, "enabled": False},
        "loose": {"value": LOOSE_KEY},
    }
    config["usagePlans"] = {"basic": plan}
    config["routes"].setdefault("$connect", {})["apiKeyRequired"] = True
    return config


def with_key(key, name="x-api-key"):
    return [(name, key)]


@table(
    "headers,expected",
    row("the key", KEYS, "a key of a usage plan lets the client in", with_key(KEY), "in"),
    row("header in another case", KEYS, "x-api-key is compared without case", with_key(KEY, "X-API-Key"), "in"),
    row("no key", KEYS, "a missing key is Forbidden", [], BAD_KEY),
    row("an empty key", KEYS, "an empty key is Forbidden", with_key(""), BAD_KEY),
    row("a wrong key", KEYS, "a key that nobody has is Forbidden", with_key("x" * 32), BAD_KEY),
    row("a part of the key", KEYS, "a key is compared whole", with_key(KEY[:-1]), BAD_KEY),
    row("a key in another case", KEYS, "a key is compared with case", with_key(KEY.upper()), BAD_KEY),
    row("a disabled key", KEYS, "a disabled key is Forbidden", with_key(DISABLED_KEY), BAD_KEY),
    row("a key without a plan", KEYS, "a key that is in no usage plan is Forbidden", with_key(LOOSE_KEY), BAD_KEY),
)
def test_an_api_key(serve, headers, expected):
    assert outcome(facts.handshake(serve(keyed()), headers=headers)) == expected


@fact("a key in the query is none", SELECTION.where, DOCUMENTED)
def test_a_key_in_the_query(serve):
    assert outcome(facts.handshake(serve(keyed()), f"?x-api-key={KEY}")) == BAD_KEY


@fact("without apiKeyRequired no key is needed", KEYS.where, INFERRED)
def test_no_key_required(serve):
    config = keyed("not required")
    del config["routes"]["$connect"]["apiKeyRequired"]
    assert outcome(facts.handshake(serve(config))) == "in"


@fact("messages need no key", "API Gateway developer guide: ApiKeyRequired is looked at when connecting", INFERRED)
def test_messages_need_no_key(serve):
    client = serve(keyed()).connect(headers=with_key(KEY))
    assert json.loads(client.ask("x"))["requestContext"]["eventType"] == "MESSAGE"


@table(
    "event_type",
    row("CONNECT", IDENTITY, "identity has apiKey and apiKeyId in CONNECT", "CONNECT"),
    row("MESSAGE", IDENTITY, "identity has apiKey and apiKeyId in MESSAGE", "MESSAGE"),
    row("DISCONNECT", IDENTITY, "identity has apiKey and apiKeyId in DISCONNECT", "DISCONNECT"),
)
def test_the_key_in_events(serve, event_type):
    emulator = serve(keyed())
    client = emulator.connect(headers=with_key(KEY))
    message = json.loads(client.ask("x"))
    connection_id = message["requestContext"]["connectionId"]
    client.close()
    event = message if event_type == "MESSAGE" else emulator.event(connection_id, event_type)
    identity = event["requestContext"]["identity"]
    assert list(identity) == ["apiKey", "apiKeyId", "sourceIp"]
    assert identity["apiKey"] == KEY
    assert re.fullmatch("[a-z0-9]{10}", identity["apiKeyId"])


@fact("a refused key never reaches $connect", KEYS.where, INFERRED)
def test_a_refused_key_is_not_seen(serve):
    emulator = serve(keyed())
    assert facts.handshake(emulator, "?mark=without-key").status == 403
    assert facts.handshake(emulator, "?mark=with-key", headers=with_key(KEY)).status == 101
    emulator.event("with-key", "CONNECT")
    assert not emulator.events("without-key")


def keyed_by_authorizer():
    config = keyed("authorizer's", apiKeySelectionExpression="$context.authorizer.usageIdentifierKey")
    config["functions"]["authorizer"] = {"plugin": facts.AUTHORIZERS, "handler": "answer"}
    config["authorizers"] = {"gatekeeper": {"function": "authorizer"}}
    config["routes"]["$connect"].update(authorizationType="CUSTOM", authorizer="gatekeeper")
    return config


@table(
    "members,headers,expected",
    row("the key", SELECTION, "usageIdentifierKey is the API key", {"usageIdentifierKey": KEY}, [], "in"),
    row("a wrong key", SELECTION, "a usageIdentifierKey that nobody has is Forbidden", {"usageIdentifierKey": "x" * 32}, [], BAD_KEY),
    row("no key", SELECTION, "an answer without usageIdentifierKey is Forbidden", {}, [], BAD_KEY),
    row("in the header", SELECTION, "then x-api-key is nothing", {}, with_key(KEY), BAD_KEY),
)
def test_a_key_of_the_authorizer(serve, members, headers, expected):
    response = facts.handshake(serve(keyed_by_authorizer()), query(answer=policy(allow(), **members)), headers=headers)
    assert outcome(response) == expected


# ---- usage plans ----


def visits(emulator, count, key=KEY):
    return [outcome(facts.handshake(emulator, headers=with_key(key))) for _ in range(count)]


@fact("a key has the burst of its usage plan", PLAN.where, INFERRED)
def test_the_burst_of_a_plan(serve):
    emulator = serve(keyed("burst", plan={"throttle": {"rateLimit": 0.01, "burstLimit": 2}}))
    assert visits(emulator, 3) == ["in", "in", TOO_MANY]


@fact("a key has the rate of its usage plan", PLAN.where, INFERRED)
def test_the_rate_of_a_plan(serve):
    emulator = serve(keyed("rate", plan={"throttle": {"rateLimit": 0.01, "burstLimit": 1}}))
    assert visits(emulator, 2) == ["in", TOO_MANY]
    emulator.advance("100s")
    assert visits(emulator, 2) == ["in", TOO_MANY]


@fact("a usage plan counts each key by itself", PLAN.where, INFERRED)
def test_each_key_by_itself(serve):
    emulator = serve(keyed("each", plan={"throttle": {"rateLimit": 0.01, "burstLimit": 1}}))
    assert visits(emulator, 2) + visits(emulator, 1, OTHER_KEY) == ["in", TOO_MANY, "in"]


@table(
    "period,later",
    row("DAY", PERIODS, "a daily quota begins anew at the next day", "DAY", "24h"),
    row("WEEK", WEEKS, "a weekly quota begins anew at the next week", "WEEK", "168h"),
    row("MONTH", PERIODS, "a monthly quota begins anew at the next month", "MONTH", "744h"),
)
def test_a_quota_of_a_plan(serve, period, later):
    emulator = serve(keyed(f"quota {period}", plan={"quota": {"limit": 2, "period": period}}))
    assert visits(emulator, 3) == ["in", "in", OVER_QUOTA]
    emulator.advance(later)
    assert visits(emulator, 3) == ["in", "in", OVER_QUOTA]


@fact("a quota counts each key by itself", QUOTA.where, INFERRED)
def test_the_quota_of_each_key(serve):
    emulator = serve(keyed("quota each", plan={"quota": {"limit": 1, "period": "DAY"}}))
    assert visits(emulator, 2) + visits(emulator, 1, OTHER_KEY) == ["in", OVER_QUOTA, "in"]


@fact("messages do not count towards a key's quota", "keys are looked at when connecting", INFERRED)
def test_messages_do_not_count(serve):
    emulator = serve(keyed("messages", plan={"quota": {"limit": 2, "period": "DAY"}}))
    client = emulator.connect(headers=with_key(KEY))
    for _ in range(5):
        client.ask("x")
    assert visits(emulator, 2) == ["in", OVER_QUOTA]
