"""The opening handshake: what is accepted, what is refused, and with which bytes."""

import json
import re
import time

import harness
import pytest
import wire

ERROR_BODY = r'{"message": "%s", "connectionId":"' + harness.CONNECTION_ID + '", "requestId":"' + harness.CONNECTION_ID + '"}'
REFUSAL_ORDER = [
    "Date",
    "Content-Type",
    "Content-Length",
    "Connection",
    "x-amzn-RequestId",
    "x-amzn-ErrorType",
    "x-amz-apigw-id",
]


def connecting(handler, functions=None, **more):
    return harness.api({"$connect": handler, "$default": "echo"}, functions, **more)


def test_an_accepted_handshake_is_answered_with_101(emulator):
    response = emulator.connect().response
    assert response.head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
    assert response.names == ["Date", "Connection", "upgrade", "sec-websocket-accept"]
    assert response.get("Upgrade").lower() == "websocket"
    assert response.get("Connection").lower() == "upgrade"


def test_no_amazon_header_is_on_a_101(emulator):
    assert not [name for name in emulator.connect().response.names if name.lower().startswith("x-am")]


def test_no_extension_is_negotiated(emulator):
    client = emulator.connect(headers=[("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")])
    assert client.response.get("Sec-WebSocket-Extensions") is None
    assert client.ask("plain") == "plain"


def test_without_a_connect_route_everybody_is_accepted(start):
    emulator = start(harness.api({"$default": "echo"}))
    assert emulator.connect().ask("hello") == "hello"


def test_a_connect_route_without_integration_accepts_everybody(start):
    emulator = start(harness.api({"$connect": {}, "$default": "echo"}))
    assert emulator.connect().ask("hello") == "hello"


@pytest.fixture
def deciding(start):
    """An emulator whose $connect answers with the status, and the subprotocol, of the query."""
    return start(connecting("status"))


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_2xx_of_connect_accepts(deciding, status):
    assert deciding.connect(f"?status={status}").ask("hello") == "hello"


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 418, 500, 501, 503])
def test_another_status_of_connect_is_the_answer_with_an_empty_body(deciding, status):
    response = deciding.refusal(f"?status={status}")
    assert response.status == status
    assert response.body == b""
    assert response.get("Content-Length") == "0"


def test_a_refused_client_can_try_again(deciding):
    assert deciding.refusal("?status=401").status == 401
    assert deciding.connect("?status=200").ask("hello") == "hello"


@pytest.mark.parametrize("handler", ["crash", "abort", "exit0", "exit3", "fail", "error", "respond_none"])
def test_a_connect_handler_that_fails_gives_502(start, handler):
    response = start(connecting(handler)).refusal()
    assert response.status == 502
    assert re.fullmatch(ERROR_BODY % "Internal server error", response.text)
    assert response.get("x-amzn-ErrorType") == "InternalServerErrorException"


def test_a_connect_handler_that_times_out_gives_502(start):
    emulator = start(connecting("hang", {"hang": {"timeout": 1}}))
    assert emulator.refusal().status == 502


def test_the_headers_of_a_refusal_have_the_order_of_aws(start):
    response = start(connecting("fail")).refusal()
    assert response.names == REFUSAL_ORDER
    assert response.get("Content-Type") == "application/json"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", response.get("x-amzn-RequestId"))
    assert re.fullmatch(harness.CONNECTION_ID, response.get("x-amz-apigw-id"))


@pytest.mark.parametrize("path", ["/", "/prod", "/devx", "/dev/more", "/DEV", "//dev", "/d%65v"])
def test_an_unknown_stage_is_forbidden(emulator, path):
    response = emulator.refusal(path=path)
    assert response.status == 403
    assert response.body == b'{"message":"Forbidden"}'
    assert response.get("x-amzn-ErrorType") == "ForbiddenException"
    assert response.names == REFUSAL_ORDER


@pytest.mark.parametrize("path", ["/dev", "/dev/", "/dev?a=b", "/dev/?a=b"])
def test_the_stage_is_found_with_slash_query_and_escapes(emulator, path):
    assert emulator.connect(path=path).ask("hello") == "hello"


def test_an_absolute_target_is_understood(emulator):
    client = emulator.connect(path=f"http://127.0.0.1:{emulator.port}/dev")
    assert client.ask("hello") == "hello"


# ---- subprotocols ----


def test_a_subprotocol_is_answered_when_connect_returns_it(deciding):
    client = deciding.connect("?status=200&protocol=chat.v2", headers=[("Sec-WebSocket-Protocol", "chat.v1, chat.v2")])
    assert client.response.get("Sec-WebSocket-Protocol") == "chat.v2"
    assert client.ask("hello") == "hello"


def test_a_subprotocol_is_not_echoed_by_itself(deciding):
    client = deciding.connect("?status=200", headers=[("Sec-WebSocket-Protocol", "chat.v1")])
    assert client.response.get("Sec-WebSocket-Protocol") is None


def test_a_subprotocol_is_not_echoed_without_a_connect_route(emulator):
    client = emulator.connect(headers=[("Sec-WebSocket-Protocol", "chat.v1")])
    assert client.response.get("Sec-WebSocket-Protocol") is None


# ---- what a client may send ----


BAD_UPGRADES = {
    "no key": [("Sec-WebSocket-Key", None)],
    "a key that is not 16 bytes": [("Sec-WebSocket-Key", "c2hvcnQ=")],
    "a key that is not base64": [("Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!==")],
    "no version": [("Sec-WebSocket-Version", None)],
    "another version": [("Sec-WebSocket-Version", "8")],
    "no host": [("Host", None)],
}


