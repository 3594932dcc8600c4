"""What libraries hide: heads, frames and bodies byte by byte, right and wrong ones. Each ends in a defined way - the
bytes are ours where the gateway decides - and the emulator goes on serving."""

import json
import re
import socket
import struct

import harness
import pytest
import wire
from wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode_frame

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3

DATE = rb"Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n"
REQUEST_ID = rb"x-amzn-RequestId: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\r\n"
APIGW_ID = rb"x-amz-apigw-id: [A-Za-z0-9_-]{15}=\r\n"


class Shared:
    """One emulator for the module, with the ends of its connections."""

    def __init__(self, folder):
        self.events = harness.Events(folder)
        routes = {"$connect": "status", "$disconnect": "event", "$default": "echo", "fail": "fail"}
        self.emulator = harness.Emulator(folder, harness.api(routes, {"event": self.events.function}))

    def __getattr__(self, name):
        return getattr(self.emulator, name)

    def end_of(self, connection_id):
        def find():
            return [text for text in self.events.texts("DISCONNECT") if connection_id in text]

        context = json.loads(harness.until(find, "the $disconnect event")[0])["requestContext"]
        return context["disconnectStatusCode"], context["disconnectReason"]

    def serves(self):
        """A new client is let in and served."""
        client = self.connect()
        assert client.ask("still there?") == "still there?"
        client.stream.close()


@pytest.fixture(scope="module")
def module_emulator(tmp_path_factory):
    shared = Shared(tmp_path_factory.mktemp("raw"))
    yield shared
    shared.emulator.finish()


@pytest.fixture
def shared(module_emulator, request):
    request.node.emulators = [module_emulator]
    yield module_emulator
    module_emulator.serves()


def rows(table):
    return pytest.mark.parametrize("case", table.values(), ids=table.keys())


# ---- frames ----


def closing(code=None, reason=b""):
    """The close frame as a server sends it."""
    return encode_frame(CLOSE, (struct.pack(">H", code) if code else b"") + reason, mask=False)


def close(payload, **how):
    return encode_frame(CLOSE, payload, **how)


def code(number, reason=b""):
    return struct.pack(">H", number) + reason


def claimed(opcode, length):
    """The head of a frame that claims a length in 64 bits, and one byte of it."""
    return bytes([0x80 | opcode, 0xFF]) + struct.pack(">Q", length) + b"\0\0\0\0x"


BREACH = (closing(1002, b"Protocol error"), (1002, "Protocol error"))
TOO_BIG = (closing(1009, b"Message too big"), (1009, "Message too big"))
NOT_TEXT = (closing(1007, b"Invalid frame payload data"), (1007, "Invalid frame payload data"))
NOT_BINARY = (closing(1003, b"Unsupported data"), (1003, "Unsupported data"))

