"""Which route a message takes: selection expressions, and what matches."""

import json
import re

import facts
from facts import DOCUMENTED, INFERRED, OBSERVED, UNSETTLED, Source, fact, row, table

EXPRESSIONS = Source("API Gateway developer guide, apigateway-websocket-api-selection-expressions", DOCUMENTED)
ROUTES = Source("API Gateway developer guide, websocket-api-develop-routes", DOCUMENTED)
ROUTE_RESPONSE = Source("API Gateway developer guide, apigateway-websocket-api-route-response", DOCUMENTED)
E2E = Source("serverless-offline's end-to-end suite, written against AWS", OBSERVED)
DASHES = Source("localstack/localstack#7153", OBSERVED)
STRINGIFIED = Source(EXPRESSIONS.where + ": results are stringified", INFERRED)
JSONPATH = Source(EXPRESSIONS.where + ": any JSONPath; the forms are Jayway's", INFERRED)
ODD = Source("nothing was found about it", UNSETTLED)
RESERVED = Source(ROUTES.where + ": keys with $ are reserved; what a client that sends one gets is not known", UNSETTLED)
FRAMES = Source("aws-samples/simple-websockets-chat-app#24, and more than eight other captures", OBSERVED)

CHAT = '{"service":"chat","action":"join","data":{"room":"room1234"}}'


def table_of_expressions(*rows):
    """Rows (name, source, words, expression, message, route). All keys that an expression selects are routes of its API."""
    keys = {}
    for _, _, _, expression, _, route in rows:
        keys.setdefault(expression, {route}).add(route)
    return table(
        "expression,routes,message,route",
        *(row(name, source, words, expression, sorted(keys[expression]), message, route)
          for name, source, words, expression, message, route in rows),
    )  # fmt: skip


def taken(serve, expression, routes, message):
    """The routeKey of the event that a message becomes."""
    config = facts.api({"$default": "event"} | dict.fromkeys(routes, "event"), routeSelectionExpression=expression)
    del config["routes"]["whoami"]
    return json.loads(serve(config).connect().ask(message))["requestContext"]["routeKey"]