@pytest.mark.parametrize("fault", BAD_UPGRADES)
def test_an_upgrade_that_breaks_rfc_6455_is_a_bad_request(emulator, fault):
    response = emulator.refusal(headers=BAD_UPGRADES[fault])
    assert response.status == 400


@pytest.mark.parametrize("line", ["POST /dev HTTP/1.1", "GET /dev HTTP/1.0"])
def test_an_upgrade_by_another_method_or_version_is_a_bad_request(emulator, line):
    data, _ = wire.handshake_request("/dev")
    stream = wire.Stream(emulator.address)
    stream.send(data.replace(b"GET /dev HTTP/1.1", line.encode()))
    assert stream.read_response().status == 400


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b"hello\r\n\r\n", b"\0" * 100 + b"\r\n\r\n"])
def test_what_is_not_http_is_refused_and_closed(emulator, data):
    stream = wire.Stream(emulator.address)
    stream.send(data)
    answer = stream.read_to_end()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert emulator.connect().ask("hello") == "hello"


def test_a_head_that_comes_byte_by_byte_is_understood(emulator):
    data, _ = wire.handshake_request("/dev?slow=yes")
    stream = wire.Stream(emulator.address)
    for byte in data:
        stream.send(bytes([byte]))
    assert stream.read_response().status == 101


def test_frames_sent_together_with_the_head_are_not_lost(emulator):
    data, _ = wire.handshake_request("/dev")
    stream = wire.Stream(emulator.address)
    stream.send(data + wire.encode_frame(wire.TEXT, b"early"))
    assert stream.read_response().status == 101
    client = wire.Client.__new__(wire.Client)
    client.stream = stream
    assert client.receive() == "early"


def test_frames_sent_while_connect_still_runs_are_not_lost(start):
    emulator = start(harness.api({"$connect": "status", "$default": "echo"}))
    data, _ = wire.handshake_request("/dev?status=200")
    client = wire.Client.__new__(wire.Client)
    client.stream = wire.Stream(emulator.address)
    client.stream.send(data)
    for number in range(20):
        client.send(f"early {number}")
    assert client.stream.read_response().status == 101
    assert sorted(client.receive() for _ in range(20)) == sorted(f"early {number}" for number in range(20))


def test_header_names_in_any_case_open_a_connection(emulator):
    data, _ = wire.handshake_request("/dev")
    head, rest = data.split(b"\r\n", 1)
    for changed in (rest.lower(), rest.upper()):
        stream = wire.Stream(emulator.address)
        key = b"sec-websocket-key: " + b"A" * 22 + b"=="
        fields = [key if line.lower().startswith(b"sec-websocket-key") else line for line in changed.split(b"\r\n")]
        stream.send(head + b"\r\n" + b"\r\n".join(fields))
        assert stream.read_response().status == 101


def test_many_headers_of_odd_kinds_do_not_trip_the_handshake(emulator):
    odd = [("X-Empty", ""), ("X-Comma", "a,,b"), ("X-Latin", "caf\xe9"), ("Cookie", "a=b; c=d"), ("X-Long", "x" * 4000)]
    odd += [(f"X-Number-{number}", str(number)) for number in range(60)]
    assert emulator.connect(headers=odd).ask("hello") == "hello"


def test_a_head_that_is_too_large_is_refused(emulator):
    data, _ = wire.handshake_request("/dev", headers=[("X-Large", "x" * 200_000)])
    stream = wire.Stream(emulator.address)
    try:
        stream.send(data)
    except OSError:
        pass  # it need not read to the end what it refuses
    answer = stream.read_to_end()
    assert answer == b"" or wire.Response(answer.split(b"\r\n\r\n")[0], b"").status == 431
    emulator.wait_log("head-too-large")
    assert emulator.connect().ask("hello") == "hello"


def test_a_url_of_4096_characters_passes(emulator):
    prefix = "/dev?q="
    assert emulator.connect(path=prefix + "x" * (4096 - len(prefix))).ask("hello") == "hello"


def test_a_url_of_4097_characters_is_refused(emulator):
    prefix = "/dev?q="
    assert emulator.refusal(path=prefix + "x" * (4097 - len(prefix))).status == 414


def test_a_client_that_leaves_during_connect_does_no_harm(start):
    emulator = start(connecting("sleep_ms", {"sleep_ms": {"timeout": 2}}))
    data, _ = wire.handshake_request("/dev")
    for _ in range(5):
        stream = wire.Stream(emulator.address)
        stream.send(data)
        stream.reset()
    assert emulator.http("GET", "/dev").status == 426


def test_the_log_says_why_a_handshake_was_refused(deciding):
    deciding.refusal("?status=401")
    deciding.wait_log(r"connect-refused|401")
    deciding.refusal(path="/nowhere")
    deciding.wait_log("stage-unknown")


def test_a_plain_request_to_the_stage_wants_an_upgrade(emulator):
    response = emulator.http("GET", "/dev")
    assert response.status == 426
    assert json.loads(response.text)["message"]
    assert response.get("Upgrade") == "websocket"


def test_a_head_that_stalls_is_given_up_after_ten_seconds(emulator):
    stream = wire.Stream(emulator.address)
    stream.send(b"GET /dev HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    began = time.monotonic()
    assert stream.read_response().status == 408
    assert 9 < time.monotonic() - began < 15
    emulator.wait_log("head-timeout")