# What the client sends; what it gets, and the code and reason of $disconnect.
BREACHES = {
    **{f"opcode {opcode}": (encode_frame(opcode, b"x"), *BREACH) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{f"reserved bits {bits}": (encode_frame(TEXT, b"x", rsv=bits), *BREACH) for bits in (1, 2, 4, 7)},
    "a reserved bit of a ping": (encode_frame(PING, b"x", rsv=4), *BREACH),
    "a ping over 125 bytes": (encode_frame(PING, b"x" * 126), *BREACH),
    "a pong over 125 bytes": (encode_frame(PONG, b"x" * 126), *BREACH),
    "a close over 125 bytes": (close(code(1000, b"x" * 124)), *BREACH),
    "a ping that claims a megabyte": (claimed(PING, 1 << 20), *BREACH),
    "a ping in fragments": (encode_frame(PING, b"x", fin=False), *BREACH),
    "a pong in fragments": (encode_frame(PONG, b"x", fin=False), *BREACH),
    "a close in fragments": (close(code(1000), fin=False), *BREACH),
    "a close of one byte": (close(b"\x03"), *BREACH),
    "a continuation of nothing": (encode_frame(CONTINUATION, b"x"), *BREACH),
    "a first fragment that is a continuation": (encode_frame(CONTINUATION, b"x", fin=False), *BREACH),
    "a continuation after the end": (
        encode_frame(TEXT, b"a", fin=False) + encode_frame(CONTINUATION, b"b", fin=False) + encode_frame(TEXT, b"c"),
        *BREACH,
    ),
    "a message inside another": (encode_frame(TEXT, b"a", fin=False) + encode_frame(TEXT, b"b"), *BREACH),
    "a binary message inside another": (encode_frame(TEXT, b"a", fin=False) + encode_frame(BINARY, b"b"), *BREACH),
    "an unmasked text": (encode_frame(TEXT, b"hi", mask=False), *BREACH),
    "an unmasked empty text": (encode_frame(TEXT, b"", mask=False), *BREACH),
    "an unmasked close": (close(code(1000), mask=False), *BREACH),
    "HTTP in place of frames": (b"GET /dev HTTP/1.1\r\nHost: x\r\n\r\n", *BREACH),
    "zeros in place of frames": (bytes(64), *BREACH),
    "ones in place of frames": (b"\xff" * 64, *BREACH),
    "two breaches at once": (encode_frame(3, b"x") + encode_frame(4, b"x"), *BREACH),
    "a good frame behind a breach": (encode_frame(3, b"x") + encode_frame(TEXT, b"good"), *BREACH),
    "a length with the highest bit": (claimed(TEXT, 1 << 63), *BREACH),
    "a frame of 32 KB and a byte": (encode_frame(TEXT, b"x" * 32769), *TOO_BIG),
    "a frame that claims a terabyte": (claimed(TEXT, 1 << 40), *TOO_BIG),
    "a binary frame": (encode_frame(BINARY, b"x"), *NOT_BINARY),
    "a binary fragment": (encode_frame(BINARY, b"x", fin=False), *NOT_BINARY),
    "an empty binary frame": (encode_frame(BINARY, b""), *NOT_BINARY),
    "a lone continuation byte": (encode_frame(TEXT, b"a\x80b"), *NOT_TEXT),
    "an overlong form": (encode_frame(TEXT, b"\xc0\xaf"), *NOT_TEXT),
    "a surrogate": (encode_frame(TEXT, b"\xed\xa0\x80"), *NOT_TEXT),
    "beyond unicode": (encode_frame(TEXT, b"\xf4\x90\x80\x80"), *NOT_TEXT),
    "a cut sequence": (encode_frame(TEXT, b"\xe2\x82"), *NOT_TEXT),
    "a wrong byte in the first fragment": (
        encode_frame(TEXT, b"\xff", fin=False) + encode_frame(CONTINUATION, b"x"),
        *NOT_TEXT,
    ),
    "a sequence cut by the end of the fragments": (
        encode_frame(TEXT, b"\xe2", fin=False) + encode_frame(CONTINUATION, b"\x82"),
        *NOT_TEXT,
    ),
    "a close reason that is not UTF-8": (close(code(1000, b"\xff")), *NOT_TEXT),
}


@rows(BREACHES)
def test_a_breach_is_answered_with_one_close_frame(shared, case):
    sent, answered, end = case
    client = shared.connect()
    connection_id = shared.identify(client)
    client.stream.send(sent)
    assert client.stream.read_exactly(len(answered)) == answered
    client.stream.socket.shutdown(socket.SHUT_WR)
    assert client.stream.read_to_end() == b""
    assert shared.end_of(connection_id) == end


BAD_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999]


@pytest.mark.parametrize("number", BAD_CODES)
def test_a_close_code_that_must_not_be_sent_is_a_breach(shared, number):
    client = shared.connect()
    connection_id = shared.identify(client)
    client.send_frame(CLOSE, code(number))
    _, opcode, payload = client.receive_frame()
    assert (opcode, payload[:2]) == (CLOSE, code(1002))
    client.stream.close()
    assert shared.end_of(connection_id) == (1002, "Protocol error")


GOOD_CLOSES = {
    "no code": (b"", (1005, "Client-side close frame status not set")),
    "1000": (code(1000), (1000, "")),
    "1000 and a reason": (code(1000, b"bye"), (1000, "bye")),
    "1001": (code(1001), (1001, "")),
    "1011": (code(1011), (1011, "")),
    "3000": (code(3000), (3000, "")),
    "4999": (code(4999), (4999, "")),
    "the longest reason": (code(1000, b"x" * 123), (1000, "x" * 123)),
}


