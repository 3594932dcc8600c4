"""The opening handshake: what AWS lets in, what it answers to the rest, and how that looks to the byte."""

import json
import re

import facts
import pytest
from facts import DOCUMENTED, INFERRED, OBSERVED, UNSETTLED, Source, fact, query, row, table
from results import MALFORMED_RESULTS

WSCAT = Source("wscat transcripts of a live API in ap-northeast-1", OBSERVED)
CAPTURE = Source("python-websockets/websockets#1065, the raw answer of an execute-api host", OBSERVED)
HOST = Source("a captured answer of *.execute-api.us-east-1.amazonaws.com", OBSERVED)
REFUSED_HEAD = Source("a captured answer of *.execute-api.us-east-1.amazonaws.com, for an upgrade by analogy", INFERRED)
CONNECT_GUIDE = Source("API Gateway developer guide, apigateway-websocket-api-route-keys-connect-disconnect", DOCUMENTED)
SUBPROTOCOL = Source("API Gateway developer guide, websocket-connect-route-subprotocol", DOCUMENTED)
OVERVIEW = Source("API Gateway developer guide, apigateway-how-to-call-websocket-api-wscat", DOCUMENTED)
AUTHORIZER_GUIDE = Source("API Gateway developer guide, apigateway-websocket-api-lambda-auth", DOCUMENTED)
LIMITS = Source("API Gateway developer guide, apigateway-execution-service-websocket-limits-table", DOCUMENTED)
DROPPED = Source("aws/chalice#1768", OBSERVED)
PIPELINE = Source("Lambda proxy results as recorded at REST APIs; the same pipeline", INFERRED)
E2E = Source("serverless-offline's end-to-end suite, written against AWS", OBSERVED)
RFC = Source("RFC 6455, 4.2; what AWS answers is not known", UNSETTLED)
CLOSED_PATH = Source("the answer to an unknown stage, for more path behind it", UNSETTLED)
NO_SUBPROTOCOL = Source("dherault/serverless-offline#1176", OBSERVED)

REFUSAL_NAMES = ["Date", "Content-Type", "Content-Length", "Connection", "x-amzn-RequestId", "x-amzn-ErrorType", "x-amz-apigw-id"]

# $connect answers what ?answer=… says, and 200 without one.
DECIDING = facts.api({"$connect": "answer", "$disconnect": "event", "$default": "echo"})
OPEN = facts.api({"$default": "echo"})


@pytest.fixture
def deciding(serve):
    return serve(DECIDING)


@pytest.fixture
def open_api(serve):
    return serve(OPEN)


def decided(emulator, result, headers=()):
    """The answer to a handshake whose $connect function returns `result`."""
    return facts.handshake(emulator, query(answer=result), headers=headers)


# ---- the statuses of $connect ----


@table(
    "status",
    row("200", WSCAT, "a $connect that answers 200 lets the client in", 200),
    row("201", WSCAT, "a $connect that answers 201 lets the client in", 201),
    row("202", WSCAT, "any 2xx of $connect lets the client in", 202),
    row("204", WSCAT, "any 2xx of $connect lets the client in", 204),
    row("226", WSCAT, "any 2xx of $connect lets the client in", 226),
    row("299", WSCAT, "any 2xx of $connect lets the client in", 299),
    row("text 200", PIPELINE, 'a statusCode may be a numeric string: "200" lets the client in', "200"),
    row("text 201", PIPELINE, 'a statusCode may be a numeric string: "201" lets the client in', "201"),
)
def test_a_2xx_lets_the_client_in(deciding, status):
    assert decided(deciding, {"statusCode": status}).status == 101


@table(
    "status",
    row("300", WSCAT, "a $connect that answers a 3xx gives the client that status", 300),
    row("301", WSCAT, "a $connect that answers 301 gives the client a 301", 301),
    row("302", WSCAT, "a $connect that answers a 3xx gives the client that status", 302),
    row("400", SUBPROTOCOL, "a $connect that answers 400 gives the client a 400", 400),
    row("401", WSCAT, "a $connect that answers 401 gives the client a 401", 401),
    row("403", WSCAT, "any non-2xx of $connect is what the client gets", 403),
    row("404", WSCAT, "any non-2xx of $connect is what the client gets", 404),
    row("418", WSCAT, "any non-2xx of $connect is what the client gets", 418),
    row("429", WSCAT, "any non-2xx of $connect is what the client gets", 429),
    row("500", WSCAT, "any non-2xx of $connect is what the client gets", 500),
    row("501", WSCAT, "a $connect that answers 501 gives the client a 501", 501),
    row("503", WSCAT, "any non-2xx of $connect is what the client gets", 503),
    row("599", WSCAT, "any non-2xx of $connect is what the client gets", 599),
    row("text 403", PIPELINE, 'a statusCode may be a numeric string: "403" refuses with a 403', "403"),
)
def test_another_status_is_the_answer(deciding, status):
    response = decided(deciding, {"statusCode": status})
    assert response.status == int(status)
    assert response.body == b""


