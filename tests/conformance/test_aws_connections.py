"""The @connections API: statuses, bodies, headers, paths and methods, as SDKs and curl see them."""

import json
import re

import facts
import harness
import pytest
import wire
from facts import DOCUMENTED, INFERRED, OBSERVED, UNSETTLED, Source, fact, row, table

RECORDED = Source("brefphp/api-gateway-websocket-client, full recorded answers of AWS (Nov 2020)", OBSERVED)
AWSCLI = Source("rusoto/rusoto#1904, a debug log of the AWS CLI", OBSERVED)
E2E = Source("serverless-offline's end-to-end suite, written against AWS", OBSERVED)
INVALID = Source("serverless-offline#749 and localstack/localstack#4694", OBSERVED)
ID_FORM = Source("recorded answers; what makes an id valid is inferred", INFERRED)
MODEL = Source("ApiGatewayManagementApi 2018-11-29, service model", DOCUMENTED)
MODEL_BODY = Source("the service model; that the body is empty is inferred", INFERRED)
GUIDE = Source("API Gateway developer guide, apigateway-how-to-call-websocket-api-connections", DOCUMENTED)
SDK_PATHS = Source("requests of botocore and of the AWS SDK for JavaScript, recorded", OBSERVED)
BARE = Source("okigan/awscurl#61: a bare =", OBSERVED)
WRONG_STAGE = Source("aws/aws-sdk-php#1955, aws/aws-sdk-js-v3#1830", OBSERVED)
NO_METHOD = Source("cognitect-labs/aws-api#201", OBSERVED)
TOKEN = Source("AWS knowledge center, api-gateway-troubleshoot-403-forbidden; observed at REST APIs", DOCUMENTED)
CONTENT_TYPE = Source("aws/aws-sdk-go-v2#889, and requests of SDKs, recorded", OBSERVED)
BINARY_GUIDE = Source("API Gateway developer guide, websocket-api-develop-binary-media-types", DOCUMENTED)
NOT_YET = Source("AWS knowledge center, 410-gone-api-gateway", DOCUMENTED)
ODD = Source("nothing was found about it", UNSETTLED)
ACTIVE = Source("recorded answers; what exactly moves lastActiveAt is inferred", INFERRED)
UPGRADE = Source(E2E.where + "; the body is not settled", OBSERVED)

KB = 1024
UNKNOWN_ID = "AAAAAAAAAAAAAAA="
METHODS = ["POST", "GET", "DELETE"]
CONFIG = facts.api({"$disconnect": "event", "$default": "echo", "post": "post", "get": "get", "delete": "delete"})


@pytest.fixture
def emulator(serve):
    return serve(CONFIG)


@pytest.fixture
def client(emulator):
    return emulator.connect(headers=[("User-Agent", "browser/1.0")])


@pytest.fixture
def live(emulator, client):
    return emulator.identify(client)


def call(emulator, method, connection_id):
    return emulator.http(method, emulator.connection_target(connection_id), b"x" if method == "POST" else b"")


def lower(response):
    return [name.lower() for name in response.names]


# ---- what succeeds ----


@fact("POST is 200 with an empty body", RECORDED.where, OBSERVED)
def test_a_post(emulator, live):
    response = emulator.post(live, "hello")
    assert (response.status, response.body) == (200, b"")


@fact("what is posted arrives as one text message", E2E.where, OBSERVED)
def test_a_post_arrives(emulator, client, live):
    emulator.post(live, "hello")
    assert client.receive_frame() == (True, wire.TEXT, b"hello")


@fact("GET is 200", RECORDED.where, OBSERVED)
def test_a_get(emulator, live):
    assert emulator.get(live).status == 200


@fact("DELETE is 204 with no body", RECORDED.where, OBSERVED)
def test_a_delete(emulator, live):
    response = emulator.delete(live)
    assert (response.status, response.body) == (204, b"")


@fact("GET's document is indented by 2, with blanks on both sides of the colon and no newline at the end", RECORDED.where, OBSERVED)
def test_the_document_of_a_get(emulator, live):
    assert re.fullmatch(
        r'{\n  "identity" : {\n    "sourceIp" : "127\.0\.0\.1",\n    "userAgent" : "browser/1\.0"\n  },\n'
        rf'  "connectedAt" : "{facts.ISO}",\n  "lastActiveAt" : "{facts.ISO}"\n}}',
        emulator.get(live).text,
    )