@rows(GOOD_CLOSES)
def test_a_close_frame_is_echoed_and_the_socket_ends(shared, case):
    payload, end = case
    client = shared.connect()
    connection_id = shared.identify(client)
    client.stream.send(close(payload) + encode_frame(TEXT, b"too late"))
    _, opcode, echoed = client.receive_frame()
    assert (opcode, echoed[:2]) == (CLOSE, payload[:2])
    assert client.stream.read_to_end() == b""
    assert shared.end_of(connection_id) == end


@pytest.mark.parametrize("cut", [1, 2, 4, 7], ids=["behind a byte", "in the length", "in the mask", "in the payload"])
def test_a_client_that_leaves_in_the_middle_of_a_frame_is_1006(shared, cut):
    client = shared.connect()
    connection_id = shared.identify(client)
    client.stream.send(encode_frame(TEXT, b"hello")[:cut])
    client.stream.close()
    assert shared.end_of(connection_id)[0] == 1006


GOOD_FRAMES = {
    "a frame": (encode_frame(TEXT, b"hi"), b"\x81\x02hi"),
    "an empty frame": (encode_frame(TEXT, b""), b"\x81\x00"),
    "a length in 16 bits that would fit in 7": (b"\x81\xfe\x00\x01\0\0\0\0x", b"\x81\x01x"),
    "a length in 64 bits that would fit in 7": (claimed(TEXT, 1), b"\x81\x01x"),
    "a mask of zeros": (b"\x81\x82\0\0\0\0hi", b"\x81\x02hi"),
    "126 bytes": (encode_frame(TEXT, b"x" * 126), b"\x81\x7e\x00\x7e" + b"x" * 126),
    "fragments": (encode_frame(TEXT, b"h", fin=False) + encode_frame(CONTINUATION, b"i"), b"\x81\x02hi"),
    "empty fragments": (encode_frame(TEXT, b"", fin=False) + encode_frame(CONTINUATION, b""), b"\x81\x00"),
    "a ping": (encode_frame(PING, b"p"), b"\x8a\x01p"),
    "a pong and a frame": (encode_frame(PONG, b"p") + encode_frame(TEXT, b"hi"), b"\x81\x02hi"),
}


@rows(GOOD_FRAMES)
def test_a_frame_is_answered_with_these_bytes(shared, case):
    sent, answered = case
    client = shared.connect()
    client.stream.send(sent)
    assert client.stream.read_exactly(len(answered)) == answered


@rows(GOOD_FRAMES)
def test_frames_may_come_byte_by_byte(shared, case):
    sent, answered = case
    client = shared.connect()
    for byte in sent:
        client.stream.send(bytes([byte]))
    assert client.stream.read_exactly(len(answered)) == answered


def unmasked(payload):
    """A text frame as a server sends it; RFC 6455, section 5.2."""
    length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + struct.pack(">H", len(payload))
    return b"\x81" + length + payload


@pytest.fixture
def in_order(start):
    """An emulator whose one environment answers one message after another."""
    return start(harness.api(functions={"echo": {"concurrency": 1}}))


def test_messages_that_come_together_are_answered_each_with_a_frame_of_its_own(in_order):
    # of all lengths, and more than fit into one write
    payloads = [bytes([97 + number % 26]) * length for number, length in enumerate([0, 1, 125, 126, 4000, 32768] * 12)]
    client = in_order.connect()
    client.stream.send(b"".join(encode_frame(TEXT, payload) for payload in payloads))
    expected = b"".join(unmasked(payload) for payload in payloads)
    assert client.stream.read_exactly(len(expected)) == expected


def test_messages_of_several_clients_that_come_together_reach_each_its_own(in_order):
    clients = [in_order.connect() for _ in range(8)]
    for number, client in enumerate(clients):
        client.stream.send(b"".join(encode_frame(TEXT, f"{number}.{count}".encode()) for count in range(50)))
    for number, client in enumerate(clients):
        assert [client.receive() for _ in range(50)] == [f"{number}.{count}" for count in range(50)]


def test_an_error_frame_has_these_bytes(shared):
    client = shared.connect()
    connection_id = shared.identify(client).encode()
    client.send('{"action":"fail"}')
    text = b'{"message": "Internal server error", "connectionId":"' + connection_id + b'", "requestId":"'
    length = len(text) + 16 + len(b'"}')
    frame = client.stream.read_exactly(2 + length)
    assert frame[:-18] == b"\x81" + bytes([length]) + text
    assert re.fullmatch(rb'[A-Za-z0-9_-]{15}="}', frame[-18:])