@table(
    "result",
    row("no statusCode", PIPELINE, "a result without statusCode counts as 200", {}),
    row("only a body", PIPELINE, "a result without statusCode counts as 200", {"body": "x"}),
    row("null headers", PIPELINE, "null headers are no headers", {"statusCode": 200, "headers": None}),
    row("boolean header", PIPELINE, "a header's value may be a boolean", {"statusCode": 200, "headers": {"X": True}}),
    row("multi headers", PIPELINE, "multiValueHeaders have arrays", {"statusCode": 200, "multiValueHeaders": {"X": ["a", "b"]}}),
    row("null body", PIPELINE, "a null body is no body", {"statusCode": 200, "body": None}),
    row("base64", PIPELINE, "isBase64Encoded may be given", {"statusCode": 200, "body": "", "isBase64Encoded": True}),
)
def test_what_counts_as_a_result_lets_the_client_in(deciding, result):
    assert decided(deciding, result).status == 101


@table("result", *MALFORMED_RESULTS)
def test_a_malformed_result_of_connect_is_502(deciding, result):
    response = decided(deciding, json.dumps(result))
    assert response.status == 502
    assert re.fullmatch(facts.error_frame("Internal server error"), response.text)


@fact("a $connect answer that is not JSON is a 502", "the same pipeline as recorded at REST APIs", INFERRED)
def test_no_json_of_connect_is_502(deciding):
    assert decided(deciding, "not JSON").status == 502


@table(
    "handler",
    row("throws", WSCAT, "a $connect handler that throws gives a 502", "fail"),
    row("returns an error", WSCAT, "a $connect handler that fails gives a 502", "error"),
    row("crashes", Source("serverless/serverless-websockets-plugin#13", OBSERVED), "a $connect handler that crashes gives a 502",
        "crash"),
    row("exits", WSCAT, "a $connect handler whose process ends gives a 502", "exit3"),
    row("says nothing", PIPELINE, "a $connect handler that returns nothing gives a 502", "respond_none"),
)  # fmt: skip
def test_a_connect_function_that_fails_is_502(serve, handler):
    response = serve(facts.api({"$connect": handler, "$default": "echo"})).refusal()
    assert response.status == 502
    assert response.get("x-amzn-ErrorType") == "InternalServerErrorException"
    assert re.fullmatch(facts.error_frame("Internal server error"), response.text)


@fact("an integration that does not answer within 29 s is a 504 at the handshake", "the timeout of WebSocket integrations", INFERRED)
def test_a_slow_connect_function_is_504(serve):
    emulator = serve(facts.api({"$connect": "hang", "$default": "echo"}, {"hang": {"timeout": 60}}))
    response = refused_later(emulator, "29s")
    assert response.status == 504
    assert response.get("x-amzn-ErrorType") == "InternalServerErrorException"
    assert re.fullmatch(facts.error_frame("Endpoint request timed out"), response.text)


def refused_later(emulator, after):
    """The answer to a handshake whose function hangs, when the clock has moved by `after`."""
    stream = facts.hanging_handshake(emulator)
    emulator.advance(after)
    response = stream.read_response()
    stream.close()
    return response


@fact("a Lambda function that times out by itself is a function error: 502", "Lambda's function errors, as $connect passes them on", INFERRED)
def test_a_connect_function_that_times_out_is_502(serve):
    emulator = serve(facts.api({"$connect": "hang", "$default": "echo"}, {"hang": {"timeout": 1}}))
    assert refused_later(emulator, "2s").status == 502


@fact("without a $connect route everybody may connect", CONNECT_GUIDE.where, DOCUMENTED)
def test_no_connect_route(open_api):
    assert open_api.connect().response.status == 101


