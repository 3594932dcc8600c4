"""The @connections API over HTTP, as SDKs and curl use it."""

import json
import re

import harness
import pytest
import wire

MESSAGE_MAX = 128 * 1024
UNKNOWN_ID = "AAAAAAAAAAAAAAA="
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def client(emulator):
    return emulator.connect(headers=[("User-Agent", "browser/1.0")])


@pytest.fixture
def connection_id(emulator, client):
    return emulator.identify(client)


def lower(names):
    return [name.lower() for name in names]


# ---- POST ----


def test_a_post_is_delivered_as_one_text_message(emulator, client, connection_id):
    response = emulator.post(connection_id, "hello")
    assert (response.status, response.body) == (200, b"")
    assert client.receive_frame() == (True, wire.TEXT, b"hello")


def test_the_headers_of_a_post_are_those_of_aws(emulator, client, connection_id):
    response = emulator.post(connection_id, "hello")
    names = lower(response.names)
    for name in ("date", "content-type", "content-length", "x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id"):
        assert names.count(name) == 1
    assert "server" not in names
    assert response.get("Content-Type") == "application/json"
    assert response.get("Content-Length") == "0"
    assert re.fullmatch(UUID, response.get("x-amzn-RequestId"))
    assert re.fullmatch(harness.CONNECTION_ID, response.get("x-amz-apigw-id"))
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", response.get("X-Amzn-Trace-Id"))


@pytest.mark.parametrize("form", ["{id}", "{encoded}", "{lower}"])
@pytest.mark.parametrize("at", ["@", "%40"])
def test_the_id_and_the_at_sign_may_be_encoded_or_bare(emulator, client, connection_id, form, at):
    encoded = connection_id.replace("=", "%3D")
    last = form.format(id=connection_id, encoded=encoded, lower=encoded.replace("%3D", "%3d"))
    assert emulator.http("POST", f"/dev/{at}connections/{last}", b"hi").status == 200
    assert client.receive() == "hi"