@fact("connectedAt of GET is connectedAt of the events", RECORDED.where, INFERRED)
def test_connected_at(emulator, client, live):
    milliseconds = json.loads(client.ask('{"action":"whoami"}'))["requestContext"]["connectedAt"]
    text = json.loads(emulator.get(live).text)["connectedAt"]
    assert int(text[-4:-1]) == milliseconds % 1000


@table(
    "move",
    row("message", ACTIVE, "a message of the client moves lastActiveAt", lambda emulator, client, live: client.ask("x")),
    row("post", ACTIVE, "a post to the client moves lastActiveAt", lambda emulator, client, live: emulator.post(live, "x")),
)
def test_last_active_at(emulator, client, live, move):
    before = json.loads(emulator.get(live).text)["lastActiveAt"]
    emulator.advance(1000)
    move(emulator, client, live)
    assert json.loads(emulator.get(live).text)["lastActiveAt"] > before


@fact("a GET does not move lastActiveAt", ACTIVE.where, INFERRED)
def test_a_get_is_no_activity(emulator, live):
    before = json.loads(emulator.get(live).text)["lastActiveAt"]
    emulator.advance(1000)
    assert json.loads(emulator.get(live).text)["lastActiveAt"] == before


@fact("userAgent is a member even of a client that sent none", "the service model requires it; what AWS writes is not known", UNSETTLED)
def test_no_user_agent(emulator):
    connection_id = emulator.identify(emulator.connect())
    assert json.loads(emulator.get(connection_id).text)["identity"] == {"sourceIp": "127.0.0.1", "userAgent": ""}


# ---- headers ----


ALWAYS = {"date", "x-amzn-requestid", "x-amz-apigw-id"}


@table(
    "method,connection,expected",
    row("POST", RECORDED, "the headers of a POST", "POST", "live",
        ALWAYS | {"content-type", "content-length", "connection", "x-amzn-trace-id"}),
    row("GET", RECORDED, "the headers of a GET", "GET", "live",
        ALWAYS | {"content-type", "content-length", "connection", "x-amzn-trace-id"}),
    row("DELETE", RECORDED, "the headers of a DELETE: neither Content-Type nor Content-Length", "DELETE", "live",
        ALWAYS | {"connection", "x-amzn-trace-id"}),
    row("410", RECORDED, "the headers of a 410, with a trace id", "DELETE", UNKNOWN_ID,
        ALWAYS | {"content-type", "content-length", "connection", "x-amzn-trace-id", "x-amzn-errortype"}),
    row("400", RECORDED, "the headers of a 400, without a trace id", "POST", "short",
        ALWAYS | {"content-type", "content-length", "connection", "x-amzn-errortype"}),
)  # fmt: skip
def test_which_headers_there_are(emulator, live, method, connection, expected):
    names = lower(call(emulator, method, live if connection == "live" else connection))
    assert set(names) == expected
    assert len(names) == len(expected)


@table(
    "name,pattern",
    row("Date", RECORDED, "Date is HTTP's", "Date", facts.HTTP_DATE),
    row("Content-Type", RECORDED, "the type is application/json, even of nothing", "Content-Type", "application/json"),
    row("Content-Length", RECORDED, "an empty body has Content-Length: 0", "Content-Length", "0"),
    row("x-amzn-RequestId", RECORDED, "x-amzn-RequestId is a UUID of version 4", "x-amzn-RequestId", facts.UUID),
    row("x-amz-apigw-id", RECORDED, "x-amz-apigw-id is an id of 16 characters", "x-amz-apigw-id", facts.ID),
    row("X-Amzn-Trace-Id", RECORDED, "X-Amzn-Trace-Id is Root=1-{8 hex}-{24 hex}", "X-Amzn-Trace-Id", facts.TRACE),
    row("Connection", AWSCLI, "the connection is kept alive", "Connection", "(?i:keep-alive)"),
)
def test_a_header_of_a_post(emulator, live, name, pattern):
    assert re.fullmatch(pattern, emulator.post(live, "x").get(name))