@fact("the integration of $connect is optional", CONNECT_GUIDE.where, DOCUMENTED)
def test_no_connect_integration(serve):
    assert serve(facts.api({"$connect": {}, "$default": "echo"})).connect().response.status == 101


@fact("the upgrade waits until the $connect integration has finished", CONNECT_GUIDE.where, DOCUMENTED)
def test_the_upgrade_waits(serve):
    emulator = serve(facts.api({"$connect": "hang", "$default": "echo"}, {"hang": {"timeout": 60}}))
    stream = facts.hanging_handshake(emulator)
    emulator.advance("28s")
    assert facts.has_said_nothing(stream)
    emulator.advance("2s")
    assert stream.read_response().status == 504
    stream.close()


@fact("a refused handshake has no $disconnect", "dherault/serverless-offline#711", OBSERVED)
def test_no_disconnect_after_a_refusal(deciding):
    assert decided(deciding, {"statusCode": 401}).status == 401
    client = deciding.connect()
    connection_id = deciding.identify(client)
    client.close(1000, "after the refusal")
    assert deciding.end_of(connection_id) == (1000, "after the refusal")
    contexts = [json.loads(text)["requestContext"] for text in deciding.events("DISCONNECT")]
    ids = [context["connectionId"] for context in contexts]
    assert len(ids) == len(set(ids))
    assert 401 not in [context["disconnectStatusCode"] for context in contexts]


# ---- the 101 ----


@fact("the 101 has Date, Connection, upgrade and sec-websocket-accept, in this order and case", CAPTURE.where, OBSERVED)
def test_the_headers_of_the_101(open_api):
    assert open_api.connect().response.names == ["Date", "Connection", "upgrade", "sec-websocket-accept"]


@fact("the values of the 101's headers are `upgrade` and `websocket`", CAPTURE.where, OBSERVED)
def test_the_values_of_the_101(open_api):
    response = open_api.connect().response
    assert (response.get("Connection"), response.get("upgrade")) == ("upgrade", "websocket")


@fact("the 101's status line is HTTP/1.1 101 Switching Protocols", CAPTURE.where, OBSERVED)
def test_the_status_line_of_the_101(open_api):
    assert open_api.connect().response.head.startswith("HTTP/1.1 101 Switching Protocols\r\n")


@fact("the 101 has a Date", CAPTURE.where, OBSERVED)
def test_the_date_of_the_101(open_api):
    assert re.fullmatch(facts.HTTP_DATE, open_api.connect().response.get("Date"))


@fact("the 101 has no x-amzn-* and no x-amz-apigw-id", CAPTURE.where, OBSERVED)
def test_no_amazon_header_on_the_101(open_api):
    assert not [name for name in open_api.connect().response.names if name.lower().startswith("x-am")]


@fact("declining permessage-deflate is protocol-legal; what AWS does today is not known", CAPTURE.where, UNSETTLED)
def test_compression_is_declined(open_api):
    client = open_api.connect(headers=[("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")])
    assert client.response.get("sec-websocket-extensions") is None
    assert client.ask("plain") == "plain"


@table(
    "result",
    row("Set-Cookie", DROPPED, "a Set-Cookie of $connect is dropped", {"statusCode": 200, "headers": {"Set-Cookie": "a=b"}}),
    row("X-Mine", DROPPED, "a header of $connect is dropped", {"statusCode": 200, "headers": {"X-Mine": "b"}}),
    row("body", DROPPED, "the body of a $connect that accepts is dropped", {"statusCode": 200, "body": "hello"}),
    row("extensions", DROPPED, "an extension that $connect claims is dropped",
        {"statusCode": 200, "headers": {"Sec-WebSocket-Extensions": "permessage-deflate"}}),
)  # fmt: skip
def test_what_connect_returns_is_dropped(deciding, result):
    client = deciding.connect(query(answer=result))
    assert client.response.names == ["Date", "Connection", "upgrade", "sec-websocket-accept"]
    assert client.ask("first") == "first"


