"""What a message is answered with: results of functions, error frames, timeouts."""

import json
import re

import facts
import harness
import wire
from facts import DOCUMENTED, INFERRED, OBSERVED, UNSETTLED, Source, fact, row, table
from results import MALFORMED_RESULTS

WSCAT = Source("wscat transcripts of a live API in ap-northeast-1", OBSERVED)
GUIDE = Source("API Gateway developer guide, apigateway-websocket-api-integration-responses", DOCUMENTED)
ROUTE_RESPONSE = Source("API Gateway developer guide, apigateway-websocket-api-route-response", DOCUMENTED)
BODY = Source("dherault/serverless-offline#1008", OBSERVED)
STATUS_500 = Source("yai333/React-Chat-App-using-AWS-API-Gateway-Websocket-and-Serverless-Framework#2", OBSERVED)
STATUS = Source(STATUS_500.where + "; another project has seen an error frame", UNSETTLED)
NO_BODY = Source("serverless/serverless#6816, and clients that look for empty messages", OBSERVED)
REST = Source("Lambda proxy results as recorded at REST APIs", INFERRED)
FRAME = Source("frames that many users have recorded, 2019 to 2026", OBSERVED)
MIDDY = Source("middyjs/middy#1219", OBSERVED)
TIMEOUT = Source("aws/chalice#1406 and Kludex/mangum#128", OBSERVED)
CONCURRENT = Source("AWS re:Post QUa2N5ZwL4QjSFuJkuI4nGcg", OBSERVED)

TWO_WAY = facts.api({"$default": "respond_json", "echo": "echo"})
ONE_WAY = facts.api({"$default": harness.one_way("respond_json"), "echo": "echo"})
ECHO = '{"action":"echo"}'


def result(value):
    return value if isinstance(value, str) else json.dumps(value)