@table_of_expressions(
    # ---- the examples of the guide ----
    ("guide: action", EXPRESSIONS, "$request.body.action of the guide's message is join", "$request.body.action", CHAT, "join"),
    ("guide: braces", EXPRESSIONS, "${request.body.action} is the same", "${request.body.action}", CHAT, "join"),
    ("guide: two variables", EXPRESSIONS, "${request.body.service}/${request.body.action} is chat/join",
     "${request.body.service}/${request.body.action}", CHAT, "chat/join"),
    ("guide: missing path", EXPRESSIONS, "${request.body.action}-${request.body.invalidPath} is join-",
     "${request.body.action}-${request.body.invalidPath}", CHAT, "join-"),
    ("guide: static", EXPRESSIONS, "action without a dollar is static text", "action", CHAT, "action"),
    ("guide: escaped", EXPRESSIONS, "\\$default is the text $default", "\\$default", CHAT, "$default"),
    ("static, not JSON", EXPRESSIONS, "static text needs no message", "action", "hello", "action"),
    ("nested", E2E, "nested paths work", "$request.body.service.do", '{"service":{"do":"echo"}}', "echo"),
    ("nested with braces", EXPRESSIONS, "nested paths work in braces", "${request.body.data.room}", CHAT, "room1234"),
    ("dashes", DASHES, "a member's name may have dashes", "$request.body.detail-type", '{"detail-type":"order"}', "order"),
    ("text before", EXPRESSIONS, "static text and variables may be mixed", "v1-${request.body.action}", CHAT, "v1-join"),
    ("text behind", EXPRESSIONS, "static text and variables may be mixed", "${request.body.action}-v1", CHAT, "join-v1"),
    ("beta", Source("API Gateway API reference, selection expressions", DOCUMENTED), "${request.body.version}-beta is an example",
     "${request.body.version}-beta", '{"version":"2"}', "2-beta"),
    ("not re-evaluated", EXPRESSIONS, "the result is not evaluated again", "${request.body.action}",
     '{"action":"${request.body.service}","service":"chat"}', "$default"),
    # ---- what values become ----
    ("integer", STRINGIFIED, "a number is its decimal text", "$request.body.n", '{"n":42}', "42"),
    ("negative", STRINGIFIED, "a number is its decimal text", "$request.body.n", '{"n":-1}', "-1"),
    ("fraction", STRINGIFIED, "a number is its decimal text", "$request.body.n", '{"n":1.5}', "1.5"),
    ("zero", STRINGIFIED, "a number is its decimal text", "$request.body.n", '{"n":0}', "0"),
    ("true", STRINGIFIED, "a boolean is `true`", "$request.body.b", '{"b":true}', "true"),
    ("false", STRINGIFIED, "a boolean is `false`", "$request.body.b", '{"b":false}', "false"),
    ("array", EXPRESSIONS, 'an array is "[item1, item2]"', "$request.body.list", '{"list":["a","b"]}', "[a, b]"),
    ("array of one", EXPRESSIONS, "an array of one has no comma", "$request.body.list", '{"list":["a"]}', "[a]"),
    ("array of numbers", EXPRESSIONS, "an array's items are stringified", "$request.body.list", '{"list":[1,2,3]}', "[1, 2, 3]"),
    ("empty array", STRINGIFIED, "an empty array is []", "$request.body.list", '{"list":[]}', "[]"),
    ("null", ODD, "a null selects nothing", "$request.body.action", '{"action":null}', "$default"),
    ("object", ODD, "an object selects nothing sane", "$request.body.action", '{"action":{"k":"v"}}', "$default"),
    ("empty text", STRINGIFIED, "an empty string selects nothing", "$request.body.action", '{"action":""}', "$default"),
    ("blanks are kept", ROUTES, "the whole key must match", "$request.body.action", '{"action":" join "}', "$default"),
    ("unicode", ROUTES, "a key is compared as text", "$request.body.action", '{"action":"gr\\u00fc\\u00df"}', "grüß"),
    ("escapes", ROUTES, "escapes of JSON are undone", "$request.body.action", '{"action":"j\\u006fin"}', "join"),
    # ---- JSONPath ----
    ("bracket member", JSONPATH, "a member may stand in brackets", "$request.body['action']", CHAT, "join"),
    ("bracket with dash", JSONPATH, "a member may stand in brackets", "$request.body['detail-type']", '{"detail-type":"order"}', "order"),
    ("index", JSONPATH, "an index takes an item", "$request.body.list[1]", '{"list":["a","b"]}', "b"),
    ("index of an object", JSONPATH, "an index takes an item", "$request.body.list[0].kind", '{"list":[{"kind":"first"}]}', "first"),
    ("negative index", JSONPATH, "a negative index counts from the end", "$request.body.list[-1]", '{"list":["a","b"]}', "b"),
    ("index beyond", JSONPATH, "an index beyond the end is a missing path", "$request.body.list[5]", '{"list":["a"]}', "$default"),
    ("all items", JSONPATH, "[*] takes all items", "$request.body.list[*]", '{"list":["a","b"]}', "[a, b]"),
    ("slice", JSONPATH, "a slice takes a part", "$request.body.list[0:2]", '{"list":["a","b","c"]}', "[a, b]"),
    ("deep scan", JSONPATH, ".. looks everywhere", "$request.body..kind", '{"x":{"kind":"a"}}', "[a]"),
    ("member of text", JSONPATH, "a member of a string is a missing path", "$request.body.action.x", CHAT, "$default"),
    # ---- matching ----
    ("upper case", Source(ROUTES.where + ": exactly", INFERRED), "matching is case-sensitive", "$request.body.action",
     '{"action":"JOIN"}', "$default"),
    ("prefix", ROUTES, "a key must match as a whole", "$request.body.action", '{"action":"joi"}', "$default"),
    ("longer", ROUTES, "a key must match as a whole", "$request.body.action", '{"action":"join2"}', "$default"),
    ("exact", ROUTES, "a key that matches takes its route", "$request.body.action", '{"action":"join"}', "join"),
    ("blanks in JSON", ROUTES, "how the JSON is laid out does not matter", "$request.body.action", ' { "action" :\n"join" } ', "join"),
    ("duplicate member", ODD, "of a duplicate member the last counts", "$request.body.action", '{"action":"x","action":"join"}', "join"),
    # ---- $default ----
    ("unknown action", E2E, "an unknown action goes to $default", "$request.body.action", '{"action":"unknown"}', "$default"),
    ("missing action", E2E, "a message without the member goes to $default", "$request.body.action", '{"other":1}', "$default"),
    ("plain text", ROUTES, "non-JSON messages go to $default", "$request.body.action", "hello", "$default"),
    ("empty message", ROUTE_RESPONSE, "an empty message goes to $default", "$request.body.action", "", "$default"),
    ("number message", ROUTES, "scalar JSON goes to $default", "$request.body.action", "42", "$default"),
    ("text message", ROUTES, "scalar JSON goes to $default", "$request.body.action", '"join"', "$default"),
    ("null message", ROUTES, "scalar JSON goes to $default", "$request.body.action", "null", "$default"),
    ("array message", ODD, "an array has no member action", "$request.body.action", '[{"action":"join"}]', "$default"),
    ("cut JSON", ROUTES, "broken JSON goes to $default", "$request.body.action", '{"action":"join"', "$default"),
    ("unquoted key", Source("a README, perhaps edited by hand, shows such a message reach its route", UNSETTLED),
     "JSON with unquoted keys is no JSON", "$request.body.action", '{"action":"join", body:"hello"}', "$default"),
    ("more behind the JSON", ROUTES, "JSON with more behind it is no JSON", "$request.body.action", '{"action":"join"} x', "$default"),
    ("blank message", ROUTES, "a message of blanks goes to $default", "$request.body.action", "   ", "$default"),
    # ---- reserved keys ----
    ("$connect", RESERVED, "a client cannot choose $connect", "$request.body.action", '{"action":"$connect"}', "$default"),
    ("$disconnect", RESERVED, "a client cannot choose $disconnect", "$request.body.action", '{"action":"$disconnect"}', "$default"),
    ("$default", RESERVED, "a client that sends $default gets there all the same", "$request.body.action",
     '{"action":"$default"}', "$default"),
)  # fmt: skip
def test_the_route_that_is_taken(serve, expression, routes, message, route):
    assert taken(serve, expression, routes, message) == route