@table(
    "result",
    row("body", DROPPED, "the body of a $connect that refuses is not forwarded", {"statusCode": 403, "body": "go away"}),
    row("header", DROPPED, "a header of a $connect that refuses is not forwarded", {"statusCode": 401, "headers": {"X-Mine": "b"}}),
    row("location", DROPPED, "a Location of a $connect is not forwarded", {"statusCode": 302, "headers": {"Location": "/x"}}),
    row("subprotocol", DROPPED, "a subprotocol of a $connect that refuses is not forwarded",
        {"statusCode": 403, "headers": {"Sec-WebSocket-Protocol": "a"}}),
)  # fmt: skip
def test_what_a_refusing_connect_returns_is_dropped(deciding, result):
    response = decided(deciding, result)
    assert (response.status, response.body) == (result["statusCode"], b"")
    assert [name.lower() for name in response.names] == [
        "date", "content-type", "content-length", "connection", "x-amzn-requestid", "x-amz-apigw-id"
    ]  # fmt: skip


# ---- subprotocols ----


@table(
    "headers,offered,answered",
    row("returned", SUBPROTOCOL, "the subprotocol that $connect returns is answered", {"Sec-WebSocket-Protocol": "b"}, "a, b", "b"),
    row("in lower case", Source("users' handlers, in both cases", INFERRED), "the header's name is compared without case",
        {"sec-websocket-protocol": "b"}, "a,b", "b"),
    row("never by itself", NO_SUBPROTOCOL, "a subprotocol is never echoed by itself", {}, "a", None),
    row("several, never by itself", NO_SUBPROTOCOL, "a list of subprotocols is never echoed by itself", {}, "a, b", None),
    row("not offered", SUBPROTOCOL, "what $connect returns is answered as it is", {"Sec-WebSocket-Protocol": "c"}, "a", "c"),
    row("whole list", Source("michalkvasnicak/aws-lambda-graphql#97", OBSERVED), "a $connect that returns the whole list has it sent",
        {"Sec-WebSocket-Protocol": "a, b"}, "a, b", "a, b"),
)  # fmt: skip
def test_the_subprotocol(deciding, headers, offered, answered):
    response = decided(deciding, {"statusCode": 200, "headers": headers}, [("Sec-WebSocket-Protocol", offered)])
    assert response.status == 101
    assert response.get("Sec-WebSocket-Protocol") == answered


@fact("a subprotocol is not echoed without a $connect route", NO_SUBPROTOCOL.where, INFERRED)
def test_no_subprotocol_without_connect(open_api):
    assert open_api.connect(headers=[("Sec-WebSocket-Protocol", "a")]).response.get("Sec-WebSocket-Protocol") is None


# ---- refusals ----


@fact("a refusal of the gateway has AWS's headers in AWS's order", HOST.where, OBSERVED)
def test_the_headers_of_a_refusal(open_api):
    assert open_api.refusal(path="/nowhere").names == REFUSAL_NAMES


@table(
    "name,pattern",
    row("Date", HOST, "a refusal has a Date", "Date", facts.HTTP_DATE),
    row("Content-Type", HOST, "a refusal's type is application/json", "Content-Type", "application/json"),
    row("Content-Length", HOST, "the body of a 403 Forbidden has 23 bytes", "Content-Length", "23"),
    row("Connection", HOST, "a refusal keeps the connection alive", "Connection", "keep-alive"),
    row("x-amzn-RequestId", HOST, "x-amzn-RequestId is a UUID of version 4", "x-amzn-RequestId", facts.UUID),
    row("x-amzn-ErrorType", HOST, "the error type of an unknown stage is ForbiddenException", "x-amzn-ErrorType", "ForbiddenException"),
    row("x-amz-apigw-id", HOST, "x-amz-apigw-id is an id of 16 characters", "x-amz-apigw-id", facts.ID),
)
def test_a_header_of_a_refusal(open_api, name, pattern):
    assert re.fullmatch(pattern, open_api.refusal(path="/nowhere").get(name))


@fact("the status line of a refusal is HTTP/1.1 403 Forbidden", HOST.where, OBSERVED)
def test_the_status_line_of_a_refusal(open_api):
    assert open_api.refusal(path="/nowhere").head.startswith("HTTP/1.1 403 Forbidden\r\n")


@fact("a refusal with the function's status has no x-amzn-ErrorType", REFUSED_HEAD.where, INFERRED)
def test_a_decided_refusal_has_no_type(deciding):
    assert decided(deciding, {"statusCode": 401}).get("x-amzn-ErrorType") is None