def test_a_ping_between_fragments_is_answered_and_the_message_too(shared):
    client = shared.connect()
    client.stream.send(encode_frame(TEXT, b"h", fin=False) + encode_frame(PING, b"p") + encode_frame(CONTINUATION, b"i"))
    assert sorted([client.receive_frame(), client.receive_frame()]) == [(True, TEXT, b"hi"), (True, PONG, b"p")]


# ---- heads ----


def get(line="GET /dev HTTP/1.1", change=(), more=""):
    """A handshake's bytes; `change` replaces text in its usual headers."""
    headers = f"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
    for old, new in change:
        assert old in headers
        headers = headers.replace(old, new)
    return f"{line}\r\n{headers}{more}\r\n".encode("latin-1")


SWITCHING = (
    rb"HTTP/1\.1 101 Switching Protocols\r\n" + DATE + rb"Connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: "
    + re.escape(ACCEPT) + rb"\r\n(sec-websocket-protocol: chat\r\n)?"
)  # fmt: skip


def refusal(status, reason, body, error_type=None, connection="keep-alive", version=False):
    """A regular expression of a refusal's bytes."""
    head = f"HTTP/1.1 {status} {reason}\r\n".encode()
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: {connection}\r\n".encode()
    kind = f"x-amzn-ErrorType: {error_type}\r\n".encode() if error_type else b""
    return (
        re.escape(head) + DATE + re.escape(length) + REQUEST_ID + kind + APIGW_ID
        + (rb"Sec-WebSocket-Version: 13\r\n" if version else b"") + rb"\r\n" + re.escape(body)
    )  # fmt: skip


FORBIDDEN = refusal(403, "Forbidden", b'{"message":"Forbidden"}', "ForbiddenException")
BAD = refusal(400, "Bad Request", b'{"message":"Bad Request"}', "BadRequestException", "close", version=True)
TOO_LARGE = refusal(
    431, "Request Header Fields Too Large", b'{"message":"Request Header Fields Too Large"}', "BadRequestException", "close"
)
TOO_LONG = refusal(414, "URI Too Long", b'{"message":"URI Too Long"}', "BadRequestException", "close")

GOOD_HEADS = {
    "the usual one": get(),
    "blank lines in front": b"\r\n\r\n" + get(),
    "Content-Length: 0": get(more="Content-Length: 0\r\n"),
    "a list in Connection": get(change=[("Connection: Upgrade", "Connection: keep-alive, Upgrade")]),
    "a list in Upgrade": get(change=[("Upgrade: websocket", "Upgrade: h2c, websocket")]),
    "values in another case": get(change=[("websocket", "WebSocket"), ("Connection: Upgrade", "Connection: uPGRADE")]),
    "blanks around values": get(change=[("Host: x", "Host:   x \t")]),
    "no blanks before values": get(change=[("Host: x", "Host:x")]),
    "an absolute target": get("GET http://x/dev HTTP/1.1"),
    "bytes over 127 in a header": get(more="X-Name: caf\xe9\r\n"),
    "an empty header": get(more="X-Empty:\r\n"),
    "a header of 4 KB": get(more=f"X-Long: {'x' * 4096}\r\n"),
}


@rows(GOOD_HEADS)
def test_a_head_is_answered_with_this_101(shared, case):
    stream = wire.Stream(shared.address)
    stream.send(case)
    assert re.fullmatch(SWITCHING, stream.read_until(b"\r\n\r\n") + b"\r\n")
    stream.close()


@pytest.mark.parametrize("protocol", ["chat", None])
def test_a_subprotocol_is_the_last_header(shared, protocol):
    stream = wire.Stream(shared.address)
    stream.send(get(f"GET /dev?protocol={protocol or ''} HTTP/1.1", more="Sec-WebSocket-Protocol: chat\r\n"))
    head = stream.read_until(b"\r\n\r\n") + b"\r\n"
    assert re.fullmatch(SWITCHING, head)
    assert head.endswith(b"sec-websocket-protocol: chat\r\n") is bool(protocol)
    stream.close()