@fact("the Content-Length of GET is that of its document", RECORDED.where, OBSERVED)
def test_the_length_of_a_get(emulator, live):
    response = emulator.get(live)
    assert int(response.get("Content-Length")) == len(response.body)


@fact("no header says which server it is", RECORDED.where, OBSERVED)
def test_no_server_header(emulator, live):
    assert "server" not in lower(emulator.get(live))


@fact("each answer has a request id of its own", RECORDED.where, OBSERVED)
def test_request_ids(emulator, live):
    assert len({emulator.get(live).get("x-amzn-RequestId") for _ in range(3)}) == 3


# ---- ids ----


@table("method", *(row(method, AWSCLI if method == "POST" else E2E, f"{method} of an id that nobody has is 410 with an empty body", method) for method in METHODS))
def test_an_unknown_id(emulator, method):
    response = call(emulator, method, UNKNOWN_ID)
    assert (response.status, response.body) == (410, b"")


@table("method", *(row(method, RECORDED, f"the error type of a 410 of {method} is GoneException", method) for method in METHODS))
def test_the_type_of_a_410(emulator, method):
    response = call(emulator, method, UNKNOWN_ID)
    assert (response.get("x-amzn-ErrorType"), response.get("Content-Length")) == ("GoneException", "0")


BAD_IDS = [
    ("short", ID_FORM, "an id that is too short", "short"),
    ("recorded", RECORDED, "an id with more behind it", "WDGT8fY4joECJrQ=test"),
    ("a cuid", INVALID, "an id of another system", "cjy8i76bx002884le6n17d49b"),
    ("no equals sign", ID_FORM, "an id ends in =", "AAAAAAAAAAAAAAAA"),
    ("a plus", ID_FORM, "+ is not URL-safe base64", "AAAAAAAAAAAAAA+="),
    ("two equals signs", ID_FORM, "an id has one =", "AAAAAAAAAAAAAA=="),
    ("17 characters", ID_FORM, "an id has 16 characters", "AAAAAAAAAAAAAAAA="),
    ("unicode", ID_FORM, "an id is ASCII", "AAAAAAAAAAAAAAä="),
    ("a blank", ID_FORM, "an id has no blanks", "AAAA AAAA AAAAA="),
    ("a quote", ID_FORM, "a bad id is quoted as JSON wants it", 'a"b\\c'),
]


@table("bad_id", *(row(name, source, f"{words}: 400 Invalid connectionId", bad_id) for name, source, words, bad_id in BAD_IDS))
def test_a_malformed_id(emulator, bad_id):
    response = emulator.post(bad_id, "x")
    assert response.status == 400
    assert response.text == json.dumps({"message": f"Invalid connectionId: {bad_id}"}, separators=(",", ":"), ensure_ascii=False)
    assert response.get("x-amzn-ErrorType") == "BadRequestException"


@table("method", *(row(method, INVALID, f"{method} of a malformed id is a 400", method) for method in ("GET", "DELETE")))
def test_a_malformed_id_by_another_method(emulator, method):
    response = call(emulator, method, "short")
    assert (response.status, response.text) == (400, '{"message":"Invalid connectionId: short"}')


# ---- paths ----


@table(
    "form",
    row("as SDKs send it", SDK_PATHS, "SDKs send a literal @ and %3D", "/dev/@connections/{encoded}"),
    row("as the guide's curl sends it", GUIDE, "the guide's curl encodes both", "/dev/%40connections/{encoded}"),
    row("bare", BARE, "awscurl sends a bare =", "/dev/@connections/{id}"),
    row("bare with %40", BARE, "all combinations are one path", "/dev/%40connections/{id}"),
    row("small hex digits", SDK_PATHS, "%3d is %3D", "/dev/@connections/{small}"),
)
def test_a_form_of_the_path(emulator, client, live, form):
    encoded = live.replace("=", "%3D")
    assert emulator.http("POST", form.format(id=live, encoded=encoded, small=live.replace("=", "%3d")), b"hi").status == 200
    assert client.receive() == "hi"