NO_DEFAULT = facts.api({"join": "event"})


@table(
    "message",
    row("unknown action", FRAMES, "no route and no $default: a Forbidden frame", '{"action":"unknown"}'),
    row("no action", FRAMES, "no route and no $default: a Forbidden frame", "{}"),
    row("plain text", FRAMES, "no route and no $default: a Forbidden frame", "hello"),
    row("empty", FRAMES, "no route and no $default: a Forbidden frame", ""),
    row("$connect", RESERVED, "a client that sends $connect is Forbidden without a $default", '{"action":"$connect"}'),
    row("$disconnect", RESERVED, "a client that sends $disconnect is Forbidden without a $default", '{"action":"$disconnect"}'),
    row("another case", ROUTES, "matching is case-sensitive", '{"action":"Join"}'),
)
def test_no_route_is_a_forbidden_frame(serve, message):
    client = serve(NO_DEFAULT).connect()
    assert re.fullmatch(facts.error_frame("Forbidden"), client.ask(message))


@fact("after a Forbidden frame the connection stays open", FRAMES.where, OBSERVED)
def test_forbidden_keeps_the_connection(serve):
    client = serve(NO_DEFAULT).connect()
    client.ask("nobody takes this")
    assert json.loads(client.ask('{"action":"join"}'))["requestContext"]["routeKey"] == "join"


@fact("the connectionId of a Forbidden frame is the client's", FRAMES.where, OBSERVED)
def test_forbidden_names_the_connection(serve):
    emulator = serve(NO_DEFAULT)
    client = emulator.connect()
    connection_id = emulator.identify(client)
    assert json.loads(client.ask("x"))["connectionId"] == connection_id


@fact("routes are not selected for $connect and $disconnect", ROUTES.where, DOCUMENTED)
def test_connect_and_disconnect_are_not_selected(serve):
    routes = {"$connect": "event", "$disconnect": "event", "constant": "event"}
    emulator = serve(facts.api(routes, routeSelectionExpression="constant"))
    client = emulator.connect()
    connection_id = json.loads(client.ask("x"))["requestContext"]["connectionId"]
    client.close()
    opened, closed = (emulator.event(connection_id, kind)["requestContext"] for kind in ("CONNECT", "DISCONNECT"))
    assert (opened["routeKey"], closed["routeKey"]) == ("$connect", "$disconnect")


@fact("a message goes to one route only", ROUTES.where, INFERRED)
def test_one_route_only(serve):
    client = serve(facts.api({"$default": "event", "join": "event"})).connect()
    keys = [json.loads(client.ask(text))["requestContext"]["routeKey"] for text in ('{"action":"join"}', "x")]
    assert keys == ["join", "$default"]