def test_the_content_type_does_not_matter(emulator, client, connection_id):
    target = emulator.connection_target(connection_id)
    for content_type in ("application/octet-stream", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert emulator.http("POST", target, b"a=b&c", [("Content-Type", content_type)]).status == 200
        assert client.receive() == "a=b&c"


def test_a_signature_is_accepted_and_not_needed(emulator, client, connection_id):
    headers = [("Authorization", "AWS4-HMAC-SHA256 Credential=x"), ("X-Amz-Date", "20240101T000000Z")]
    assert emulator.http("POST", emulator.connection_target(connection_id), b"signed", headers).status == 200
    assert client.receive() == "signed"


def test_an_empty_post_is_an_empty_message(emulator, client, connection_id):
    assert emulator.post(connection_id, "").status == 200
    assert client.receive() == ""


def test_a_chunked_post_is_delivered(emulator, client, connection_id):
    stream = wire.Stream(emulator.address)
    head = f"POST {emulator.connection_target(connection_id)} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    stream.send(head.encode() + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert stream.read_response().status == 200
    assert client.receive() == "abcde"


def test_a_post_that_expects_100_continue_is_delivered(emulator, client, connection_id):
    stream = wire.Stream(emulator.address)
    head = f"POST {emulator.connection_target(connection_id)} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    stream.send(head.encode())
    assert stream.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    stream.send(b"hi")
    assert stream.read_response().status == 200
    assert client.receive() == "hi"


def test_several_requests_share_one_connection(emulator, client, connection_id):
    stream = wire.Stream(emulator.address)
    for number in range(5):
        body = f"number {number}".encode()
        head = f"POST {emulator.connection_target(connection_id)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        stream.send(head.encode() + body)
        assert stream.read_response().status == 200
        assert client.receive_bytes() == body


def test_posts_of_one_connection_arrive_in_order(emulator, client, connection_id):
    for number in range(50):
        assert emulator.post(connection_id, str(number)).status == 200
    assert [client.receive() for _ in range(50)] == [str(number) for number in range(50)]


@pytest.mark.parametrize("size", [32768, 32769, MESSAGE_MAX])
def test_a_post_up_to_128_kb_arrives_whole(emulator, client, connection_id, size):
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert emulator.post(connection_id, body).status == 200
    assert client.receive_bytes() == body


@pytest.mark.parametrize("size", [MESSAGE_MAX + 1, 4 * MESSAGE_MAX])
def test_a_post_over_128_kb_is_413_with_an_empty_body(emulator, client, connection_id, size):
    response = emulator.post(connection_id, b"x" * size)
    assert (response.status, response.body) == (413, b"")
    assert response.get("x-amzn-ErrorType") == "PayloadTooLargeException"
    assert emulator.post(connection_id, "next").status == 200
    assert client.receive() == "next"


# ---- GET ----


def test_a_get_shows_the_connection_as_aws_prints_it(emulator, connection_id):
    response = emulator.get(connection_id)
    assert response.status == 200
    assert response.get("Content-Type") == "application/json"
    assert re.fullmatch(
        r'{\n  "identity" : {\n    "sourceIp" : "127\.0\.0\.1",\n    "userAgent" : "browser/1\.0"\n  },\n'
        rf'  "connectedAt" : "{ISO}",\n  "lastActiveAt" : "{ISO}"\n}}',
        response.text,
    )


def test_last_active_follows_the_traffic(emulator, client, connection_id):
    def last_active():
        return json.loads(emulator.get(connection_id).text)["lastActiveAt"]

    before = last_active()

    def moved():
        client.ask("x")
        return last_active() > before

    harness.until(moved, "lastActiveAt moves with a message")


# ---- DELETE ----


def test_a_delete_is_204_without_content_and_closes_with_1000(emulator, client, connection_id):
    response = emulator.delete(connection_id)
    assert (response.status, response.body) == (204, b"")
    names = lower(response.names)
    assert "content-type" not in names
    assert "content-length" not in names
    assert {"date", "x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id"} <= set(names)
    assert client.wait_closed() == (1000, "Connection Closed Normally")


def test_after_a_delete_everything_is_gone(emulator, client, connection_id):
    assert emulator.delete(connection_id).status == 204
    for response in (emulator.post(connection_id, "x"), emulator.get(connection_id), emulator.delete(connection_id)):
        assert response.status == 410


# ---- errors ----


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_well_formed_id_that_nobody_has_is_410_with_an_empty_body(emulator, method):
    response = emulator.http(method, emulator.connection_target(UNKNOWN_ID), b"x" if method == "POST" else b"")
    assert (response.status, response.body) == (410, b"")
    assert response.get("Content-Type") == "application/json"
    assert response.get("Content-Length") == "0"
    assert response.get("x-amzn-ErrorType") == "GoneException"
    assert response.get("X-Amzn-Trace-Id")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("bad_id", ["short", "WDGT8fY4joECJrQ=test", "cjy8i76bx002884le6n17d49b", "AAAAAAAAAAAAAAA+", "ä"])
def test_a_malformed_id_is_400_and_named(emulator, method, bad_id):
    response = emulator.http(method, emulator.connection_target(bad_id), b"x" if method == "POST" else b"")
    assert response.status == 400
    assert json.loads(response.text) == {"message": f"Invalid connectionId: {bad_id}"}
    assert response.text.startswith('{"message":"')
    assert response.get("x-amzn-ErrorType") == "BadRequestException"
    assert response.get("X-Amzn-Trace-Id") is None


@pytest.mark.parametrize("stage", ["prod", "devx", "DEV"])
def test_another_stage_is_forbidden_before_the_id_is_looked_at(emulator, stage):
    for connection in ("short", UNKNOWN_ID):
        response = emulator.http("POST", f"/{stage}/@connections/{connection}", b"x")
        assert (response.status, response.body) == (403, b'{"message":"Forbidden"}')
        assert response.get("x-amzn-ErrorType") == "ForbiddenException"


@pytest.mark.parametrize("target", ["/", "/nothing", "/favicon.ico"])
def test_a_path_of_no_stage_is_forbidden(emulator, target):
    response = emulator.http("GET", target)
    assert (response.status, response.body) == (403, b'{"message":"Forbidden"}')


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD", "OPTIONS"])
def test_another_method_is_missing_authentication_token(emulator, connection_id, method):
    stream = wire.Stream(emulator.address)
    stream.send(f"{method} {emulator.connection_target(connection_id)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head = wire.Response(stream.read_until(b"\r\n\r\n"), b"")
    assert head.status == 403
    assert head.get("x-amzn-ErrorType") == "MissingAuthenticationTokenException"


def test_a_path_without_an_id_is_404(emulator):
    response = emulator.http("GET", "/dev/@connections/")
    assert response.status == 404
    assert json.loads(response.text)["message"].endswith("for http method GET.")


@pytest.mark.parametrize("target", ["/dev", "/dev/", "/dev/x", "/dev/x/y"])
def test_a_plain_get_on_the_stage_is_426(emulator, target):
    assert emulator.http("GET", target).status == 426


@pytest.mark.parametrize("target", ["/dev/@connections/%", "/dev/@connections/%zz", "/dev/@connections/%00", "/dev/../dev/@connections/x"])
def test_a_path_with_broken_escapes_is_refused_and_harms_nothing(emulator, target):
    assert 400 <= emulator.http("GET", target).status < 500
    assert emulator.connect().ask("hello") == "hello"


def test_a_request_that_stops_in_the_middle_harms_nothing(emulator, client, connection_id):
    target = emulator.connection_target(connection_id)
    for _ in range(5):
        stream = wire.Stream(emulator.address)
        stream.send(f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf".encode())
        stream.reset()
    assert emulator.post(connection_id, "whole").status == 200
    assert client.receive() == "whole"


def test_posting_to_a_connection_from_its_own_connect_is_gone(start):
    emulator = start(harness.api({"$connect": "post_self", "$default": "echo"}))
    client = emulator.connect()
    assert client.ask("first") == "first"


# ---- the same for handlers ----


def test_a_handler_can_post_to_its_own_client(start):
    client = start(harness.api({"$default": harness.one_way("post_self")})).connect()
    assert client.ask("to myself") is not None


def test_a_handler_posts_to_another_client_and_learns_what_became_of_it(start):
    emulator = start(harness.api({"$default": "post"}))
    sender, receiver = emulator.connect(), emulator.connect()
    receiver_id = emulator.identify(receiver)
    assert sender.ask(harness.compact(to=receiver_id, data="hello")) == "0"
    assert receiver.receive() == "hello"
    assert sender.ask(harness.compact(to=UNKNOWN_ID, data="x")) == "-410"
    assert sender.ask(harness.compact(to="short", data="x")) == "-400"


def test_a_handler_gets_and_deletes_a_connection(start):
    routes = {"$default": {"function": "get", "routeResponse": True}}
    getting = start(harness.api(routes))
    client = getting.connect(headers=[("User-Agent", "browser/1.0")])
    found = json.loads(client.ask(getting.identify(client)))
    assert (found["result"], found["sourceIp"], found["userAgent"]) == (0, "127.0.0.1", "browser/1.0")
    assert found["connectedAt"] <= found["lastActiveAt"]
    assert json.loads(client.ask(UNKNOWN_ID))["result"] == -410

    deleting = start(harness.api({"$default": "delete"}))
    first, second = deleting.connect(), deleting.connect()
    assert first.ask(deleting.identify(second)) == "0"
    assert second.wait_closed() == (1000, "Connection Closed Normally")
    assert first.ask(UNKNOWN_ID) == "-410"


@pytest.mark.parametrize("size,result", [(MESSAGE_MAX, "0"), (MESSAGE_MAX + 1, "-413")])
def test_the_limit_of_a_handlers_post_is_the_same(start, size, result):
    client = start(harness.api({"$default": "big_post"})).connect()
    answers = [client.ask(str(size))]
    if result == "0":
        answers.append(client.receive())
    assert sorted(map(len, answers)) == sorted([len(result)] + ([size] if result == "0" else []))
    assert result in answers