@table(
    "path",
    row("another stage", WRONG_STAGE, "an unknown stage is Forbidden", "/prod/@connections/" + UNKNOWN_ID),
    row("no stage", WRONG_STAGE, "a missing stage is Forbidden", "/@connections/" + UNKNOWN_ID),
    row("another case", WRONG_STAGE, "a stage's name is compared with case", "/DEV/@connections/" + UNKNOWN_ID),
    row("a bad id there", Source("AWS-validated tests of LocalStack", OBSERVED), "the stage is looked at before the id", "/prod/@connections/short"),
)
def test_a_wrong_stage(emulator, path):
    response = emulator.http("POST", path, b"x")
    assert (response.status, response.text) == (403, '{"message":"Forbidden"}')
    assert response.get("x-amzn-ErrorType") == "ForbiddenException"


@table(
    "method,path,route",
    row("GET without id", NO_METHOD, "a path without an id is told so", "GET", "/dev/@connections/", "@connections/"),
    row("GET without slash", NO_METHOD, "a path without an id is told so", "GET", "/dev/@connections", "@connections"),
    row("POST without id", NO_METHOD, "the message names the method", "POST", "/dev/@connections/", "@connections/"),
    row("more path", Source("aws-samples/simple-websockets-chat-app#40", OBSERVED), "more path than an id is told so", "POST",
        "/dev/@connections/a/b", "@connections/a/b"),
)  # fmt: skip
def test_a_path_without_one_id(emulator, method, path, route):
    response = emulator.http(method, path, b"x" if method == "POST" else b"")
    assert (response.status, response.text) == (404, f'{{"message":"No method found matching route {route} for http method {method}."}}')


@table(
    "method,path",
    row("PUT", TOKEN, "PUT of a connection is no method", "PUT", "/dev/@connections/" + UNKNOWN_ID),
    row("PATCH", TOKEN, "PATCH of a connection is no method", "PATCH", "/dev/@connections/" + UNKNOWN_ID),
    row("OPTIONS", TOKEN, "OPTIONS of a connection is no method", "OPTIONS", "/dev/@connections/" + UNKNOWN_ID),
    row("POST of the stage", TOKEN, "POST of the stage is no method", "POST", "/dev"),
    row("POST below the stage", TOKEN, "POST below the stage is no method", "POST", "/dev/x"),
    row("DELETE of the stage", TOKEN, "DELETE of the stage is no method", "DELETE", "/dev"),
)
def test_what_is_no_method(emulator, method, path):
    response = emulator.http(method, path)
    assert (response.status, response.text) == (403, '{"message":"Missing Authentication Token"}')
    assert response.get("x-amzn-ErrorType") == "MissingAuthenticationTokenException"


@fact("a plain GET of the WebSocket URL is a 426 that names websocket", UPGRADE.where, UNSETTLED)
def test_the_upgrade_of_a_426(emulator):
    response = emulator.http("GET", "/dev")
    assert (response.status, response.get("Upgrade")) == (426, "websocket")


# ---- payloads ----


@table(
    "payload,text",
    row("text", GUIDE, "text arrives", b"hello", "hello"),
    row("JSON", GUIDE, "JSON arrives as it is written", b'{ "a" : 1 }', '{ "a" : 1 }'),
    row("UTF-8", BINARY_GUIDE, "UTF-8 arrives", "ä€😀".encode(), "ä€😀"),
    row("a nul", BINARY_GUIDE, "a nul arrives", b"a\0b", "a\0b"),
    row("empty", ODD, "an empty body is an empty message", b"", ""),
    row("not UTF-8", ODD, "bytes that are not UTF-8 are replaced", b"a\xffb", "a\ufffdb"),
)
def test_a_payload(emulator, client, live, payload, text):
    assert emulator.post(live, payload).status == 200
    fin, opcode, data = client.receive_frame()
    assert (fin, opcode, data.decode()) == (True, wire.TEXT, text)