BAD_HEADS = {
    "HTTP/1.0": (get("GET /dev HTTP/1.0"), BAD),
    "HTTP/2.0": (get("GET /dev HTTP/2.0"), BAD),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD),
    "POST": (get("POST /dev HTTP/1.1"), BAD),
    "a method in small letters": (get("get /dev HTTP/1.1"), BAD),
    "a method that nobody knows": (b"FOO /dev HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "CONNECT": (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "a body": (get(more="Content-Length: 3\r\n") + b"abc", BAD),
    "a chunked body": (get(more="Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n", BAD),
    "a folded line": (get(more="X-A: b\r\n c\r\n"), BAD),
    "a blank before the colon": (get(more="X-A : b\r\n"), BAD),
    "no colon": (get(more="garbage\r\n"), BAD),
    "an empty name": (get(more=": b\r\n"), BAD),
    "a nul": (get(more="X-A: a\0b\r\n"), BAD),
    "a control character": (get(more="X-A: a\x01b\r\n"), BAD),
    "a control character in the target": (get("GET /de\x01v HTTP/1.1"), BAD),
    "a blank in the target": (get("GET /dev x HTTP/1.1"), BAD),
    "version 12": (get(change=[("Version: 13", "Version: 12")]), BAD),
    "two versions": (get(change=[("Version: 13", "Version: 13, 8")]), BAD),
    "no key": (get(change=[(f"Sec-WebSocket-Key: {KEY}\r\n", "")]), BAD),
    "a short key": (get(change=[(KEY, "c2hvcnQ=")]), BAD),
    "no host": (get(change=[("Host: x\r\n", "")]), BAD),
    "no Connection": (get(change=[("Connection: Upgrade\r\n", "")]), BAD),
    "400 headers": (get(more="".join(f"X-{number}: y\r\n" for number in range(400))), BAD),
    "a head of 20 KB": (get(more=f"X-Large: {'x' * 20000}\r\n"), TOO_LARGE),
    "a URL of 4097 characters": (get("GET " + "/dev?q=".ljust(4097, "x") + " HTTP/1.1"), TOO_LONG),
    "lines that end in LF alone": (get().replace(b"\r\n", b"\n"), BAD),
    "no HTTP at all": (b"hello\r\n\r\n", BAD),
    "a request line without a version": (b"GET /dev\r\n\r\n", BAD),
}


@rows(BAD_HEADS)
def test_a_bad_head_is_answered_with_these_bytes_and_the_end(shared, case):
    sent, answered = case
    stream = wire.Stream(shared.address)
    stream.send(sent)
    assert re.fullmatch(answered, stream.read_to_end())
    stream.close()


def test_a_refused_handshake_has_these_bytes(shared):
    stream = wire.Stream(shared.address)
    stream.send(get("GET /nowhere HTTP/1.1"))
    assert re.fullmatch(FORBIDDEN, stream.read_until(b"}") + b"}")
    stream.close()


def test_a_handshake_that_a_function_refuses_has_these_bytes(shared):
    stream = wire.Stream(shared.address)
    stream.send(get("GET /dev?status=401 HTTP/1.1"))
    assert re.fullmatch(refusal(401, "Unauthorized", b""), stream.read_until(b"\r\n\r\n") + b"\r\n\r\n")
    stream.close()


def statuses(stream, count):
    return [stream.read_response().status for _ in range(count)]


PIPELINES = {
    "two refused handshakes": (get("GET /x HTTP/1.1") + get("GET /y HTTP/1.1"), [403, 403]),
    "a good handshake behind a refused one": (get("GET /x HTTP/1.1") + get(), [403, 101]),
    "a good one behind one that its function refused": (get("GET /dev?status=418 HTTP/1.1") + get(), [418, 101]),
    "a plain request behind a refused handshake": (get("GET /x HTTP/1.1") + b"GET /dev HTTP/1.1\r\nHost: x\r\n\r\n", [403, 426]),
    "a plain request before a handshake": (b"GET /dev HTTP/1.1\r\nHost: x\r\n\r\n" + get(), [426, 426]),
}


@rows(PIPELINES)
def test_requests_on_one_connection_are_answered_in_order(shared, case):
    sent, expected = case
    stream = wire.Stream(shared.address)
    stream.send(sent)
    assert statuses(stream, len(expected)) == expected
    stream.close()


def test_a_head_that_comes_slowly_is_given_up(start):
    emulator = start(harness.api(rules={"head-timeout": 200}))
    stream = wire.Stream(emulator.address)
    stream.send(b"GET /dev HTTP/1.1\r\nHost: x\r\n")
    answer = refusal(408, "Request Timeout", b'{"message":"Request Timeout"}', "RequestTimeoutException", "close")
    assert re.fullmatch(answer, stream.read_to_end())
    assert emulator.connect().ask("hello") == "hello"


@pytest.mark.parametrize("sent", [b"", b"\r\n\r\n", b"GET /dev HT"], ids=["nothing", "blank lines", "half a line"])
def test_a_client_that_leaves_before_its_head_is_complete_is_nothing(shared, sent):
    stream = wire.Stream(shared.address)
    stream.send(sent)
    stream.close()


# ---- @connections ----


class Receiver:
    """A client to post to."""

    def __init__(self, shared):
        self.client = shared.connect()
        self.target = shared.connection_target(shared.identify(self.client))


@pytest.fixture
def receiver(shared):
    return Receiver(shared)


def post(target, body=b"hi", headers=("Content-Length: 2",), version="1.1"):
    return "\r\n".join([f"POST {target} HTTP/{version}", "Host: x", *headers, "", ""]).encode() + body


CHUNKED = ("Transfer-Encoding: chunked",)

GOOD_POSTS = {
    "a length": (b"hi", ("Content-Length: 2",), b"hi"),
    "no length": (b"", (), b""),
    "chunks": (b"1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", CHUNKED, b"hi"),
    "a chunk with an extension": (b"2;a=b\r\nhi\r\n0\r\n\r\n", CHUNKED, b"hi"),
    "a chunk with a trailer": (b"2\r\nhi\r\n0\r\nX-Trailer: y\r\n\r\n", CHUNKED, b"hi"),
    "a chunk's size with zeros": (b"0002\r\nhi\r\n0\r\n\r\n", CHUNKED, b"hi"),
    "no chunks": (b"0\r\n\r\n", CHUNKED, b""),
    "an expectation that nobody knows": (b"hi", ("Content-Length: 2", "Expect: 200-ok"), b"hi"),
}


@rows(GOOD_POSTS)
def test_a_body_in_any_form_is_delivered(receiver, shared, case):
    body, headers, text = case
    stream = wire.Stream(shared.address)
    stream.send(post(receiver.target, body, headers))
    assert statuses(stream, 1) == [200]
    assert receiver.client.receive_bytes() == text
    stream.close()


def test_a_body_may_come_byte_by_byte(receiver, shared):
    stream = wire.Stream(shared.address)
    for byte in post(receiver.target):
        stream.send(bytes([byte]))
    assert statuses(stream, 1) == [200]
    assert receiver.client.receive() == "hi"
    stream.close()


def test_a_client_that_expects_100_continue_is_told_to(receiver, shared):
    stream = wire.Stream(shared.address)
    stream.send(post(receiver.target, b"", ("Content-Length: 2", "Expect: 100-continue")))
    assert stream.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
    stream.send(b"hi")
    assert statuses(stream, 1) == [200]
    assert receiver.client.receive() == "hi"
    stream.close()


KEEP_ALIVE = {
    "HTTP/1.1": (("Content-Length: 2",), "1.1", True),
    "HTTP/1.1 with close": (("Content-Length: 2", "Connection: close"), "1.1", False),
    "HTTP/1.0": (("Content-Length: 2",), "1.0", False),
    "HTTP/1.0 with keep-alive": (("Content-Length: 2", "Connection: keep-alive"), "1.0", True),
}


@rows(KEEP_ALIVE)
def test_a_connection_is_kept_as_the_client_asks(receiver, shared, case):
    headers, version, kept = case
    stream = wire.Stream(shared.address)
    stream.send(post(receiver.target, b"hi", headers, version))
    assert statuses(stream, 1) == [200]
    if not kept:
        assert stream.read_to_end() == b""
        return
    stream.send(post(receiver.target))
    assert statuses(stream, 1) == [200]
    stream.close()


def test_pipelined_posts_are_answered_and_delivered_in_order(receiver, shared):
    stream = wire.Stream(shared.address)
    stream.send(b"".join(post(receiver.target, f"{number:02}".encode()) for number in range(10)))
    assert statuses(stream, 10) == [200] * 10
    assert [receiver.client.receive() for _ in range(10)] == [f"{number:02}" for number in range(10)]
    stream.close()


def test_what_was_posted_before_a_delete_comes_before_the_close_frame(receiver, shared):
    stream = wire.Stream(shared.address)
    delete = f"DELETE {receiver.target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    stream.send(post(receiver.target, b"aa") + post(receiver.target, b"bb") + delete + post(receiver.target, b"cc"))
    assert statuses(stream, 4) == [200, 200, 204, 410]
    expected = unmasked(b"aa") + unmasked(b"bb") + b"\x88"
    assert receiver.client.stream.read_exactly(len(expected)) == expected
    stream.close()


def test_an_upgrade_behind_a_post_on_the_same_connection_is_told_426(receiver, shared):
    stream = wire.Stream(shared.address)
    stream.send(post(receiver.target) + get())
    assert statuses(stream, 2) == [200, 426]
    stream.close()


def test_a_post_behind_an_upgrade_is_no_frame(receiver, shared):
    stream = wire.Stream(shared.address)
    stream.send(get() + post(receiver.target))
    assert stream.read_response().status == 101
    assert stream.read_exactly(len(BREACH[0])) == BREACH[0]
    stream.close()


BAD_POSTS = {
    "a length that is no number": (b"hi", ("Content-Length: abc",), 400),
    "a negative length": (b"hi", ("Content-Length: -1",), 400),
    "a length that no number holds": (b"hi", ("Content-Length: 99999999999999999999999",), 400),
    "two lengths": (b"hi", ("Content-Length: 2", "Content-Length: 3"), 400),
    "a length and chunks": (b"2\r\nhi\r\n0\r\n\r\n", ("Content-Length: 2", *CHUNKED), 400),
    "a transfer coding that is not chunked": (b"hi", ("Transfer-Encoding: gzip",), 400),
    "a chunk without a size": (b"zz\r\nhi\r\n0\r\n\r\n", CHUNKED, 400),
    "a chunk with a negative size": (b"-2\r\nhi\r\n0\r\n\r\n", CHUNKED, 400),
    "a chunk that is longer than it says": (b"2\r\nhiXX0\r\n\r\n", CHUNKED, 400),
    "a chunk whose size no number holds": (b"ffffffffffffffffff\r\nhi\r\n0\r\n\r\n", CHUNKED, 413),
}


@rows(BAD_POSTS)
def test_a_body_that_makes_no_sense_is_refused_and_the_connection_ends(receiver, shared, case):
    body, headers, status = case
    stream = wire.Stream(shared.address)
    stream.send(post(receiver.target, body, headers))
    assert stream.read_to_end().startswith(f"HTTP/1.1 {status} ".encode())
    assert receiver.client.ask("nothing was delivered") == "nothing was delivered"
    stream.close()


@pytest.mark.parametrize("body,headers", [(b"h", ("Content-Length: 2",)), (b"2\r\nh", CHUNKED)], ids=["length", "chunk"])
def test_a_body_that_ends_early_is_not_delivered(receiver, shared, body, headers):
    stream = wire.Stream(shared.address)
    stream.send(post(receiver.target, body, headers))
    stream.close()
    assert receiver.client.ask("nothing was delivered") == "nothing was delivered"


def test_what_follows_a_post_and_is_no_request_ends_the_connection(receiver, shared):
    stream = wire.Stream(shared.address)
    stream.send(post(receiver.target) + b"garbage\r\n\r\n")
    answer = stream.read_to_end()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert receiver.client.receive() == "hi"


@pytest.mark.parametrize("method,status", [("GET", 200), ("DELETE", 204)])
def test_a_body_that_nobody_wants_is_read_over(receiver, shared, method, status):
    stream = wire.Stream(shared.address)
    request = f"{method} {receiver.target} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
    stream.send(request.encode() + b"GET /dev HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(stream, 2) == [status, 426]
    stream.close()


@pytest.mark.parametrize("target", ["/dev", "/dev/@connections/AAAAAAAAAAAAAAA="])
def test_the_answer_to_head_has_no_body(shared, target):
    stream = wire.Stream(shared.address)
    stream.send(f"HEAD {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    head = stream.read_to_end()
    assert head.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert head.endswith(b"\r\n\r\n")