@table(
    "value,text",
    row("body", BODY, "the body of a two-way result is the message, verbatim", {"statusCode": 200, "body": "text"}, "text"),
    row("JSON in the body", BODY, "a body of JSON is sent as it is written", {"statusCode": 200, "body": '{ "a" : 1 }'}, '{ "a" : 1 }'),
    row("unicode", BODY, "a body is sent as UTF-8", {"statusCode": 200, "body": "ä€😀"}, "ä€😀"),
    row("line breaks", BODY, "line breaks of a body are sent", {"statusCode": 200, "body": "a\nb\r\n"}, "a\nb\r\n"),
    row("201", STATUS, "statusCode has no effect: 201 delivers the body", {"statusCode": 201, "body": "x"}, "x"),
    row("301", STATUS, "statusCode has no effect: 301 delivers the body", {"statusCode": 301, "body": "x"}, "x"),
    row("400", STATUS, "statusCode has no effect: 400 delivers the body", {"statusCode": 400, "body": "x"}, "x"),
    row("401", STATUS, "statusCode has no effect: 401 delivers the body", {"statusCode": 401, "body": "x"}, "x"),
    row("404", STATUS, "statusCode has no effect: 404 delivers the body", {"statusCode": 404, "body": "x"}, "x"),
    row("500", STATUS_500, "statusCode has no effect: 500 delivers the body", {"statusCode": 500, "body": "x"}, "x"),
    row("502", STATUS, "statusCode has no effect: 502 delivers the body", {"statusCode": 502, "body": "x"}, "x"),
    row("text status", REST, 'a statusCode "201" delivers the body', {"statusCode": "201", "body": "x"}, "x"),
    row("no status", REST, "a result without statusCode delivers its body", {"body": "x"}, "x"),
    row("no body", NO_BODY, "a two-way result without a body is an empty message", {"statusCode": 200}, ""),
    row("no body, 500", NO_BODY, "a two-way result without a body is an empty message", {"statusCode": 500}, ""),
    row("null body", NO_BODY, "a null body is no body: an empty message", {"statusCode": 200, "body": None}, ""),
    row("empty body", NO_BODY, "an empty body is an empty message", {"statusCode": 200, "body": ""}, ""),
    row("empty result", REST, "the result {} is an empty message", {}, ""),
    row("headers", Source("a message has no headers", INFERRED), "headers of a result are ignored",
        {"statusCode": 200, "headers": {"X": "y"}, "body": "x"}, "x"),
    row("base64", REST, "isBase64Encoded changes nothing", {"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, "aGk="),
    row("not base64", REST, "isBase64Encoded false changes nothing", {"body": "hi", "isBase64Encoded": False}, "hi"),
    row("null headers", REST, "null headers are no headers", {"headers": None, "body": "x"}, "x"),
    row("boolean header", REST, "a header's value may be a boolean", {"headers": {"X": True}, "body": "x"}, "x"),
    row("multi headers", REST, "multiValueHeaders have arrays", {"multiValueHeaders": {"X": ["a"]}, "body": "x"}, "x"),
    row("blanks", REST, "how the result is laid out does not matter", ' { "body" : "x" } ', "x"),
)  # fmt: skip
def test_what_a_two_way_route_sends(serve, value, text):
    client = serve(TWO_WAY).connect()
    client.send(result(value))
    fin, opcode, payload = client.receive_frame()
    assert (fin, opcode, payload.decode()) == (True, wire.TEXT, text)


@table("value", *MALFORMED_RESULTS)
def test_a_malformed_result_is_an_internal_server_error(serve, value):
    client = serve(TWO_WAY).connect()
    assert re.fullmatch(facts.error_frame("Internal server error"), client.ask(json.dumps(value)))


@table(
    "value",
    row("null", Source("michalkvasnicak/aws-lambda-graphql#48", OBSERVED), "null is malformed on one-way routes, too", None),
    row("extra key", MIDDY, "a key too many is malformed on one-way routes, too", {"ConnectionId": "x", "Data": "y", "statusCode": 200}),
    row("string", REST, "a string is malformed on one-way routes, too", "justAString"),
    row("object body", REST, "a body that is an object is malformed on one-way routes, too", {"body": {}}),
)
def test_a_malformed_result_of_a_one_way_route_is_an_internal_server_error(serve, value):
    client = serve(ONE_WAY).connect()
    assert re.fullmatch(facts.error_frame("Internal server error"), client.ask(json.dumps(value)))


@table(
    "value",
    row("200", GUIDE, "by default a result stays with the gateway", {"statusCode": 200, "body": "x"}),
    row("201", WSCAT, "a one-way route that answers 201 is silent", {"statusCode": 201}),
    row("301", WSCAT, "a one-way route that answers 301 is silent", {"statusCode": 301}),
    row("401", WSCAT, "a one-way route that answers 401 is silent", {"statusCode": 401}),
    row("500", WSCAT, "a one-way route that answers 500 is silent", {"statusCode": 500, "body": "x"}),
    row("501", WSCAT, "a one-way route that answers 501 is silent", {"statusCode": 501}),
    row("{}", REST, "a one-way route that answers {} is silent", {}),
)
def test_a_one_way_route_is_silent(serve, value):
    client = serve(ONE_WAY).connect()
    client.send(json.dumps(value))
    assert client.ask(ECHO) == ECHO


def failing(handler, route="two-way", **function):
    target = handler if route == "two-way" else harness.one_way(handler)
    return facts.api({"$default": target, "echo": "echo"}, {handler: function} if function else None)


@table(
    "handler,route",
    row("throws", WSCAT, "a handler that throws is an Internal server error", "fail", "two-way"),
    row("throws, one-way", WSCAT, "error frames reach the client on one-way routes, too", "fail", "one-way"),
    row("returns an error", WSCAT, "a handler that fails is an Internal server error", "error", "two-way"),
    row("crashes", WSCAT, "a handler that crashes is an Internal server error", "crash", "two-way"),
    row("crashes, one-way", WSCAT, "a crash is seen on one-way routes, too", "crash", "one-way"),
    row("exits", WSCAT, "a handler whose process ends is an Internal server error", "exit0", "two-way"),
    row("aborts", WSCAT, "a handler that aborts is an Internal server error", "abort", "two-way"),
    row("returns nothing", Source("michalkvasnicak/aws-lambda-graphql#48", INFERRED), "a handler that returns nothing is an Internal server error",
        "respond_none", "two-way"),
    row("returns nothing, one-way", Source("michalkvasnicak/aws-lambda-graphql#48", INFERRED),
        "a handler that returns nothing is an Internal server error on one-way routes, too", "respond_none", "one-way"),
)  # fmt: skip
def test_a_function_that_fails_is_an_internal_server_error(serve, handler, route):
    client = serve(failing(handler, route)).connect()
    assert re.fullmatch(facts.error_frame("Internal server error"), client.ask("x"))
    assert client.ask(ECHO) == ECHO


@fact("the connectionId of an error frame is the client's", FRAME.where, OBSERVED)
def test_an_error_frame_names_the_connection(serve):
    emulator = serve(failing("fail"))
    client = emulator.connect()
    connection_id = emulator.identify(client)
    assert json.loads(client.ask("x"))["connectionId"] == connection_id


@fact("the requestId of an error frame is new for each message", FRAME.where, OBSERVED)
def test_an_error_frame_names_the_request(serve):
    client = serve(failing("fail")).connect()
    assert json.loads(client.ask("x"))["requestId"] != json.loads(client.ask("x"))["requestId"]


@fact("an error frame is one text frame", FRAME.where, OBSERVED)
def test_an_error_frame_is_text(serve):
    client = serve(failing("fail")).connect()
    client.send("x")
    fin, opcode, _ = client.receive_frame()
    assert (fin, opcode) == (True, wire.TEXT)


SLOW = facts.api({"$default": "hang", "echo": "echo"}, {"hang": {"timeout": 60}})
SLOW_ONE_WAY = facts.api({"$default": harness.one_way("hang"), "echo": "echo"}, {"hang": {"timeout": 60}})


@table(
    "config",
    row("two-way", TIMEOUT, "an integration that exceeds 29 s is an `Endpoint request timed out` frame", SLOW),
    row("one-way", TIMEOUT, "the frame of a timeout reaches the client on one-way routes, too", SLOW_ONE_WAY),
)
def test_the_frame_of_a_timeout(serve, config):
    emulator = serve(config)
    client = facts.hanging_client(emulator)
    emulator.advance("29s")
    assert re.fullmatch(facts.error_frame("Endpoint request timed out"), client.receive())
    assert client.ask(ECHO) == ECHO


@fact("an integration has 29 s: at 28 s there is no frame yet", "API Gateway developer guide, apigateway-execution-service-websocket-limits-table", DOCUMENTED)
def test_no_timeout_before_29_seconds(serve):
    emulator = serve(SLOW)
    client = facts.hanging_client(emulator)
    emulator.advance("28s")
    assert client.ask(ECHO) == ECHO
    emulator.advance("2s")
    assert "Endpoint request timed out" in client.receive()


@fact("a Lambda function that times out by itself is an Internal server error", "Lambda developer guide: a timeout is a function error", INFERRED)
def test_the_functions_own_timeout(serve):
    emulator = serve(facts.api({"$default": "hang", "echo": "echo"}, {"hang": {"timeout": 3}}))
    client = facts.hanging_client(emulator)
    emulator.advance("4s")
    assert re.fullmatch(facts.error_frame("Internal server error"), client.receive())


@fact("a function's timeout is 3 s unless set", "Lambda developer guide, function timeout", DOCUMENTED)
def test_the_default_timeout(serve):
    emulator = serve(facts.api({"$default": "hang", "echo": "echo"}))
    client = facts.hanging_client(emulator)
    emulator.advance("2s")
    assert client.ask(ECHO) == ECHO
    emulator.advance("2s")
    assert re.fullmatch(facts.error_frame("Internal server error"), client.receive())


@fact("the Lambda function keeps running after the 29 s frame, and its later result is dropped", CONCURRENT.where, OBSERVED)
def test_a_late_result_is_dropped(serve, gate):
    config = facts.api({"$default": "gate", "echo": "echo"})
    config["functions"]["gate"] = gate.function(timeout=60)
    emulator = serve(config)
    client = emulator.connect()
    client.send("late")
    gate.wait_entered("late")
    emulator.advance("29s")
    assert "Endpoint request timed out" in client.receive()
    gate.open("late", "next")
    assert client.ask("next") == "next"
    assert client.ask(ECHO) == ECHO


@fact("messages of one connection run concurrently: a later one may be answered first", CONCURRENT.where, OBSERVED)
def test_messages_run_concurrently(serve, gate):
    config = facts.api({"$default": "gate"})
    config["functions"]["gate"] = gate.function(timeout=60)
    client = serve(config).connect()
    for name in ("first", "second"):
        client.send(name)
        gate.wait_entered(name)
    gate.open("second")
    assert client.receive() == "second"
    gate.open("first")
    assert client.receive() == "first"


@fact("a reply of more than 32 KB is one message", "API Gateway developer guide, quotas: a message has 128 KB, a frame 32 KB", INFERRED)
def test_a_reply_in_several_frames(serve):
    client = serve(facts.api({"$default": "big"})).connect()
    client.send("40000")
    frames = [client.receive_frame(), client.receive_frame()]
    assert [(fin, opcode, len(payload)) for fin, opcode, payload in frames] == [
        (False, wire.TEXT, 32768),
        (True, wire.CONTINUATION, 40000 - 32768),
    ]


@fact("a reply of 128 KB is sent", "API Gateway developer guide, quotas: a message has 128 KB", INFERRED)
def test_the_largest_reply(serve):
    client = serve(facts.api({"$default": "big"})).connect()
    assert client.ask("131072") == "x" * 131072


@fact("a reply over 128 KB is an error frame", "nothing was found about it", UNSETTLED)
def test_a_reply_that_is_too_large(serve):
    client = serve(facts.api({"$default": "big"})).connect()
    assert re.fullmatch(facts.error_frame("Internal server error"), client.ask("131073"))