@table(
    "path",
    row("/", HOST, "a missing stage is Forbidden", "/"),
    row("unknown", HOST, "an unknown stage is Forbidden", "/prod"),
    row("longer", HOST, "a stage's name is compared whole", "/devx"),
    row("shorter", HOST, "a stage's name is compared whole", "/de"),
    row("upper case", HOST, "a stage's name is compared with case", "/DEV"),
    row("$default", Source("localstack/localstack#9649", OBSERVED), "the stage segment is mandatory: there is no $default stage", "/$default"),
    row("more path", CLOSED_PATH, "more path behind the stage is Forbidden", "/dev/more"),
    row("the stage twice", CLOSED_PATH, "more path behind the stage is Forbidden", "/dev/dev"),
    row("an empty segment", CLOSED_PATH, "an empty segment in front is no stage", "//dev"),
    row("an empty segment behind", CLOSED_PATH, "an empty segment behind the stage is more path", "/dev//"),
    row("an encoded stage", CLOSED_PATH, "a stage that is encoded is none", "/d%65v"),
    row("dots", CLOSED_PATH, "dots are not resolved", "/x/../dev"),
    row("a query alone", HOST, "a query is no stage", "/?dev"),
)  # fmt: skip
def test_where_nobody_can_connect(open_api, path):
    response = open_api.refusal(path=path)
    assert (response.status, response.body) == (403, b'{"message":"Forbidden"}')
    assert response.get("x-amzn-ErrorType") == "ForbiddenException"


@table(
    "path",
    row("the stage", OVERVIEW, "the URL is /{stage}", "/dev"),
    row("a slash behind", OVERVIEW, "a slash behind the stage is accepted", "/dev/"),
    row("a query", AUTHORIZER_GUIDE, "a query is allowed", "/dev?a=b"),
    row("a query behind a slash", AUTHORIZER_GUIDE, "a query is allowed behind the slash", "/dev/?a=b"),
    row("an empty query", AUTHORIZER_GUIDE, "an empty query is allowed", "/dev?"),
)
def test_where_everybody_can_connect(open_api, path):
    assert open_api.connect(path=path).ask("hello") == "hello"


@table(
    "path",
    row("/stage", E2E, "a plain GET of the stage is told to upgrade", "/dev"),
    row("/stage/", E2E, "a plain GET of the stage is told to upgrade", "/dev/"),
    row("/stage/x", E2E, "a plain GET below the stage is told to upgrade", "/dev/x"),
    row("/stage/x/y", E2E, "a plain GET below the stage is told to upgrade", "/dev/x/y"),
)
def test_a_plain_get_is_426(open_api, path):
    assert open_api.http("GET", path).status == 426


@table(
    "path",
    row("/", HOST, "a plain request without a stage is Forbidden", "/"),
    row("/x", HOST, "a plain request to an unknown stage is Forbidden", "/x"),
    row("/x/y", HOST, "a plain request to an unknown stage is Forbidden", "/x/y"),
)
def test_a_plain_get_of_an_unknown_stage_is_403(open_api, path):
    response = open_api.http("GET", path)
    assert (response.status, response.body) == (403, b'{"message":"Forbidden"}')
    assert response.get("x-amzn-ErrorType") == "ForbiddenException"


@table(
    "header",
    row("no key", RFC, "an upgrade without a key is a bad request", ("Sec-WebSocket-Key", None)),
    row("a short key", RFC, "a key is 16 bytes in base64", ("Sec-WebSocket-Key", "c2hvcnQ=")),
    row("no version", RFC, "an upgrade without a version is a bad request", ("Sec-WebSocket-Version", None)),
    row("version 8", RFC, "version 13 is the one that is spoken", ("Sec-WebSocket-Version", "8")),
    row("no Connection", RFC, "Connection must name Upgrade", ("Connection", "keep-alive")),
    row("no Host", RFC, "an upgrade without a host is a bad request", ("Host", None)),
)
def test_a_malformed_upgrade_is_400(open_api, header):
    assert open_api.refusal(headers=[header]).status == 400


@table(
    "length,status",
    row("4096", LIMITS, "a URL of 4096 characters passes", 4096, 101),
    row("4097", Source(LIMITS.where + "; the status is not settled", UNSETTLED), "a URL of 4097 characters is refused", 4097, 414),
)
def test_the_length_of_the_url(open_api, length, status):
    path = "/dev?q=".ljust(length, "x")
    assert facts.handshake(open_api, path=path).status == status


@fact("a connection that is refused for its function's sake can be tried again", WSCAT.where, INFERRED)
def test_trying_again(deciding):
    assert decided(deciding, {"statusCode": 500}).status == 500
    assert deciding.connect().ask("hello") == "hello"