@table(
    "content_type",
    row("none", CONTENT_TYPE, "botocore sends no Content-Type", None),
    row("octets", CONTENT_TYPE, "JavaScript and Go send application/octet-stream", "application/octet-stream"),
    row("JSON", CONTENT_TYPE, "the Content-Type has no effect", "application/json"),
    row("form", CONTENT_TYPE, "the Content-Type has no effect: a form is text", "application/x-www-form-urlencoded"),
    row("multipart", CONTENT_TYPE, "the Content-Type has no effect: multipart is text", "multipart/form-data; boundary=x"),
)
def test_the_content_type(emulator, client, live, content_type):
    headers = [("Content-Type", content_type)] if content_type else []
    assert emulator.http("POST", emulator.connection_target(live), b"a=b&c", headers).status == 200
    assert client.receive_frame() == (True, wire.TEXT, b"a=b&c")


@table(
    "size,frames",
    row("32 KB", MODEL, "32 KB arrive in one frame", 32 * KB, [32 * KB]),
    row("32 KB + 1", Source("the quotas' footnote: frames have 32 KB", INFERRED), "more arrives in several frames of one message", 32 * KB + 1, [32 * KB, 1]),
    row("128 KB", MODEL, "128 KB arrive in four frames", 128 * KB, [32 * KB] * 4),
)
def test_a_large_payload(emulator, client, live, size, frames):
    assert emulator.post(live, b"x" * size).status == 200
    received = [client.receive_frame() for _ in frames]
    assert [(fin, opcode, len(data)) for fin, opcode, data in received] == [
        (index == len(frames) - 1, wire.CONTINUATION if index else wire.TEXT, length) for index, length in enumerate(frames)
    ]


@fact("a payload over 128 KB is 413", "gchq/sleeper#5755", OBSERVED)
def test_a_payload_that_is_too_large(emulator, live):
    assert emulator.post(live, b"x" * (128 * KB + 1)).status == 413


@fact("a 413 is a PayloadTooLargeException with an empty body", MODEL_BODY.where, INFERRED)
def test_the_type_of_a_413(emulator, live):
    response = emulator.post(live, b"x" * (128 * KB + 1))
    assert (response.get("x-amzn-ErrorType"), response.body) == ("PayloadTooLargeException", b"")


@table(
    "connection_id",
    row("malformed id", ODD, "the size is looked at before the id's form", "short"),
    row("unknown id", ODD, "the size is looked at before the id's existence", UNKNOWN_ID),
)
def test_the_size_comes_first(emulator, connection_id):
    assert emulator.post(connection_id, b"x" * (128 * KB + 1)).status == 413


@fact("posts of one caller arrive in order", "what a caller expects who waits for each answer", INFERRED)
def test_the_order_of_posts(emulator, client, live):
    for number in range(20):
        assert emulator.post(live, str(number)).status == 200
    assert [client.receive() for _ in range(20)] == [str(number) for number in range(20)]


# ---- when there is a connection ----


@fact("posting to a connection from inside its own $connect is 410", NOT_YET.where, DOCUMENTED)
def test_posting_from_connect(serve):
    emulator = serve(facts.api({"$connect": "post_self", "$default": "echo"}))
    assert emulator.connect().ask("first") == "first"
    emulator.wait_log("rule=connection-gone")


@fact("a second DELETE is 410", RECORDED.where, OBSERVED)
def test_two_deletes(emulator, live):
    assert [emulator.delete(live).status for _ in range(2)] == [204, 410]


@fact("from the moment of a DELETE a post is 410", RECORDED.where, INFERRED)
def test_a_post_after_a_delete(emulator, live):
    emulator.delete(live)
    assert emulator.post(live, "x").status == 410


@fact("@connections works from any backend, not only from an integration", GUIDE.where, DOCUMENTED)
def test_a_call_from_outside(emulator, client, live):
    assert emulator.post(live, "from outside").status == 200
    assert client.receive() == "from outside"


# ---- from functions ----


@table(
    "to,result",
    row("live", GUIDE, "a function posts to a connection", "live", "0"),
    row("gone", E2E, "a function that posts to nobody is told 410", UNKNOWN_ID, "-410"),
    row("malformed", INVALID, "a function that posts to a malformed id is told 400", "short", "-400"),
)
def test_a_function_posts(emulator, client, live, to, result):
    other = emulator.connect()
    other_id = emulator.identify(other)
    text = harness.compact(action="post", to=other_id if to == "live" else to, data="hello")
    assert client.ask(text) == result
    if to == "live":
        assert other.receive() == "hello"
