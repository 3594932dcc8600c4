"""Which route a message takes."""

import json

import harness
import pytest


def routed(client, message):
    """The route key of the event that a message became."""
    return json.loads(client.ask(message))["requestContext"]["routeKey"]


@pytest.fixture
def client(start):
    routes = {key: "event" for key in ("$default", "join", "1", "true", "a b", "ä")}
    return start(harness.api({"$connect": "status", "$disconnect": "status", **routes})).connect()


ROUTES = {
    "a custom route": ('{"action":"join"}', "join"),
    "blanks around": (' \n{ "action" : "join" } \t', "join"),
    "escapes in the value": ('{"action":"\\u006aoin"}', "join"),
    "escapes in the name": ('{"\\u0061ction":"join"}', "join"),
    "other members first": ('{"x":{"action":"no"},"action":"join"}', "join"),
    "a number": ('{"action":1}', "1"),
    "a boolean": ('{"action":true}', "true"),
    "a key with a blank": ('{"action":"a b"}', "a b"),
    "a key beyond ascii": ('{"action":"ä"}', "ä"),
    "an unknown action": ('{"action":"nothing"}', "$default"),
    "another case": ('{"action":"Join"}', "$default"),
    "a missing action": ('{"x":"join"}', "$default"),
    "a null": ('{"action":null}', "$default"),
    "an object": ('{"action":{"join":1}}', "$default"),
    "an array": ('{"action":["join"]}', "$default"),
    "text that is not json": ("join", "$default"),
    "almost json": ("{action:'join'}", "$default"),
    "json with something after it": ('{"action":"join"} x', "$default"),
    "a json scalar": ('"join"', "$default"),
    "a json array": ('[{"action":"join"}]', "$default"),
    "an empty message": ("", "$default"),
    "the name of the connect route": ('{"action":"$connect"}', "$default"),
    "the name of the disconnect route": ('{"action":"$disconnect"}', "$default"),
    "the name of the default route": ('{"action":"$default"}', "$default"),
    "json that is nested too deep": ('{"action":"join","x":' + "[" * 10000 + "]" * 10000 + "}", "$default"),
}


@pytest.mark.parametrize("kind", ROUTES)
def test_the_route_is_the_one_that_aws_takes(client, kind):
    message, route = ROUTES[kind]
    assert routed(client, message) == route


EXPRESSIONS = {
    "${request.body.service}/${request.body.action}": ('{"service":"chat","action":"join"}', "chat/join"),
    "$request.body.a.b": ('{"a":{"b":"deep"}}', "deep"),
    "$request.body.list[1]": ('{"list":["x","second"]}', "second"),
    "$request.body.detail-type": ('{"detail-type":"dash"}', "dash"),
    "${request.body.action}-${request.body.missing}": ('{"action":"join"}', "join-"),
    "fixed": ("{}", "fixed"),
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_selection_expression_of_the_file_is_used(start, expression):
    message, route = EXPRESSIONS[expression]
    config = harness.api({"$default": "event", route: "event"}, routeSelectionExpression=expression)
    assert routed(start(config).connect(), message) == route


def test_without_a_matching_route_and_a_default_the_client_is_told_forbidden(start):
    emulator = start(harness.api({"join": "event"}))
    client = emulator.connect()
    answer = client.ask('{"action":"nothing"}')
    assert json.loads(answer)["message"] == "Forbidden"
    assert routed(client, '{"action":"join"}') == "join"
    emulator.wait_log("route-not-found")
